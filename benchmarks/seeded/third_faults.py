"""Faults of the third set: (name, severity, what should be said, set-up); of losses and words: ``third_slips``."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import third_losses as losses
from seeded import third_nets as nets
from seeded.blind_plans import CE, Blind
from seeded.case import digits
from seeded.third_odd import MSE, by
from seeded.third_slips import SLIPS
from seeded.third_tasks import fit, flat, mlp, small, table
from seeded.third_tuned import before, low_rank, scheduled


def stale(make: Callable[[], nn.Module]) -> Blind:
    """The optimizer holds the parameters of another copy."""
    net = make()
    return fit(net, digits, CE, optim.AdamW(copy.deepcopy(net).parameters(), lr=3e-3))


def late_head() -> Blind:
    """The head is replaced after the optimizer was made."""
    net: Any = before(lambda: flat(64, 10))
    optimizer = optim.AdamW(net.parameters(), lr=1e-3)
    net[3] = nn.Linear(64, 10)
    return fit(net, digits, CE, optimizer)


def frozen_new_head() -> Blind:
    """Everything is frozen after the new head was put in."""
    net: Any = before(lambda: flat(64, 64, 10))
    net[5] = nn.Linear(64, 10)
    net.requires_grad_(False)
    net[3].requires_grad_(True)
    return fit(net, digits, CE, optim.AdamW(net[3].parameters(), lr=1e-3))


def frozen_random() -> Blind:
    """A body that was never trained is frozen as if it were."""
    net: Any = small()
    for p in net[:6].parameters():
        p.requires_grad_(False)
    return fit(net, digits, CE, optim.AdamW(net[8].parameters(), lr=3e-3))


def dead_adapter() -> Any:
    """Both factors of the adapters begin at zero."""
    case: Any = low_rank()
    for m in case.network.modules():
        if isinstance(m, nets.LowRank):
            nn.init.zeros_(m.a)
    return case


def in_list() -> Blind:
    """Blocks in a plain list: the network has no parameters of them."""

    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Linear(768, 48), nn.Linear(48, 10)
            self.blocks = [mlp(48, 48) for _ in range(2)]

        def forward(self, x: Tensor) -> Any:
            x = F.relu(self.stem(x.flatten(1)))
            for block in self.blocks:
                x = F.relu(block(x))
            return self.head(x)

    return fit(Listed(), digits, CE)


def zeros_everywhere() -> Blind:
    net = flat(64, 64, 10)
    for p in net.parameters():
        nn.init.zeros_(p)
    return fit(net, digits, CE)


def same_everywhere() -> Blind:
    net = flat(64, 64, 10)
    for p in net.parameters():
        nn.init.constant_(p, 0.01)
    return fit(net, digits, CE)


def dead_relus() -> Blind:
    net: Any = flat(64, 64, 10)
    nn.init.constant_(net[3].bias, -20.0)
    return fit(net, digits, CE)


class Detached(nn.Module):
    def __init__(self, how: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self.head, self.how = flat(64, 64), mlp(64, 10), how

    def forward(self, x: Tensor) -> Any:
        return self.head(self.how(self.body(x)))


def no_grad_part(x: Tensor) -> Tensor:
    return torch.from_numpy(x.detach().numpy())


def warm_never() -> Blind:
    """The warm-up's rate is multiplied by the loader's length, which is zero here: for ever 1e-12."""
    net = small()
    optimizer = optim.AdamW(net.parameters(), lr=1e-12)
    return fit(net, digits, CE, optimizer)


def decayed() -> Blind:
    """ExponentialLR is stepped by batch instead of epoch, and has been for 300 batches."""
    net = small()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    for _ in range(300):
        optimizer.step()
        schedule.step()
    return scheduled(net, optimizer, schedule)


def grouped_low() -> Blind:
    """The new head has the rate of the body, and the body that of the head."""
    net: Any = before(lambda: flat(64, 10))
    net[3] = nn.Linear(64, 10)
    return fit(net, digits, CE, optim.SGD(
        [{"params": net[1].parameters(), "lr": 20.0}, {"params": net[3].parameters(), "lr": 1e-6}], lr=0.1
    ))  # fmt: skip


def hooked() -> Blind:
    """A hook clips the gradients to a norm of 1e-8."""
    net = small()
    for p in net.parameters():
        p.register_hook(lambda g: g * (1e-8 / (g.norm() + 1e-12)))
    return fit(net, digits, CE, by(optim.SGD, lr=0.1))


def scaled_never_unscaled() -> Blind:
    """Scaled by 65536 and never unscaled, with SGD."""
    return fit(flat(64, 10), digits, lambda outputs, targets: 65536 * CE(outputs, targets), by(optim.SGD, lr=0.05))


def halves() -> tuple[Tensor, Tensor]:
    x, y = digits()
    return x.bfloat16(), y


def bias_only() -> Blind:
    """The list of parameters has those whose name has 'bias', by mistake for all but those."""
    net = flat(64, 64, 10)
    return fit(net, digits, CE, optim.AdamW([p for n, p in net.named_parameters() if "bias" in n], lr=3e-3))


def exit_lost() -> Blind:
    """Only the last exit is in the loss: the first two are never trained."""
    return fit(nets.Exits(), digits, losses.last_exit)


class Norms(nn.Module):
    """A normalisation over the batch's axis of a single number."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.head = flat(64, 1), nn.LayerNorm(1), nn.Linear(1, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.norm(self.body(x)))


def over_batch() -> nn.Module:
    """Softmax over the batch instead of the classes, before a negative log-likelihood."""
    return nn.Sequential(flat(64, 10), nn.LogSoftmax(0))


def eval_mode() -> Blind:
    """Batch normalisation fresh, in eval mode: it learns no statistics."""
    case = fit(small(), digits, CE)
    case.network.eval()
    return case


def raw_units() -> tuple[Tensor, Tensor]:
    return losses.hounsfield()


def saturated() -> Blind:
    """Bytes into sigmoids."""
    return fit(flat(64, 64, 10, act=nn.Sigmoid), lambda: ((b := losses.hounsfield())[0] * 10, b[1]), CE)


FAULTS: list[tuple[str, str, str, Callable[[], Blind]]] = [
    ("optimizer of a copy", "error", "the optimizer steps none of the network", lambda: stale(lambda: flat(64, 10))),
    ("head replaced after the optimizer", "error", "3 is random and not in the optimizer", late_head),
    ("new head frozen", "error", "5 is random and frozen", frozen_new_head),
    ("random body frozen", "error", "0..4 are random and frozen", frozen_random),
    ("adapters, both factors zero", "error", "a and b can never learn", dead_adapter),
    ("blocks in a plain list", "error", "blocks are not registered: never trained", in_list),
    ("all weights zero", "error", "symmetric / no gradient", zeros_everywhere),
    ("all weights the same", "error", "units are all alike", same_everywhere),
    ("ReLUs dead by the bias", "error", "layer 3 is dead", dead_relus),
    ("detached in the middle", "error", "the body has no gradient", lambda: fit(
        Detached(lambda x: x.detach()), digits, CE)),
    ("through numpy in the middle", "error", "the body has no gradient", lambda: fit(
        Detached(no_grad_part), digits, CE)),
    ("argmax in the middle", "error", "the body has no gradient", lambda: fit(
        Detached(lambda x: F.one_hot(x.argmax(1), 64).float()), digits, CE)),
    ("rounded in the middle", "error", "the body's gradient is zero", lambda: fit(
        Detached(lambda x: (x * 8).round() / 8), digits, CE)),
    ("sign in the middle", "error", "the body's gradient is zero", lambda: fit(
        Detached(lambda x: x.sign()), digits, CE)),
    ("rate of 1e-12", "error", "the rate is too small", warm_never),
    ("decayed by batch to nothing", "error", "the rate is too small", decayed),
    ("rates of body and head exchanged", "error", "body's rate too large, head's too small", grouped_low),
    ("gradients clipped to 1e-8", "error", "steps are too small", hooked),
    ("scale never taken off", "error", "steps are too large", scaled_never_unscaled),
    ("bfloat16 weights at 1e-5", "error", "updates are lost in rounding", lambda: fit(
        flat(64, 10).bfloat16(), halves, lambda outputs, targets: CE(outputs.float(), targets), by(
            optim.SGD, lr=1e-5))),
    ("biases alone given", "error", "the weights are random and not in the optimizer", bias_only),
    ("exits left out of the loss", "error", "heads.0 and heads.1 have no gradient", exit_lost),
    ("LayerNorm of one number", "error", "the output of norm is constant: body cannot learn", lambda: fit(
        Norms(), digits, CE)),
    ("log-softmax over the batch", "error", "softmax over the wrong axis", lambda: fit(
        over_batch(), digits, nn.NLLLoss())),
    ("softmax then cross-entropy", "warning", "softmax twice", lambda: fit(
        nn.Sequential(*flat(64, 10), nn.Softmax(1)), digits, CE)),
    ("fresh network in eval mode", "warning", "batch normalisation in eval mode", eval_mode),
    ("Hounsfield units into a plain network", "error", "inputs are not normalised / too large", lambda: fit(
        flat(64, 64, 10), raw_units, CE, by(optim.SGD, lr=0.05))),
    ("large numbers into sigmoids", "error", "units are saturated", saturated),
    ("SGD at 50", "error", "steps are too large", lambda: fit(flat(64, 10), digits, CE, by(optim.SGD, lr=50.0))),
    ("Adam at 3", "error", "steps are too large", lambda: fit(flat(64, 64, 10), digits, CE, by(optim.Adam, lr=3.0))),
    ("weight decay of 1000 a step", "error", "decay is too strong", lambda: fit(
        small(), digits, CE, by(optim.AdamW, lr=1e-3, weight_decay=900.0))),
    ("minimised with maximize=True", "error", "the loss is made larger", lambda: fit(
        flat(64, 10), digits, CE, by(optim.AdamW, lr=3e-3, maximize=True))),
    ("table's targets in a squeezed shape", "error", "outputs (n, 1) and targets (n) are broadcast", lambda: fit(
        mlp(8, 48, 1), lambda: ((b := table())[0], b[1][:, 0]), MSE)),
    ("number bounded by a tanh", "error", "targets about 1000 are out of reach of tanh", lambda: fit(
        nn.Sequential(*mlp(8, 48, 1), nn.Tanh()), lambda: ((b := table())[0], 1000 + b[1]), MSE)),
    ("number after a ReLU", "error", "negative targets are out of reach of ReLU", lambda: fit(
        nn.Sequential(*mlp(8, 48, 1), nn.ReLU()), lambda: ((b := table())[0], b[1] - 5), MSE)),
    *SLIPS,
]  # fmt: skip
