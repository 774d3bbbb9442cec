"""The classifier whose trunk a detector begins with: by name, with random or given weights, or from a file."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snellen._errors import NetworkError, UsageError, unknown
from snellen.nets.classifiers import NETWORKS
from snellen.nets.saved import is_saved, read_saved
from snellen.nets.trunk import TRUNKS, Trunk
from snellen.subject.load.builtin import builtin_network
from snellen.training.checkpoint import fingerprint
from snellen.training.initial import read_initial

WIDTHS = (24, 48, 96, 128, 160)
"""Channels of the stages of a strided trunk, as many of them as its cells are halvings of the image."""
PREFIX = "features."


@dataclass(frozen=True, eq=False)
class Backbone:
    """A trunk to begin with.

    Attributes:
        name: as the user gave it.
        kind: one of :data:`snellen.nets.trunk.TRUNKS`.
        settings: what it is built with.
        state: weights of the classifier, by name; None for random ones.
        mean: what they were trained to have subtracted, per channel in units of [0, 1]; None if not known.
        std: likewise.
        notes: what reading had to do, one sentence each.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    _: KW_ONLY
    state: Mapping[str, Tensor] | None = field(default=None, repr=False)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str | None:
        """What tells the weights from others; None for random ones."""
        return None if self.state is None else fingerprint(*self.state.values())

    def built(self, cell: int) -> dict[str, Any]:
        """What the kind is built with for cells of so many pixels: a strided trunk has a stage a halving."""
        if self.kind != "strided":
            return dict(self.settings)
        stages = min(max(cell.bit_length() - 1, 1), len(WIDTHS))
        return {"widths": list(WIDTHS[:stages]), **self.settings}

    def give(self, trunk: Trunk) -> None:
        """Copy the weights into a trunk, which may have fewer layers.

        Raises:
            NetworkError: a layer has no weights, or of another shape.
        """
        if self.state is None:
            return
        own = trunk.features.state_dict()
        theirs = {name: self.state.get(PREFIX + name) for name in own}
        amiss = [n for n, tensor in own.items() if theirs[n] is None or theirs[n].shape != tensor.shape]  # type: ignore[union-attr]
        if amiss:
            raise NetworkError(
                f"{self.name} has no weights that fit {len(amiss)} of {len(own)} tensors of a trunk of {self.kind}, "
                f"such as {PREFIX}{amiss[0]}; give the weights of this architecture"
            )
        if any(not bool(torch.isfinite(t).all()) for t in theirs.values() if t is not None and t.is_floating_point()):
            raise NetworkError(f"{self.name} holds NaN or infinite weights; use an earlier file")
        trunk.features.load_state_dict({name: tensor for name, tensor in theirs.items() if tensor is not None})


def read_backbone(spec: str, init: str | None = None) -> Backbone:
    """The trunk that ``--backbone`` names.

    Args:
        spec: ``strided``, made for this; a network by the name that ``snellen train classify`` knows it by; a file that
            it wrote; or ``builtin``, the network of digits that comes with Snellen.
        init: weights for a network by name: a file, or ``imagenet`` for a VGG.

    Raises:
        UsageError: an unknown name, weights for what brings its own.
        NetworkError: a file that cannot be read, a network without a trunk that can be cut.

    >>> read_backbone("builtin").kind
    'small_vgg'
    """
    path = Path(spec).expanduser()
    if init is not None and (spec == "builtin" or path.is_file()):
        raise UsageError(f"--backbone {spec} brings its own weights; leave --init out, or name a network")
    if spec == "builtin":
        network = builtin_network()
        state = dict(network.module.state_dict())
        return Backbone(spec, "small_vgg", {}, state=state, mean=tuple(network.mean), std=tuple(network.std))
    if is_saved(path):
        saved = read_saved(path)
        if saved.kind not in TRUNKS:
            raise NetworkError(
                f"{path.name} is a {saved.kind}, which has no trunk of plain layers to put another head on; give one "
                f"of {', '.join(TRUNKS)}"
            )
        weights = dict(saved.module.state_dict())
        return Backbone(path.name, saved.kind, saved.settings, state=weights, mean=saved.mean, std=saved.std)
    if spec == "strided":
        if init is not None:
            raise UsageError("a strided trunk is trained with its detector; --init is for a network by name")
        return Backbone(spec, spec, {})
    known = {name: network for name, network in NETWORKS.items() if network.kind in TRUNKS}
    if spec not in known:
        raise unknown("backbone", spec, ("builtin", "strided", "FILE.safetensors", *known))
    settings = known[spec].settings(2, (64, 64))
    if init is None:
        return Backbone(spec, known[spec].kind, settings)
    given = read_initial(init, spec)
    return Backbone(
        f"{spec} ({given.source})",
        known[spec].kind,
        settings,
        state=given.state,
        mean=given.mean,
        std=given.std,
        notes=given.notes,
    )
