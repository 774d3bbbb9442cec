"""A budget as people write it, and a sentence that says how it was read."""

import math
import re

from snellen._errors import UsageError, unknown
from snellen.instruments.attacks._norms import L0, L2, NORMS, Linf, Norm
from snellen.instruments.attacks._window import Window

NUMBER = r"\s*(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*"
KNOWN = (*NORMS, Window.name)
WRITTEN = re.compile(rf"{NUMBER}(?:/{NUMBER})?")


def read_eps(text: str, norm: str = "linf") -> tuple[Norm, str]:
    """The norm with its budget, and how the text was read.

    In ``linf`` a number up to 1 is a part of the range of pixels, a larger one counts levels of 8 bits, and what is
    used is whole levels. ``l2`` is the length of the change of pixels in [0, 1], ``l0`` the count of pixels, ``window``
    the part of the image that a patch covers.

    Args:
        text: ``8/255``, ``0.031`` or ``8``.
        norm: ``linf``, ``l2``, ``l0`` or ``window``.

    Raises:
        UsageError: no positive number; less than one level or more than all of them; an unknown norm.

    >>> read_eps("8")
    (Linf(eps=8/255), 'eps 8 is more than 1: read as levels, 8 of 255 (eps 0.03137)')
    >>> read_eps("0.031")[1]
    'eps 0.031 is 7.905 levels of 255: whole levels are used, 7 (eps 0.02745)'
    """
    if norm not in KNOWN:
        raise unknown("norm", norm, KNOWN)
    value, text = _value(text), text.strip()
    if norm == Linf.name:
        return _linf(value, text)
    if norm == L2.name:
        return L2(value), f"eps {text} is the Euclidean length of the change of all values, pixels in [0, 1]"
    if norm == Window.name:
        return Window(value), f"eps {text} is the part of the image that the patch covers"
    if value < 1:
        raise UsageError(f"eps of l0 counts pixels and must be at least 1, got {text}")
    kept = math.floor(value)
    return L0(kept), f"eps {text} is the number of pixels that may change: {kept}"


def _linf(value: float, text: str) -> tuple[Norm, str]:
    counted = value > 1 and "/" not in text
    eps = value / 255 if counted else value
    if eps > 1:
        raise UsageError(f"eps of linf is at most the whole range, 1 or 255 levels; got {text}")
    budget = Linf(eps)
    if counted:
        rounded = "" if value == budget.levels else ", rounded down"
        return budget, f"eps {text} is more than 1: read as levels, {budget.levels} of 255{rounded} ({_part(budget)})"
    if eps == 1:
        return budget, f"eps {text} is the whole range, 255 of 255 levels; one level is 1/255"
    if math.isclose(255 * eps, budget.levels, abs_tol=1e-6):
        return budget, f"eps {text} is {budget.levels} of 255 levels ({_part(budget)})"
    return (
        budget,
        f"eps {text} is {255 * eps:.4g} levels of 255: whole levels are used, {budget.levels} ({_part(budget)})",
    )


def _part(budget: Linf) -> str:
    return f"eps {budget.radius:.4g}"


def _value(text: str) -> float:
    found = WRITTEN.fullmatch(text)
    above, below = (0.0, 1.0) if found is None else (float(found[1]), float(found[2] or 1))
    value = above / below if below else math.inf
    if not 0 < value < math.inf:
        raise UsageError(f"eps must be a positive number such as 8/255, 0.031 or 8 (levels), got {text!r}")
    return value
