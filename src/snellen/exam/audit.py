"""Is a training set-up sound? One step is watched, judged and undone."""

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from snellen._errors import UsageError
from snellen.checks.training import CHECKS
from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._targets import unusable
from snellen.exam.how import how
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.subject.network import Network
from snellen.training.health.facts import Asked, Observation
from snellen.training.health.observe import StepFailed, observe

FIRST = (
    *("parameters", "gradient", "optimizer", "modes", "loss_input", "initial_loss", "learning_rate"),
    *("zero_grad", "movement", "divergence"),
)


def audit_training(
    network: nn.Module | Network,
    optimizers: Optimizer | Sequence[Optimizer],
    batch: Any,
    loss: Callable[..., Any],
    *,
    step: Callable[[], Any] | None = None,
    validate: Callable[[], Any] | None = None,
    splits: Mapping[str, Any] | None = None,
    verify_steps: int = 0,
    overfit_steps: int = 0,
    seed: int = 0,
) -> Findings:
    """Audit a training set-up: one verdict a parameter, and what is wrong with modes, loss, rates and units.

    One step is made (forward, backward, the optimizers' step) and undone: parameters, buffers, gradients, optimizer
    state, modes, hooks and random generators are bit for bit what they were. It may be called before training or at any
    step within the loop; :class:`snellen.TrainingAudit` is called by the loop itself.

    Args:
        network: a module or a Network.
        optimizers: one or a list; all that step in the same training, so that none of their parameters is taken for
            forgotten.
        batch: ``(inputs, targets)``, a dict or a list of them, or anything that the loss knows.
        loss: ``loss(outputs, targets)`` or ``loss(network, batch)``, to one number.
        step: one step of your own loop; it is made twice, to see whether gradients are cleared.
        validate: your own validation; it is run once, to see its modes.
        splits: loaders, datasets or tensors by name, such as ``train`` and ``test``, to look for shared images.
        verify_steps: tries the remedies for forgotten layers on copies, for so many steps (0: not).
        overfit_steps: tries to learn the batch by heart on a copy (0: not).
        seed: of what the step draws.

    Raises:
        UsageError: an argument is none of these.
        NetworkError: the step itself raises.

    >>> from torch import nn, optim, rand, zeros
    >>> net = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
    >>> sgd = optim.SGD(net[2].parameters(), lr=0.1)
    >>> found = audit_training(net, sgd, (rand(8, 16), zeros(8).long()), nn.CrossEntropyLoss())
    >>> found.errors[0].title
    'Forgotten: 0 is random and never trained'
    """
    if min(verify_steps, overfit_steps) < 0:
        raise UsageError(f"verify_steps and overfit_steps must be 0 or more, got {verify_steps} and {overfit_steps}")
    asked = Asked(step, validate, splits or {}, verify_steps, overfit_steps)
    return audited(network, optimizers, batch, loss, asked=asked, seed=seed)


def audited(
    network: nn.Module | Network,
    optimizers: Optimizer | Sequence[Optimizer],
    batch: Any,
    loss: Callable[..., Any],
    *,
    asked: Asked,
    seed: int,
) -> Findings:
    """One step watched, judged by every check and undone; see :func:`audit_training`."""
    began = time.perf_counter()
    if not isinstance(network, Network | nn.Module):
        raise UsageError(f"audit_training expects an nn.Module or a Network, got {type(network).__name__}")
    wrapped = network if isinstance(network, Network) else Network(network)
    try:
        seen = observe(network, optimizers, batch, loss, seed=seed, asked=asked)
    except StepFailed as failure:
        known = unusable(failure.losses)
        if known is None:
            raise
        spent = time.perf_counter() - began
        return Findings((known,), subject={"network": wrapped.name}, run=how("audit", seed, spent, wrapped))
    found = [f for name in _order() for f in _ask(name, CHECKS[name](), seen)]
    return Findings(
        tuple(found),
        subject=_describe(wrapped, seen),
        run=how("audit", seed, time.perf_counter() - began, wrapped),
    )


def _describe(network: Network, seen: Observation) -> dict[str, Any]:
    return {
        "network": network.name,
        "optimizers": ", ".join(
            f"{r.name} (lr {', '.join(f'{x:g}' for x in dict.fromkeys(r.rates))})" for r in seen.rules
        ),
        "batch": f"{seen.setup.size} examples",
        "loss": f"{seen.loss:.4g}",
        "parameters": sum(p.count for p in seen.parameters),
    }


def _order() -> list[str]:
    """As a reader wants them: what is trained, how, on what, and how it goes."""
    known = [name for name in FIRST if name in CHECKS]
    return known + [name for name in CHECKS if name not in known]


def _ask(name: str, check: TrainingCheck, seen: Observation) -> Sequence[Finding]:
    try:
        return tuple(check(seen))
    except Exception as error:
        lines = tuple((line.rstrip(),) for line in traceback.format_exc().splitlines())
        return (
            Finding(
                f"training/{name}",
                "warning",
                "The check crashed",
                f"{type(error).__name__}: {error}. The other findings are not affected.",
                remedy="This is a defect of the check or an unusual set-up: please report it with the lines below.",
                evidence=(Table("Traceback", ("line",), lines, shown=40),),
            ),
        )
