"""The class names of a YOLO data set: the ``names`` of its YAML file, or one name a line."""

import re
from pathlib import Path

from snellen._errors import ImagesError

LISTS = ("classes.txt", "obj.names", "names.txt", "classes.names")
YAMLS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
FORMS = "names: [cat, dog], or names: and below it lines such as '  - cat' or '  0: cat'"


def yolo_names(folders: tuple[Path, ...]) -> tuple[tuple[str, ...], Path] | None:
    """The names in the first file found in these folders, and the file; None where there is none.

    Raises:
        ImagesError: a file whose names cannot be read.
    """
    for folder in folders:
        for name in (*YAMLS, *LISTS):
            path = folder / name
            if path.is_file():
                try:
                    text = path.read_text("utf-8-sig")
                except (OSError, UnicodeDecodeError) as error:
                    raise ImagesError(f"cannot read the class names in {path}: {error}") from error
                if name in LISTS:
                    return tuple(line.strip() for line in text.splitlines() if line.strip()), path
                return names_in_yaml(text, str(path)), path
    return None


def names_in_yaml(text: str, source: str) -> tuple[str, ...]:
    """The ``names`` of a data set's YAML, in any of the forms in which YOLO's tools write it.

    Only this entry is read, line by line; anchors, tags and text over several lines are not understood and refused.

    Raises:
        ImagesError: no such entry, another form, or numbers that are not 0 .. n - 1 once each.

    >>> names_in_yaml("nc: 2\\nnames: ['cat', 'a dog']", "here")
    ('cat', 'a dog')
    >>> names_in_yaml("names:\\n  0: cat\\n  1: dog  # the second", "here")
    ('cat', 'dog')
    """
    lines = [_uncommented(line) for line in text.splitlines()]
    start = next((i for i, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise ImagesError(f"{source} has no entry 'names'; expected {FORMS}")
    rest = lines[start].partition(":")[2].strip()
    block = []
    for line in lines[start + 1 :]:
        if line.strip() and not line.startswith((" ", "\t", "-", "]", "}")):
            break
        block.append(line.strip())
    whole = " ".join([rest, *block]).strip()
    if whole[:1] in ("[", "{"):
        inner = whole[1:].rpartition("]" if whole[0] == "[" else "}")[0]
        entries = re.findall(r"""(?:[^,"']|"[^"]*"|'[^']*')+""", inner)
        entries = [entry for entry in entries if entry.strip()]
    else:
        entries = [line for line in ([rest] if rest else []) + block if line]
    return _named(entries, source, listed=whole[:1] == "[")


def _named(entries: list[str], source: str, *, listed: bool) -> tuple[str, ...]:
    names: dict[int, str] = {}
    for position, entry in enumerate(entries):
        item = re.fullmatch(r"-\s+(.+)", entry.strip())
        numbered = re.fullmatch(r"""["']?(\d+)["']?\s*:\s*(.+)""", entry.strip())
        if listed or item:
            index, name = position, (item[1] if item else entry)
        elif numbered:
            index, name = int(numbered[1]), numbered[2]
        else:
            raise ImagesError(f"{source}: expected {FORMS}; got {entry.strip()[:60]!r}")
        names[index] = _unquoted(name)
    if not names or sorted(names) != list(range(len(entries))) or "" in names.values():
        raise ImagesError(f"{source}: expected a name for each class from 0 on, each once ({FORMS}); got {entries[:5]}")
    return tuple(names[index] for index in range(len(names)))


def _uncommented(line: str) -> str:
    """The line without a comment; a # within quotes is none."""
    found = re.match(r"""((?:[^#"']|"[^"]*"|'[^']*'|["']|(?<=\S)#)*)""", line)
    return (found[1] if found else line).rstrip()


def _unquoted(name: str) -> str:
    text = name.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
