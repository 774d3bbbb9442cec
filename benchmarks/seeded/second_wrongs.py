"""Faults of the second set in batches and losses: (name, severity wanted, what should be said, set-up)."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import second_nets as nets
from seeded.blind_plans import CE, Blind, digits01, shapes, two_views
from seeded.case import digits
from seeded.second_healthy import looped, radii, split, validated
from seeded.second_plans import (
    PLANS,
    beta_elbo,
    captioned,
    ctc,
    episode,
    levels,
    likelihood,
    noisy,
    pairs,
    sentences,
    strip,
    verify,
)
from seeded.second_ways import lost

AT = PLANS


def drawn(name: str, draw: Callable[[], Any], loss: Callable[..., Any] | None = None) -> Callable[[], Blind]:
    return lambda: AT[name].case(draw=draw, loss=loss)


def images(how: Callable[[Tensor], Tensor]) -> Callable[[], Any]:
    """Digits from [0, 1], prepared in another way."""
    return lambda: (b := digits01()) and (how(b[0]), b[1])


def labels(how: Callable[[Tensor], Tensor]) -> Callable[[], Any]:
    return lambda: (b := digits()) and (b[0], how(b[1]))


def point_radius(loss: Callable[..., Any], flat: bool = False, shift: float = 0.0) -> Callable[[], Blind]:
    def draw() -> tuple[Tensor, Tensor]:
        x, y = radii()
        return x, (y[:, 0] if flat else y) + shift

    return lambda: AT["pointnet"].case(nets.PointNet(1), draw=draw, loss=loss)


def bounded(layer: nn.Module) -> Callable[[], Blind]:
    """A regressor of radii of 5 to 10 pixels, whose last layer has a bound."""

    def draw() -> tuple[Tensor, Tensor]:
        x, y = radii()
        return x, y * 1.5 + 7

    return lambda: AT["pointnet"].case(nn.Sequential(nets.PointNet(1), layer), draw=draw, loss=F.mse_loss)


def even(loss: Callable[..., Any], how: Callable[[Tensor], Any], last: nn.Module) -> Callable[[], Blind]:
    """One output: is the digit even?"""
    return lambda: AT["repvgg"].case(nn.Sequential(nets.RepVGG(1), last), draw=labels(how), loss=loss)


def rewrapped(network: nn.Module, batch: Any) -> Any:
    """``torch.tensor(losses, requires_grad=True).mean()``."""
    out = network(batch[0])
    values = [float(CE(out[i : i + 1], batch[1][i : i + 1]).detach()) for i in range(len(out))]
    return torch.tensor(values, requires_grad=True).mean()


def counted(outputs: Tensor, targets: Tensor) -> Any:
    """The share of errors, made to require a gradient by hand."""
    loss = (outputs.argmax(1) != targets).float().mean()
    loss.requires_grad_(True)
    return loss


def same_twice() -> tuple[tuple[Tensor, Tensor], Tensor]:
    """A few pairs are of one image twice."""
    (a, b), same = pairs()
    b = b.clone()
    b[:4], same[:4] = a[:4], 1.0
    return (a, b), same


def root_distance(network: Any, batch: Any) -> Any:
    """A contrastive loss with the square root of a sum of squares: no derivative at 0."""
    (a, b), same = batch
    left, right = network.encoder(torch.cat([a, b])).chunk(2)
    distance = (left - right).square().sum(1).sqrt()
    return (same * distance**2 + (1 - same) * F.relu(2 - distance) ** 2).mean() + 0 * verify(network, batch)


def tau(network: Any, batch: Any) -> Any:
    """No normalisation, and a temperature of 0.001."""
    a, b = network.visual(batch[0]), network.text(network.words(batch[1]).flatten(1))
    return CE(a @ b.T / 0.001, torch.arange(len(a))) + 0 * network.logit_scale


def zeros_contrast(network: Any, batch: Any) -> Any:
    return CE(network(*batch), torch.zeros(len(batch[0]), dtype=torch.long))


def whole_batch(network: Any, batch: Any) -> Any:
    """``F.normalize(x, dim=0)``."""
    a = F.normalize(network.visual(batch[0]), dim=0)
    b = F.normalize(network.text(network.words(batch[1]).flatten(1)), dim=0)
    return CE(network.scale() * a @ b.T, torch.arange(len(a)))


def positive_focal(outputs: Tensor, targets: Tensor) -> Any:
    """Focal loss without its minus."""
    p = outputs.softmax(1).gather(1, targets[:, None]).clamp(1e-6, 1)
    return (0.25 * (1 - p) ** 2 * p.log()).mean()


def variance_free(network: Any, batch: Tensor) -> Any:
    """The sign of the Kullback-Leibler term is wrong."""
    return beta_elbo(network, batch, -4.0)


def nearer_is_worse(network: nn.Module, batch: Any) -> Any:
    """Distances as logits, without the minus."""
    features = network(batch[0].flatten(0, 1)).unflatten(0, (5, 8))
    return CE(torch.cdist(features[:, 3:].flatten(0, 1), features[:, :3].mean(1)) ** 2 / 8, batch[1])


def copied(network: nn.Module, batch: Any) -> Any:
    """Words in and words out are not shifted by one."""
    pictures, words = batch
    return F.cross_entropy(network(pictures, words).flatten(0, 1), words.flatten(), ignore_index=12)


def one_class() -> tuple[Tensor, Tensor]:
    pictures, kinds = digits(1000)
    return pictures[kinds == 3][:48], kinds[kinds == 3][:48]


def unrelated_views() -> tuple[Tensor, Tensor]:
    return two_views()[0], two_views()[1]


def plain_views() -> tuple[Tensor, Tensor]:
    a, _ = two_views()
    return a, a.clone()


def mixed_words() -> tuple[Tensor, Tensor]:
    pictures, words = captioned()
    return pictures, words[torch.randperm(len(words))]


def dice_counts(network: Any, batch: Any) -> Any:
    """Overlap of thresholded maps."""
    hit = (network(batch[0]) > 0.5).float().requires_grad_()
    return 1 - 2 * (hit * batch[1]).sum() / (hit.sum() + batch[1].sum())


def tensor_of(values: list[float]) -> Tensor:
    return torch.tensor(values)


def raw_bytes() -> Blind:
    network = nn.Sequential(nn.Flatten(), nn.Linear(768, 64), nn.ReLU(), nn.Linear(64, 10))
    return AT["complex"].case(
        network, optimizer=optim.SGD(network.parameters(), 0.1, 0.9), draw=images(lambda x: x * 255)
    )


WRONGS: list[tuple[str, str, str, Callable[[], Blind]]] = [
    # losses
    ("loss made anew by torch.tensor", "error", "the loss has no graph: nothing gets a gradient",
     lost("stn", rewrapped)),
    ("error rate as the loss", "error", "the loss has no graph: nothing gets a gradient", lost("tied", counted)),
    ("predictions rounded", "error", "the derivative of round is 0",
     point_radius(lambda outputs, targets: F.mse_loss(outputs.round(), targets))),
    ("overlap of thresholded maps", "error", "the loss has no graph", lost("hourglass", dice_counts)),
    ("likelihood minimised", "error", "unbounded below: the likelihood falls",
     lost("realnvp", lambda network, batch: -likelihood(network, batch))),
    ("cross-entropy maximised", "error", "the sign of the loss", lost("resmlp", lambda o, t: -CE(o, t))),
    ("NLL of raw logits", "error", "NLLLoss needs log-probabilities", lost("resmlp", nn.NLLLoss())),
    ("NLL of probabilities", "warning", "NLLLoss needs log-probabilities",
     lost("resmlp", lambda outputs, targets: F.nll_loss(outputs.softmax(1), targets))),
    ("log-softmax over the batch", "error", "softmax along the batch",
     lost("stn", lambda outputs, targets: F.nll_loss(outputs.log_softmax(0), targets))),
    ("sigmoid, then BCEWithLogits", "warning", "sigmoid twice", lost("coral", lambda o, t: levels(o.sigmoid(), t))),
    ("softmax of one output", "error", "softmax of one number is 1",
     even(nn.BCELoss(), lambda t: (t % 2 == 0).float()[:, None], nn.Softmax(1))),
    ("cross-entropy of one output", "error", "the loss is 0 always", even(CE, torch.zeros_like, nn.Identity())),
    ("column against row", "error", "(n, 1) against (n,) broadcasts", point_radius(F.mse_loss, flat=True)),
    ("ReLU, targets below 0", "error", "the outputs cannot reach the targets", lambda: AT["pointnet"].case(
        nn.Sequential(nets.PointNet(1), nn.ReLU()), draw=lambda: ((b := radii()) and (b[0], b[1] - 3)),
            loss=F.mse_loss)),
    ("sigmoid, targets of pixels", "error", "the outputs cannot reach the targets", bounded(nn.Sigmoid())),
    ("tanh, targets of pixels", "error", "the outputs cannot reach the targets", bounded(nn.Tanh())),
    ("outputs clamped", "error", "clamp has no derivative outside", point_radius(
        lambda outputs, targets: F.mse_loss(outputs.clamp(0, 1), targets), shift=-20.0)),
    ("square root at 0", "error", "NaN gradients", drawn("siamese", same_twice, root_distance)),
    ("logarithm of 0", "error", "infinite loss", drawn("repvgg", images(lambda x: x * 1e4), lambda outputs, targets: (
        -(outputs * 1e4).softmax(1).log().gather(1, targets[:, None]).mean()))),
    ("labels smoothed wholly", "error", "smoothing of 1 tells nothing",
     lost("stn", nn.CrossEntropyLoss(label_smoothing=1.0))),
    ("label smoothing 0.9", "warning", "smoothing of 0.9", lost("stn", nn.CrossEntropyLoss(label_smoothing=0.9))),
    ("one class has all the weight", "error", "weights of 0: the other classes are not learned",
     lost("tied", nn.CrossEntropyLoss(weight=tensor_of([0.0] * 9 + [1.0])))),
    ("class 0 ignored", "warning", "ignore_index is a real class", lost("stn", nn.CrossEntropyLoss(ignore_index=0))),
    ("sum of the loss", "error", "sum over the batch: the rate is 64 times too high", lambda: AT["auxiliary"].case(
        loss=lambda network, batch: sum(F.cross_entropy(o, batch[1], reduction="sum") for o in network(batch[0])))),
    ("only the auxiliary head", "error", "second, fc have no gradient",
     lost("auxiliary", lambda network, batch: CE(network(batch[0])[1], batch[1]))),
    ("auxiliary weight of 0", "warning", "aux has a gradient of 0", lost(
        "auxiliary", lambda network,
            batch: CE(network(batch[0])[0], batch[1]) + 0.0 * CE(network(batch[0])[1], batch[1]))),
    ("CTC of raw scores", "warning", "ctc_loss needs log-probabilities", lambda: AT["crnn"].case(
        loss=lambda network, batch: ctc(network.fc(network.rnn(network.columns(network.cnn(batch[0])))[0]), batch[1]))),
    ("CTC too short", "error", "no path: infinite, zeroed: no gradient", lost("crnn", lambda o, t: F.ctc_loss(
        o[:2], t + 1, torch.full((len(t),), 2), torch.full((len(t),), 3), zero_infinity=True))),
    ("CTC's blank is a digit", "warning", "targets have the blank", lost("crnn", lambda o, t: F.ctc_loss(
        o, t, torch.full((len(t),), 12), torch.full((len(t),), 3)))),
    ("KL term of 1e4", "error", "the KL term outweighs the image",
     lost("betavae", lambda network, batch: beta_elbo(network, batch, 1e4))),
    ("KL term of wrong sign", "error", "unbounded below", lost("betavae", variance_free)),
    ("temperature of 0.001", "error", "softmax is saturated", lost("clip", tau)),
    ("all pairs match the first", "error", "labels are all 0", lost("clip", zeros_contrast)),
    ("features normalised along the batch", "error", "images are mixed", lost("clip", whole_batch)),
    ("focal loss without minus", "error", "the loss is negative: p falls", lost("stn", positive_focal)),
    ("prototypes repel", "error", "the sign of the distances", lost("prototypes", nearer_is_worse)),
    ("words not shifted", "warning", "the answer is in the input", lost("captioner", copied)),
    # batches
    ("no target is known", "error", "all targets are ignored: NaN", drawn("stn", labels(lambda t: t * 0 - 100))),
    ("padding is all", "error", "all targets are ignored: NaN", drawn("captioner", lambda: (
        (b := sentences()) and (b[0], torch.full_like(b[1], 12))))),
    ("one class in the batch", "warning", "all labels are one class", drawn("resmlp", one_class)),
    ("thresholds all passed", "error", "the targets are constant", lost(
        "coral", lambda o, t: F.binary_cross_entropy_with_logits(o, (t[:, None] > -1 - torch.arange(9)).float()))),
    ("labels softened twice", "warning", "targets are nearly uniform",
     drawn("stn", labels(lambda t: F.one_hot(t, 10).float().softmax(1)))),
    ("labels permuted in the batch", "error", "labels do not belong to the images",
     drawn("stn", labels(lambda t: t[torch.randperm(len(t))]))),
    ("words permuted in the batch", "error", "words do not belong to the images", drawn("clip", mixed_words)),
    ("views of different images", "error", "the pairs are unrelated", drawn("barlow", unrelated_views)),
    ("the same view twice", "warning", "the two views are equal", drawn("barlow", plain_views)),
    ("divided by 255 twice", "warning", "the images are nearly constant",
     drawn("stn", images(lambda x: (x / 255 - 0.3) / 0.35))),
    ("mean and deviation of bytes", "error", "the images are nearly constant",
     drawn("hourglass", lambda: ((s := AT["hourglass"].draw()) and ((s[0] * 0.22 + 0.25 - 123.7) / 58.4, s[1])))),
    ("bytes not divided", "warning", "pixels of 0 to 255", drawn("spiking", images(lambda x: (x * 255).round()))),
    ("bytes less the mean of fractions", "warning", "pixels of 0 to 700", drawn(
        "complex", images(lambda x: ((x * 255).round() - 0.3) / 0.35))),
    ("bytes wrapped around", "warning", "uint8 arithmetic wrapped", drawn(
        "repvgg", images(lambda x: ((x * 255).byte() - 127).float() / 127))),
    ("deviation of 0", "error", "NaN in the images", drawn("resmlp", images(
        lambda x: (x - x.mean(0)) / (x - x.mean(0)).where(x.mean(0) > 0.31, torch.zeros(())).std(0)))),
    ("all images equal", "error", "the images are equal",
     drawn("repvgg", images(lambda x: x[:1].expand_as(x).clone()))),
    ("images all zero", "error", "the images are zero", drawn("stn", images(torch.zeros_like))),
    ("one image a batch", "warning", "batch normalisation of one image", drawn("repvgg", lambda: digits(1))),
    ("view in place of permute", "warning", "rows and channels are scrambled", drawn(
        "repvgg", images(lambda x: (x.permute(0, 2, 3, 1).reshape(x.shape) - 0.3) / 0.35))),
    ("targets in other units", "error", "targets of thousands", point_radius(F.mse_loss, shift=5000.0)),
    ("clean images not normalised", "warning", "inputs and targets have different units", drawn("cleaner", lambda: (
        (b := noisy()) and (b[0], (b[1] * 0.22 + 0.25) * 255)))),
    ("episodes of shuffled queries", "error", "labels do not belong to the images", drawn("prototypes", lambda: (
        (b := episode()) and (b[0], b[1][torch.randperm(25)])))),
    ("strip read against others", "error", "labels do not belong to the images", drawn("crnn", lambda: (
        (b := strip()) and (b[0], b[1].roll(1, 0))))),
    ("a channel is dead", "warning", "a channel is constant", drawn(
        "stn", images(lambda x: (x * tensor_of([1.0, 0.0, 0.0])[:, None, None] - 0.3) / 0.35))),
    # loops
    ("gradients never cleared", "error", "zero_grad is missing in the step", looped(clear=False)),
    ("validated in train mode", "error", "validation in train mode", validated(quiet=False)),
    ("test images in the training set", "error", "the splits share images", split(60)),
    ("shapes against digits", "error", "labels do not belong to the images", lambda: AT["stn"].case(
        draw=lambda: (shapes(64, 16).pixels, digits()[1]))),
    ("SGD at 0.1 on bytes", "error", "steps far too large", raw_bytes),
]  # fmt: skip
