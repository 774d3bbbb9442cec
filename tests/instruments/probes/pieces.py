"""A network that cuts its images into four quarters, as a de-shuffler does, with two views of its weights."""

import torch
from torch import Tensor, nn

from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing


def quarters(images: Tensor) -> Tensor:
    """(4n, c, h/2, w/2), image by image, left to right and top to bottom."""
    n, c, h, w = images.shape
    cut = images.view(n, c, 2, h // 2, 2, w // 2).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(4 * n, c, h // 2, w // 2)


class Cutter(nn.Module):
    """Quarters -> convolution -> one vector each -> scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU())
        self.head = nn.Linear(20, 24)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.stack(quarters(images)).mean(dim=(2, 3))
        scores: Tensor = self.head(found.view(len(images), 20))
        return scores

    def views(self) -> dict[str, nn.Module]:
        """The quarters as the network takes them, and its convolutions on the whole image."""
        return {"quarters": self, "whole image": self.stack}


def cutter() -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network(Cutter(), mean=(0.5,), std=(0.25,), preprocessing=Preprocessing(size=(8, 8)), name="cutter")
