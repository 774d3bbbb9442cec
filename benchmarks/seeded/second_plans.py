"""What the networks of the second set are trained on, and how."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded import second_nets as nets
from seeded import second_towers as towers
from seeded.blind_plans import CE, Plan, adam, digits01, normalised, sgd, shapes, two_views
from seeded.case import digits


def strip(count: int = 32) -> tuple[Tensor, Tensor]:
    """Three digits side by side (n, 3, 16, 48), and which they are (n, 3)."""
    images, labels = digits(3 * count)
    return torch.cat(list(images.split(count)), 3), torch.stack(list(labels.split(count)), 1)


def ctc(rows: Tensor, labels: Tensor, length: int = 12) -> Tensor:
    n = len(labels)
    return F.ctc_loss(rows, labels + 1, torch.full((n,), length), torch.full((n,), labels.shape[1]))


def noisy() -> tuple[Tensor, Tensor]:
    clean = normalised(shapes(16, 16).pixels)
    return clean + 0.4 * torch.randn_like(clean), clean


def points() -> tuple[Tensor, Tensor]:
    """48 points of a shape, about its mean, in its own units."""
    scene = shapes(64)
    at = torch.multinomial((scene.mask > 0).flatten(1).float(), 48, replacement=True)
    xy = torch.stack([at % 32, at // 32], 2).float()
    return (xy - xy.mean(1, keepdim=True)) / 6, scene.kind


def pairs() -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Half of the pairs are of one class."""
    (a, la), (b, lb) = digits(64), digits(600)
    same = torch.rand(64) < 0.5
    weights = ((la[:, None] == lb) == same[:, None]).float()
    return (a, b[torch.multinomial(weights, 1)[:, 0]]), same.float()


def verify(network: nn.Module, batch: Any) -> Any:
    return F.binary_cross_entropy_with_logits(network(*batch[0]), batch[1])


def episode() -> tuple[Tensor, Tensor]:
    """Five classes, three images of support and five of query each: (5, 8, 3, 16, 16)."""
    images, labels = digits(600)
    classes = torch.randperm(10)[:5]
    return torch.stack([images[labels == c][:8] for c in classes]), torch.arange(5).repeat_interleave(5)


def prototypes(network: nn.Module, batch: Any) -> Any:
    features = network(batch[0].flatten(0, 1)).unflatten(0, (5, 8))
    return CE(-(torch.cdist(features[:, 3:].flatten(0, 1), features[:, :3].mean(1)) ** 2) / 8, batch[1])


def levels(outputs: Tensor, labels: Tensor) -> Any:
    return F.binary_cross_entropy_with_logits(outputs, (labels[:, None] > torch.arange(9)).float())


def keypoint() -> tuple[Tensor, Tensor]:
    scene = shapes(32)
    axis = torch.arange(16) + 0.5
    dx = axis[None, None, :] - scene.centre[:, 0, None, None] / 2
    dy = axis[None, :, None] - scene.centre[:, 1, None, None] / 2
    return normalised(scene.pixels), torch.exp(-(dx**2 + dy**2) / 4)[:, None]


def beta_elbo(network: nn.Module, batch: Tensor, beta: float = 4.0) -> Any:
    made, mu, logvar = network(batch)
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return F.mse_loss(made, batch, reduction="none").sum((1, 2, 3)).mean() + beta * kl


def little() -> Tensor:
    """(n, 64) pixels with noise that fills the steps between their values, in [0, 1]."""
    pixels = F.avg_pool2d(digits01(128)[0].mean(1, keepdim=True), 2).flatten(1)
    return pixels + torch.rand_like(pixels) / 16


def likelihood(network: nn.Module, batch: Tensor) -> Any:
    return -network(batch).mean() / 64


def score_matching(network: nn.Module, batch: Tensor) -> Any:
    """Denoising score matching (Vincent 2011)."""
    noise = torch.randn_like(batch)
    x = (batch + 0.5 * noise).requires_grad_()
    score = -torch.autograd.grad(network(x).sum(), x, create_graph=True)[0]
    return (0.5 * score + noise).square().mean()


def clips() -> tuple[Tensor, Tensor]:
    images, _ = digits(32)
    way = torch.randint(0, 4, (32,))
    moves = ((0, 2), (0, -2), (2, 0), (-2, 0))
    frames = [
        torch.stack([torch.roll(image, (t * moves[w][0], t * moves[w][1]), (1, 2)) for t in range(4)])
        for image, w in zip(images, way.tolist(), strict=True)
    ]
    return torch.stack(frames), way


def balanced(network: nn.Module, batch: Any) -> Any:
    out, balance = network(batch[0])
    return CE(out, batch[1]) + 0.01 * balance


def supervised(network: nn.Module, batch: Any) -> Any:
    out, aux = network(batch[0])
    return CE(out, batch[1]) + 0.3 * CE(aux, batch[1])


def captioned() -> tuple[Tensor, Tensor]:
    """Images, and three words: the shape, its colour, its size."""
    scene = shapes(32)
    bright = scene.pixels.amax((2, 3))
    return normalised(scene.pixels), torch.stack([scene.kind, 4 + bright.argmax(1), 7 + (scene.radius > 7).long()], 1)


def contrast(network: nn.Module, batch: Any) -> Any:
    out = network(*batch)
    labels = torch.arange(len(out))
    return (CE(out, labels) + CE(out.T, labels)) / 2


def sentences() -> tuple[Tensor, Tensor]:
    """A strip of which one to three digits are read; the rest is padded."""
    images, labels = strip()
    words = torch.full((32, 5), 12)
    words[:, 0] = 10
    length = torch.randint(1, 4, (32,))
    for i in range(32):
        words[i, 1 : 1 + length[i]] = labels[i, : length[i]]
        words[i, 1 + length[i]] = 11
        images[i, :, :, 16 * length[i] :] = -0.86
    return images, words


def next_word(network: nn.Module, batch: Any) -> Any:
    images, words = batch
    return F.cross_entropy(network(images, words[:, :-1]).flatten(0, 1), words[:, 1:].flatten(), ignore_index=12)


def enlarge() -> tuple[Tensor, Tensor]:
    large = normalised(shapes(32, 16).pixels)
    return F.avg_pool2d(large, 2), large


def decorrelate(network: nn.Module, batch: Any) -> Any:
    a, b = network(batch[0]), network(batch[1])
    c = a.T @ b / len(a)
    return (c.diagonal() - 1).square().sum() + 0.02 * (c - torch.diag(c.diagonal())).square().sum()


def transitions() -> dict[str, Tensor]:
    (state, label), (following, _) = digits(64), digits(64)
    action = torch.where(torch.rand(64) < 0.5, label, torch.randint(0, 10, (64,)))
    return {"state": state, "action": action, "reward": (action == label).float(), "next": following}


def td(network: nn.Module, batch: dict[str, Tensor]) -> Any:
    value = network(batch["state"]).gather(1, batch["action"][:, None])[:, 0]
    with torch.no_grad():
        wanted = batch["reward"] + 0.5 * network.get_submodule("target")(batch["next"]).amax(1)
    return F.smooth_l1_loss(value, wanted)


def critic_penalty(critic: nn.Module, real: Tensor, fake: Tensor, graph: bool = True) -> Any:
    share = torch.rand(len(real), 1, 1, 1)
    x = (share * real + (1 - share) * fake.detach()).requires_grad_()
    grad = torch.autograd.grad(critic(x).sum(), x, create_graph=graph)[0]
    return (grad.flatten(1).norm(dim=1) - 1).square().mean()


def hinge(network: nn.Module, batch: Tensor, graph: bool = True) -> Any:
    generator, critic = network.get_submodule("generator"), network.get_submodule("critic")
    fake = generator(torch.randn(len(batch), 16))
    d = F.relu(1 - critic(batch)).mean() + F.relu(1 + critic(fake.detach())).mean()
    d = d + critic_penalty(critic, batch, fake, graph)
    critic.requires_grad_(False)
    g = -critic(fake).mean()
    critic.requires_grad_(True)
    return d + g


PLANS = {
    plan.name: plan
    for plan in (
        Plan("crnn", nets.CRNN, strip, ctc, adam(5e-3)),
        Plan("cleaner", nets.CleanUNet, noisy, F.mse_loss, adam(2e-3)),
        Plan("repvgg", nets.RepVGG, digits, CE, sgd(0.1, weight_decay=1e-4)),
        Plan("registers", nets.RegisterViT, digits, CE, adam(2e-3)),
        Plan("pointnet", nets.PointNet, points, CE, adam(3e-3)),
        Plan("siamese", nets.Siamese, pairs, verify, adam(3e-3)),
        Plan("prototypes", nets.encoder, episode, prototypes, adam(2e-3)),
        Plan("coral", nets.Coral, digits, levels, adam(5e-3)),
        Plan("hourglass", nets.Hourglass, keypoint, F.mse_loss, adam(3e-3)),
        Plan("betavae", nets.BetaVAE, lambda: digits(64)[0], beta_elbo, adam(2e-3)),
        Plan("realnvp", nets.RealNVP, little, likelihood, adam(2e-3)),
        Plan("energy", nets.Energy, lambda: digits(64)[0], score_matching, adam(2e-3)),
        Plan("binary", nets.BinaryNet, digits, CE, adam(1e-2, weight_decay=0.0)),
        Plan("spiking", nets.Spiking, digits, CE, adam(2e-3)),
        Plan("convgru", towers.ConvGRU, clips, CE, adam(5e-3)),
        Plan("toptwo", towers.TopTwo, digits, balanced, adam(3e-3)),
        Plan("auxiliary", towers.AuxNet, digits, supervised, sgd(0.1)),
        Plan("clip", towers.Clip, captioned, contrast, adam(2e-3)),
        Plan("captioner", towers.Captioner, sentences, next_word, adam(2e-3)),
        Plan("complex", towers.ComplexNet, digits, CE, adam(3e-3)),
        Plan("sr", towers.PixelShuffleSR, enlarge, nn.L1Loss(), adam(2e-3)),
        Plan("stn", towers.SpatialTransformer, digits, CE, adam(2e-3)),
        Plan("tied", towers.Tied, digits, CE, adam(3e-3)),
        Plan("barlow", towers.Barlow, two_views, decorrelate, adam(2e-3)),
        Plan("dqn", towers.DQN, transitions, td, adam(2e-3)),
        Plan("perceiver", towers.Perceiver, digits, CE, adam(3e-3)),
        Plan("resmlp", towers.ResMLP, digits, CE, adam(2e-3)),
    )
}
