"""Weights to begin with, for a network whose last layer may have another number of classes."""

from dataclasses import dataclass

from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError
from snellen.nets.saved import is_saved, read_saved
from snellen.subject.load.apply import apply_state
from snellen.subject.load.checkpoint import load_state
from snellen.subject.load.network import IMAGENET_MEAN, IMAGENET_STD
from snellen.subject.load.published import PUBLISHED, published_weights
from snellen.training.checkpoint import fingerprint


@dataclass(frozen=True, eq=False)
class Initial:
    """Weights and what is known of them.

    Attributes:
        state: name -> tensor.
        source: as the user named them.
        mean: what they were trained to have subtracted, per channel in units of [0, 1]; None if not known.
        std: likewise.
        notes: what reading had to do, one sentence each.
    """

    state: dict[str, Tensor]
    source: str
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What tells these weights from others."""
        return fingerprint(*self.state.values())


def read_initial(spec: str, network: str) -> Initial:
    """Read what ``--init`` names: ``imagenet`` for a VGG, a file of Snellen's, or any file of weights.

    Raises:
        UsageError: no published weights for this network.
        NetworkError: a file that cannot be read.
    """
    if spec == "imagenet":
        if network not in PUBLISHED:
            raise UsageError(f"ImageNet weights are published for {', '.join(PUBLISHED)}, not for {network}")
        state, notes = load_state(published_weights(network))
        return Initial(state, "ImageNet weights", IMAGENET_MEAN, IMAGENET_STD, notes)
    if is_saved(spec):
        saved = read_saved(spec)
        return Initial(dict(saved.module.state_dict()), spec, saved.mean, saved.std)
    state, notes = load_state(spec)
    unknown = f"{spec} does not say how its images were normalised: they are by the mean of the training images here"
    return Initial(state, spec, notes=(*notes, unknown))


def begin_with(module: nn.Module, initial: Initial) -> tuple[str, ...]:
    """Copy the weights into the module; a last layer of another size keeps its own random ones, and is named.

    Returns one sentence for each thing that was done.

    Raises:
        NetworkError: anything else does not fit; all that does not is listed.

    >>> import torch
    >>> begin_with(nn.Linear(2, 3), Initial({"weight": torch.zeros(5, 2), "bias": torch.zeros(5)}, "five.pt"))
    ('the last layer of five.pt has 5 classes and these are 3: it was replaced by a new one',)
    """
    state, notes = dict(initial.state), initial.notes
    name, head = _head(module)
    prefix = f"{name}." if name else ""
    theirs = state.get(f"{prefix}weight")
    if theirs is not None and theirs.ndim == 2 and theirs.shape[1:] == head.weight.shape[1:]:
        classes = theirs.shape[0]
        if classes != head.out_features:
            state |= {f"{prefix}{k}": v.detach().clone() for k, v in head.state_dict().items()}
            where = f"the last layer{f', {name},' if name else ''}"
            notes += (
                f"{where} of {initial.source} has {classes} classes and these are {head.out_features}: it was "
                "replaced by a new one",
            )
    return (*notes, *apply_state(module, state, source=initial.source))


def _head(module: nn.Module) -> tuple[str, nn.Linear]:
    found = [(name, inner) for name, inner in module.named_modules() if isinstance(inner, nn.Linear)]
    if not found:
        raise NetworkError(f"{type(module).__name__} has no linear layer that could be its last")
    return found[-1]
