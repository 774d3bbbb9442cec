"""Healthy set-ups of unusual optimizers, of weights that other weights make, of steps within steps."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.func import functional_call

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.case import digits
from seeded.fifth_kit import CE, few, right, setup


class SAM(optim.Optimizer):
    """Two gradients a step: the second where the loss is worst nearby."""

    needs_closure = True

    def __init__(self, parameters: Any, lr: float = 0.05, rho: float = 0.05) -> None:
        super().__init__(parameters, {"lr": lr, "rho": rho})
        self.base = optim.SGD(self.param_groups, lr=lr, momentum=0.9)
        self.param_groups, self.state = self.base.param_groups, self.base.state

    def load_state_dict(self, state_dict: Any) -> None:
        super().load_state_dict(state_dict)
        self.base.param_groups, self.base.state = self.param_groups, self.state

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        assert closure is not None
        again = torch.enable_grad()(closure)
        loss = again()
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        size = torch.stack([p.grad.norm() for p in held]).norm() + 1e-12
        moves = [p.grad * (self.param_groups[0]["rho"] / size) for p in held]
        torch._foreach_add_(held, moves)
        again()
        torch._foreach_sub_(held, moves)
        self.base.step()
        return loss


@right
def sharpness_aware_with_a_closure() -> Blind:
    net = nets.LeNet()
    return setup(net, SAM(net.parameters()))


class Lion(optim.Optimizer):
    """The sign of a mean of gradients."""

    def __init__(self, parameters: Any, lr: float = 3e-4, decay: float = 0.1) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                    p.mul_(1 - group["lr"] * group["decay"])
                    p.sub_(group["lr"] * (0.9 * mean + 0.1 * p.grad).sign())
                    mean.lerp_(p.grad, 0.01)
        return loss


@right
def lion_written_by_hand() -> Blind:
    net = nets.ViT()
    return setup(net, Lion(net.parameters(), 5e-4))


@right
def matrices_by_momentum_and_the_rest_by_adam() -> Blind:
    net = nets.Mixer()
    large = [p for p in net.blocks.parameters() if p.ndim == 2]
    rest = [p for p in net.parameters() if all(p is not q for q in large)]
    return setup(net, [optim.SGD(large, lr=0.05, momentum=0.95, nesterov=True), optim.AdamW(rest, lr=2e-3)])


@right
def adagrad_with_a_large_rate() -> Blind:
    net = nets.LeNet()
    return setup(net, optim.Adagrad(net.parameters(), lr=0.02))


@right
def adadelta_at_a_rate_of_one() -> Blind:
    net = nets.LeNet()
    return setup(net, optim.Adadelta(net.parameters(), lr=1.0))


@right
def gradients_clipped_by_hooks() -> Blind:
    net = nets.vgg()
    for p in net.parameters():
        p.register_hook(lambda grad: grad.clamp(-0.5, 0.5))
    return setup(net)


@right
def centres_of_classes_have_their_own_optimizer() -> Blind:
    class Centred(nets.ResNet):
        def __init__(self) -> None:
            super().__init__()
            self.centres = nn.Parameter(torch.randn(10, 48))

        def forward(self, x: Tensor) -> Any:
            found = self.features(x)
            return self.fc(found), found

    def centred(network: nn.Module, batch: Any) -> Any:
        logits, found = network(batch[0])
        centres: Any = network.centres
        return CE(logits, batch[1]) + 0.01 * ((found - centres[batch[1]]) ** 2).sum(1).mean()

    net = Centred()
    rest = [p for name, p in net.named_parameters() if name != "centres"]
    return setup(net, [optim.Adam(rest, 2e-3), optim.SGD([net.centres], lr=5.0)], loss=centred)


@right
def weights_made_by_another_network() -> Blind:
    class Hyper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.codes = nn.Parameter(torch.randn(2, 8))
            self.make = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16 * 16 * 9))
            self.stem, self.fc = nn.Conv2d(3, 16, 3, 2, 1), nn.Linear(256, 10)

        def forward(self, x: Tensor) -> Any:
            x = F.relu(self.stem(x))
            for weight in self.make(self.codes).view(2, 16, 16, 3, 3) * 0.2:
                x = x + F.relu(F.conv2d(x, weight, padding=1))
            return self.fc(F.avg_pool2d(x, 2).flatten(1))

    return setup(Hyper())


@right
def called_with_weights_from_a_dict() -> Blind:
    class Called(nn.Module):
        """The network itself is a plan of shapes; its weights are in a list of parameters."""

        def __init__(self) -> None:
            super().__init__()
            plan = nets.LeNet()
            self.names = [name for name, _ in plan.named_parameters()]
            self.values = nn.ParameterList(p.detach().clone() for p in plan.parameters())
            self.call: Callable[..., Any] = functools.partial(functional_call, plan.to("meta"))

        def forward(self, x: Tensor) -> Any:
            return self.call(dict(zip(self.names, self.values, strict=True)), (x,))

    return setup(Called())


@right
def one_inner_step_before_the_loss() -> Blind:
    """Model-agnostic meta-learning: half of the batch adapts, the other half is judged."""

    def meta(network: nn.Module, batch: Any) -> Any:
        (a, b), (ya, yb) = batch[0].chunk(2), batch[1].chunk(2)
        weights = dict(network.named_parameters())
        grads = torch.autograd.grad(CE(network(a), ya), list(weights.values()), create_graph=True)
        moved = {name: w - 0.05 * g for (name, w), g in zip(weights.items(), grads, strict=True)}
        return CE(functional_call(network, moved, (b,)), yb)

    return setup(nets.LeNet(), loss=meta)


@right
def random_first_layer_kept_on_purpose() -> Blind:
    """Filters of edges as a buffer, and a random convolution that is not trained."""

    class Edges(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4
            self.register_buffer("filters", torch.stack([sobel, sobel.T]).repeat(3, 1, 1)[:, None])
            self.random = nn.Conv2d(6, 32, 3, 2, 1).requires_grad_(False)
            self.rest = nn.Sequential(nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU(), nn.Flatten())
            self.fc = nn.Linear(512, 10)

        def forward(self, x: Tensor) -> Any:
            edges = F.conv2d(x, self.get_buffer("filters"), padding=1, groups=3)
            return self.fc(self.rest(self.random(edges)))

    return setup(Edges(), draw=few(96))


@right
def trained_against_attacked_images() -> Blind:
    def robust(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        moved = images.clone().requires_grad_(True)
        (grad,) = torch.autograd.grad(CE(network(moved), labels), moved)
        return CE(network((images + 0.1 * grad.sign()).detach()), labels)

    return setup(nets.LeNet(), draw=digits, loss=robust)
