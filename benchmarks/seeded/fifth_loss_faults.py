"""Faults: losses that do not suit the outputs, shapes that broadcast, signs, axes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded import fifth_nets as nets
from seeded.blind_plans import Blind
from seeded.case import digits
from seeded.fifth_kit import CE, adam, faces, lesions, masks, odd, pairs, setup, tags, wrong
from seeded.fifth_makers import encoder


@wrong("NLLLoss is given raw logits: the loss has no lower bound")
def nll_of_raw_logits_in_a_criterion_class() -> Blind:
    class Criterion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.losses = nn.ModuleList([nn.NLLLoss(), nn.NLLLoss()])

        def forward(self, outputs: Any, targets: Tensor) -> Any:
            return sum(w * loss(out, targets) for w, loss, out in zip((1, 0.3), self.losses, outputs, strict=True))

    return setup(nets.Inception(), loss=Criterion())


@wrong("ages (n, 1) and (n,) broadcast to (n, n): the network learns the mean age for all")
def ages_broadcast_in_a_loss_of_three_terms() -> Blind:
    def age_loss(outputs: Tensor, targets: Tensor) -> Any:
        years = (targets - 50) / 23
        gap = outputs - years
        return gap.cosh().log().mean() + 0.5 * gap.abs().mean() + 0.1 * gap.pow(2).mean()

    return setup(nets.ResNet(1), draw=faces, loss=age_loss)


@wrong("the mask (n, 16, 16) broadcasts against the output (n, 1, 16, 16): each image is compared with all masks")
def masks_broadcast_across_the_batch() -> Blind:
    def focal(outputs: Tensor, targets: Tensor) -> Any:
        p = outputs.sigmoid().clamp(1e-4, 1 - 1e-4)
        return -(targets * p.log() * (1 - p) + (1 - targets) * (1 - p).log() * p).mean()

    return setup(nets.UNet(1), draw=lesions, loss=focal)


@wrong("logits are clamped to [0, 1] to satisfy BCELoss: outside there is no gradient, and log(0) is near")
def bce_of_clamped_logits() -> Blind:
    class Clamped(nets.ResNet):
        def forward(self, x: Tensor) -> Any:
            return (8 * super().forward(x) - 6).clamp(0, 1)

    return setup(Clamped(6), draw=tags, loss=nn.BCELoss())


@wrong("cross-entropy of one logit: its softmax is always 1, so the loss is always 0")
def cross_entropy_of_a_single_logit() -> Blind:
    def entropy(outputs: Tensor, targets: Tensor) -> Any:
        return F.cross_entropy(outputs, targets.unsqueeze(1))

    return setup(nets.DenseNet(1), draw=odd, loss=entropy)


@wrong("log_softmax over the batch (dim 0), not over the classes")
def log_softmax_over_the_batch() -> Blind:
    class Model(nets.LeNet):
        def forward(self, x: Tensor) -> Any:
            return {"logits": F.log_softmax(super().forward(x), dim=0)}

    def nll(outputs: Any, targets: Tensor) -> Any:
        return F.nll_loss(outputs["logits"], targets)

    return setup(Model(), loss=nll)


@wrong("softmax over the width of the image, not over the classes")
def softmax_over_the_width() -> Blind:
    def dice(outputs: Tensor, targets: Tensor) -> Any:
        p, hot = F.softmax(outputs, dim=-1), F.one_hot(targets, 5).permute(0, 3, 1, 2)
        return 1 - ((2 * (p * hot).sum((2, 3)) + 1) / ((p + hot).sum((2, 3)) + 1)).mean()

    return setup(nets.UNet(), draw=masks, loss=dice)


@wrong("attention is normalised over the images of the batch, not over the keys")
def attention_softmax_over_the_batch() -> Blind:
    class Mixing(nets.Encoder):
        def attend(self, x: Tensor) -> Any:
            q, k, v = self.qkv(x).chunk(3, -1)
            return self.out((q @ k.transpose(1, 2) / 32**0.5).softmax(0) @ v)

    return setup(nets.ViT(block=Mixing))


@wrong("the patches are put in order by view without a permutation: tokens of one image come from others")
def patches_of_many_images_mixed_by_view() -> Blind:
    class Patched(nets.Mixer):
        def forward(self, x: Tensor) -> Any:
            cut = F.unfold(x, 4, stride=4).permute(2, 0, 1)
            cut = F.linear(cut.reshape(len(x), 16, 48), self.patch.weight.flatten(1), self.patch.bias)
            return self.head(self.norm(self.blocks(cut)).mean(1))

    return setup(Patched())


@wrong("the mean is over the batch, not over the places: each image gets the same answer")
def pooled_over_the_batch() -> Blind:
    class Pooled(nets.SqueezeNet):
        def forward(self, x: Tensor) -> Any:
            found = self.last(self.features(x)).flatten(2)
            return found.mean(0).mean(1).expand(len(x), -1)

    return setup(Pooled())


@wrong("the dice coefficient is minimised: overlap is made as small as it can be")
def dice_with_the_sign_forgotten() -> Blind:
    def combined(outputs: Tensor, targets: Tensor) -> Any:
        p = outputs[:, 0].sigmoid()
        overlap = (2 * (p * targets).sum() + 1) / (p.sum() + targets.sum() + 1)
        return 0.05 * F.binary_cross_entropy_with_logits(outputs[:, 0], targets) + overlap

    return setup(nets.UNet(1), draw=lesions, loss=combined)


@wrong("the distance has an infinite slope at zero: pairs of the same image give NaN gradients")
def root_of_zero_distance() -> Blind:
    def with_itself() -> Any:
        a, b, same = pairs()
        b[:4], same[:4] = a[:4], 1.0
        return a, b, same

    def contrastive(network: nn.Module, batch: Any) -> Any:
        a, b, same = batch
        far = ((network(a) - network(b)) ** 2).sum(1).sqrt()
        return (same * far**2 + (1 - same) * F.relu(1 - far) ** 2).mean()

    return setup(encoder(8), draw=with_itself, loss=contrastive)


@wrong("log of a softmax that underflows, of raw pixels 0 to 255: the loss becomes infinite or NaN")
def log_of_a_softmax_that_underflows() -> Blind:
    def raw() -> Any:
        images, labels = digits()
        return (images * 0.35 + 0.3).clamp(0, 1) * 255, labels

    def entropy(outputs: Tensor, targets: Tensor) -> Any:
        hot = F.one_hot(targets, 10).float()
        return -(hot * torch.log(torch.softmax(outputs, 1))).sum(1).mean()

    net = nn.Sequential(nn.Conv2d(3, 32, 5, 2), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten())
    for m in net:
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight)
    return setup(nn.Sequential(net, nn.Linear(512, 10)), draw=raw, loss=entropy)


@wrong("the gradient by hand passes where the input is negative: the wrong half")
def relu_by_hand_with_the_wrong_half() -> Blind:
    class Relu(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Any:
            ctx.save_for_backward(x)
            return x.clamp_min(0)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            (x,) = ctx.saved_tensors
            return grads[0].masked_fill(x > 0, 0)

    class Act(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return Relu.apply(x)  # type: ignore[no-untyped-call]

    return setup(nets.LeNet(act=Act))


@wrong("the part of the loss that classifies is turned into a number by item(): only the reconstruction is trained")
def main_term_taken_by_item() -> Blind:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.fc, self.back = encoder(24), nn.Linear(24, 10), nn.Linear(24, 768)

        def forward(self, x: Tensor) -> Any:
            code = F.relu(self.body(x))
            return {"logits": self.fc(code), "image": self.back(code).view_as(x)}

    def total(network: nn.Module, batch: Any) -> Any:
        out = network(batch[0])
        terms = {"class": CE(out["logits"], batch[1]).item(), "image": F.mse_loss(out["image"], batch[0])}
        return sum(terms.values())

    net = Two()
    return setup(net, adam(net, 1e-3), loss=total)
