"""Faulty set-ups of ``fourth.py``: parts without gradient, images mixed, signals that die."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim

from seeded.case import digits
from seeded.fourth_kit import (
    Blind,
    Faults,
    Of,
    adam,
    cnn,
    fcn,
    flat,
    frozen,
    groups,
    mlp,
    pixels,
    scaled_ages,
    setup,
    spots,
    trained,
    trunk,
    unit,
    vessels,
    views,
)
from seeded.fourth_nets import Attention, Vae, Vit, critic, generator, resnet, reverse

FAULTS = Faults()


@FAULTS.add(
    "residual gammas at zero, and norms are in neither group of weight decay",
    "error",
    "norms are in no group of the optimizer; the branches stay at zero",
)
def _() -> Blind:
    network = resnet(zero=True)
    decay = [p for n, p in network.named_parameters() if p.ndim > 1]
    plain = [p for n, p in network.named_parameters() if n.endswith("head.bias") or n == "5.bias"]
    return setup(
        network, optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0}], 2e-3)
    )


@FAULTS.add(
    "teacher left trainable: it moves to the student", "error", "the teacher is trained too, it should be frozen"
)
def _() -> Blind:
    network = Of(lambda s, x: (s.student(x), s.teacher(x)), student=mlp(768, 32, 10), teacher=trained(cnn()))
    return setup(network, adam(network, 2e-3), loss=lambda out, _: F.mse_loss(out[0], out[1]))


@FAULTS.add("both optimizers of a GAN hold the generator", "error", "the discriminator is in no optimizer")
def _() -> Blind:
    network = nn.ModuleDict({"g": generator(), "d": critic()})

    def gan(network: Any, batch: Tensor) -> Any:
        fake = network["g"](torch.randn(len(batch), 12))
        d = F.softplus(-network["d"](batch * 2 - 1)).mean() + F.softplus(network["d"](fake.detach())).mean()
        return d + F.softplus(-network["d"](fake)).mean()

    return setup(network, [adam(network["g"], 1e-3), adam(network["g"], 1e-3)], pixels, gan)


@FAULTS.add(
    "PixelCNN whose first convolution sees its own pixel", "error", "each pixel is read from itself: the target leaks"
)
def _() -> Blind:
    class Masked(nn.Conv2d):
        """All rows above, and the row up to the pixel, which should be left out in the first layer."""

        def forward(self, x: Tensor) -> Tensor:
            mask = torch.ones(5, 5)
            mask[2, 3:] = 0
            mask[3:] = 0
            return F.conv2d(x, self.weight * mask, self.bias, padding=2)

    network = nn.Sequential(Masked(1, 24, 5), nn.ReLU(), Masked(24, 24, 5), nn.ReLU(), nn.Conv2d(24, 1, 1))
    return setup(network, adam(network, 1e-2), lambda: ((pixels() > 0.5).float(),) * 2, nn.BCEWithLogitsLoss())


@FAULTS.add(
    "perceptual network under no_grad for both images, smoothness besides",
    "error",
    "only the smoothness has a gradient; the images are not learned",
)
def _() -> Blind:
    seer: Any = frozen(trained(cnn())).eval()

    def draw() -> Any:
        images, _ = digits(24)
        return images + 0.5 * torch.randn_like(images), images

    def perceptual(out: Tensor, y: Tensor) -> Any:
        with torch.no_grad():
            a, b = seer[0](out), seer[0](y)
        return F.mse_loss(a, b) + 0.1 * (out[..., 1:] - out[..., :-1]).abs().mean()

    return setup(fcn(3, 3, norm=flat), draw=draw, loss=perceptual)


@FAULTS.add("attention over the batch: batch_first forgotten", "error", "images of a batch are mixed with one another")
def _() -> Blind:
    return setup(Vit(across=True))


@FAULTS.add("channels and batch exchanged before flatten", "error", "reshape mixes the images of the batch")
def _() -> Blind:
    return setup(
        Of(
            lambda s, x: s.head(s.body(x).permute(1, 0, 2, 3).reshape(len(x), -1)),
            body=nn.Sequential(unit(3, 16, 2), unit(16, 16, 2)),
            head=mlp(256, 32, 10),
        )
    )


@FAULTS.add(
    "GroupNorm of one channel a group on a 1×1 map",
    "error",
    "the norm makes every feature constant: the input has no effect",
)
def _() -> Blind:
    return setup(
        nn.Sequential(
            unit(3, 16, 2),
            unit(16, 32, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.GroupNorm(32, 32),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32, 10),
        )
    )


@FAULTS.add(
    "LayerNorm of the single output of a regression", "error", "the output is a constant, independent of the image"
)
def _() -> Blind:
    return setup(nn.Sequential(cnn(1, 1), nn.LayerNorm(1)), draw=scaled_ages, loss=nn.MSELoss())


@FAULTS.add(
    "segmentation from a globally pooled vector, spread over the pixels",
    "error",
    "the output is the same at all pixels",
)
def _() -> Blind:
    network = nn.Sequential(
        unit(1, 16, 2), unit(16, 24, 2), nn.AdaptiveAvgPool2d(1), nn.Conv2d(24, 1, 1), nn.Upsample(24)
    )
    return setup(network, draw=vessels, loss=nn.BCEWithLogitsLoss())


@FAULTS.add("KL of a VAE with the wrong sign", "error", "the KL is made large: the loss falls without end")
def _() -> Blind:
    def elbo(network: Any, batch: Tensor) -> Any:
        out, mu, logvar = network(batch)
        kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
        return F.binary_cross_entropy_with_logits(out, batch, reduction="sum") / len(batch) + kl

    return setup(Vae(), draw=pixels, loss=elbo)


@FAULTS.add(
    "hidden state kept between batches without detach",
    "error",
    "the second step goes back through the first: it raises",
)
def _() -> Blind:
    def stateful(s: Any, x: Tensor) -> Any:
        out, s.hidden = s.read(x.mean(1), s.hidden)
        return s.head(out[:, -1])

    return setup(Of(stateful, read=nn.GRU(16, 32, batch_first=True), head=nn.Linear(32, 10), hidden=None))


@FAULTS.add(
    "padding mask of attention is the wrong way round",
    "error",
    "all true tokens are masked: attention gives NaN or nothing",
)
def _() -> Blind:
    def attend(s: Any, x: Tensor) -> Any:
        tokens = s.patch(x).flatten(2).mT
        there = torch.ones(len(x), tokens.shape[1], dtype=torch.bool)
        return s.head(s.block(tokens, key_padding_mask=there).mean(1))

    class Padded(Attention):
        def forward(self, x: Tensor, **more: Any) -> Any:
            y = self.norm1(x)
            return self.mlp(self.norm2(x + self.attend(y, y, y, need_weights=False, **more)[0]))

    return setup(Of(attend, patch=nn.Conv2d(3, 32, 4, 4), block=Padded(32), head=nn.Linear(32, 10)))


@FAULTS.add(
    "the gradient of the class, too, goes through the reversal", "error", "the body is trained against the classes"
)
def _() -> Blind:
    network = Of(lambda s, x: s.head(reverse(s.body(x))), body=trunk(norm=groups), head=nn.Linear(32, 10))
    return setup(network)


@FAULTS.add(
    "clamp to [0, 1] at the output, its bias far below", "error", "the output is clamped everywhere: no gradient"
)
def _() -> Blind:
    network = Of(lambda s, x: s.body(x).clamp(0, 1), body=fcn(1, 1, norm=groups))
    nn.init.constant_(network.body[6].bias, -3.0)
    return setup(network, draw=lambda: (lambda x: (x + 0.3 * torch.randn_like(x), x))(pixels()), loss=F.mse_loss)


@FAULTS.add("places by argmax of the heat map", "error", "argmax has no gradient: nothing is trained")
def _() -> Blind:
    def hard(s: Any, x: Tensor) -> Any:
        top = s.body(x).flatten(2).argmax(2)
        return torch.stack([top % 24, top // 24], 2).flatten(1).float().div(24).requires_grad_()

    return setup(Of(hard, body=fcn(1, 2)), draw=spots, loss=nn.L1Loss())


@FAULTS.add("two views: SimSiam without detach and without predictor", "error", "embeddings collapse to one vector")
def _() -> Blind:
    network = nn.Sequential(trunk(norm=groups), nn.Linear(32, 16))

    def collapse(network: Any, batch: Any) -> Any:
        return -F.cosine_similarity(network(batch[0]), network(batch[1])).mean()

    return setup(network, draw=views, loss=collapse)
