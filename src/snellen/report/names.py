"""Any words as a name that is safe in a path, in a link and on every file system."""

import re
import unicodedata
from collections.abc import Callable

_LONGEST = 60


def slug(text: str) -> str:
    """Lower-case letters, digits and hyphens, at most 60 of them.

    Example:
        >>> slug("explanation/saliency"), slug("../../etc/Passwd"), slug("猫")
        ('explanation-saliency', 'etc-passwd', 'unnamed')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST].strip("-") or "unnamed"


def unique() -> Callable[[str], str]:
    """A function that gives each name back, with ``-2``, ``-3`` ... where it gave it before."""
    given: set[str] = set()

    def distinct(name: str) -> str:
        candidate, n = name, 1
        while candidate in given:
            n += 1
            candidate = f"{name}-{n}"
        given.add(candidate)
        return candidate

    return distinct


def row_anchor(name: object) -> str:
    """The anchor of the row that tells of a layer: its name, with nothing that a link must not hold.

    Example:
        >>> row_anchor("layer1.0.conv1"), row_anchor("a b#c")
        ('row-layer1.0.conv1', 'row-a-b-c')
    """
    return "row-" + re.sub(r"[^\w.]", "-", str(name))
