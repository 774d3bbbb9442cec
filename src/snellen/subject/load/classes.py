"""Names of classes: ImageNet's thousand, and lists from a file."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from snellen._errors import NetworkError


@cache
def _imagenet() -> tuple[tuple[str, str], ...]:
    text = resources.files("snellen.subject.load").joinpath("imagenet_classes.json").read_text("utf-8")
    return tuple((wnid, name) for wnid, name in json.loads(text))


def imagenet_names() -> tuple[str, ...]:
    """The 1,000 readable names of ImageNet-1k in the order of the outputs; no two are equal.

    The two cranes and the two maillots carry their WordNet id in brackets.

    >>> imagenet_names()[:2]
    ('tench', 'goldfish')
    """
    return tuple(name for _, name in _imagenet())


def imagenet_wnids() -> tuple[str, ...]:
    """The 1,000 WordNet ids of ImageNet-1k in the order of the outputs, which is their alphabetical order.

    >>> imagenet_wnids()[0]
    'n01440764'
    """
    return tuple(wnid for wnid, _ in _imagenet())


def read_class_list(path: str | Path) -> tuple[str, ...]:
    """The names of the classes in a file, in the order of the outputs.

    Args:
        path: text with one name a line; or JSON: a list of names, an object index -> name (or index ->
            [id, name]), or an object name -> index.

    Raises:
        NetworkError: no such file, not readable, an empty name, or indices that are not 0 .. n - 1 once each.

    >>> read_class_list("classes.txt")  # doctest: +SKIP
    ('cat', 'dog')
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkError(f"cannot read the class names in {path}: {error}. Expected UTF-8 text or JSON.") from error
    if path.suffix.lower() != ".json":
        names: object = text.rstrip().splitlines()
    else:
        try:
            names = json.loads(text)
        except ValueError as error:
            raise NetworkError(f"{path} is not JSON: {error}. Mend it, or give one name a line in a .txt.") from error
    return class_names(names, source=str(path))


def class_names(value: object, *, source: str) -> tuple[str, ...]:
    """The names in a list, an index -> name or a name -> index mapping, in the order of the outputs.

    Raises:
        NetworkError: it is none of these, a name is empty, or the indices are not 0 .. n - 1 once each.

    >>> class_names({"cat": 1, "ant": 0}, source="here")
    ('ant', 'cat')
    """
    if isinstance(value, Mapping):
        value = _ordered(value, source)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise NetworkError(
            f"{source}: expected a list of class names, index -> name or name -> index, got {_brief(value)}"
        )
    names = tuple(_name(entry, source).strip() for entry in value)
    if "" in names:
        raise NetworkError(f"{source}: the name of class {names.index('')} is empty; expected one name for each")
    return names


def _ordered(value: Mapping[object, object], source: str) -> list[object]:
    by_name = all(isinstance(index, int) and not isinstance(index, bool) for index in value.values())
    pairs = [(index, name) for name, index in value.items()] if by_name else list(value.items())
    try:
        names = {int(str(index)): name for index, name in pairs}
    except ValueError as error:
        raise NetworkError(f"{source}: expected index -> name or name -> index: {error}") from error
    if sorted(names) != list(range(len(pairs))):
        raise NetworkError(
            f"{source}: expected the indices 0 to {len(pairs) - 1}, each once; "
            f"got {_brief(sorted(str(index) for index, _ in pairs))}"
        )
    return [names[index] for index in range(len(names))]


def _name(entry: object, source: str) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Sequence) and entry and isinstance(entry[-1], str):
        return entry[-1]
    raise NetworkError(f"{source}: expected the name of a class as text, got {_brief(entry)}")


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
