"""Options that several commands share, said once: the fields of a dataclass."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any


def grouped(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """A command whose parameters that are dataclasses are given field by field, each field an option of its own.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Place:
    ...     street: str
    ...     number: int = 1
    >>> @grouped
    ... def post(place: Place, text: str = "") -> int:
    ...     return place.number
    >>> list(inspect.signature(post).parameters), post(street="Elm", number=3)
    (['street', 'number', 'text'], 3)
    """
    hints = typing.get_type_hints(function, include_extras=True)
    groups: dict[str, type[Any]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if dataclasses.is_dataclass(hints[name]):
            groups[name] = typing.cast(type[Any], hints[name])
            parameters += [_parameter(field) for field in dataclasses.fields(groups[name])]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name]))

    @functools.wraps(function)
    def run(**given: Any) -> int | None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
        return function(**given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(field: "dataclasses.Field[Any]") -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=field.type)
