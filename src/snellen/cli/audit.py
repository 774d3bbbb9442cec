"""``snellen audit``: is a training set-up sound?"""

from pathlib import Path
from typing import Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, verb


@verb
def audit(
    setup: Annotated[
        str,
        typer.Argument(
            metavar="SETUP",
            help="file.py:setup or package.module:setup. It returns (network, optimizers, batch, loss), and as a fifth "
            "a dict of step, validate or splits if they are to be looked at.",
        ),
    ],
    verify: Annotated[
        int, typer.Option(min=0, metavar="STEPS", help="Try the remedies for forgotten layers for so many steps.")
    ] = 0,
    overfit: Annotated[
        int, typer.Option(min=0, metavar="STEPS", help="Try to learn the one batch by heart in so many steps.")
    ] = 0,
    out: o.Out = Path("audit"),
    json: o.Json = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> int:
    """Audit a training set-up: what becomes of each parameter, modes, loss, rates, units. Exit code 1 on errors."""
    from snellen._errors import UsageError
    from snellen.exam.audit import audit_training
    from snellen.subject.load.factory import made_by

    o.check_destinations(out, json)
    if ":" not in setup:
        raise UsageError(f"SETUP reads file.py:function or package.module:function, got {setup!r}")
    made = made_by(setup)
    if not isinstance(made, tuple | list) or not 4 <= len(made) <= 5:
        got = f"{len(made)} things" if isinstance(made, tuple | list) else type(made).__name__
        raise UsageError(f"{setup} should return (network, optimizers, batch, loss), got {got}")
    more = made[4] if len(made) == 5 else {}
    if not isinstance(more, dict) or not set(more) <= {"step", "validate", "splits"}:
        raise UsageError(
            f"the fifth thing that {setup} returns should be a dict of step, validate or splits, got {more!r}"
        )
    findings = audit_training(*made[:4], **more, verify_steps=verify, overfit_steps=overfit, seed=seed)
    deliver(findings, out=out, json_to=json, quiet=quiet)
    return 1 if findings.errors else 0
