"""Faults of the third set in losses, in sequences, and in what is fed."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import third_losses as losses
from seeded import third_nets as nets
from seeded import third_tasks as tasks
from seeded.blind_plans import CE, Blind
from seeded.case import digits
from seeded.third_odd import MSE, by
from seeded.third_tasks import fit, flat, mlp, small, table, word_loss


def no_shift() -> tuple[Tensor, Tensor]:
    """Targets are the inputs: a causal model is asked to say what it was just told."""
    said = tasks.words()
    return said, said


def padding_everywhere() -> tuple[Tensor, Tensor]:
    """All targets are ignored."""
    said = tasks.words()
    return said, torch.full_like(said, -100)


def sees_answer() -> tuple[Any, Tensor]:
    """The decoder is given the target not shifted."""
    (source, _), target = tasks.reversed_words()
    return (source, target), target


def same_views() -> tuple[Tensor, Tensor]:
    x, _ = digits()
    return x, x


def no_negative_sign(network: nn.Module, batch: Any) -> Any:
    x, y = batch
    chosen = torch.distributions.Categorical(logits=network(x))
    arm = chosen.sample()
    return ((arm == y).float() * chosen.log_prob(arm)).mean()


def no_log(outputs: Tensor, targets: Tensor) -> Any:
    """Cross-entropy by hand without the minus sign."""
    return F.log_softmax(outputs, 1).gather(1, targets[:, None]).mean()


def cosine_up(network: nn.Module, batch: Any) -> Any:
    """The views are driven apart."""
    return -losses.info_nce(network, batch)


def detached_loss(outputs: Tensor, targets: Tensor) -> Any:
    """The prediction is detached, a small penalty remains."""
    return CE(outputs.detach(), targets) + 1e-4 * outputs.square().mean()


def item_loss(outputs: Tensor, targets: Tensor) -> Any:
    return torch.tensor(CE(outputs, targets).item(), requires_grad=True)


def accuracy(outputs: Tensor, targets: Tensor) -> Any:
    """1 - accuracy: no gradient but through a term of zero."""
    return 1 - (outputs.argmax(1) == targets).float().mean() + 0 * outputs.sum()


def root(outputs: Tensor, targets: Tensor) -> Any:
    """Outputs near their running copy, by a norm that begins at exactly zero."""
    return MSE(outputs, targets) + 0.1 * (outputs - outputs.detach()).square().sum(1).sqrt().mean()


def log_zero(outputs: Tensor, targets: Tensor) -> Any:
    hot = F.one_hot(targets, 10)
    return -(hot * torch.log((outputs * 200).softmax(1))).sum(1).mean()


def swapped_kl(outputs: Tensor, targets: Tensor) -> Any:
    """kl_div is given probabilities where it takes logarithms."""
    wanted = F.one_hot(targets, 10) * 0.9 + 0.01
    return F.kl_div(outputs.softmax(1), wanted, reduction="batchmean")


def nll_of_logits() -> Any:
    return nn.NLLLoss()


def zero_weights() -> Any:
    return nn.CrossEntropyLoss(torch.tensor([0.0] * 9 + [1e-9]), reduction="sum")


def far() -> tuple[Tensor, Tensor]:
    """Millions of dollars, not normalised."""
    x, y = table()
    return x, 3e6 + 1e6 * y


def one_class() -> tuple[Tensor, Tensor]:
    x, y = digits()
    return x, torch.zeros_like(y)


def blank() -> tuple[Tensor, Tensor]:
    """A loader that gives zeros (uint8 / 255 in integers)."""
    x, y = digits()
    return torch.zeros_like(x), y


def with_nan() -> tuple[Tensor, Tensor]:
    x, y = table()
    x[3, 2] = float("nan")
    return x, y


def repeated() -> tuple[Tensor, Tensor]:
    """All the batch is one image, each with its own label."""
    x, y = digits()
    return x[:1].expand_as(x).clone(), y


def off_by_many() -> tuple[Tensor, Tensor]:
    """Classes 0..9, network of 40: warn at most; here the labels are 0..9 of a column of numbers 0..1, cast to long."""
    x, y = table()
    return x, (y.sigmoid() * 0.99).long()[:, 0]


def same_target() -> tuple[Tensor, Tensor]:
    x, y = tasks.waves()
    return x, torch.zeros_like(y) + 1


def eternal_momentum() -> Blind:
    net = small()
    return fit(net, digits, CE, optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.0), eps=1e3))


def generator_detached(network: nn.Module, batch: Tensor) -> Any:
    """The generator's fake is detached in its own loss too."""
    g, d = network.get_submodule("g"), network.get_submodule("d")
    fake = g(torch.randn(len(batch), 8)).detach()
    return F.softplus(-d(batch)).mean() + F.softplus(d(fake)).mean() + 0 * F.softplus(-d(fake)).mean()


def players() -> Blind:
    both = nn.ModuleDict({"g": mlp(8, 64, 2), "d": mlp(2, 64, 1)})
    return fit(both, losses.narrow, generator_detached, [optim.Adam(both[k].parameters(), lr=1e-3) for k in "dg"])


def no_stop(network: nn.Module, batch: Any) -> Any:
    """SimSiam without the stop of gradients and without a predictor: it collapses."""
    a, b = (network(v) for v in batch)
    return -F.cosine_similarity(a, b).mean()


def teacher_trained() -> Blind:
    """The teacher is in the optimizer and never averaged; the student is forgotten."""
    student = flat(64, 10)
    both = nn.ModuleDict({"student": student, "teacher": copy.deepcopy(student)})
    return fit(both, digits, losses.mean_teacher, optim.AdamW(both["teacher"].parameters(), lr=2e-3))


def masked_all() -> nn.Module:
    """Attention whose mask leaves each word itself alone."""

    class Alone(nets.Attend):
        def forward(self, said: Tensor) -> Any:
            size = said.shape[1]
            mask = torch.full((size, size), float("-inf")).fill_diagonal_(0)
            x = self.emb(said) + self.pos(torch.arange(size))
            return self.head(self.norm(self.layer(x, src_mask=mask)))

    return Alone(False)


def all_at_zero() -> Any:
    """LayerScale and the last layer at zero both: neither moves."""
    net: Any = nets.Residual(0.0)
    for block in net.blocks:
        nn.init.zeros_(block[2].weight)
        nn.init.zeros_(block[2].bias)
    return net


SLIPS: list[tuple[str, str, str, Callable[[], Blind]]] = [
    ("language model not shifted", "error", "targets are the inputs", lambda: fit(
        nets.Attend(True), no_shift, word_loss)),
    ("language model that sees the future", "error", "outputs see later inputs that are their targets", lambda: fit(
        nets.Attend(False), tasks.following, word_loss)),
    ("decoder told the answer", "error", "the target is in the input", lambda: fit(
        nets.Seq2Seq(), sees_answer, word_loss, 5e-3)),
    ("all targets ignored", "error", "loss is NaN / no target is counted", lambda: fit(
        nets.Attend(True), padding_everywhere, word_loss)),
    ("masked model that hides nothing", "error", "targets are the inputs", lambda: fit(
        nets.Attend(False), no_shift, word_loss)),
    ("attention to itself alone", "warning", "words do not see one another", lambda: fit(
        masked_all(), tasks.masked, word_loss)),
    ("contrast of a view with itself", "error", "the two views are the same", lambda: fit(
        flat(64, 32), same_views, losses.info_nce)),
    ("contrast with the sign turned", "error", "the loss has the wrong sign", lambda: fit(
        flat(64, 32), losses.views, cosine_up)),
    ("policy gradient without its minus", "error", "the loss has the wrong sign", lambda: fit(
        flat(64, 10), digits, no_negative_sign)),
    ("entropy by hand without its minus", "error", "the loss has the wrong sign", lambda: fit(
        flat(64, 10), digits, no_log)),
    ("outputs detached, penalty left", "error", "targets have no part in the gradient", lambda: fit(
        flat(64, 10), digits, detached_loss)),
    ("loss made anew of a number", "error", "no parameter has a gradient", lambda: fit(
        flat(64, 10), digits, item_loss)),
    ("accuracy as the loss", "error", "all gradients are zero", lambda: fit(flat(64, 10), digits, accuracy)),
    ("square root at zero", "error", "gradients are NaN", lambda: fit(mlp(8, 48, 1), table, root)),
    ("logarithm of a softmax that underflows", "error", "the loss is infinite or NaN", lambda: fit(
        flat(64, 10), lambda: ((b := digits())[0] * 20, b[1]), log_zero)),
    ("kl_div of probabilities", "error", "kl_div wants log-probabilities", lambda: fit(
        flat(64, 10), digits, swapped_kl)),
    ("NLL of logits", "error", "NLLLoss wants log-probabilities", lambda: fit(flat(64, 10), digits, nll_of_logits())),
    ("class weights of nothing", "error", "the loss is about zero: no gradient", lambda: fit(
        flat(64, 10), digits, zero_weights(), by(optim.SGD, lr=0.05))),
    ("targets of millions", "error", "targets are not normalised", lambda: fit(mlp(8, 48, 1), far, MSE)),
    ("one class alone", "error", "all targets are the same", lambda: fit(flat(64, 10), one_class, CE)),
    ("inputs all zero", "error", "inputs are constant", lambda: fit(flat(64, 10), blank, CE)),
    ("a NaN in the table", "error", "inputs have NaN", lambda: fit(mlp(8, 48, 1), with_nan, MSE)),
    ("one image all through the batch", "error", "all inputs are the same", lambda: fit(
        flat(64, 10), repeated, CE)),
    ("numbers cast to classes", "error", "all targets are the same", lambda: fit(mlp(8, 48, 10), off_by_many, CE)),
    ("forecast of a constant", "warning", "targets are constant", lambda: fit(nets.Forecast(), same_target, MSE, 5e-3)),
    ("Adam with an epsilon of 1000", "error", "steps are too small", eternal_momentum),
    ("generator's fake detached", "error", "the generator has no gradient", players),
    ("views drawn together and nothing else", "warning", "collapses to a constant", lambda: fit(
        flat(64, 32), losses.views, no_stop)),
    ("teacher trained instead of student", "error", "the student is not in the optimizer", teacher_trained),
    ("branch and scale both at zero", "error", "scales and last layers can never learn", lambda: fit(
        all_at_zero(), digits, CE)),
]  # fmt: skip
