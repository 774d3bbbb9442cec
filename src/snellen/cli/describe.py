"""``snellen describe METHOD``: its page of prose."""

import inspect
from dataclasses import MISSING, fields
from typing import Annotated, Any

import typer

from snellen.cli import options as o
from snellen.cli.console import say, verb, write_json


@verb
def describe(
    method: Annotated[str, typer.Argument(help="The name of a method or a check; 'snellen list' names them.")],
    json: o.Json = None,
) -> None:
    """Print what a method does, its formula, settings, an example and the paper."""
    from snellen._errors import unknown
    from snellen.exam.catalogue import catalogue
    from snellen.findings.findings import SCHEMA_VERSION

    known = {name: (family, found) for family, methods in catalogue().items() for name, found in methods.items()}
    if method not in known:
        raise unknown("method", method, known)
    family, found = known[method]
    text = inspect.getdoc(found) or ""
    settings = {f.name: _default(f) for f in fields(found) if f.init}
    if json is not None:
        page = {"name": method, "family": family, "class": f"{found.__module__}.{found.__qualname__}"}
        write_json({"schema_version": SCHEMA_VERSION, **page, "text": text, "settings": settings}, json)
    if json != "-":
        lines = "".join(f"    {name} = {value}\n" for name, value in settings.items())
        say(f"{method} ({family})\n\n{text}\n\nSettings and their defaults:\n{lines or '    none'}\n")
        say(f"\nIn Python: from {found.__module__} import {found.__qualname__}\n")


def _default(field: Any) -> str:
    if field.default is not MISSING:
        return repr(field.default)
    return repr(field.default_factory()) if field.default_factory is not MISSING else "required"
