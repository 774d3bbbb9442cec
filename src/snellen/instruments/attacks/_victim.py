"""The network under attack, as the methods see it: scores, slopes, and whether the goal is reached."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from snellen._errors import NetworkError, NotApplicable
from snellen._shapes import Logits, Pixels
from snellen.instruments._precision import bfloat16
from snellen.instruments.attacks._final_activation import watching
from snellen.instruments.attacks._goal import Goal
from snellen.subject.network import Network

Through = Literal["scores", "output"]
Loss = Callable[[Logits, Goal], Float[Tensor, "n"]]
Blackbox = Callable[[Pixels], Tensor]
DOUBT = 1e-4
FEW = 3
FULL_ONLY = ("view size is not compatible", "same dtype", "scalar type")
"""What PyTorch says where a forward is written for contiguous float32 alone."""
BOUNDED: Mapping[str, float] = {"sigmoid": 0.5, "hardsigmoid": 0.5, "softmax": 0.5}
"""Where a network with one output decides between two classes, by its last activation; 0 for all others."""


def cross_entropy(scores: Logits, goal: Goal) -> Float[Tensor, "n"]:
    """What FGSM and PGD climb."""
    return goal.cross_entropy(scores)


def negative_margin(scores: Logits, goal: Goal) -> Float[Tensor, "n"]:
    """What Carlini and Wagner climb; positive where the goal is reached."""
    return -goal.margin(scores)


@dataclass(eq=False)
class Counts:
    """What an attack cost, and the images it had no slope for.

    Attributes:
        queries: images shown forward.
        gradients: images shown forward and back.
        flat: images whose slope was exactly 0 at least once.
        activation: the last activation of the network, ``""`` where none was seen.
        noted: by place, pictures that were looked at in float32, their scores and outputs: see :meth:`Victim.note`.
        notes: what the method has to say of itself beside that; becomes part of the details.
    """

    queries: int = 0
    gradients: int = 0
    flat: int = 0
    activation: str | None = None
    noted: dict[int, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Slope:
    """One gradient: the loss of each image, its slope, and what the network said there."""

    gradient: Float[Tensor, "n c h w"]
    loss: Float[Tensor, "n"]
    scores: Logits
    achieved: Bool[Tensor, "n"]


@dataclass(frozen=True, eq=False)
class Look:
    """One forward: the scores (what goes into the last activation), and whether the real outputs reach the goal."""

    scores: Logits
    outputs: Logits
    achieved: Bool[Tensor, "n"]

    def __getitem__(self, rows: Tensor) -> "Look":
        return Look(self.scores[rows], self.outputs[rows], self.achieved[rows])


@dataclass(frozen=True, eq=False)
class Victim:
    """A network and one goal an image. ``victim[rows]`` is the same network with the goals of some images.

    Args:
        network: a Network, or any function from pixels (n, c, h, w) in [0, 1] to outputs: then there are no slopes.
        goal: one wish an image.
        through: differentiate from the ``scores`` that go into a last tanh, sigmoid or softmax, or from the ``output``.
        batch_size: images per pass.
        low: slopes in bfloat16 and channels last, where the network takes that; looks are always in float32.
        counts: shared by all that is made from this one.
        stops: without it no look and no slope says that a goal is reached, so that a method takes all its steps.
        places: (n,) where each image stands among all that are attacked; in this order if not given.
    """

    network: Network | Blackbox
    goal: Goal
    through: Through = "scores"
    batch_size: int = 64
    low: bool = False
    counts: Counts = field(default_factory=Counts)
    stops: bool = True
    places: Int[Tensor, "n"] | None = None

    def __getitem__(self, rows: Tensor) -> "Victim":
        return replace(self, goal=self.goal[rows], places=self._places[rows.cpu()])

    def __len__(self) -> int:
        return len(self.goal)

    @property
    def _places(self) -> Int[Tensor, "n"]:
        return torch.arange(len(self)) if self.places is None else self.places

    def towards(self, goal: Goal) -> "Victim":
        """The same network, another goal."""
        return replace(self, goal=goal)

    @property
    def differentiable(self) -> bool:
        """Whether slopes can be asked for."""
        return isinstance(self.network, Network)

    def look(self, pixels: Pixels) -> Look:
        """One forward of each image, without gradients."""
        found = []
        with torch.no_grad():
            for part in torch.arange(len(pixels)).split(self.batch_size):
                scores, outputs = self._forward(pixels[part], self.goal)
                self.goal.check(outputs.shape[1])
                found.append((scores.float(), outputs.float(), self.goal[part].achieved(outputs) & self.stops))
        self.counts.queries += len(pixels)
        return Look(*(torch.cat(values) for values in zip(*found, strict=True)))

    def look_singly(self, pixels: Pixels) -> Look:
        """The same, one image at a time: what an image gives does not depend on its batch mates."""
        return replace(self, batch_size=1).look(pixels)

    def look_surely(self, pixels: Pixels) -> Look:
        """The verdicts of :meth:`look_singly`, at the price of a batch where the batch leaves no doubt.

        Looked at singly are images whose margin is within ``DOUBT`` of their largest output, more than rounding moves
        it in another batch; and all of them, if there are fewer than three outputs, which can all be near 0, or if the
        first image does not give alone what it gives in the batch.
        """
        seen = self._recalled(pixels)
        if len(pixels) == 1 or self.batch_size == 1:
            return seen
        if seen.outputs.shape[1] < FEW:
            return self.look_singly(pixels)
        noise = DOUBT * seen.outputs.abs().amax(dim=1).clamp_min(1e-6)
        alone = self[torch.arange(1)].look(pixels[:1])
        if ((alone.outputs - seen.outputs[:1]).abs() > noise[0]).any():
            return self.look_singly(pixels)
        doubtful = (self.goal.margin(seen.outputs).abs() <= noise).nonzero()[:, 0]
        if len(doubtful):
            again = self[doubtful].look_singly(pixels[doubtful])
            for all_, some in ((seen.scores, again.scores), (seen.outputs, again.outputs)):
                all_[doubtful] = some
            seen.achieved[doubtful] = again.achieved
        return seen

    def note(self, pixels: Pixels, look: Look) -> None:
        """Spare :meth:`look_surely` a second look at the very same pictures."""
        parts = zip(self._places.tolist(), pixels, look.scores, look.outputs, strict=True)
        self.counts.noted.update({place: (image, scores, outputs) for place, image, scores, outputs in parts})

    def _recalled(self, pixels: Pixels) -> Look:
        answers = {}
        for row, (place, image) in enumerate(zip(self._places.tolist(), pixels, strict=True)):
            noted = self.counts.noted.get(place)
            if noted is not None and torch.equal(noted[0], image):
                answers[row] = noted[1:]
        if not answers:
            return self.look(pixels)
        new = torch.tensor([row for row in range(len(pixels)) if row not in answers], dtype=torch.long)
        if len(new):
            look = self[new].look(pixels[new])
            answers |= dict(zip(new.tolist(), zip(look.scores, look.outputs, strict=True), strict=True))
        scores, outputs = (torch.stack([answers[row][part] for row in range(len(pixels))]) for part in (0, 1))
        return Look(scores, outputs, self.goal.achieved(outputs) & self.stops)

    def slope(self, pixels: Pixels, loss: Loss = cross_entropy) -> Slope:
        """The gradient of each image's loss with respect to its pixels.

        Raises:
            NotApplicable: there is no gradient: a function, or a network that detaches or rounds.
            NetworkError: a gradient that is not finite; the backward raised.
        """
        if not self.differentiable:
            raise NotApplicable(
                "this attack needs gradients and the victim is a function that gives none: use 'square', or attack a "
                "surrogate network ('surrogate')"
            )
        parts = torch.arange(len(pixels)).split(self.batch_size)
        with torch.enable_grad():
            found = [self._slope(pixels[part].detach(), self.goal[part], loss) for part in parts]
        self.counts.gradients += len(pixels)
        return Slope(*(torch.cat(values) for values in zip(*found, strict=True)))

    def _slope(self, pixels: Tensor, goal: Goal, loss: Loss) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        low = self.low and "precision" not in self.counts.notes
        leaf = pixels.clone(memory_format=torch.channels_last if low else torch.contiguous_format).requires_grad_()
        try:
            with bfloat16(leaf.device.type) if low else nullcontext():
                scores, outputs = self._forward(leaf, goal)
        except NetworkError as error:
            if not low or not any(sign in str(error) for sign in FULL_ONLY):
                raise
            self.counts.notes["precision"] = "float32: the network's forward takes no bfloat16 or channels last"
            return self._slope(pixels, goal, loss)
        scores = scores.float()
        values = loss(scores, goal)
        gradient = self._gradient(values, leaf)
        self.counts.flat += int((gradient == 0).flatten(1).all(dim=1).sum())
        return gradient, values.detach(), scores.detach(), goal.achieved(outputs.float()) & self.stops

    def _gradient(self, values: Tensor, leaf: Tensor) -> Tensor:
        if values.grad_fn is not None:
            try:
                (gradient,) = torch.autograd.grad(values.sum(), leaf, allow_unused=True)
            except torch.OutOfMemoryError:
                raise
            except Exception as error:
                raise NetworkError(f"the network's backward raised {type(error).__name__}: {error}") from error
            if gradient is not None:
                if not torch.isfinite(gradient).all():
                    raise NetworkError(
                        "the gradient must be finite, got NaN or infinite values although the scores are finite: look "
                        "for sqrt, norm, log or a power at 0 in the network's forward; 'square' needs no gradient"
                    )
                return gradient.float().contiguous()
        raise NotApplicable(
            "a gradient from the scores to the pixels is needed and there is none: look for .detach(), "
            "torch.no_grad() or a rounding operation in the network's forward; 'square' and 'surrogate' need none"
        )

    def _forward(self, pixels: Tensor, goal: Goal) -> tuple[Tensor, Tensor]:
        if not isinstance(self.network, Network):
            outputs = checked(self.network(pixels), len(pixels), "the victim")
            return (two_columns(outputs, "") if goal.classes else outputs,) * 2
        if self.counts.activation == "":
            outputs = self.network.outputs(pixels)
            before = None
        else:
            with watching() as seen:
                outputs = self.network.outputs(pixels)
            before = seen.before(outputs)
            self.counts.activation = before[0] if before is not None else ""
        name, scores = before if before is not None else ("", outputs)
        if goal.classes:
            outputs, scores = two_columns(outputs, name), two_columns(scores, "")
        return (outputs if self.through == "output" else scores), outputs


def two_columns(outputs: Logits, activation: str) -> Logits:
    """One output that decides between two classes, as the scores of both; more outputs are left as they are."""
    if outputs.shape[1] > 1:
        return outputs
    return torch.cat([torch.full_like(outputs, BOUNDED.get(activation, 0.0)), outputs], dim=1)


def checked(outputs: object, count: int, name: str) -> Logits:
    """What a victim returned, as finite (n, k)."""
    if isinstance(outputs, Tensor) and outputs.shape == (count,):
        outputs = outputs[:, None]
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != count or outputs.shape[1] < 1:
        got = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise NetworkError(f"{name} must return outputs of shape ({count}, k), got {got}")
    if not torch.isfinite(outputs).all():
        raise NetworkError(f"{name} returned NaN or infinite outputs")
    return outputs
