"""Losses of the third set, as people write them by hand."""

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded.blind_plans import CE, digits01
from seeded.case import digits

CENTRES = torch.linspace(-3, 3, 13)


def pinball(outputs: Tensor, targets: Tensor) -> Any:
    q = torch.tensor([0.1, 0.5, 0.9])
    e = targets - outputs
    return torch.maximum(q * e, (q - 1) * e).mean()


def gaussian(outputs: Tensor, targets: Tensor) -> Any:
    """Mean and log-variance; may be negative."""
    mean, log = outputs[:, :1], outputs[:, 1:].clamp(-8, 8)
    return (0.5 * (log + (targets - mean) ** 2 / log.exp())).mean()


def crps(outputs: Tensor, targets: Tensor) -> Any:
    """Of a normal distribution, closed form (Gneiting & Raftery 2007)."""
    mean, s = outputs[:, :1], F.softplus(outputs[:, 1:]) + 1e-3
    z = (targets - mean) / s
    phi, cdf = (-0.5 * z**2).exp() / math.sqrt(2 * math.pi), 0.5 * (1 + torch.erf(z / math.sqrt(2)))
    return (s * (z * (2 * cdf - 1) + 2 * phi - 1 / math.sqrt(math.pi))).mean()


def evidential(outputs: Tensor, targets: Tensor) -> Any:
    """Sensoy et al. 2018, without its penalty."""
    alpha = F.softplus(outputs) + 1
    s = alpha.sum(1, keepdim=True)
    p, hot = alpha / s, F.one_hot(targets, 10).float()
    return ((hot - p) ** 2 + p * (1 - p) / (s + 1)).sum(1).mean()


def soft_entropy(outputs: Tensor, targets: Tensor) -> Any:
    hot = F.one_hot(targets, 10) * 0.9 + 0.01
    return -(hot * F.log_softmax(outputs, 1)).sum(1).mean()


def label_distribution(outputs: Tensor, targets: Tensor) -> Any:
    wanted = torch.softmax(-((targets - CENTRES) ** 2) / 0.3, 1)
    return F.kl_div(outputs.log_softmax(1), wanted, reduction="batchmean")


def focal(outputs: Tensor, targets: Tensor) -> Any:
    log = F.log_softmax(outputs, 1).gather(1, targets[:, None])[:, 0]
    return (-((1 - log.exp()) ** 2) * log).mean()


def dice_ce(outputs: Tensor, targets: Tensor) -> Any:
    p, hot = outputs.softmax(1), F.one_hot(targets, 5).permute(0, 3, 1, 2).float()
    both, sums = (p * hot).sum((0, 2, 3)), (p + hot).sum((0, 2, 3))
    return F.cross_entropy(outputs, targets) + 1 - ((2 * both + 1) / (sums + 1)).mean()


def dice_alone(outputs: Tensor, targets: Tensor) -> Any:
    """Dice of the probability of anything at all, as a negative number."""
    p, hot = 1 - outputs.softmax(1)[:, 0], (targets > 0).float()
    return -(2 * (p * hot).sum() + 1) / (p.sum() + hot.sum() + 1)


def triplet(network: nn.Module, batch: Any) -> Any:
    """All triplets of the batch, margin 0.3."""
    x, y = batch
    e = F.normalize(network(x), dim=1)
    same = y[:, None] == y
    d = torch.cdist(e, e)
    left = F.relu(d[:, :, None] - d[:, None, :] + 0.3)[same[:, :, None] & ~same[:, None, :]]
    return left.mean()


def info_nce(network: nn.Module, batch: Any) -> Any:
    a, b = (F.normalize(network(v), dim=1) for v in batch)
    return CE(a @ b.T / 0.2, torch.arange(len(a)))


def reinforce(network: nn.Module, batch: Any) -> Any:
    """A contextual bandit: the reward is one for the digit's own arm; the mean reward is the baseline."""
    x, y = batch
    chosen = torch.distributions.Categorical(logits=network(x))
    arm = chosen.sample()
    reward = (arm == y).float()
    return -((reward - reward.mean()) * chosen.log_prob(arm)).mean() - 0.01 * chosen.entropy().mean()


def expected_reward(network: nn.Module, batch: Any) -> Any:
    return -network(batch[0]).softmax(1).gather(1, batch[1][:, None]).mean()


def information(network: nn.Module, batch: Any) -> Any:
    """Donsker-Varadhan's bound of the information between a number and its noisy copy."""
    joint = network(batch).mean()
    apart = network(torch.stack([batch[:, 0], batch[torch.randperm(len(batch)), 1]], 1))
    return -(joint - torch.logsumexp(apart, 0).mean() + math.log(len(batch)))


def correlated() -> Tensor:
    x = torch.randn(128)
    return torch.stack([x, 0.9 * x + 0.4 * torch.randn(128)], 1)


def flow(network: nn.Module, batch: Tensor) -> Any:
    """Negative log-likelihood by a triangular change of variables; data are narrow, so it becomes negative."""
    a, b = batch[:, :1], batch[:, 1:]
    s, t = network(a).chunk(2, 1)
    s = s.clamp(-5, 5)
    return (0.5 * ((b - t) * s.exp()) ** 2 - s).mean()


def narrow() -> Tensor:
    x = torch.randn(128, 1)
    return torch.cat([x, x.sin() + 0.05 * torch.randn(128, 1)], 1)


def contrastive_energy(network: nn.Module, batch: Tensor) -> Any:
    """Energies of data down, of noise up, both drawn to zero."""
    a, b = network(batch), network(batch + 0.7 * torch.randn_like(batch))
    return a.mean() - b.mean() + 0.1 * (a**2 + b**2).mean()


def nce(network: nn.Module, batch: Tensor) -> Any:
    """Noise-contrastive estimation."""
    a, b = network(batch), network(2 * torch.randn_like(batch))
    return F.softplus(-a).mean() + F.softplus(b).mean()


def gan(network: nn.Module, batch: Tensor) -> Any:
    """Non-saturating; both players in one number."""
    g, d = network.get_submodule("g"), network.get_submodule("d")
    fake = g(torch.randn(len(batch), 8))
    loss = F.softplus(-d(batch)).mean() + F.softplus(d(fake.detach())).mean()
    d.requires_grad_(False)
    loss = loss + F.softplus(-d(fake)).mean()
    d.requires_grad_(True)
    return loss


def dann(network: nn.Module, batch: Any) -> Any:
    x, y = batch
    kind, domain = network(torch.cat([x, 0.7 * x + 0.3]))
    which = torch.arange(2).repeat_interleave(len(x))
    return CE(kind[: len(x)], y) + CE(domain, which)


def exits(network: nn.Module, batch: Any) -> Any:
    outs = network(batch[0])
    return sum(w * CE(out, batch[1]) for w, out in zip((0.05, 0.3, 1.0), outs, strict=True))


def last_exit(network: nn.Module, batch: Any) -> Any:
    return CE(network(batch[0])[-1], batch[1])


def by_turns() -> Any:
    """Exit 1 or exit 3, as a coin falls: the second is in both."""

    def loss(network: nn.Module, batch: Any) -> Any:
        a, b, c = network(batch[0])
        first = bool(torch.rand(()) < 0.5)
        return CE(b, batch[1]) + (CE(a, batch[1]) if first else CE(c, batch[1]))

    return loss


def diffuse(network: nn.Module, batch: Tensor) -> Any:
    """Noise is foretold for sequences (n, t, 1)."""
    t = torch.rand(len(batch), 1, 1)
    noise = torch.randn_like(batch)
    x = (1 - t).sqrt() * batch + t.sqrt() * noise
    return F.mse_loss(network(torch.cat([x, t.expand_as(x)], 2)), noise)


def mean_teacher(network: nn.Module, batch: Any) -> Any:
    """Two views agree, as a moving average of the student sees them; a few are labelled."""
    x, y = batch
    student, teacher = network.get_submodule("student"), network.get_submodule("teacher")
    with torch.no_grad():
        wanted = teacher(x + 0.1 * torch.randn_like(x)).softmax(1)
    out = student(x + 0.1 * torch.randn_like(x))
    return CE(out[:16], y[:16]) + (out.softmax(1) - wanted).square().sum(1).mean()


def teacher_and_student(make: Any) -> tuple[nn.ModuleDict, Any]:
    student = make()
    both = nn.ModuleDict({"student": student, "teacher": copy.deepcopy(student).requires_grad_(False)})

    def average() -> None:
        with torch.no_grad():
            for slow, fast in zip(both["teacher"].parameters(), both["student"].parameters(), strict=True):
                slow.lerp_(fast, 0.05)

    return both, average


def capsule(outputs: Tensor, targets: Tensor) -> Any:
    """Margin loss of the lengths of capsules (Sabour et al. 2017)."""
    long = outputs.norm(dim=2)
    hot = F.one_hot(targets, 10)
    return (hot * F.relu(0.9 - long) ** 2 + 0.5 * (1 - hot) * F.relu(long - 0.1) ** 2).sum(1).mean()


def hinge(outputs: Tensor, targets: Tensor) -> Any:
    return F.multi_margin_loss(outputs, targets)


def views() -> tuple[Tensor, Tensor]:
    x, _ = digits()
    return x + 0.3 * torch.randn_like(x), torch.roll(x, 1, 3) * (0.8 + 0.4 * torch.rand(64, 1, 1, 1))


def negative_cosine(network: nn.Module, batch: Any) -> Any:
    """SimSiam."""
    encode, predict = network.get_submodule("encode"), network.get_submodule("predict")
    a, b = encode(batch[0]), encode(batch[1])
    near = F.cosine_similarity(predict(a), b.detach()).mean() + F.cosine_similarity(predict(b), a.detach()).mean()
    return -near / 2


def pixels() -> Tensor:
    return digits01(64)[0]


def hounsfield() -> tuple[Tensor, Tensor]:
    x, y = digits01(64)
    return x * 4000 - 1000, y


def byte_pixels() -> tuple[Tensor, Tensor]:
    x, y = digits01(64)
    return (x * 255).round(), y


def log_mels() -> tuple[Tensor, Tensor]:
    x, y = digits01(64)
    return x * 30 - 90, y
