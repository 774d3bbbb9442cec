"""Faulty set-ups of ``fourth.py``: networks built wrongly, parts that are never trained."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seeded.case import digits
from seeded.fourth_kit import (
    CE,
    Blind,
    Faults,
    Of,
    adam,
    cnn,
    fcn,
    frozen,
    groups,
    mlp,
    pixels,
    setup,
    tags,
    trained,
    trunk,
    unit,
)
from seeded.fourth_nets import Vit, resnet

FAULTS = Faults()


@FAULTS.add("one head for each tag in a Python list", "error", "the heads are not registered, never trained")
def _() -> Blind:
    network = Of(
        lambda s, x: torch.cat([h(s.body(x)) for h in s.heads], 1),
        body=trunk(norm=groups),
        heads=[nn.Linear(32, 1) for _ in range(3)],
    )
    return setup(network, draw=tags, loss=nn.BCEWithLogitsLoss())


@FAULTS.add(
    "positions in a plain tensor of requires_grad=True",
    "error",
    "the position embedding is no parameter, never trained",
)
def _() -> Blind:
    network = Vit()
    place = torch.randn(1, 17, 32, requires_grad=True)
    del network.place
    network.place = place  # type: ignore[assignment]
    return setup(network)


@FAULTS.add(
    "a linear layer made anew in each forward", "error", "a layer with new random weights in each call, never trained"
)
def _() -> Blind:
    return setup(Of(lambda s, x: s.head(F.relu(nn.Linear(32, 32)(s.body(x)))), body=trunk(), head=nn.Linear(32, 10)))


@FAULTS.add("head replaced after the optimizer was made", "error", "the new head is not in the optimizer")
def _() -> Blind:
    network: Any = trained(cnn())
    optimizer = adam(network)
    network[1] = nn.Linear(32, 10)
    return setup(network, optimizer)


@FAULTS.add(
    "filter of requires_grad taken before the last block was unfrozen",
    "error",
    "the unfrozen block is not in the optimizer",
)
def _() -> Blind:
    network: Any = frozen(trained(resnet(False)))
    network[5] = nn.Linear(64, 10)
    optimizer = adam([p for p in network.parameters() if p.requires_grad])
    network[2].requires_grad_(True)
    return setup(network, optimizer)


@FAULTS.add(
    "module.requires_grad = True instead of requires_grad_(True)",
    "error",
    "layers in the optimizer are still frozen: the attribute on a module does nothing",
)
def _() -> Blind:
    network: Any = frozen(trained(resnet(False)))
    network[5] = nn.Linear(64, 10)
    network[2].requires_grad = True
    return setup(network, adam([*network[2].parameters(), *network[5].parameters()]))


@FAULTS.add("auxiliary loss added by item()", "error", "the auxiliary head is never trained")
def _() -> Blind:
    network = Of(
        lambda s, x: (s.head(s.body(x)), s.aux(s.body(x))),
        body=trunk(norm=groups),
        head=nn.Linear(32, 10),
        aux=nn.Linear(32, 10),
    )
    return setup(network, loss=lambda out, y: CE(out[0], y) + 0.4 * CE(out[1], y).item())


@FAULTS.add("centres live in the loss and no optimizer has them", "error", "the centres of the loss are never trained")
def _() -> Blind:
    class Centre(nn.Module):
        """Cross-entropy and distance to the centre of the class."""

        def __init__(self) -> None:
            super().__init__()
            self.centres = nn.Parameter(torch.randn(10, 32))

        def forward(self, out: Any, y: Tensor) -> Any:
            return CE(out[1], y) + 0.05 * (out[0] - self.centres[y]).pow(2).sum(1).mean()

    return setup(
        Of(lambda s, x: (lambda h: (h, s.head(h)))(s.body(x)), body=trunk(), head=nn.Linear(32, 10)), loss=Centre()
    )


@FAULTS.add(
    "second convolution applied to x and not to the output of the first",
    "error",
    "the first convolution's output is not used",
)
def _() -> Blind:
    def block(s: Any, x: Tensor) -> Any:
        out = F.relu(s.bn1(s.conv1(x)))
        out = F.relu(s.bn2(s.conv2(x)))
        return x + out

    middle = Of(
        block,
        conv1=nn.Conv2d(16, 16, 3, padding=1),
        bn1=nn.BatchNorm2d(16),
        conv2=nn.Conv2d(16, 16, 3, padding=1),
        bn2=nn.BatchNorm2d(16),
    )
    return setup(nn.Sequential(unit(3, 16, 2), middle, nn.AdaptiveAvgPool2d(2), mlp(64, 10)))


@FAULTS.add("return indented into the loop over the blocks", "error", "only the first block is used")
def _() -> Blind:
    def run(s: Any, x: Tensor) -> Any:
        x = s.stem(x)
        for block in s.blocks:
            x = x + block(x)
            return s.head(x.mean((2, 3)))
        return x

    return setup(
        Of(run, stem=unit(3, 24, 2), blocks=nn.ModuleList(unit(24, 24) for _ in range(3)), head=nn.Linear(24, 10))
    )


@FAULTS.add("the time's embedding is computed and never added", "error", "the network of the time is never trained")
def _() -> Blind:
    def denoise(s: Any, x: Tensor, t: Tensor) -> Any:
        s.time(t[:, None])
        return s.body(x)

    network = Of(
        denoise, time=nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 16)), body=fcn(1, 1, norm=groups)
    )

    def ddpm(network: Any, batch: Tensor) -> Any:
        t, noise = torch.rand(len(batch)), torch.randn_like(batch)
        a = torch.cos(t * 1.57).view(-1, 1, 1, 1)
        return F.mse_loss(network(a * batch + (1 - a**2).sqrt() * noise, t), noise)

    return setup(network, None, lambda: pixels() * 2 - 1, ddpm)


@FAULTS.add("expert chosen by argmax without its gate in the product", "error", "the gate gets no gradient")
def _() -> Blind:
    def route(s: Any, x: Tensor) -> Any:
        x = s.stem(x)
        index = s.gate(x).softmax(1).argmax(1)
        return torch.stack([e(x) for e in s.experts], 1)[torch.arange(len(x)), index]

    return setup(
        Of(route, stem=trunk(), gate=nn.Linear(32, 3), experts=nn.ModuleList(mlp(32, 24, 10) for _ in range(3)))
    )


@FAULTS.add(
    "codes rounded without a straight-through gradient",
    "error",
    "round has a gradient of zero; the encoder is never trained",
)
def _() -> Blind:
    network = Of(
        lambda s, x: s.decode((s.encode(x).sigmoid() * 8).round() / 8),
        encode=mlp(256, 64, 32),
        decode=nn.Sequential(mlp(32, 64, 256), nn.Unflatten(1, (1, 16, 16))),
    )
    return setup(network, draw=lambda: (lambda x: (x, x))(pixels()), loss=F.mse_loss)


@FAULTS.add("weights given by .data from the hypernetwork", "error", "the hypernetwork gets no gradient through .data")
def _() -> Blind:
    def made(s: Any, x: Tensor) -> Any:
        s.conv.weight.data = s.hyper(s.code).view(8, 3, 3, 3)
        return s.head(F.relu(s.conv(x)).flatten(1))

    return setup(
        Of(
            made,
            hyper=nn.Linear(6, 216),
            code=nn.Parameter(torch.randn(6)),
            conv=nn.Conv2d(3, 8, 3, 2, 1),
            head=nn.Linear(512, 10),
        )
    )


@FAULTS.add("codebook loss with both sides detached", "error", "the codebook is never trained")
def _() -> Blind:
    def quantise(s: Any, x: Tensor) -> Any:
        z = s.encode(x).flatten(2).mT
        q = s.book(torch.cdist(z, s.book.weight[None]).argmin(2))
        out = s.decode((z + (q - z).detach()).mT.reshape(len(x), 8, 4, 4))
        return out, F.mse_loss(z.detach(), q.detach()) + 0.25 * F.mse_loss(z, q.detach())

    network = Of(
        quantise,
        encode=nn.Sequential(nn.Conv2d(1, 16, 4, 4), nn.ReLU(), nn.Conv2d(16, 8, 1)),
        book=nn.Embedding(32, 8),
        decode=nn.Sequential(nn.ConvTranspose2d(8, 1, 4, 4)),
    )
    return setup(network, draw=lambda: (lambda x: (x, x))(pixels()), loss=lambda out, y: F.mse_loss(out[0], y) + out[1])


@FAULTS.add("LoRA with A and B both at zero", "error", "both factors are zero: no gradient ever, never trained")
def _() -> Blind:
    network: Any = frozen(trained(cnn(), lambda: (lambda b: (b[0].flip(2), b[1]))(digits())))
    lora = Of(
        lambda s, x: s.base(x) + x @ s.a.T @ s.b.T,
        base=network[1],
        a=nn.Parameter(torch.zeros(4, 32)),
        b=nn.Parameter(torch.zeros(10, 4)),
    )
    network[1] = lora
    return setup(network, adam([lora.a, lora.b]))
