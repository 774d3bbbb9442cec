"""Are the inputs normalised as the weights expect, and do they differ?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from snellen.checks.training._base import TrainingCheck, listed
from snellen.checks.training._scales import proves_inputs
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/input_scale"


@dataclass(frozen=True)
class InputScale(TrainingCheck):
    """What the first layers see of this batch.

    - The same input for every one of 4 examples or more, bit for bit, with targets that differ: error, for the network
      cannot tell them apart.
    - A channel of three or four that is one and the same number in all of 8 images or more, and no other is: warning
      (alpha, which is the last of four, is not meant).
    - Numbers of 0 to 255 (never negative, root of the mean square above ``large``) that meet weights of an
      initialisation, or of another training before the first step of this one, and numbers that never leave
      +-``small`` and meet those of an initialisation, or are ``huge``: warning. An error, if the same images with mean
      0 and deviation 1 are learnt and these are not (:func:`snellen.checks.training._scales.proves_inputs`); so too
      where numbers are ``apart`` times as far from 0 as from each other. What the network does to its inputs itself is
      taken into account: looked at is what meets the first weights.
    - The first BatchNorm, if it has seen ``batches`` batches: the median over its channels of |mean - running mean| /
      deviation, and of the log ratio of the deviations. A warning above ``far``: the weights were made for inputs of
      another scale. Refuted by a batch of one class only, or by data that really differ.
    """

    far: float = 1.0
    batches: int = 50
    large: float = 20.0
    small: float = 0.02
    huge: float = 1000.0
    apart: float = 20.0

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        return [*self._same(seen), *self._channels(seen), *self._raw(seen), *self._statistics(seen)]

    def _same(self, seen: Observation) -> Iterator[Finding]:
        images = next((t for t in seen.inputs if t.is_floating_point() and t.ndim > 1 and len(t) >= 4), None)
        if images is None or not _equal(images) or not images.numel():
            return
        others = [t for t in seen.inputs if t is not images and t.ndim and len(t) == len(images)]
        if any(not _equal(t) for t in others):
            text = (
                f"All {len(images)} inputs of this batch are the same, bit for bit, and their targets differ: nothing "
            )
            text += "in them tells which answer is right."
            remedy = "Look at how images are loaded and normalised: an index, a division by 0 variance, a cached one."
            yield Finding(NAME, "error", "Every input is the same", text, remedy=remedy)

    def _channels(self, seen: Observation) -> Iterator[Finding]:
        for images in seen.inputs:
            if not images.is_floating_point() or images.ndim != 4 or images.shape[1] not in (3, 4) or len(images) < 8:
                continue
            colours = images[:, :3].movedim(1, 0).flatten(1)
            still = [c for c, colour in enumerate(colours) if bool((colour == colour[0]).all())]
            if 0 < len(still) < 3:
                text = f"Channel{'s' if len(still) > 1 else ''} {listed(list(map(str, still)))} of the {len(images)} "
                text += f"images {'are' if len(still) > 1 else 'is'} {float(colours[still[0]][0]):.3g} everywhere."
                remedy = "Look at how channels are read, ordered and normalised."
                yield Finding(NAME, "warning", "A channel that is constant", text, remedy=remedy)

    def _raw(self, seen: Observation) -> Iterator[Finding]:
        names = [p.name for p in seen.parameters]
        random = {number for number, p in enumerate(seen.parameters) if p.fresh.random and len(p.shape) > 1}
        for entry in seen.entries:
            fresh = entry.numbers & random
            if not fresh and not seen.first_step:
                continue
            where = listed([names[n] for n in sorted(fresh or entry.numbers)])
            verb = "is" if len(fresh or entry.numbers) == 1 else "are"
            text = f"{where}{', still random,' if fresh else ''} {verb} applied to numbers from {entry.low:.3g} to "
            text += f"{entry.high:.3g}."
            remedy = "Subtract the mean and divide by the deviation of the training images."
            if entry.low >= 0 and entry.size > self.large and 32 < entry.high <= 256:
                yield _tried(seen, "Pixels of 0 to 255", text, remedy)
                return
            if fresh and 0 < max(abs(entry.low), abs(entry.high)) < self.small:
                yield _tried(seen, "Inputs nearly 0", text, f"{remedy} Was it done twice?")
                return
            if fresh and entry.size > self.huge:
                yield _tried(seen, "Inputs far too large", text, remedy)
                return
            if fresh and max(abs(entry.low), abs(entry.high)) > self.apart * (entry.high - entry.low) > 0:
                proof = proves_inputs(seen)
                if proof:
                    remedy = "Look at how often they are divided, and by what mean they are shifted."
                    yield Finding(NAME, "error", "Images that hardly differ", f"{text} {proof}", remedy=remedy)
                return

    def _statistics(self, seen: Observation) -> Iterator[Finding]:
        norms = [c for c in seen.modules if isinstance(c.module, _BatchNorm)]
        if not norms or not isinstance(norms[0].module, _BatchNorm):
            return
        count = norms[0].module.num_batches_tracked
        if count is None or int(count) < self.batches or (norms[0].values or 0) < 64:
            return
        drift = norms[0].drift
        text = f"The first BatchNorm ({norms[0].name}) sees this batch {drift:.2g} deviations from its statistics."
        if drift <= self.far:
            yield Finding(NAME, "ok", "Scale of the inputs", text)
            return
        remedy = "Normalise with the mean and deviation that the weights were trained "
        remedy += "with; do not leave pixels in 0 to 255."
        yield Finding(NAME, "warning", "Inputs of another scale", text, remedy=remedy)


def _equal(values: Tensor) -> bool:
    return torch.equal(values, values[:1].expand_as(values))


def _tried(seen: Observation, title: str, text: str, remedy: str) -> Finding:
    proof = proves_inputs(seen)
    return Finding(NAME, "error" if proof else "warning", title, f"{text} {proof}".rstrip(), remedy=remedy)
