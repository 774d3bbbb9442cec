"""Do labels go with images? Neighbours compared with chance, and groups among the images with the labels."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 16
MOST = 300
K = 3
DRAWS = 200
REFERENCES = 20


@dataclass(frozen=True)
class Agreement:
    """Labels of images beside those of their nearest neighbours.

    Attributes:
        count: images compared.
        share: of the three nearest neighbours of an image, those with its label.
        chance: the same with labels dealt out anew, on average.
        deviations: (share - chance) / standard deviation over the deals.
        groups: how many standard deviations tighter the images fall into groups than a Gaussian cloud of the same
            variances would; 0 if it was not asked.
        tightness: the spread within groups beside that of such a cloud; 1 if it was not asked.
    """

    count: int
    share: float
    chance: float
    deviations: float
    groups: float = 0.0
    tightness: float = 1.0


def agreement(images: Tensor, labels: Tensor, *, seed: int = 0) -> Agreement:
    """Compare up to 300 images, at 16 x 16, as they are and by their main components; the better of the two counts.

    Groups are looked for (k-means, as many as classes) only where labels do not go with neighbours: the gap between the
    spread in groups and that of Gaussian clouds with the same variances (Tibshirani, Walther and Hastie 2001, the gap
    statistic) tells whether the images say anything that labels could follow.

    Args:
        images: (n, ...) floating point.
        labels: (n,) classes.
        seed: of deals, starts and clouds.

    >>> labels = torch.arange(60) % 3
    >>> images = torch.randn(60, 8, generator=torch.Generator().manual_seed(0)) / 4 + labels[:, None]
    >>> agreement(images, labels).share > 0.8
    True
    """
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(images), generator=generator)[:MOST].sort().values
    flat, own = _small(images.detach().cpu()[rows]), labels.detach().cpu()[rows]
    _, own = own.unique(return_inverse=True)
    classes = int(own.max()) + 1
    main = _main(flat, classes)
    best = max((_neighbours(points, own, generator) for points in (flat, main)), key=lambda found: found[2])
    if best[2] > 3:
        return Agreement(len(rows), *best)
    return Agreement(len(rows), *best, *_groups(main, min(classes, len(rows) // 6), generator))


def _small(images: Tensor) -> Tensor:
    x = images.float()
    if x.ndim == 4 and min(x.shape[2:]) > SIDE:
        x = F.adaptive_avg_pool2d(x, SIDE)
    x = x.flatten(1)
    return x - x.mean(dim=0)


def _main(flat: Tensor, classes: int) -> Tensor:
    """As many main components as there are classes, at most a quarter of the images."""
    values, vectors = torch.linalg.eigh(flat @ flat.T)
    kept = max(1, min(classes, len(flat) // 4, flat.shape[1]))
    main: Tensor = vectors[:, -kept:] * values[-kept:].clamp(min=0).sqrt()
    return main


def _neighbours(points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[float, float, float]:
    distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
    near = distances.topk(K, largest=False).indices
    share = float((labels[near] == labels[:, None]).float().mean())
    dealt = torch.stack([labels[torch.randperm(len(labels), generator=generator)] for _ in range(DRAWS)])
    by_chance = (dealt[:, near] == dealt[:, :, None]).float().mean(dim=(1, 2))
    spread = max(float(by_chance.std()), 1e-9)
    chance = float(by_chance.mean())
    return share, chance, (share - chance) / spread


def _groups(points: Tensor, count: int, generator: torch.Generator) -> tuple[float, float]:
    if count < 2:
        return 0.0, 1.0
    clouds = torch.randn(REFERENCES, *points.shape, generator=generator) * points.std(dim=0)
    spread = _k_means(torch.cat([points[None], clouds]), count, generator).log()
    reference = spread[1:]
    gap = float(reference.mean() - spread[0])
    return gap / max(float(reference.std()), 1e-9), float(torch.tensor(-gap).exp())


def _k_means(clouds: Tensor, count: int, generator: torch.Generator, *, starts: int = 4, rounds: int = 12) -> Tensor:
    """(b, n, d) -> (b,) the least sum of squares within groups over some starts."""
    best = torch.full((len(clouds),), torch.inf)
    for _ in range(starts):
        centres = clouds[:, torch.randperm(clouds.shape[1], generator=generator)[:count]]
        for _ in range(rounds):
            member = F.one_hot(torch.cdist(clouds, centres).argmin(dim=2), count).float()
            filled = member.sum(dim=1)[..., None]
            centres = torch.where(filled > 0, member.transpose(1, 2) @ clouds / filled.clamp(min=1), centres)
        best = torch.minimum(best, torch.cdist(clouds, centres).amin(dim=2).square().sum(dim=1))
    return best
