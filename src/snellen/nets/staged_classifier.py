"""The stages of a de-shuffler's encoder under a classifier, so that two pretexts can be compared on one trunk."""

from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError, unknown
from snellen.nets.deshuffler import ENCODERS, Stages


class StagedClassifier(nn.Module):
    """:class:`~snellen.nets.deshuffler.Stages`, their last map pooled to 2 x 2, a hidden layer, one score a class.

    Args:
        encoder: one of :data:`~snellen.nets.deshuffler.ENCODERS`.
        classes: scores that come out, at least 2.
        hidden: units before them.

    Raises:
        UsageError: an unknown encoder or too few classes.

    >>> import torch
    >>> StagedClassifier(classes=4)(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 4])
    """

    def __init__(self, *, encoder: str = "small", classes: int = 4, hidden: int = 256) -> None:
        super().__init__()
        if encoder not in ENCODERS:
            raise unknown("encoder", encoder, ENCODERS)
        if classes < 2 or hidden < 1:
            raise UsageError(f"a classifier needs at least 2 classes and 1 hidden unit, got {classes} and {hidden}")
        widths, convolutions, _ = ENCODERS[encoder]
        self.encoder = Stages(widths, convolutions)
        self.vector = nn.Sequential(nn.Linear(widths[-1] * 4, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores (n, k) of normalised images (n, 3, h, w)."""
        last = self.encoder(images)[-1]
        scores: Tensor = self.head(self.vector(F.adaptive_avg_pool2d(last, 2).flatten(1))).float()
        return scores
