"""What a detector says of one image."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes found in one image, the surest first.

    Args:
        boxes: (m, 4) float32: left, top, right, bottom in pixels of the image that was given.
        scores: (m,) float32 in [0, 1], descending; of equals the one that came first stays first.
        classes: (m,) int64.

    >>> Detections(torch.tensor([[0.0, 0, 1, 1], [0, 0, 2, 2]]), torch.tensor([0.2, 0.9]), torch.tensor([0, 1])).classes
    tensor([1, 0])
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor

    def __post_init__(self) -> None:
        boxes, scores, classes = self.boxes.reshape(-1, 4).float(), self.scores.float(), self.classes.long()
        if not len(boxes) == len(scores) == len(classes):
            raise ValueError(
                f"expected as many boxes as scores and classes, got {len(boxes)}, {len(scores)} and {len(classes)}"
            )
        order = torch.sort(scores, descending=True, stable=True).indices
        object.__setattr__(self, "boxes", boxes[order])
        object.__setattr__(self, "scores", scores[order])
        object.__setattr__(self, "classes", classes[order])

    def __len__(self) -> int:
        return len(self.scores)

    def at_least(self, score: float) -> "Detections":
        """Those of at least this score."""
        kept = self.scores >= score
        return Detections(self.boxes[kept], self.scores[kept], self.classes[kept])
