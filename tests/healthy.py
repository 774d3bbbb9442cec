"""Healthy training set-ups, at which an audit must stay silent."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

from toys import Toy


class SetUp(NamedTuple):
    """The arguments of ``audit_training``."""

    network: nn.Module
    optimizers: Any
    batch: Any
    loss: Callable[..., Any]


CE = nn.CrossEntropyLoss()


def images(count: int = 16, classes: int = 4, size: int = 12) -> tuple[Tensor, Tensor]:
    """Normalised images whose class shows in their mean."""
    labels = torch.arange(count) % classes
    return torch.randn(count, 3, size, size) + labels[:, None, None, None] / 2 - 0.75, labels


def body(*, norm: bool = True, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    def block(inside: int, outside: int) -> list[nn.Module]:
        return [nn.Conv2d(inside, outside, 3, padding=1), *([nn.BatchNorm2d(outside)] * norm), act()]

    return nn.Sequential(*block(3, 12), *block(12, 16), nn.MaxPool2d(2), *block(16, 24), nn.AdaptiveAvgPool2d(1))


def classifier(*, norm: bool = True, act: type[nn.Module] = nn.ReLU, dropout: float = 0.0) -> nn.Sequential:
    return nn.Sequential(body(norm=norm, act=act), nn.Flatten(), nn.Dropout(dropout), nn.Linear(24, 4))


def trained(network: nn.Module, steps: int = 20, lr: float = 0.05) -> nn.Module:
    """A stand-in for pretrained weights: a few steps on other images."""
    optimizer = optim.SGD(network.parameters(), lr=lr, momentum=0.9)
    network.train()
    for _ in range(steps):
        inputs, labels = images(32)
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    optimizer.zero_grad()
    return network


def sgd(parameters: Any, lr: float = 0.01) -> optim.Optimizer:
    return optim.SGD(parameters, lr=lr, momentum=0.9)


def plain() -> SetUp:
    network = classifier()
    return SetUp(network, sgd(network.parameters()), images(), CE)


def exam_net_with_all_parameters() -> SetUp:
    network = classifier(norm=False)
    return SetUp(network, sgd(network.parameters(), 0.001), dict(zip(("img", "labels"), images(), strict=True)), CE)


def adam_mid_training() -> SetUp:
    network = classifier(dropout=0.3)
    optimizer = optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(8):
        inputs, labels = images()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    return SetUp(network, optimizer, images(), CE)


def frozen_pretrained() -> SetUp:
    network = trained(classifier())
    network[0].requires_grad_(False)
    network[0].eval()
    network[3] = nn.Linear(24, 4)
    return SetUp(network, sgd(network[3].parameters()), images(), CE)


def frozen_pretrained_in_train_mode() -> SetUp:
    network = trained(classifier())
    network[0].requires_grad_(False)
    network[3] = nn.Linear(24, 4)
    return SetUp(network, sgd(network[3].parameters()), images(), CE)


def probe_without_freezing() -> SetUp:
    network = trained(classifier(norm=False))
    network[3] = nn.Linear(24, 4)
    return SetUp(network, sgd(network[3].parameters()), images(), CE)


def frozen_and_filtered() -> SetUp:
    network = trained(classifier(norm=False))
    network[0].requires_grad_(False)
    return SetUp(network, sgd([p for p in network.parameters() if p.requires_grad]), images(), CE)


class Adapted(nn.Module):
    """y = W x + B A x, W frozen, B zeros at first."""

    def __init__(self, base: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / 10)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + x @ self.down.T @ self.up.T


def low_rank_adapters() -> SetUp:
    base = trained(nn.Sequential(nn.Flatten(), nn.Linear(432, 48), nn.ReLU(), nn.Linear(48, 4)))
    network = nn.Sequential(base[0], Adapted(base[1]), base[2], Adapted(base[3]))
    return SetUp(network, optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3), images(), CE)


def gan() -> tuple[nn.ModuleDict, list[optim.Optimizer]]:
    made = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 48), nn.Tanh())
    judge = nn.Sequential(nn.Linear(48, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    optimizers: list[optim.Optimizer] = [optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999)) for m in (made, judge)]
    return nn.ModuleDict({"made": made, "judge": judge}), optimizers


def gan_discriminator() -> SetUp:
    network, optimizers = gan()

    def loss(nets: Any, real: Tensor) -> Tensor:
        fake = nets["made"](torch.randn(len(real), 8)).detach()
        right, wrong = nets["judge"](real), nets["judge"](fake)
        return F.binary_cross_entropy_with_logits(right, torch.ones_like(right)) + F.binary_cross_entropy_with_logits(
            wrong, torch.zeros_like(wrong)
        )

    return SetUp(network, optimizers, torch.randn(16, 48), loss)


def gan_generator() -> SetUp:
    network, optimizers = gan()

    def loss(nets: Any, real: Tensor) -> Tensor:
        said = nets["judge"](nets["made"](torch.randn(len(real), 8)))
        return F.binary_cross_entropy_with_logits(said, torch.ones_like(said))

    return SetUp(network, optimizers, torch.randn(16, 48), loss)


def wasserstein_critic() -> SetUp:
    network, optimizers = gan()

    def loss(nets: Any, real: Tensor) -> Tensor:
        with torch.no_grad():
            fake = nets["made"](torch.randn(len(real), 8))
        mixed = ((real + fake) / 2).requires_grad_(True)
        slope = torch.autograd.grad(nets["judge"](mixed).sum(), mixed, create_graph=True)[0]
        return nets["judge"](fake).mean() - nets["judge"](real).mean() + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()

    return SetUp(network, optimizers, torch.randn(16, 48), loss)


def unused_head() -> SetUp:
    network = Toy(lambda m, x: m.head(m.body(x).flatten(1)), body=body(), head=nn.Linear(24, 4), other=nn.Linear(24, 9))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def output_not_in_the_loss() -> SetUp:
    def run(m: Any, x: Tensor) -> Any:
        features = m.body(x).flatten(1)
        return m.head(features), m.other(features)

    network = Toy(run, body=body(), head=nn.Linear(24, 4), other=nn.Linear(24, 9))
    return SetUp(network, sgd(network.parameters()), images(), lambda outputs, targets: CE(outputs[0], targets))


def moving_average_teacher() -> SetUp:
    student = classifier()
    network = nn.ModuleDict({"student": student, "teacher": copy.deepcopy(student).requires_grad_(False)})

    def loss(nets: Any, batch: Any) -> Tensor:
        with torch.no_grad():
            wanted = nets["teacher"](batch[0]).softmax(1)
        said = nets["student"](batch[0])
        return CE(said, batch[1]) + F.kl_div(said.log_softmax(1), wanted, reduction="batchmean")

    return SetUp(network, sgd(student.parameters()), images(), loss)


def teacher_that_asks_for_gradients() -> SetUp:
    student = classifier(norm=False)
    network = nn.ModuleDict({"student": student, "teacher": copy.deepcopy(student)})

    def loss(nets: Any, batch: Any) -> Tensor:
        wanted = nets["teacher"](batch[0]).softmax(1).detach()
        return CE(nets["student"](batch[0]), batch[1]) + CE(nets["student"](batch[0]), wanted)

    return SetUp(network, sgd(student.parameters()), images(), loss)


def teacher_in_the_optimizer() -> SetUp:
    at = teacher_that_asks_for_gradients()
    return at._replace(optimizers=sgd(at.network.parameters()))


def distillation_from_a_captured_teacher() -> SetUp:
    teacher, network = trained(classifier()), classifier()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets) + 0 * teacher.training

    return SetUp(network, sgd(network.parameters()), images(), loss)


class Queue(nn.Module):
    """A key encoder that the forward itself keeps as an average (He et al. 2020, MoCo)."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.queue = body(), torch.randn(8, 24)
        self.key = copy.deepcopy(self.query).requires_grad_(False)

    def forward(self, pair: Tensor) -> Tensor:
        query = self.query(pair[0]).flatten(1)
        with torch.no_grad():
            for mean, new in zip(self.key.parameters(), self.query.parameters(), strict=True):
                mean.lerp_(new, 0.01)
            key = self.key(pair[1]).flatten(1)
        return torch.cat([(query * key).sum(dim=1, keepdim=True), query @ self.queue.T], dim=1)


def average_kept_by_the_forward() -> SetUp:
    network = Queue()
    pair = torch.stack([images()[0], images()[0]])
    return SetUp(network, sgd(network.query.parameters()), (pair, torch.zeros(16).long()), CE)


class Sharpness(optim.SGD):
    """Asks for a closure that its signature calls optional, as the usual SAM does."""

    def step(self, closure: Any = None) -> Any:
        if closure is None:
            raise RuntimeError("this optimizer requires a closure")
        with torch.enable_grad():
            closure()
        return super().step()


def optimizer_that_asks_for_a_closure() -> SetUp:
    network = classifier()
    return SetUp(network, Sharpness(network.parameters(), lr=0.01), images(), CE)


def reward_that_is_maximised() -> SetUp:
    network = classifier()
    return SetUp(
        network,
        optim.AdamW(network.parameters(), lr=1e-3, maximize=True),
        images(),
        lambda outputs, targets: -F.cross_entropy(outputs, targets),
    )


def loss_scaled_up_and_gradients_scaled_down() -> SetUp:
    """In a hook of the optimizer, as mixed precision does: by the gradients alone the rate is far too high."""
    network = classifier(norm=False)
    optimizer = optim.SGD(network.parameters(), lr=0.01)

    def unscale(optimizer: optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad /= 65536

    optimizer.register_step_pre_hook(unscale)
    return SetUp(network, optimizer, images(), lambda outputs, targets: 65536 * F.cross_entropy(outputs, targets))


def inputs_in_one_tuple() -> SetUp:
    network = Toy(lambda m, both: m.head(torch.cat(both, dim=1)), head=nn.Linear(8, 4))
    both = torch.randn(16, 3), torch.randn(16, 5)
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3), (both, torch.arange(16) % 4), CE)


def tied_weights() -> SetUp:
    encode, decode = nn.Linear(48, 16), nn.Linear(16, 48)
    network = Toy(lambda m, x: F.linear(torch.tanh(m.encode(x)), m.encode.weight.T), encode=encode)
    del decode
    return SetUp(
        network, optim.Adam(network.parameters(), lr=1e-3), (torch.randn(16, 48), torch.randn(16, 48)), nn.MSELoss()
    )


def tied_embedding() -> SetUp:
    embed, head, mix = nn.Embedding(50, 32), nn.Linear(32, 50, bias=False), nn.Linear(32, 32)
    nn.init.normal_(embed.weight, std=0.02)
    head.weight = embed.weight
    network = Toy(lambda m, x: m.head(m.mix(m.embed(x))).flatten(0, 1), embed=embed, head=head, mix=mix)
    tokens = torch.randint(0, 50, (8, 10))
    return SetUp(network, optim.AdamW(network.parameters(), lr=1e-3), (tokens, tokens.flatten()), CE)


def lazy_after_its_first_batch() -> SetUp:
    network = nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4))
    network(images()[0])
    return SetUp(network, sgd(network.parameters()), images(), CE)


class Still(nn.Module):
    """BatchNorm that is frozen for good, as detectors have it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("mean", 0.1), ("var", 0.9)):
            self.register_buffer(name, torch.full((1, count, 1, 1), value))

    def forward(self, x: Any) -> Any:
        return (x - self.mean) * self.var.rsqrt() * self.weight + self.bias


def frozen_norm_layers() -> SetUp:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), Still(8), nn.ReLU(), nn.Flatten(), nn.Linear(800, 4))
    return SetUp(network, sgd(network.parameters(), 0.001), images(), CE)


def norm_in_eval_mode_when_fine_tuning() -> SetUp:
    network = trained(classifier())
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            module.requires_grad_(False)
    return SetUp(network, sgd([p for p in network.parameters() if p.requires_grad]), images(), CE)


def no_norm() -> SetUp:
    network = classifier(norm=False)
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-3), images(), CE)


def tanh() -> SetUp:
    network = classifier(norm=False, act=nn.Tanh)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def transformer() -> SetUp:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    network = Toy(
        lambda m, x: m.head(m.encode(m.patch(x).flatten(2).transpose(1, 2) + m.place.weight).mean(1)),
        patch=nn.Conv2d(3, 32, 3, stride=3),
        place=nn.Embedding(16, 32),
        encode=nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        head=nn.Linear(32, 4),
    )
    return SetUp(network, optim.AdamW(network.parameters(), lr=3e-4), images(), CE)


def weight_norm() -> SetUp:
    network = nn.Sequential(
        parametrizations.weight_norm(nn.Conv2d(3, 8, 3)),
        nn.ReLU(),
        nn.Flatten(),
        parametrizations.spectral_norm(nn.Linear(800, 4)),
    )
    return SetUp(network, sgd(network.parameters(), 0.001), images(), CE)


def pruned() -> SetUp:
    network = trained(classifier(norm=False))
    prune.random_unstructured(network[3], "weight", amount=0.5)
    return SetUp(network, sgd(network.parameters()), images(), CE)


def wrapped() -> SetUp:
    network = nn.DataParallel(classifier())
    return SetUp(network, sgd(network.parameters()), images(), CE)


def checkpointed(reentrant: bool) -> SetUp:
    def run(m: Any, x: Tensor) -> Any:
        x = m.stem(x)
        return m.head(checkpoint(m.body, x, use_reentrant=reentrant).flatten(1))

    middle = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
    network = Toy(run, stem=nn.Conv2d(3, 8, 3), body=middle, head=nn.Linear(32, 4))
    return SetUp(network, sgd(network.parameters()), images(), CE)


def half_precision_loss() -> SetUp:
    network = classifier()

    def loss(net: nn.Module, batch: Any) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return CE(net(batch[0]), batch[1])

    return SetUp(network, sgd(network.parameters()), images(), loss)


def half_precision_network() -> SetUp:
    network = classifier(norm=False).bfloat16()
    inputs, labels = images()
    return SetUp(network, optim.Adam(network.parameters(), lr=1e-2), (inputs.bfloat16(), labels), CE)


def second_order() -> SetUp:
    network = nn.Sequential(nn.Flatten(), nn.Linear(432, 16), nn.Tanh(), nn.Linear(16, 4))
    return SetUp(network, optim.LBFGS(network.parameters(), lr=0.1), images(), CE)


def warm_up() -> SetUp:
    network = classifier()
    optimizer = sgd(network.parameters(), 0.1)
    optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 100)
    return SetUp(network, optimizer, images(), CE)


def warm_up_by_hand() -> SetUp:
    network = classifier()
    optimizer = sgd([{"params": network[0].parameters()}, {"params": network[3].parameters(), "lr": 0.05}], 0.1)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    return SetUp(network, optimizer, images(), CE)


def rates_by_group() -> SetUp:
    network = trained(classifier())
    network[3] = nn.Linear(24, 4)
    groups = [{"params": network[0].parameters(), "lr": 1e-5}, {"params": network[3].parameters(), "lr": 1e-2}]
    return SetUp(network, optim.AdamW(groups), images(), CE)


def sparse_embedding() -> SetUp:
    network = Toy(
        lambda m, x: m.head(m.embed(x).mean(1)), embed=nn.Embedding(100, 16, sparse=True), head=nn.Linear(16, 4)
    )
    tokens = torch.randint(0, 20, (16, 5))
    optimizers = [optim.SparseAdam(network.embed.parameters(), lr=1e-3), optim.Adam(network.head.parameters(), lr=1e-3)]
    return SetUp(network, optimizers, [tokens, torch.arange(16) % 4], CE)


def untouched_rows() -> SetUp:
    network = Toy(lambda m, x: m.head(m.embed(x).mean(1)), embed=nn.Embedding(100, 16), head=nn.Linear(16, 4))
    return SetUp(network, optim.Adam(network.parameters()), (torch.randint(0, 9, (16, 5)), torch.arange(16) % 4), CE)


def gathered_gradients() -> SetUp:
    at = plain()
    at.loss(at.network(at.batch[0]), at.batch[1]).backward()
    return at


def several_inputs() -> SetUp:
    network = Toy(lambda m, x: m.head(x[0].flatten(1) + x[1].flatten(1)), head=nn.Linear(432, 4))
    network.forward = lambda a, b: network.run(network, (a, b))  # type: ignore[method-assign]
    inputs, labels = images()
    return SetUp(network, sgd(network.parameters()), ([inputs, inputs.flip(3)], labels), CE)


def zero_started_branch() -> SetUp:
    network = Toy(
        lambda m, x: m.head((m.stem(x) + m.scale(m.branch(m.stem(x)))).mean((2, 3))),
        stem=nn.Conv2d(3, 8, 3),
        branch=nn.Conv2d(8, 8, 3, padding=1),
        scale=nn.BatchNorm2d(8),
        head=nn.Linear(8, 4),
    )
    nn.init.zeros_(network.scale.weight)  # type: ignore[arg-type]
    return SetUp(network, sgd(network.parameters()), images(), CE)


def recurrent() -> SetUp:
    network = Toy(
        lambda m, x: m.head(m.cell(x)[0][:, -1]), cell=nn.LSTM(8, 16, batch_first=True), head=nn.Linear(16, 4)
    )
    return SetUp(network, optim.Adam(network.parameters()), (torch.randn(16, 6, 8), torch.arange(16) % 4), CE)


def segmentation() -> SetUp:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 5, 1))
    targets = torch.randint(0, 5, (8, 12, 12))
    targets[:, 0] = 255
    return SetUp(network, sgd(network.parameters()), (images(8)[0], targets), nn.CrossEntropyLoss(ignore_index=255))


def multi_label() -> SetUp:
    network = classifier()
    targets = (torch.rand(16, 4) < 0.3).float()
    return SetUp(network, sgd(network.parameters()), (images()[0], targets), nn.BCEWithLogitsLoss())


def log_softmax_and_nll() -> SetUp:
    network = nn.Sequential(classifier(), nn.LogSoftmax(1))
    return SetUp(network, sgd(network.parameters()), images(), nn.NLLLoss())


def smoothed_and_mixed_targets() -> SetUp:
    network = classifier()
    targets = torch.rand(16, 4).softmax(1)
    return SetUp(network, sgd(network.parameters()), (images()[0], targets), nn.CrossEntropyLoss(label_smoothing=0.1))


def centres_in_the_loss() -> SetUp:
    class Centres(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.centres = nn.Parameter(torch.randn(4, 4))

        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(outputs @ self.centres, targets)

    network, loss = classifier(), Centres()
    return SetUp(network, sgd([*network.parameters(), *loss.parameters()]), images(), loss)


def hugging_face_like() -> SetUp:
    def run(m: Any, x: Tensor) -> Any:
        return m.head(x.flatten(1))

    network = Toy(run, head=nn.Linear(432, 4))

    def loss(model: Any, batch: Any) -> Any:
        return {"loss": CE(model(batch["pixel_values"]), batch["labels"])}

    inputs, labels = images()
    return SetUp(network, sgd(network.parameters()), {"pixel_values": inputs, "labels": labels}, loss)


def with_place(place: Tensor, *, trained: bool) -> SetUp:
    """Positions as a plain tensor in an attribute."""

    def run(m: Any, x: Tensor) -> Any:
        return m.head(m.norm(m.patch(x).flatten(2).transpose(1, 2) + m.place).mean(1))

    network = Toy(run, patch=nn.Conv2d(3, 64, 4, 4), norm=nn.LayerNorm(64), head=nn.Linear(64, 4))
    network.place = place  # type: ignore[assignment]
    return SetUp(network, sgd([*network.parameters(), *([place] * trained)]), images(), CE)


def constant_table() -> SetUp:
    return with_place(0.02 * torch.randn(1, 9, 64), trained=False)


def trained_plain_tensor() -> SetUp:
    return with_place((0.02 * torch.randn(1, 9, 64)).requires_grad_(), trained=True)


def perturbation_by_hand() -> SetUp:
    """Zeros that ask for a gradient, for the loop to move by its sign."""
    return with_place(torch.zeros(1, 9, 64, requires_grad=True), trained=False)


HEALTHY: dict[str, Callable[[], SetUp]] = {
    f.__name__: f
    for f in (
        plain,
        exam_net_with_all_parameters,
        adam_mid_training,
        frozen_pretrained,
        frozen_pretrained_in_train_mode,
        probe_without_freezing,
        frozen_and_filtered,
        low_rank_adapters,
        gan_discriminator,
        gan_generator,
        wasserstein_critic,
        unused_head,
        output_not_in_the_loss,
        moving_average_teacher,
        teacher_that_asks_for_gradients,
        teacher_in_the_optimizer,
        distillation_from_a_captured_teacher,
        average_kept_by_the_forward,
        optimizer_that_asks_for_a_closure,
        reward_that_is_maximised,
        loss_scaled_up_and_gradients_scaled_down,
        inputs_in_one_tuple,
        tied_weights,
        tied_embedding,
        lazy_after_its_first_batch,
        frozen_norm_layers,
        norm_in_eval_mode_when_fine_tuning,
        no_norm,
        tanh,
        transformer,
        weight_norm,
        pruned,
        wrapped,
        half_precision_loss,
        half_precision_network,
        second_order,
        warm_up,
        warm_up_by_hand,
        rates_by_group,
        sparse_embedding,
        untouched_rows,
        gathered_gradients,
        several_inputs,
        zero_started_branch,
        recurrent,
        segmentation,
        multi_label,
        log_softmax_and_nll,
        smoothed_and_mixed_targets,
        centres_in_the_loss,
        hugging_face_like,
        constant_table,
        trained_plain_tensor,
        perturbation_by_hand,
    )
} | {f"checkpointed_reentrant_{r}": lambda r=r: checkpointed(r) for r in (True, False)}
