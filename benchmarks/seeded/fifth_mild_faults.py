"""Faults with which a network trains, but badly or not as its author believes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.case import digits
from seeded.fifth_kit import CE, clean, fitted, setup, tags, wrong
from seeded.fifth_makers import VAE


@wrong("softmax before CrossEntropyLoss, in the wrapper: softmax twice", "warning")
def probabilities_given_to_cross_entropy() -> Blind:
    class Wrapper(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Any:
            logits = self.net(x)
            return {"logits": logits, "probs": logits.softmax(-1)}

    def entropy(outputs: Any, targets: Tensor) -> Any:
        return CE(outputs["probs"], targets)

    return setup(Wrapper(nets.ResNet()), loss=entropy)


@wrong("sigmoid in the network and again in BCEWithLogitsLoss", "warning")
def sigmoid_twice_on_tags() -> Blind:
    net = nets.MobileNet(6)
    net.classifier.append(nn.Sigmoid())
    return setup(net, draw=tags, loss=nn.BCEWithLogitsLoss())


@wrong("NLLLoss of probabilities, without log", "warning")
def nll_of_probabilities() -> Blind:
    def nll(outputs: Tensor, targets: Tensor) -> Any:
        return F.nll_loss(outputs, targets)

    return setup(nn.Sequential(nets.vgg(), nn.Softmax(1)), loss=nll)


@wrong("the network is in evaluation mode since it was validated: BatchNorm and dropout do not train", "warning")
def left_in_evaluation_mode() -> Blind:
    @torch.no_grad()
    def validate(net: nn.Module) -> float:
        net.eval()
        images, labels = digits()
        return float((net(images).argmax(1) == labels).float().mean())

    net = nets.vgg(drop=0.5)
    validate(net)
    return setup(net)


@wrong("[block] * 4 is one block four times, not four blocks", "warning")
def one_block_repeated_by_a_list() -> Blind:
    class Deep(nets.ViT):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.Sequential(*[nets.Encoder()] * 4)

    return setup(Deep())


@wrong("F.dropout without training=self.training: it drops in evaluation too", "warning")
def functional_dropout_that_never_stops() -> Blind:
    class Dropping(nets.ResNet):
        def forward(self, x: Tensor) -> Any:
            return self.fc(F.dropout(self.features(x), 0.5))

    return setup(Dropping())


@wrong("95 % of the features are dropped just before the head", "warning")
def nearly_everything_dropped() -> Blind:
    net = nets.vgg(drop=0.95)
    return setup(net)


@wrong("BatchNorm with momentum=0: the running statistics stay 0 and 1, and evaluation is wrong", "warning")
def running_statistics_never_updated() -> Blind:
    net = nets.ResNet()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = 0.0
    return setup(net)


@wrong("the prior's term of the VAE weighs 500 times what it should: the code says nothing of the image", "warning")
def prior_that_outweighs_the_images() -> Blind:
    def elbo(network: nn.Module, batch: Tensor) -> Any:
        logits, mu, logvar = network(batch)
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
        return F.binary_cross_entropy_with_logits(logits, batch) + 0.5 * kl

    return setup(VAE(), draw=clean, loss=elbo)


@wrong("the images of a batch are all of one class: the folder is sorted, and not shuffled", "warning")
def batches_of_one_class() -> Blind:
    now = [0]

    def sorted_batch() -> Any:
        images, labels = digits(900)
        rows = (labels == now[0] // 6 % 10).nonzero()[:48, 0]
        now[0] += 1
        return images[rows], labels[rows]

    return setup(nets.DenseNet(), draw=sorted_batch)


@wrong("the head for 1000 classes was kept for ten", "warning")
def head_of_a_thousand_for_ten() -> Blind:
    net = nets.MobileNet(1000)
    return setup(net)


@wrong("the pretrained backbone has a rate a million times below the head's: it is as good as frozen", "warning")
def backbone_rate_forgotten_at_a_billionth() -> Blind:
    net = fitted(nets.ResNet(), steps=5)
    head = list(net.fc.parameters())  # type: ignore[union-attr]
    rest = [p for name, p in net.named_parameters() if not name.startswith("fc")]
    return setup(net, optim.AdamW([{"params": rest, "lr": 1e-9}, {"params": head, "lr": 1e-3}]))
