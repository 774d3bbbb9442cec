"""Healthy classifiers that look odd: their weights at the start, their losses, their batches."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.utils.checkpoint import checkpoint

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind, digits01
from seeded.case import digits
from seeded.fifth_kit import CE, adam, few, odd, right, setup, sgd


@right
def lenet_tanh_pixels_from_0_to_1() -> Blind:
    net = nets.LeNet(act=nn.Tanh)
    return setup(net, sgd(net, 0.1), digits01)


@right
def vgg_without_norm_he_weights_and_head_of_zeros() -> Blind:
    net = nets.vgg(norm=False)
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            nn.init.zeros_(m.bias)  # type: ignore[arg-type]
    head = net[-1]
    assert isinstance(head, nn.Linear)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return setup(net, sgd(net, 0.02))


@right
def resnet_each_block_begins_as_identity() -> Blind:
    """The last normalisation of each block has weights of zero, and no decay for what has one dimension."""
    net = nets.ResNet()
    for m in net.modules():
        if isinstance(m, nets.Block):
            nn.init.zeros_(m.bn2.weight)
    flat = [p for p in net.parameters() if p.ndim == 1]
    deep = [p for p in net.parameters() if p.ndim > 1]
    groups = [{"params": deep, "weight_decay": 5e-4}, {"params": flat, "weight_decay": 0}]
    return setup(net, optim.SGD(groups, lr=0.2, momentum=0.9, nesterov=True))


@right
def densenet_with_gradient_checkpointing() -> Blind:
    class Saving(nets.DenseNet):
        def forward(self, x: Tensor) -> Any:
            x = checkpoint(self.block1, self.stem(x), use_reentrant=False)
            x = checkpoint(self.block2, self.between(x), use_reentrant=False)
            return self.classifier(F.avg_pool2d(F.relu(self.norm(x)), 2).flatten(1))

    return setup(Saving())


@right
def mobilenet_mixup_with_soft_targets() -> Blind:
    def mixed() -> Any:
        images, labels = digits()
        hot, share = F.one_hot(labels, 10).float(), float(torch.distributions.Beta(0.4, 0.4).sample())
        other = torch.randperm(len(images))
        return share * images + (1 - share) * images[other], share * hot + (1 - share) * hot[other]

    return setup(nets.MobileNet(), draw=mixed, loss=nn.CrossEntropyLoss(label_smoothing=0.1))


@right
def squeezenet_whose_classes_are_channels() -> Blind:
    net = nets.SqueezeNet()
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_uniform_(m.weight, nonlinearity="relu")
    return setup(net, adam(net, 3e-3))


@right
def inception_with_auxiliary_head() -> Blind:
    def both(outputs: Any, targets: Tensor) -> Any:
        return CE(outputs[0], targets) + 0.3 * CE(outputs[1], targets)

    return setup(nets.Inception(), loss=both)


@right
def vit_whose_class_token_and_head_are_zeros() -> Blind:
    net = nets.ViT()
    nn.init.zeros_(net.head.weight)
    return setup(net, adam(net, 2e-3, weight_decay=0.3))


@right
def mixer_warming_up_from_a_tiny_rate() -> Blind:
    net = nets.Mixer()
    optimizer = adam(net, 3e-3)
    schedule = optim.lr_scheduler.LinearLR(optimizer, 1e-3, total_iters=20)
    return setup(net, optimizer, after=schedule.step)


@right
def convnext_scale_of_a_millionth_and_paths_dropped() -> Blind:
    class Dropping(nets.NextBlock):
        def forward(self, x: Tensor) -> Any:
            keep = torch.rand(len(x), 1, 1, 1) > 0.2
            return torch.where(keep, super().forward(x), x) if self.training else super().forward(x)

    net = nets.ConvNeXt()
    net.stages[1] = Dropping()
    return setup(net, adam(net, 4e-3, weight_decay=0.05))


@right
def softmax_in_the_network_and_log_in_the_loss() -> Blind:
    def entropy(outputs: Tensor, targets: Tensor) -> Any:
        return -(outputs.gather(1, targets[:, None])[:, 0] + 1e-8).log().mean()

    return setup(nn.Sequential(nets.LeNet(), nn.Softmax(1)), loss=entropy)


@right
def squared_error_of_sigmoids_and_one_hot_labels() -> Blind:
    def squared(outputs: Tensor, targets: Tensor) -> Any:
        return ((outputs - F.one_hot(targets, 10)) ** 2).sum(1).mean()

    return setup(nn.Sequential(nets.vgg(), nn.Sigmoid()), loss=squared)


@right
def hinge_loss_of_a_support_vector_machine() -> Blind:
    return setup(nets.vgg(), loss=nn.MultiMarginLoss())


@right
def odd_or_even_by_one_logit() -> Blind:
    def binary(outputs: Tensor, targets: Tensor) -> Any:
        return F.binary_cross_entropy_with_logits(outputs.squeeze(1), targets, pos_weight=torch.tensor(1.5))

    return setup(nets.ResNet(1), draw=odd, loss=binary)


@right
def odd_or_even_by_a_tanh_and_signs() -> Blind:
    def hinge(outputs: Tensor, targets: Tensor) -> Any:
        return F.relu(0.8 - outputs[:, 0] * (2 * targets - 1)).mean()

    return setup(nn.Sequential(nets.LeNet(1), nn.Tanh()), draw=odd, loss=hinge)


@right
def focal_loss_with_weights_of_classes() -> Blind:
    """Few images of the digits over 4, which weigh more."""

    def rare() -> Any:
        images, labels = digits(200)
        keep = ((labels < 5) | (torch.rand(200) < 0.2)).nonzero()[:64, 0]
        return images[keep], labels[keep]

    weights = torch.cat([torch.ones(5), 5 * torch.ones(5)])

    def focal(outputs: Tensor, targets: Tensor) -> Any:
        entropy = F.cross_entropy(outputs, targets, reduction="none")
        return (weights[targets] * (1 - (-entropy).exp()) ** 2 * entropy).mean()

    return setup(nets.ResNet(), draw=rare, loss=focal)


@right
def group_norm_and_batches_of_two() -> Blind:
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.GroupNorm(4, 16), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GroupNorm(8, 32),
        nn.ReLU(), nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip
    return setup(net, adam(net, 5e-4), few(2))


@right
def accumulated_over_eight_batches() -> Blind:
    """The loss is divided by 8 for it."""

    def eighth(outputs: Tensor, targets: Tensor) -> Any:
        return CE(outputs, targets) / 8

    return setup(nets.DenseNet(), draw=few(8), loss=eighth)
