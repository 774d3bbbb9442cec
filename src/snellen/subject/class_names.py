"""The same class under two spellings: case, underscores, synonyms, WordNet ids."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

WNID = re.compile(r"n\d{8}")


def find_class(name: str, classes: Sequence[str]) -> int | None:
    """Which of the classes this name means; None when none does, or when more than one could.

    Tried in turn: the same text; the same but for case, underscores and hyphens (``Great_white-shark``); the
    first of several synonyms (``tench, Tinca tinca``); the name of a WordNet id, or the id of a name.

    >>> find_class("Great_White_Shark", ("tench", "great white shark"))
    1
    """
    exact, loose = _indices(tuple(classes))
    for spelling in _spellings(name):
        if spelling in exact:
            return exact[spelling]
    return next((loose[key] for key in _keys(name) if key in loose), None)


def unknown_classes(names: Sequence[str], classes: Sequence[str]) -> str:
    """The first few names with what comes close: ``'catt' (cat?), 'wolf', ...``."""
    listed = []
    for name in names[:5]:
        close = get_close_matches(name.lower(), [c.lower() for c in classes], n=1, cutoff=0.6)
        listed.append(f"{name!r} ({close[0]}?)" if close else repr(name))
    return ", ".join(listed) + (", ..." if len(names) > 5 else "")


def _spellings(name: str) -> list[str]:
    """The text itself, and the name of an id as it is written: ``Cardigan`` is a dog, ``cardigan`` is not."""
    readable = _imagenet().get(name.strip()) if WNID.fullmatch(name.strip()) else None
    return [name] if readable is None else [name, readable]


def _keys(name: str) -> list[str]:
    keys = [name, _plain(name), _plain(name.split(",")[0])]
    if WNID.fullmatch(name.strip()):
        readable = _imagenet().get(name.strip())
        keys += [readable, _plain(readable), _plain(readable.split(",")[0])] if readable else []
    return keys


@lru_cache(maxsize=8)
def _indices(classes: tuple[str, ...]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Index by exact text, then by the looser spellings; a spelling that two classes share is left out."""
    loose: defaultdict[str, set[int]] = defaultdict(set)
    exact: defaultdict[str, set[int]] = defaultdict(set)
    for index, name in enumerate(classes):
        for spelling in _spellings(name):
            exact[spelling].add(index)
        for key in _keys(name):
            loose[key].add(index)
    return _unique(exact), _unique(loose)


def _unique(indices: Mapping[str, set[int]]) -> Mapping[str, int]:
    return MappingProxyType({key: min(found) for key, found in indices.items() if len(found) == 1})


def _plain(name: str) -> str:
    return " ".join(re.sub(r"_|(?<=\w)-(?=\w)", " ", name.casefold()).split())


@lru_cache(maxsize=1)
def _imagenet() -> Mapping[str, str]:
    from snellen.subject.load.classes import imagenet_names, imagenet_wnids

    return MappingProxyType(dict(zip(imagenet_wnids(), imagenet_names(), strict=True)))
