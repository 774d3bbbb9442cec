"""What every attack shares: the goal, the budget, the judging. A method proposes; the base decides."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Labels, Logits, Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Goal, Targeted, Untargeted
from snellen.instruments.attacks._lattice import LEVELS, NOISE, inside, levels, rounded
from snellen.instruments.attacks._norms import Linf, Norm
from snellen.instruments.attacks._repair import repaired
from snellen.instruments.attacks._victim import Blackbox, Through, Victim
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

GROUP = 64 << 20  # bytes of pixels that one call of a method works on
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Adversarial:
    """What an attack found. All is judged by the network's real outputs, one image at a time where that could matter.

    Attributes:
        images: (n, c, h, w) pictures of 8 bits (multiples of 1/255) that reach the goal; where none was found, the
            original.
        success: (n,) whether the picture of 8 bits reaches the goal. True where the original does.
        already: (n,) the original reaches the goal: nothing had to be changed.
        distance: (n,) float64, size of the change in the attack's norm; 0 where ``already``, infinite where it failed.
        float_images: (n, c, h, w) what was found before rounding; the original where nothing was.
        float_success: (n,) whether these reach the goal.
        float_distance: (n,) as ``distance``.
        before: (n, k) outputs on the originals.
        after: (n, k) outputs on ``images``.
        details: what the attack has to say of itself; ``queries`` and ``gradients`` count images shown to the network.
    """

    images: Pixels
    success: Bool[Tensor, "n"]
    already: Bool[Tensor, "n"]
    distance: Float[Tensor, "n"]
    float_images: Pixels
    float_success: Bool[Tensor, "n"]
    float_distance: Float[Tensor, "n"]
    before: Logits
    after: Logits
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def float_only(self) -> Bool[Tensor, "n"]:
        """Adversarial as numbers, no longer so as a picture of 8 bits."""
        return self.float_success & ~self.success


@dataclass(frozen=True)
class Attack(ABC):
    """Attacks a quiet network and judges the result. A method writes :meth:`perturb`.

    Args:
        norm: how a change is measured, and its budget.
    """

    norm: Norm = field(default_factory=lambda: Linf(8 / 255))
    norms: ClassVar[tuple[type[Norm], ...]] = (Linf,)
    """The norms that the method knows."""
    needs_budget: ClassVar[bool] = True
    """Whether the norm must have an ``eps``: not so where the least change is looked for."""
    joint: ClassVar[bool] = False
    """Whether one change is made for all images together."""

    def __post_init__(self) -> None:
        if not isinstance(self.norm, self.norms):
            known = ", ".join(norm.__name__ for norm in self.norms)
            raise UsageError(f"{type(self).__name__} knows the norms {known}, got {self.norm!r}")
        if self.needs_budget and not self.norm.bounded:
            raise UsageError(f"{type(self).__name__} needs a budget: give eps, as in {type(self.norm).__name__}(0.03)")

    @final
    def __call__(
        self,
        network: Network | Blackbox,
        pixels: Pixels,
        labels: Labels | Goal,
        *,
        target: Labels | int | None = None,
        seed: int = 0,
        batch_size: int = 64,
        through: Through = "scores",
        progress: Progress = lambda _done, _total: None,
    ) -> Adversarial:
        """Change every image until the network errs.

        Args:
            network: left exactly as it was; or any function from pixels to outputs, for attacks without gradients.
            pixels: (n, c, h, w) float in [0, 1]; the picture of 8 bits next to each is what is attacked.
            labels: (n,) the true classes; or a goal, as for a regression (:class:`..._goal.Moved`).
            target: a class for all images, or one class an image, that is to be answered; without it any wrong one.
            seed: the same seed gives the same result; an image's does not depend on its batch mates.
            batch_size: images per pass; bounds the memory.
            through: differentiate through the ``scores`` before a last tanh, sigmoid or softmax, or the ``output``.
            progress: called with (images done, images in all).

        Raises:
            UsageError: pixels outside [0, 1] or of the wrong shape, labels that do not fit, a target that is the label.
            NotApplicable: the method needs gradients and there are none.
            NetworkError: the network raised, or returned what is no row of finite numbers; a gradient not finite.
        """
        goal = as_goal(labels, target, pixels)
        if isinstance(network, Network):
            network.check_pixels(pixels)
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        if through not in ("scores", "output"):
            raise UsageError(f"through must be scores or output, got {through!r}")
        device = network.device if isinstance(network, Network) else pixels.device
        shown = levels(pixels.detach())
        group = max(batch_size, GROUP // shown[0].nbytes) if not self.joint else len(shown)
        parts = []
        victim = Victim(network, goal, through=through, batch_size=batch_size)
        module = network.module if isinstance(network, Network) else torch.nn.Identity()
        with torch.inference_mode(False), torch.no_grad(), quiet(module, seed=seed):
            for rows in torch.arange(len(shown)).split(group):
                draws = Draws.of(shown[rows].byte(), seed)
                parts.append(self._group(victim[rows], shown[rows].to(device) / LEVELS, draws))
                progress(int(rows[-1]) + 1, len(shown))
        counts = victim.counts
        details = {
            "queries": counts.queries,
            "gradients": counts.gradients,
            "flat": counts.flat,
            "activation": counts.activation or "",
            **counts.notes,
        }
        names = [f.name for f in fields(Adversarial) if f.name != "details"]
        found = {n: torch.cat(v).to(pixels.device) for n, v in zip(names, zip(*parts, strict=True), strict=True)}
        return Adversarial(**found, details=details)

    def _group(self, victim: Victim, originals: Pixels, draws: Draws) -> tuple[Tensor, ...]:
        first = victim.look_surely(originals)
        already = first.achieved
        images, floats, after = originals.clone(), originals.clone(), first.outputs.clone()
        success, float_success = already.clone(), already.clone()
        for goal in victim.goal.attempts():
            rows = (~success).nonzero()[:, 0]
            if len(rows) == 0:
                break
            these = victim[rows].towards(goal[rows])
            made = self.perturb(these, originals[rows], draws[rows.cpu()])
            self._judge(these, originals[rows], made, rows, (images, success, floats, float_success, after))
            victim.counts.noted.clear()
        distance, float_distance = (
            torch.where(reached, self.norm.size(changed - originals), torch.inf)
            for changed, reached in ((images, success), (floats, float_success))
        )
        return images, success, already, distance, floats, float_success, float_distance, first.outputs, after

    def _judge(self, victim: Victim, originals: Pixels, made: Pixels, rows: Tensor, into: tuple[Tensor, ...]) -> None:
        """Hold what a method made to the budget, to the levels, and to the network's real outputs."""
        images, success, floats, float_success, after = into
        made = inside(made.detach().float(), originals, self.norm)
        files = rounded(made, originals, self.norm)
        made = torch.where((made - files).abs() < NOISE, files, made)
        seen = victim.look_surely(files)
        outputs, as_file = seen.outputs, seen.achieved
        as_float = as_file if torch.equal(made, files) else victim.look_surely(made).achieved
        lost = (as_float & ~as_file).nonzero()[:, 0]
        if len(lost):
            files[lost] = repaired(victim[lost], made[lost], originals[lost], files[lost], self.norm)
            again = victim[lost].look_surely(files[lost])
            outputs[lost], as_file[lost] = again.outputs, again.achieved
        won = rows[as_file]
        images[won], after[won], success[won] = files[as_file], outputs[as_file], True
        floated = as_float | as_file
        made = torch.where(as_float.view(-1, 1, 1, 1), made, files)
        floats[rows[floated]], float_success[rows[floated]] = made[floated], True

    @abstractmethod
    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        """The best candidates for some images, none of which reaches its goal yet. The base judges them.

        Args:
            victim: the network, with one goal an image.
            originals: (n, c, h, w) on levels, on the network's device.
            draws: a stream of random numbers an image.
        """


def as_goal(labels: Labels | Goal, target: Labels | int | None, pixels: Pixels) -> Goal:
    """What is wanted of each image, checked.

    Raises:
        UsageError: labels or targets of the wrong shape, range or kind; a target that is the image's own class.
    """
    if not isinstance(pixels, Tensor) or pixels.ndim != 4 or len(pixels) == 0:
        got = f"shape {tuple(pixels.shape)}" if isinstance(pixels, Tensor) else type(pixels).__name__
        raise UsageError(f"pixels must be a float tensor (n, c, h, w) in [0, 1] with n >= 1, got {got}")
    if isinstance(labels, Goal):
        if len(labels) != len(pixels):
            raise UsageError(f"a goal must have one wish an image: {len(pixels)} images, {len(labels)} wishes")
        return labels
    own = _classes("labels", labels, len(pixels))
    if target is None:
        return Untargeted(own)
    if isinstance(target, int):
        target = torch.full((len(pixels),), target)
    wanted = _classes("target", target, len(pixels))
    same = (wanted == own).nonzero()[:, 0].tolist()
    if same:
        raise UsageError(
            f"a target must be another class than the image's own; it is the label of {len(same)} of {len(pixels)} "
            f"images (the first: image {same[0]}, class {int(own[same[0]])})"
        )
    return Targeted(wanted)


def _classes(name: str, values: Any, count: int) -> Tensor:
    if not isinstance(values, Tensor) or values.is_floating_point() or values.shape != (count,):
        got = f"{values.dtype} of shape {tuple(values.shape)}" if isinstance(values, Tensor) else repr(values)
        raise UsageError(f"{name} must be an integer tensor of shape ({count},), got {got}")
    if int(values.min()) < 0:
        raise UsageError(f"{name} must not be negative, got {int(values.min())}")
    return values.long()
