"""Networks that make images."""

from typing import Any

import torch
from torch import Tensor, nn


def encoder(out: int = 16) -> nn.Sequential:
    """Images to codes."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(512, out)
    )


def decoder(code: int = 16) -> nn.Sequential:
    """Codes to logits of images."""
    return nn.Sequential(
        nn.Linear(code, 512), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(16, 3, 4, 2, 1),
    )  # fmt: skip


class VAE(nn.Module):
    def __init__(self, code: int = 8) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder(2 * code), decoder(code)

    def forward(self, x: Tensor) -> Any:
        mu, logvar = self.encoder(x).chunk(2, 1)
        return self.decoder(mu + torch.randn_like(mu) * (logvar / 2).exp()), mu, logvar


class GAN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(decoder(16), nn.Tanh())
        self.discriminator = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
            nn.Linear(512, 1),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Any:
        return self.generator(z)
