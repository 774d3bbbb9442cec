"""Healthy set-ups of fine-tuning and of teachers."""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.optim.swa_utils import AveragedModel

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.fifth_kit import CE, adam, fitted, named, right, setup, sgd, shape4


@right
def linear_probe_on_a_frozen_backbone() -> Blind:
    """The backbone stays in evaluation mode whatever the network is told."""

    class Probe(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = fitted(nets.ResNet()).requires_grad_(False)
            self.backbone.fc = nn.Identity()
            self.head = nn.Linear(48, 10)
            self.train()

        def train(self, mode: bool = True) -> Any:
            super().train(mode)
            self.backbone.eval()
            return self

        def forward(self, x: Tensor) -> Any:
            with torch.no_grad():
                x = self.backbone(x)
            return self.head(x)

    net = Probe()
    return setup(net, optim.Adam(net.head.parameters(), 1e-2))


@right
def rates_that_fall_with_the_depth() -> Blind:
    net = fitted(nets.ResNet())
    net.fc = nn.Linear(48, 4)
    rates = {"stem": 1e-5, "layer1": 5e-5, "layer2": 1e-4, "layer3": 5e-4, "fc": 5e-3}
    groups = [{"params": named(net, part), "lr": rate} for part, rate in rates.items()]
    return setup(net, optim.AdamW(groups), shape4)


@right
def first_half_frozen_and_left_out() -> Blind:
    net = fitted(nets.vgg())
    for m in list(net)[:7]:  # type: ignore[call-overload]
        m.requires_grad_(False)
    return setup(net, optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.01, momentum=0.9))


@right
def frozen_parts_given_to_the_optimizer_all_the_same() -> Blind:
    net = fitted(nets.DenseNet())
    net.get_submodule("stem").requires_grad_(False)
    net.get_submodule("block1").requires_grad_(False)
    net.classifier = nn.Linear(480, 10)
    return setup(net, adam(net, 1e-3))


@right
def prompts_before_the_tokens_of_a_frozen_vit() -> Blind:
    class Prompted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vit = fitted(nets.ViT(), steps=120)
            self.vit.requires_grad_(False)
            self.prompts = nn.Parameter(0.02 * torch.randn(1, 4, 32))
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Any:
            vit: Any = self.vit
            x = torch.cat([self.prompts.expand(len(x), -1, -1), vit.tokens(x)], 1)
            return self.head(vit.norm(vit.blocks(x)).mean(1))

    net = Prompted()
    return setup(net, optim.AdamW([net.prompts, *net.head.parameters()], lr=1e-2))


@right
def low_rank_updates_that_begin_at_zero() -> Blind:
    class LoRA(nn.Module):
        def __init__(self, base: nn.Linear) -> None:
            super().__init__()
            self.base = base
            self.a = nn.Parameter(torch.randn(4, base.in_features) / 4)
            self.b = nn.Parameter(torch.zeros(base.out_features, 4))

        def forward(self, x: Tensor) -> Any:
            return self.base(x) + x @ self.a.T @ self.b.T

    net: Any = fitted(nets.ViT())
    net.requires_grad_(False)
    for block in net.blocks:
        block.qkv = LoRA(block.qkv)
        block.qkv.base.requires_grad_(False)
    net.head = nn.Linear(32, 4)
    return setup(net, optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=5e-3), shape4)


@right
def only_the_normalisations_are_tuned() -> Blind:
    net = fitted(nets.ResNet())
    net.requires_grad_(False)
    tuned = [p for m in net.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
    for p in tuned:
        p.requires_grad_(True)
    return setup(net, optim.Adam(tuned, 5e-3))


class Taught(nn.Module):
    """A student with its frozen teacher within."""

    def __init__(self, teacher: nn.Module, student: nn.Module) -> None:
        super().__init__()
        self.teacher, self.student = teacher.eval().requires_grad_(False), student

    def forward(self, x: Tensor) -> Any:
        return self.student(x)


@right
def distillation_from_a_frozen_teacher() -> Blind:
    def distilled(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        ours, theirs = network(images), network.get_submodule("teacher")(images).detach()
        soft = F.kl_div((ours / 4).log_softmax(1), (theirs / 4).softmax(1), reduction="batchmean") * 16
        return 0.7 * soft + 0.3 * CE(ours, labels)

    net = Taught(fitted(nets.vgg(drop=0)), nets.LeNet())
    return setup(net, adam(net.student), loss=distilled)


@right
def mean_teacher_moved_after_each_step() -> Blind:
    student = nets.ResNet()
    net = Taught(copy.deepcopy(student), student)

    def consistent(network: nn.Module, batch: Any) -> Any:
        images, labels = batch
        noisy = network(images + 0.1 * torch.randn_like(images))
        with torch.no_grad():
            theirs = network.get_submodule("teacher")(images).softmax(1)
        return CE(noisy[:16], labels[:16]) + 0.5 * F.mse_loss(noisy.softmax(1), theirs)

    @torch.no_grad()
    def moved() -> None:
        for t, s in zip(net.teacher.state_dict().values(), student.state_dict().values(), strict=True):
            t.copy_(torch.lerp(t.float(), s.float(), 0.05))

    return setup(net, adam(student), loss=consistent, after=moved)


@right
def average_of_the_weights_beside_the_network() -> Blind:
    net = nets.MobileNet()
    mean = AveragedModel(net)
    return setup(net, sgd(net, 0.1), after=lambda: mean.update_parameters(net))
