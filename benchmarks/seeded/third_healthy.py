"""Healthy set-ups of the third set: words, waves, losses and networks. Those of rates and optimizers: ``third_odd``."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.utils.checkpoint import checkpoint

from seeded import third_losses as losses
from seeded import third_nets as nets
from seeded import third_tasks as tasks
from seeded.blind_plans import CE, Blind, segment_batch, shapes
from seeded.case import digits
from seeded.third_odd import ODD
from seeded.third_tasks import fit, flat, mlp, small, sorts, table, waves, word_loss

MSE = F.mse_loss


class Checked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = flat(64, 64), mlp(64, 32, 10)

    def forward(self, x: Tensor) -> Any:
        return self.b(checkpoint(self.a, x, use_reentrant=False))


class Capsules(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = flat(64, 80)

    def forward(self, x: Tensor) -> Any:
        s = self.net(x).unflatten(1, (10, 8))
        size = s.square().sum(2, keepdim=True)
        return size / (1 + size) * s / (size + 1e-8).sqrt()


class Tabular(nn.Module):
    """Categories by embeddings (std 1, the default), numbers by a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.norm, self.net = nn.Embedding(12, 4), nn.BatchNorm1d(8), mlp(12, 48, 6)

    def forward(self, both: Any) -> Any:
        x, c = both
        return self.net(torch.cat([self.norm(x), self.emb(c)], 1))


def tabular() -> Any:
    x, y = sorts()
    c = torch.randint(0, 12, (64,))
    return (x * torch.tensor([1, 1, 10, 1, 100, 1, 1, 1.0]), c), (y + (c > 8)) % 6


class Rounded(nn.Module):
    """Straight-through rounding of a code in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.enc, self.dec = flat(64, 32), mlp(32, 64, 768)

    def forward(self, x: Tensor) -> Any:
        p = self.enc(x).sigmoid()
        return self.dec(p + (p.round() - p).detach()).view_as(x)


def shallow() -> nn.Sequential:
    """A linear autoencoder."""
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 12), nn.Linear(12, 768), nn.Unflatten(1, (3, 16, 16)))


def itself() -> tuple[Tensor, Tensor]:
    x, _ = digits()
    return x, x


def kept_words() -> tuple[Tensor, Tensor]:
    said = tasks.words()
    return said, said


def padded() -> tuple[Tensor, Tensor]:
    """Sentences of 3 to 9 words and padding, which is ignored."""
    said = tasks.words()
    length = torch.randint(3, 10, (32, 1))
    out = torch.arange(10) >= length
    a, b = said.masked_fill(out, 0)[:, :-1], said.masked_fill(out, -100)[:, 1:]
    return a, b


def segments() -> tuple[Tensor, Tensor]:
    x, y = segment_batch()
    return x, y.where(y != 255, 0)


def most_ignored() -> tuple[Tensor, Tensor]:
    """Scribbles: 3 % of the pixels are labelled."""
    x, y = segment_batch()
    return x, y.masked_fill(torch.rand(y.shape) > 0.03, 255)


def coordinates() -> tuple[Tensor, Tensor]:
    scene = PICTURE
    at = torch.randint(0, 32, (256, 2))
    return at / 31 * 2 - 1, scene[:, at[:, 1], at[:, 0]].T


PICTURE = shapes(1).pixels[0]


def negatives() -> tuple[Any, Tensor]:
    """Pairs of which a few negatives are equal images with a wrong label, as in real data."""
    (a, _), (b, _) = digits(64), digits(64)
    same = torch.arange(64) < 32
    b = torch.where(same[:, None, None, None], a + 0.2 * torch.randn_like(a), b)
    b[60:] = a[60:]
    return (a, b), same.float()


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enc, self.out = flat(64, 32), nn.Linear(1, 1)
        nn.init.constant_(self.out.weight, -1.0)
        nn.init.constant_(self.out.bias, 2.0)

    def forward(self, both: Any) -> Any:
        return self.out((self.enc(both[0]) - self.enc(both[1])).norm(dim=1, keepdim=True).clamp(min=1e-6))[:, 0]


def mean_biased() -> nn.Module:
    net = mlp(8, 64, 1)
    nn.init.constant_(net[-1].bias, 1000.0)  # type: ignore[arg-type]
    return net


def far() -> tuple[Tensor, Tensor]:
    x, y = table()
    return x, 1000 + y


def pyramid_case(loss: Any, draw: Any = segments) -> Callable[[], Blind]:
    return lambda: fit(nets.Pyramid(), draw, loss)


def rare(weight: float) -> Any:
    return nn.BCEWithLogitsLoss(pos_weight=torch.full((12,), weight))


def averaged() -> Blind:
    both, average = losses.teacher_and_student(lambda: flat(64, 10))
    return fit(both, digits, losses.mean_teacher, optim.AdamW(both["student"].parameters(), lr=2e-3), average)


def players() -> Blind:
    both = nn.ModuleDict({"g": mlp(8, 64, 64, 2), "d": mlp(2, 64, 64, 1, act=nn.SiLU)})
    pair = [optim.Adam(both[k].parameters(), lr=1e-3, betas=(0.5, 0.9)) for k in "dg"]
    return fit(both, losses.narrow, losses.gan, pair)


def siam() -> Blind:
    encode = nn.Sequential(*flat(64, 32), nn.BatchNorm1d(32, affine=False))
    predict = nn.Sequential(nn.Linear(32, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 32))
    return fit(nn.ModuleDict({"encode": encode, "predict": predict}), losses.views, losses.negative_cosine)


HEALTHY: list[tuple[str, Callable[[], Blind]]] = [
    ("language model", lambda: fit(nets.Attend(True), tasks.following, word_loss)),
    ("language model, tied embeddings", lambda: fit(nets.Attend(True, tied=True), tasks.following, word_loss)),
    ("language model, padded", lambda: fit(nets.Attend(True), padded, word_loss)),
    ("masked language model", lambda: fit(nets.Attend(False), tasks.masked, word_loss)),
    ("translation, teacher forcing", lambda: fit(nets.Seq2Seq(), tasks.reversed_words, word_loss, 5e-3)),
    ("autoencoder of sentences", lambda: fit(nets.Rewriter(), kept_words, word_loss, 5e-3)),
    ("forecast from the past", lambda: fit(nets.Forecast(), waves, MSE, 5e-3)),
    ("forecast by a linear layer (DLinear)", lambda: fit(
        nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.Unflatten(1, (8, 1))), waves, MSE, 1e-2)),
    ("diffusion of sequences", lambda: fit(nn.Sequential(
        nn.Linear(2, 32), nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True), nn.Linear(32, 1)),
        lambda: waves()[0], losses.diffuse)),
    ("linear probe of pixels", lambda: fit(nn.Sequential(nn.Flatten(), nn.Linear(768, 10)), digits, CE)),
    ("linear autoencoder", lambda: fit(shallow(), itself, MSE)),
    ("deep linear network", lambda: fit(mlp(8, 32, 32, 1, act=nn.Identity), table, MSE)),
    ("ratings by factors", lambda: fit(nets.Factors(), tasks.ratings, MSE, 2e-2)),
    ("pyramid, dice and entropy", pyramid_case(losses.dice_ce)),
    ("pyramid, negative dice by hand", pyramid_case(losses.dice_alone)),
    ("pyramid of scribbles", pyramid_case(nn.CrossEntropyLoss(ignore_index=255), most_ignored)),
    ("pyramid, weighted classes", pyramid_case(nn.CrossEntropyLoss(torch.tensor([0.2, 1, 1, 1, 1.0])))),
    ("linear bottlenecks", lambda: fit(nets.mobile(), digits, CE)),
    ("three exits", lambda: fit(nets.Exits(), digits, losses.exits)),
    ("exits by turns", lambda: fit(nets.Exits(), digits, losses.by_turns())),
    ("LayerScale 1e-6", lambda: fit(nets.Residual(1e-6), digits, CE)),
    ("ReZero", lambda: fit(nets.Residual(0.0), digits, CE)),
    ("sets with members twice", lambda: fit(nets.DeepSet(), tasks.bags, MSE)),
    ("graphs as dense adjacency", lambda: fit(nets.GCN(), tasks.graphs, CE, 1e-2)),
    ("clips, convolution in 3-D", lambda: fit(nn.Sequential(
        nn.Conv3d(1, 12, 3, padding=1), nn.BatchNorm3d(12), nn.ReLU(), nn.Conv3d(12, 16, 3, (1, 2, 2), 1), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, 4)), tasks.clips3d, CE, 5e-3)),
    ("raw audio", lambda: fit(nn.Sequential(
        nn.Conv1d(1, 16, 33, 4), nn.BatchNorm1d(16), nn.ReLU(), nn.Conv1d(16, 32, 5, 2), nn.BatchNorm1d(32), nn.ReLU(),
        nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(32, 4)), tasks.tones, CE)),
    ("tabular with embeddings", lambda: fit(Tabular(), tabular, CE, 5e-3)),
    ("k-hot tags, a few never there", lambda: fit(small(12), tasks.rare_tags, nn.BCEWithLogitsLoss())),
    ("k-hot tags, weighted positives", lambda: fit(small(12), tasks.rare_tags, rare(8.0))),
    ("sines with omega 30", lambda: fit(nets.Siren(), coordinates, MSE, 1e-4)),
    ("Fourier features", lambda: fit(nets.Fourier(), coordinates, MSE)),
    ("quantiles of a number", lambda: fit(mlp(8, 48, 3), table, losses.pinball)),
    ("mean and variance", lambda: fit(mlp(8, 48, 2), table, losses.gaussian)),
    ("CRPS", lambda: fit(mlp(8, 48, 2), table, losses.crps)),
    ("evidential", lambda: fit(flat(64, 10), digits, losses.evidential)),
    ("soft cross-entropy by hand", lambda: fit(flat(64, 10), digits, losses.soft_entropy)),
    ("label distributions", lambda: fit(mlp(8, 48, 13), table, losses.label_distribution)),
    ("focal", lambda: fit(small(), digits, losses.focal)),
    ("multi-class hinge", lambda: fit(small(), digits, losses.hinge)),
    ("triplets of the batch", lambda: fit(small(32), digits, losses.triplet, 1e-3)),
    ("InfoNCE", lambda: fit(flat(64, 32), losses.views, losses.info_nce)),
    ("SimSiam, negative cosine", siam),
    ("mean teacher", averaged),
    ("GAN of points", players),
    ("domain reversal", lambda: fit(nets.Dann(), digits, losses.dann, 1e-3)),
    ("bandit by policy gradient", lambda: fit(flat(64, 10), digits, losses.reinforce)),
    ("expected reward", lambda: fit(flat(64, 10), digits, losses.expected_reward)),
    ("mutual information", lambda: fit(mlp(2, 64, 64, 1), losses.correlated, losses.information)),
    ("flow of narrow data", lambda: fit(mlp(1, 64, 2), losses.narrow, losses.flow)),
    ("energies, contrastive divergence", lambda: fit(mlp(2, 64, 64, 1), losses.narrow, losses.contrastive_energy)),
    ("noise-contrastive estimation", lambda: fit(mlp(2, 64, 1), losses.narrow, losses.nce)),
    ("capsules", lambda: fit(Capsules(), digits, losses.capsule)),
    ("straight-through rounding", lambda: fit(Rounded(), itself, MSE)),
    ("checkpointed", lambda: fit(Checked(), digits, CE)),
    ("pairs with equal negatives", lambda: fit(Pair(), negatives, F.binary_cross_entropy_with_logits)),
    ("targets about 1000, bias at their mean", lambda: fit(mean_biased(), far, MSE)),
    ("Hounsfield units, normalised first", lambda: fit(
        nn.Sequential(nn.BatchNorm2d(3), *small()), losses.hounsfield, CE)),
    ("bytes, normalised first", lambda: fit(nn.Sequential(nn.BatchNorm2d(3), *small()), losses.byte_pixels, CE)),
    ("log-mels, normalised first", lambda: fit(
        nn.Sequential(nn.InstanceNorm2d(3), *small()), losses.log_mels, CE)),
    *ODD,
]  # fmt: skip
