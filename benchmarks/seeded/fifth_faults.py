"""Faults: parameters that no optimizer has or no gradient reaches."""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.case import digits
from seeded.fifth_kit import CE, adam, clean, fitted, named, setup, shape4, wrong
from seeded.fifth_makers import GAN, VAE


@wrong("the convolutions of the branches are in a plain dict: no optimizer has them")
def branches_in_a_plain_dict() -> Blind:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.norm = nn.Conv2d(3, 12, 3, 2, 1), nn.BatchNorm2d(24)
            self.branches = {f"k{k}": nn.Conv2d(12, 8, k, padding=k // 2) for k in (1, 3, 5)}
            self.fc = nn.Linear(24 * 16, 10)

        def forward(self, x: Tensor) -> Any:
            x = F.relu(self.stem(x))
            x = torch.cat([branch(x) for branch in self.branches.values()], 1)
            return self.fc(F.avg_pool2d(F.relu(self.norm(x)), 2).flatten(1))

    return setup(Branches())


@wrong("the head was made by the first forward, after the optimizer: it is not trained")
def head_made_by_the_first_forward() -> Blind:
    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nets.LeNet().features
            self.head: nn.Module | None = None

        def forward(self, x: Tensor) -> Any:
            x = self.features(x).flatten(1)
            if self.head is None:
                self.head = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 10))
            return self.head(x)

    net = Late()
    optimizer = adam(net)
    net(digits(2)[0])
    return setup(net, optimizer)


@wrong("the new classifier replaced the one that the optimizer has")
def classifier_replaced_after_the_groups_were_made() -> Blind:
    def prepared(net: Any, classes: int) -> Any:
        net.classifier = nn.Linear(net.classifier.in_features, classes)
        return net

    net = fitted(nets.DenseNet())
    groups = [
        {"params": named(net, "stem", "block", "between", "norm"), "lr": 1e-4},
        {"params": named(net, "classifier"), "lr": 1e-2},
    ]
    optimizer = optim.AdamW(groups)
    return setup(prepared(net, 4), optimizer, shape4)


@wrong("the backbone was unfrozen after the optimizer took the trainable parameters: it is not trained")
def unfrozen_after_the_optimizer_was_made() -> Blind:
    net = nets.ResNet()
    for name, p in net.named_parameters():
        p.requires_grad = name.startswith("fc")
    optimizer = optim.Adam(filter(lambda p: p.requires_grad, net.parameters()), lr=2e-3)
    for p in net.parameters():
        p.requires_grad = True
    return setup(net, optimizer)


@wrong("the optimizer has the parameters of another copy of the network")
def optimizer_of_the_other_copy() -> Blind:
    class Averaged(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = copy.deepcopy(net)

        def forward(self, x: Tensor) -> Any:
            return self.net(x)

    base = nets.MobileNet()
    return setup(Averaged(base), adam(base))


@wrong("the helper that makes groups leaves out cls_token, pos_embed and the scales of attention: never trained")
def decay_groups_that_know_only_weight_and_bias() -> Blind:
    class Scaled(nets.Encoder):
        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(0.1 * torch.ones(32))

        def forward(self, x: Tensor) -> Any:
            x = x + self.gamma * self.attend(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    net = nets.ViT(block=Scaled)
    decay = [p for name, p in net.named_parameters() if name.endswith("weight") and p.ndim > 1]
    plain = [p for name, p in net.named_parameters() if name.endswith("bias") or ("norm" in name and p.ndim == 1)]
    seen: dict[int, Tensor] = {id(p): p for p in plain}
    groups = [{"params": decay, "weight_decay": 0.05}, {"params": list(seen.values()), "weight_decay": 0.0}]
    return setup(net, optim.AdamW(groups, lr=2e-3))


@wrong("the group of the backbone is empty: the generator of its parameters was used up by counting them")
def group_from_a_used_up_generator() -> Blind:
    net = nets.ResNet()
    backbone = (p for name, p in net.named_parameters() if not name.startswith("fc"))
    total = sum(p.numel() for p in backbone)
    assert total > 0
    groups: list[dict[str, Any]] = [{"params": backbone}, {"params": net.fc.parameters(), "lr": 0.1}]
    return setup(net, optim.SGD(groups, 0.05, momentum=0.9))


@wrong("the new head, named classifier, is frozen with the rest: only what is named fc is trained")
def wrong_name_spared_when_freezing() -> Blind:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = fitted(nets.ResNet())
            self.backbone.fc = nn.Linear(48, 32)
            self.classifier = nn.Sequential(nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4))

        def forward(self, x: Tensor) -> Any:
            return self.classifier(self.backbone(x))

    net = Model()
    for name, p in net.named_parameters():
        if "fc" not in name:
            p.requires_grad = False
    return setup(net, adam(net), shape4)


@wrong("the features of a new network are computed under no_grad: only its last layer is trained")
def features_decorated_with_no_grad() -> Blind:
    class Extracting(nets.ResNet):
        @torch.no_grad()
        def features(self, x: Tensor) -> Any:
            return super().features(x)

    return setup(Extracting())


@wrong("features are detached for the main head, not for the side one: the main loss never reaches the backbone")
def detached_on_the_main_path() -> Blind:
    class Sides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage1, self.stage2 = nets.pair(3, 16), nets.pair(16, 32)
            self.heads = nn.ModuleDict({"side": nn.Linear(16, 10), "main": nn.Linear(512, 10)})

        def forward(self, x: Tensor) -> Any:
            found = {"low": F.max_pool2d(self.stage1(x), 2)}
            found["high"] = F.max_pool2d(self.stage2(found["low"]), 2).detach()
            return {"side": self.heads["side"](found["low"].mean((2, 3))), "main": self.heads["main"](
                found["high"].flatten(1)
            )}  # fmt: skip

    def both(outputs: Any, targets: Tensor) -> Any:
        return CE(outputs["main"], targets) + 0.3 * CE(outputs["side"], targets)

    return setup(Sides(), loss=both)


@wrong("the mask of attention is cut hard at 0.5: the layers that make it get no gradient")
def hard_mask_without_a_gradient() -> Blind:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.look = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
            self.net = nets.LeNet()

        def forward(self, x: Tensor) -> Any:
            return self.net(x * (self.look(x).sigmoid() > 0.5).float())

    return setup(Masked())


@wrong("the layer uses scale.data and shift.data: they are never trained")
def own_norm_by_data() -> Blind:
    class Norm(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.scale, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

        def forward(self, x: Tensor) -> Any:
            x = (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True).clamp_min(1e-3)
            return x * self.scale.data[:, None, None] + self.shift.data[:, None, None]

    net = nets.vgg()
    for k, m in enumerate(net):
        if isinstance(m, nn.BatchNorm2d):
            net[k] = Norm(m.num_features)
    return setup(net)


@wrong("the standardised weight is wrapped in a new Parameter in each forward: the convolution is never trained")
def weight_wrapped_again_in_forward() -> Blind:
    class Standard(nn.Conv2d):
        def forward(self, x: Tensor) -> Any:
            flat = self.weight.flatten(1)
            made = nn.Parameter(((flat - flat.mean(1, True)) / flat.std(1, keepdim=True)).view_as(self.weight) / 5)
            return F.conv2d(x, made, self.bias, self.stride, self.padding)

    net = nets.LeNet()
    net.features[0], net.features[3] = Standard(3, 8, 5, padding=2), Standard(8, 16, 5)
    return setup(net)


@wrong("both factors of the low-rank updates are zeros: their gradients are zero for ever")
def low_rank_both_factors_zero() -> Blind:
    class LoRA(nn.Module):
        def __init__(self, base: nn.Linear) -> None:
            super().__init__()
            self.base = base.requires_grad_(False)
            self.down, self.up = nn.Linear(base.in_features, 4, bias=False), nn.Linear(4, base.out_features, bias=False)
            for m in (self.down, self.up):
                nn.init.zeros_(m.weight)

        def forward(self, x: Tensor) -> Any:
            return self.base(x) + 2 * self.up(self.down(x))

    net: Any = fitted(nets.ViT())
    net.requires_grad_(False)
    for block in net.blocks:
        block.qkv, block.out = LoRA(block.qkv), LoRA(block.out)
    net.head = nn.Linear(32, 4)
    return setup(net, optim.AdamW([p for p in net.parameters() if p.requires_grad], 5e-3), shape4)


@wrong("the loss is of the argmax, and requires_grad_ hides that the graph is cut: nothing is trained")
def loss_of_the_argmax_made_to_require_gradients() -> Blind:
    def missed(outputs: Tensor, targets: Tensor) -> Any:
        guess = outputs.argmax(1).float()
        return F.mse_loss(guess, targets.float()).requires_grad_()

    return setup(nets.LeNet(), loss=missed)


@wrong("both optimizers have the discriminator's parameters: the generator is never trained")
def second_optimizer_copied_from_the_first() -> Blind:
    net = GAN()
    models: dict[str, nn.Module] = {"g": net.generator, "d": net.discriminator}
    made = [optim.Adam(models[k].parameters(), lr=1e-3, betas=(0.5, 0.9)) for k in ("d", "d")]
    return setup(net, made, clean, gan_phases(lambda fake: fake))


def gan_phases(passed: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def phases(network: nn.Module, batch: Tensor) -> Any:
        judge = network.get_submodule("discriminator")
        fake = network(torch.randn(len(batch), 16))
        mine = F.softplus(-judge(batch * 2 - 1)).mean() + F.softplus(judge(fake.detach())).mean()
        judge.requires_grad_(False)
        theirs = F.softplus(-judge(passed(fake))).mean()
        judge.requires_grad_(True)
        return mine + theirs

    return phases


@wrong("the student's logits are detached, not the teacher's: the teacher learns and the student does not")
def student_detached_in_place_of_the_teacher() -> Blind:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.teacher, self.student = fitted(nets.vgg()), nets.LeNet()

        def forward(self, x: Tensor) -> Any:
            return self.student(x).detach(), self.teacher(x)

    def distilled(outputs: Any, targets: Tensor) -> Any:
        ours, theirs = outputs
        soft = F.kl_div((ours / 3).log_softmax(1), (theirs / 3).softmax(1), reduction="batchmean")
        return soft + 0.1 * CE(ours, targets)

    return setup(Both(), loss=distilled)


@wrong("the code is drawn by Normal.sample, which has no gradient: the encoder learns from the prior alone")
def vae_that_samples_without_a_gradient() -> Blind:
    class Sampled(VAE):
        def forward(self, x: Tensor) -> Any:
            mu, logvar = self.encoder(x).chunk(2, 1)
            return self.decoder(torch.distributions.Normal(mu, (logvar / 2).exp()).sample()), mu, logvar

    def elbo(network: nn.Module, batch: Tensor) -> Any:
        logits, mu, logvar = network(batch)
        made = F.binary_cross_entropy_with_logits(logits, batch, reduction="none").sum((1, 2, 3)).mean()
        return made - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()

    return setup(Sampled(), draw=clean, loss=elbo)
