"""Faults: data made wrongly, weights at the start, dead units, normalisation, dropout, rates."""

from typing import Any

import torch
from torch import Tensor, nn, optim

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind, digits01
from seeded.case import digits
from seeded.fifth_kit import CE, adam, bytes255, fitted, points, setup, sgd, tags, wrong


@wrong("argmax of labels that are already classes, (n, 1): all labels are 0")
def argmax_of_a_column_of_labels() -> Blind:
    def column() -> Any:
        images, labels = digits()
        return images, labels.view(-1, 1)

    def entropy(outputs: Tensor, targets: Tensor) -> Any:
        return CE(outputs, targets.argmax(dim=1))

    return setup(nets.ResNet(), draw=column, loss=entropy)


@wrong("each item of the batch is the same image: the loop uses a fixed index")
def dataset_with_a_fixed_index() -> Blind:
    def collated() -> Any:
        images, labels = digits()
        items = [(images[0], label) for label in labels]
        return torch.stack([x for x, _ in items]), torch.stack([y for _, y in items])

    return setup(nets.DenseNet(), draw=collated)


@wrong("each image is normalised by its own deviation; that of a blank image is 0: NaN")
def blank_image_divided_by_zero() -> Blind:
    def own() -> Any:
        images, labels = digits01()
        images[5] = 0
        flat = images.flatten(1)
        return (images - flat.mean(1)[:, None, None, None]) / flat.std(1)[:, None, None, None], labels

    return setup(nets.LeNet(), draw=own)


@wrong("each weight is 0.01: the units of a layer are the same, and stay the same")
def all_weights_the_same_constant() -> Blind:
    def init(m: nn.Module) -> None:
        for name, p in m.named_parameters(recurse=False):
            nn.init.constant_(p, 0.01 if name == "weight" else 0.0)

    net = nets.vgg(norm=False)
    return setup(net.apply(init), sgd(net))


@wrong("the convolutions begin with weights of deviation 3: their sigmoids are saturated, next to no gradient passes")
def weights_of_deviation_three_and_sigmoids() -> Blind:
    net = nets.LeNet(act=nn.Sigmoid)
    for p in net.features.parameters():
        nn.init.normal_(p, 0, 3)
    return setup(net, sgd(net, 0.01))


@wrong("a bias of -8 in each hidden layer: the ReLUs are dead, nothing is learned")
def prior_bias_given_to_each_layer() -> Blind:
    """The bias of RetinaNet's last layer, given by a loop to all."""
    net = nets.LeNet(6)
    for name, p in net.named_parameters():
        if name.endswith("bias"):
            nn.init.constant_(p, -8.0)
    return setup(net, adam(net, 1e-4), tags, nn.BCEWithLogitsLoss())


@wrong("a sigmoid at the end cannot reach places of 2 to 14 pixels")
def places_behind_a_sigmoid() -> Blind:
    net = nets.ResNet(2)
    net.fc = nn.Sequential(nn.Linear(48, 2), nn.Sigmoid())  # type: ignore[assignment]
    return setup(net, draw=points, loss=nn.MSELoss())


@wrong("GroupNorm with one channel a group on 1 x 1 maps: its output is its bias, whatever the image")
def group_norm_of_single_values() -> Blind:
    class Pooled(nets.ResNet):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.GroupNorm(48, 48)

        def features(self, x: Tensor) -> Any:
            return self.norm(super().features(x)[:, :, None, None]).flatten(1)

    return setup(Pooled())


@wrong("dropout with p=1.0, meant as the share to keep: all features are zero in training")
def dropout_whose_p_is_the_share_kept() -> Blind:
    def head(width: int, classes: int, keep: float) -> nn.Module:
        return nn.Sequential(nn.ReLU(), nn.Dropout(keep), nn.Linear(width, classes))

    net = nets.ResNet()
    net.fc = head(48, 10, keep=1.0)  # type: ignore[assignment]
    return setup(net)


@wrong("forward changes the images in place: in the next epoch they are normalised again")
def images_normalised_in_place() -> Blind:
    """The batches are views of one tensor in memory."""
    images, labels = digits01(256)
    at = [0]

    def view() -> Any:
        at[0] = (at[0] + 64) % 256
        return images[at[0] : at[0] + 64], labels[at[0] : at[0] + 64]

    class Normalising(nets.LeNet):
        def forward(self, x: Tensor) -> Any:
            return super().forward(x.sub_(0.3).div_(0.2))

    return setup(Normalising(), draw=view)


@wrong("the learning rate is far too high: the loss blows up")
def sgd_rate_meant_for_another_optimizer() -> Blind:
    net = nets.vgg(norm=False)
    groups = [{"params": net[:8].parameters(), "lr": 3.0}, {"params": net[8:].parameters(), "lr": 3.0}]
    return setup(net, optim.SGD(groups, lr=3.0, momentum=0.9))


@wrong("Adam with a rate of 0.5: the weights are destroyed by the first steps")
def adam_with_the_rate_of_sgd() -> Blind:
    net = fitted(nets.ViT())
    return setup(net, optim.Adam(net.parameters(), lr=0.5))


@wrong("SGD without momentum at 1e-7: nothing is learned")
def sgd_with_a_rate_of_a_ten_millionth() -> Blind:
    net = nets.LeNet()
    return setup(net, [optim.SGD(net.features.parameters(), 1e-7), optim.SGD(net.classifier.parameters(), 1e-7)])


@wrong("weight decay of 5 at a rate of 0.1: the weights shrink to nothing")
def decay_of_five() -> Blind:
    net = nets.LeNet()
    return setup(net, optim.SGD([{"params": net.parameters(), "weight_decay": 5.0}], lr=0.1, momentum=0.9))


@wrong("momentum of 0.999 at a usual rate: the steps grow until all is destroyed")
def momentum_of_nearly_one() -> Blind:
    net = nets.LeNet()
    return setup(net, optim.SGD(net.parameters(), lr=0.1, momentum=0.999))


@wrong("the images are divided by 255 twice: they are next to zero, and so is all that depends on them")
def scaled_by_255_twice() -> Blind:
    def twice() -> Any:
        images, labels = bytes255()
        return images.float() / 255 / 255, labels

    net = nets.LeNet()
    return setup(net, sgd(net, 0.01), twice)


@wrong("labels of two views joined by cat are repeated one by one, not as a whole: they do not go with the images")
def labels_repeated_in_the_wrong_order() -> Blind:
    def views() -> Any:
        images, labels = digits(128)
        return torch.cat([images, images + 0.1 * torch.randn_like(images)]), labels.repeat_interleave(2)

    return setup(nets.vgg(), draw=views)
