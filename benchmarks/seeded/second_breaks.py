"""How the networks and optimizers of the second set are broken."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import second_nets as nets
from seeded import second_pairs as many
from seeded import second_towers as towers
from seeded.blind_plans import CE, Blind, pretrained
from seeded.case import digits
from seeded.second_plans import PLANS, hinge

AT = PLANS


def unlisted(network: Any) -> None:
    """``self.blocks = [RepBlock(...), ...]``."""
    blocks = list(network.blocks)
    del network.blocks
    network.blocks = blocks


def undict(network: Any) -> None:
    """Experts in a plain dict."""
    experts = dict(enumerate(network.experts))
    del network.experts

    class Values(dict[int, nn.Module]):
        def __iter__(self) -> Any:
            return iter(self.values())

    network.experts = Values(experts)


def plain_tensor(network: Any) -> None:
    """``self.pos = torch.randn(..., requires_grad=True)`` is no parameter."""
    del network.pos
    network.pos = (0.02 * torch.randn(1, 16, 48)).requires_grad_()


def only(name: str, *parts: str) -> Callable[[], Blind]:
    """The optimizer has some of the parts."""

    def build() -> Blind:
        network = AT[name].make()
        given = [p for part in parts for p in network.get_submodule(part).parameters()]
        return AT[name].case(network, optimizer=AT[name].optimizer(given))

    return build


def new_head() -> Blind:
    network: Any = pretrained(AT["repvgg"])
    optimizer = optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    network.fc = nn.Linear(24, 10)
    return AT["repvgg"].case(network, optimizer=optimizer)


def stale() -> Blind:
    network = AT["complex"].make()
    optimizer = AT["complex"].optimizer(network.parameters())
    return AT["complex"].case(copy.deepcopy(network), optimizer=optimizer)


def forward_of(name: str, part: str, how: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[], Blind]:
    """The forward (or another method) of a part is replaced."""

    def build() -> Blind:
        network = AT[name].make()
        owner, _, method = part.rpartition(".")
        module = network.get_submodule(owner)
        setattr(module, method, how(getattr(module, method)))
        return AT[name].case(network)

    return build


def detached(forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: forward(*given).detach()


def without_grad(forward: Callable[..., Any]) -> Callable[..., Any]:
    return torch.no_grad()(forward)


def through_numpy(forward: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: torch.from_numpy(forward(x).detach().numpy().copy())


def hard_sign(network: Any) -> None:
    """No straight-through estimator: the derivative of the sign is 0."""

    class HardSign(nets.BinaryConv):
        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x.sign(), self.weight, None, self.stride, self.padding)

    for module in network.modules():
        if isinstance(module, nets.BinaryConv):
            module.__class__ = HardSign


class HardSpiking(nets.Spiking):
    def forward(self, x: Tensor) -> Any:
        current, out = self.conv(x), []
        v1, v2 = torch.zeros_like(current), torch.zeros(len(x), 64)
        for _ in range(6):
            v1 = 0.8 * v1 + current
            s1 = (v1 > 1).float()
            v2 = 0.8 * v2 * (v2 < 0.5) + self.fc1(s1.flatten(1))
            out.append(self.fc2((v2 > 0.5).float()))
        return torch.stack(out).mean(0)


def hooked(name: str, how: Callable[[Tensor], Tensor], rate: float = 0.1) -> Callable[[], Blind]:
    """A hook on the gradient of each parameter."""

    def build() -> Blind:
        network = AT[name].make()
        for p in network.parameters():
            p.register_hook(how)
        return AT[name].case(network, optimizer=optim.SGD(network.parameters(), lr=rate, momentum=0.9))

    return build


def norms(network: nn.Module, **values: Any) -> None:
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for key, value in values.items():
                setattr(module, key, value)


def fill(how: Callable[[Tensor], Any]) -> Callable[[nn.Module], None]:
    def change(network: nn.Module) -> None:
        for p in network.parameters():
            if p.ndim > 1:
                how(p)

    return change


def deep_sigmoid() -> Blind:
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(768, 64), nn.Sigmoid()]
    for _ in range(9):
        layers += [nn.Linear(64, 64), nn.Sigmoid()]
    return AT["complex"].case(nn.Sequential(*layers, nn.Linear(64, 10)))


def linear_only() -> Blind:
    network = nn.Sequential(nn.Flatten(), nn.Linear(768, 64), nn.Linear(64, 64), nn.Linear(64, 10))
    return AT["complex"].case(network)


def ended(name: str, layer: nn.Module) -> Callable[[], Blind]:
    return lambda: AT[name].case(nn.Sequential(AT[name].make(), layer))


def frozen_fresh() -> Blind:
    """The usual lines of fine-tuning, on a backbone that nobody loaded weights into."""
    network = towers.SpatialTransformer().requires_grad_(False)
    network.read[1] = nn.Linear(64, 10)
    return AT["stn"].case(network, optimizer=optim.Adam([p for p in network.parameters() if p.requires_grad], lr=2e-3))


def teacher_taught() -> Blind:
    """The student's answer is the one that is detached."""
    case = many.distilled()
    network: Any = case.network
    network.teacher.requires_grad_(True)
    network.forward = lambda x: (network.student(x).detach(), network.teacher(x))
    soft = lambda outputs, targets: many.distil(outputs, targets) + CE(outputs[1], targets)  # noqa: E731
    return replace(case, loss=soft)


def random_teacher() -> Blind:
    network = many.Distilled(towers.ComplexNet())
    return AT["repvgg"].case(network, optimizer=optim.SGD(network.student.parameters(), lr=0.1), loss=many.distil)


def generator_detached() -> Blind:
    def loss(network: Any, batch: Tensor) -> Any:
        fake = network.generator(torch.randn(len(batch), 16)).detach()
        d = F.relu(1 - network.critic(batch)).mean() + F.relu(1 + network.critic(fake)).mean()
        return d - network.critic(fake).mean()

    return replace(many.wgan(), loss=loss)


def dead_penalty() -> Blind:
    return replace(many.wgan(), loss=lambda network, batch: hinge(network, batch, graph=False))


def target_trained() -> Blind:
    """The target is neither detached nor kept from the optimizer."""
    network = towers.DQN().requires_grad_(True)

    def loss(network: Any, batch: dict[str, Tensor]) -> Any:
        value = network(batch["state"]).gather(1, batch["action"][:, None])[:, 0]
        return F.smooth_l1_loss(value, batch["reward"] + 0.5 * network.target(batch["next"]).amax(1))

    return AT["dqn"].case(network, loss=loss)


def teacher_in_optimizer() -> Blind:
    """The average is in the optimizer and has gradients: both are trained, the teacher is no average."""
    case = many.dino()
    network: Any = case.network
    network.teacher.requires_grad_(True)

    def loss(network: Any, batch: Any) -> Any:
        a, b = network.teacher(batch[0]).softmax(1), network(batch[1]).log_softmax(1)
        return -(a * b).sum(1).mean()

    return replace(case, optimizers=optim.AdamW(network.parameters(), lr=1e-3), loss=loss)


def annealed() -> Blind:
    """``scheduler.step()`` for each batch instead of each epoch: nothing is left of the rate."""
    network = AT["stn"].make()
    optimizer = optim.Adam(network.parameters(), lr=2e-3)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1)
    optimizer.step()
    for _ in range(12):
        schedule.step()
    return AT["stn"].case(network, optimizer=optimizer)


def of_state_dict() -> Blind:
    network = AT["tied"].make()
    return AT["tied"].case(network, optimizer=optim.Adam(list(network.state_dict().values()), lr=3e-3))


def twice() -> Blind:
    network = AT["tied"].make()
    return AT["tied"].case(network, optimizer=[optim.Adam(network.parameters(), lr=3e-3) for _ in range(2)])


def backbone_at_zero() -> Blind:
    network: Any = AT["auxiliary"].make()
    heads = [*network.aux.parameters(), *network.fc.parameters()]
    body = [*network.first.parameters(), *network.second.parameters()]
    groups: list[dict[str, Any]] = [{"params": body, "lr": 0.0}, {"params": heads}]
    return AT["auxiliary"].case(network, optimizer=optim.SGD(groups, lr=0.1))


def coarse() -> Blind:
    """Weights of bfloat16 and a small rate: each step is lost in rounding."""

    def draw() -> tuple[Tensor, Tensor]:
        images, labels = digits()
        return images.bfloat16(), labels

    network = towers.ResMLP().bfloat16()
    return AT["resmlp"].case(network, optimizer=optim.SGD(network.parameters(), lr=1e-5), draw=draw)


def one_block(network: Any) -> None:
    """``nn.Sequential(*[block] * 3)``."""
    network.blocks = nn.ModuleList([network.blocks[0]] * 3)


def normed_alone(network: Any) -> None:
    """Layer normalisation of a single number."""
    network.score = nn.Sequential(nn.Linear(64, 1), nn.LayerNorm(1))


def batch_second(network: Any) -> None:
    for layer in network.layers:
        layer.self_attn.batch_first = False


def columns_view(network: Any) -> None:
    network.columns = lambda x: x.reshape(x.shape[3], x.shape[0], -1)


def batch_first(network: Any) -> None:
    """(t, n, f) goes into an LSTM that takes (n, t, f)."""
    network.rnn.batch_first = True


def vanished(network: Any) -> None:
    nn.init.zeros_(network.theta.bias)


def bias_of(value: float) -> Callable[[Any], None]:
    def change(network: nn.Module) -> None:
        for name, p in network.named_parameters():
            if name.endswith("bias"):
                nn.init.constant_(p, value)

    return change
