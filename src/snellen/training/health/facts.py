"""What one observed step said, as values that checks judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from snellen.training.health.calls import LossCall, ModuleCall
from snellen.training.health.ctc import CtcCall
from snellen.training.health.flow import Activation, Entry
from snellen.training.health.fresh import Fresh
from snellen.training.health.functional import FunctionCall
from snellen.training.health.linear_runs import LinearRun
from snellen.training.health.mixing import Mixing
from snellen.training.health.recorder import Past
from snellen.training.health.registered import parameters_of
from snellen.training.health.setup import TrainingSetup
from snellen.training.health.silenced import Silenced

Verdict = Literal[
    "trained",
    "frozen on purpose",
    "forgotten random",
    "no path to the loss",
    "zero gradient",
    "stepped but unchanged",
    "learning rate 0",
    "graph cut",
]


@dataclass(frozen=True, eq=False)
class Parameter:
    """One parameter of the network.

    Attributes:
        name: its first name; ``aliases`` are the others of a tied weight.
        module: the name of its owner.
        groups: (optimizer, group, learning rate) of each place it is stepped from.
        grad: ``none``, ``zero``, ``finite`` or ``not finite``.
        grad_norm: Euclidean.
        reaches: the loss was computed from it, with a graph or without.
        called: its owner ran.
        consumes: names of the parameters that the data it is applied to was computed from.
        fresh: whether it looks as initialisation made it.
        changed: the optimizers' step changed a bit of it; None if no step was made.
        visible: a plain step lr |g| would have been large enough to be seen in its precision.
        alike: all its rows are the same, bit for bit, and so are those of its gradient up to rounding.
        decay_ratio: weight decay as a part of the gradient, wd |w| / |g|; 0 where there is none or it is decoupled.
        severed: the loss changes with it and no gradient comes back, as an experiment has
            shown: the operation that rounds, or ``outside`` of PyTorch.
        plain: a tensor that asks for a gradient, and no ``nn.Parameter``.
        applied: it was multiplied with data as a matrix or a filter, not only added or scaled with.
        written: the forward itself writes to it, as that of a network does which keeps an average of another.
        registered: ``network.parameters()`` knows it; false for a layer in a Python list, and for a plain tensor.
    """

    name: str
    module: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    requires_grad: bool
    groups: tuple[tuple[int, int, float], ...]
    grad: Literal["none", "zero", "finite", "not finite"]
    grad_norm: float
    reaches: bool
    called: bool
    consumes: frozenset[str]
    fresh: Fresh
    changed: bool | None
    visible: bool
    zeros: bool
    scheduled: bool
    registered: bool = True
    alike: bool = False
    applied: bool = True
    written: bool = False
    plain: bool = False
    severed: str = ""
    decay_ratio: float = 0.0

    @property
    def count(self) -> int:
        """Numbers in it."""
        return int(torch.Size(self.shape).numel())

    @property
    def trains(self) -> bool:
        """It is in an optimizer, asks for a gradient and gets one: it changes in this "
        "training, or will after warm-up."""
        moving = any(rate != 0 for _, _, rate in self.groups) or (bool(self.groups) and self.scheduled)
        return moving and self.requires_grad and self.grad != "none"


@dataclass(frozen=True, eq=False)
class Stranger:
    """A tensor that an optimizer holds and the network does not."""

    optimizer: int
    shape: tuple[int, ...]
    grad: bool


@dataclass(frozen=True, eq=False)
class Rule:
    """One optimizer: its class, its settings, whether it has made a step, and how much of it is this network's.

    ``shrinks``: the share of a weight that decay takes a step, in the group where it takes most. ``climbs``: it has
    ``maximize`` in all groups. ``hooked``: hooks of its own change its step, and are not run here.
    """

    name: str
    settings: dict[str, float | bool | str]
    rates: tuple[float, ...]
    stepped: bool
    scheduled: bool
    own: int
    duplicates: int
    shrinks: float = 0.0
    climbs: bool = False
    hooked: bool = False


@dataclass(frozen=True, eq=False)
class Trial:
    """The optimizers' step on this batch, and the loss of the same batch along it.

    ``losses``: (multiple of the actual update, loss), 0 and 1 among them; empty where no step was made. ``travelled``:
    the length of the update. ``stride``: the median over the weights of the length of their update as a part of theirs.
    """

    losses: tuple[tuple[float, float], ...]
    failure: str = ""
    travelled: float = 0.0
    stride: float = 0.0

    def at(self, multiple: float) -> float:
        """The loss after this multiple of the update; NaN if it was not tried."""
        return dict(self.losses).get(multiple, float("nan"))

    @property
    def critical(self) -> float:
        """The smallest multiple tried at which the loss is above where it began; infinity if none is."""
        start = self.at(0)
        return min((m for m, loss in self.losses if m > 0 and not loss <= start), default=float("inf"))


@dataclass(frozen=True, eq=False)
class Asked:
    """What else was given: one step of the user's own loop, a validation, the splits of the data, how long to try.

    ``past``: what the loop has done so far, where the audit is called by it.
    """

    step: Callable[[], Any] | None = None
    validate: Callable[[], Any] | None = None
    splits: Mapping[str, Any] = field(default_factory=dict)
    verify_steps: int = 0
    overfit_steps: int = 0
    past: Past | None = None


@dataclass(frozen=True)
class Marks:
    """Names of the parameters that some tensors of a step were computed from.

    Attributes:
        returned: what calls of the whole network returned; None if it was not called.
        drawn: the mean and deviation of a distribution that was drawn from without a gradient.
        drawn_into: parameters that were applied to what came of such a draw.
        chosen: numbers that were compared, sorted, or the largest of which was taken.
        aims: of each loss in ``losses``, its input, and its target if that has a gradient.
    """

    returned: frozenset[str] | None = None
    drawn: frozenset[str] = frozenset()
    drawn_into: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    aims: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()


@dataclass(frozen=True, eq=False)
class Observation:
    """One step of training, watched and undone.

    ``signs``: targets of losses that want -1 and 1; ``spread``: shapes of outputs and targets that
    the loss joined all with all; ``rewritten``: tensors of the batch that the step wrote to;
    ``unheld``: parameters of the loss that got a gradient and are in no optimizer.
    """

    setup: TrainingSetup
    loss: float
    has_graph: bool
    parameters: tuple[Parameter, ...]
    strangers: tuple[Stranger, ...]
    rules: tuple[Rule, ...]
    modules: tuple[ModuleCall, ...]
    activations: tuple[Activation, ...]
    used: int
    entries: tuple[Entry, ...]
    made: Mapping[str, int]
    losses: tuple[LossCall, ...]
    trial: Trial
    stale_grads: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    seed: int
    asked: Asked
    mixing: Mixing | None = None
    functions: tuple[FunctionCall, ...] = ()
    drops_in_evaluation: bool | None = None
    outputs: Tensor | None = None
    given: tuple[tuple[tuple[Any, ...], tuple[torch.Size, ...]], ...] = ()
    ctc: tuple[CtcCall, ...] = ()
    linear_runs: tuple[LinearRun, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    marks: Marks = field(default_factory=Marks)
    signs: tuple[tuple[str, Tensor], ...] = ()
    spread: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()
    rewritten: tuple[Tensor, ...] = ()
    unheld: tuple[str, ...] = ()

    @property
    def named(self) -> dict[str, Tensor]:
        """The parameters themselves, by their first name."""
        return parameters_of(self.setup.module)

    @property
    def first_step(self) -> bool:
        """No optimizer has made a step yet."""
        return not any(rule.stepped for rule in self.rules)

    @property
    def trained(self) -> frozenset[str]:
        """Names of the parameters that change in this training."""
        return frozenset(p.name for p in self.parameters if p.trains)

    def feeds(self, name: str) -> frozenset[str]:
        """The trained parameters whose data was computed from a parameter."""
        return frozenset(p.name for p in self.parameters if p.trains and name in p.consumes)
