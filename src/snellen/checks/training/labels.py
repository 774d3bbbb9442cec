"""Do the labels go with the images?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.agreement import Agreement, agreement
from snellen.training.health.facts import Observation
from snellen.training.health.leak import read_labelled
from snellen.training.health.setup import inputs_and_targets

NAME = "training/labels"
TRAIN = ("train", "training")


@dataclass(frozen=True)
class Labels(TrainingCheck):
    """Labels beside those of the nearest images, in this batch or in ``splits["train"]``.

    Images that look alike have the same class more often than chance, in most data. How often is compared with labels
    dealt out anew: above ``sure`` standard deviations they go together. If they do not, that alone proves nothing: the
    images may be hard, or too few. A warning needs one of two witnesses, else it is *unknown*:

    - the images fall into groups, ``groups`` standard deviations and a factor ``tight`` tighter than a Gaussian cloud
      of the same variances, and the labels follow them no more than chance;
    - in another split that was given, labels do go with the images (``certain`` deviations), as many or fewer of them.

    A batch of ``few`` images or more with one class only is a warning too where the network has three outputs or more.
    Refuted by groups that have nothing to do with the classes, such as cameras or patients.

    Reference: Zhang et al. 2017, Understanding deep learning requires rethinking generalization, arXiv:1611.03530: a
    network learns shuffled labels by heart, so the loss does not show it.
    """

    sure: float = 3.0
    certain: float = 6.0
    groups: float = 3.0
    tight: float = 0.85
    few: int = 16
    enough: int = 40

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        batch = _labelled(seen)
        found = list(self._one_class(seen, *batch)) if batch is not None else []
        name = next((k for k in TRAIN if k in seen.asked.splits), None)
        split = read_labelled(seen.asked.splits[name]) if name is not None else None
        sample, where = (split, "the training split") if split is not None else (batch, "this batch")
        if found or sample is None:
            return found
        images, labels = sample
        kinds = len(labels.unique())
        if not 2 <= kinds <= len(labels) // 4 or not bool(images.isfinite().all()):
            return []
        measured = agreement(images, labels, seed=seen.seed)
        return [self._judge(measured, where, self._elsewhere(seen, name, measured))]

    def _judge(self, seen: Agreement, where: str, elsewhere: str) -> Finding:
        text = f"In {where} {seen.share:.0%} of the nearest images have the same label; labels dealt out anew give "
        text += f"{seen.chance:.0%} ({seen.deviations:+.1f} standard deviations, {seen.count} images)."
        measured = {"neighbours_with_the_label": seen.share, "neighbours_by_chance": seen.chance}
        if seen.deviations > self.sure:
            return Finding(NAME, "ok", "Labels go with the images", text, measured=measured)
        grouped = seen.groups > self.groups and seen.tightness < self.tight and seen.count >= self.enough
        missed = seen.share < seen.chance + (1 - seen.chance) / 4
        if missed and (elsewhere or grouped):
            groups = f" Yet the images fall into groups, whose spread is {seen.tightness:.0%} of a cloud's without any."
            text += elsewhere or groups
            remedy = "Look at some images with their labels; sort or shuffle both by the same order."
            return Finding(NAME, "warning", "Labels do not go with the images", text, measured=measured, remedy=remedy)
        text += " That decides nothing: the images may be hard or too few. Give splits to look at more."
        return Finding(NAME, "info", "Labels and images: unknown", text, measured=measured)

    def _elsewhere(self, seen: Observation, train: str | None, here: Agreement) -> str:
        """What another split says, if it says that labels can be told by neighbours."""
        if here.deviations > self.sure:
            return ""
        for name, source in seen.asked.splits.items():
            other = read_labelled(source, most=here.count) if name != train else None
            if other is None or not 2 <= len(other[1].unique()) <= len(other[1]) // 4:
                continue
            there = agreement(*other, seed=seen.seed)
            if there.deviations > self.certain:
                return f" In {name} it is {there.share:.0%} ({there.deviations:+.1f}, {there.count} images)."
        return ""

    def _one_class(self, seen: Observation, images: Tensor, labels: Tensor) -> Iterator[Finding]:
        outputs = max((c.input.shape[1] for c in seen.losses if c.input.ndim == 2), default=0)
        if len(images) >= self.few and outputs >= 3 and bool((labels == labels[0]).all()) and int(labels[0]) >= 0:
            text = f"All {len(labels)} labels of this batch are {int(labels[0])}, of {outputs} classes: it teaches to "
            text += "answer that whatever the image shows."
            remedy = "Shuffle the training data, and look at how labels are read."
            yield Finding(NAME, "warning", "One class only", text, remedy=remedy)


def _labelled(seen: Observation) -> tuple[Tensor, Tensor] | None:
    """Images and classes of the batch, if it has such."""
    try:
        images, labels = inputs_and_targets(seen.setup.batch)
    except UsageError:
        return None
    if not isinstance(images, Tensor) or not isinstance(labels, Tensor) or not images.is_floating_point():
        return None
    if labels.ndim == 2 and labels.shape[1] > 1 and bool(((labels == 0) | (labels == 1)).all()):
        labels = labels.argmax(dim=1) if bool((labels.sum(dim=1) == 1).all()) else labels
    if labels.ndim != 1 or len(labels) != len(images) or labels.is_floating_point() or labels.dtype == torch.bool:
        return None
    return (images, labels) if images.ndim > 1 else None
