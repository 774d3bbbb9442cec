"""An attack by its name, with a budget as people write it."""

from dataclasses import fields
from typing import Any

from snellen._errors import UsageError, unknown
from snellen.instruments.attacks import METHODS
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._budget import read_eps
from snellen.instruments.attacks._norms import NORMS


def named_attack(
    method: str, *, norm: str | None = None, eps: str | None = None, steps: int | None = None
) -> tuple[Attack, str]:
    """The attack, and how its budget was read (empty where none was given).

    Args:
        method: a name of ``METHODS``.
        norm: ``linf``, ``l2`` ...; the method's own first if not given.
        eps: the budget; the method's own if not given.
        steps: of the method; its own number if not given.

    Raises:
        UsageError: an unknown name, a method without steps or without this norm, a budget that is none or missing.

    >>> named_attack("pgd", eps="4/255", steps=10)[0]
    PGD(norm=Linf(eps=4/255), steps=10, step=None, restarts=1)
    """
    if method not in METHODS:
        raise unknown("attack", method, METHODS)
    kind = METHODS[method]
    settings: dict[str, Any] = {}
    if steps is not None:
        if "steps" not in {field.name for field in fields(kind)}:
            raise UsageError(f"{method} has no steps; leave --steps out")
        settings["steps"] = steps
    name = norm or kind.norms[0].name
    known = {one.name: one for one in kind.norms}
    if name not in {*NORMS, *known}:
        raise unknown("norm", name, {*NORMS, *known})
    if name not in known:
        raise UsageError(f"{method} knows the norms {', '.join(known)}, got {name}")
    if eps is not None:
        settings["norm"], said = read_eps(eps, name)
        return kind(**settings), said
    if norm is not None:
        if kind.needs_budget:
            raise UsageError(f"{method} needs a budget in {norm}: give --eps, such as 8/255 for linf or 0.5 for l2")
        settings["norm"] = known[name]()
    return kind(**settings), ""
