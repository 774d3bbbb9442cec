"""Healthy set-ups of networks that make images."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.nn.utils import parametrizations

from seeded.blind_plans import Blind
from seeded.fifth_kit import adam, clean, right, setup
from seeded.fifth_makers import GAN, VAE


@right
def autoencoder_whose_decoder_is_its_encoder_turned() -> Blind:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 16, 4, 2, 1), nn.Conv2d(16, 24, 4, 2, 1)
            self.back_b, self.back_a = nn.Parameter(torch.zeros(16)), nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Any:
            code = F.leaky_relu(self.b(F.leaky_relu(self.a(x))))
            x = F.leaky_relu(F.conv_transpose2d(code, self.b.weight, self.back_b, 2, 1))
            return F.conv_transpose2d(x, self.a.weight, self.back_a, 2, 1)

    def itself(network: nn.Module, batch: Tensor) -> Any:
        return F.l1_loss(network(batch), batch)

    return setup(Tied(), draw=clean, loss=itself)


@right
def vae_whose_prior_weighs_more_with_time() -> Blind:
    weight = [0.0]

    def elbo(network: nn.Module, batch: Tensor) -> Any:
        logits, mu, logvar = network(batch)
        kl = (-0.5 * (1 + logvar - mu**2 - logvar.exp())).mean(0).clamp_min(0.05).sum()
        made = F.binary_cross_entropy_with_logits(logits, batch, reduction="none").sum((1, 2, 3)).mean()
        return made + (0.1 + weight[0]) * kl

    def later() -> None:
        weight[0] = min(1.0, weight[0] + 0.02)

    return setup(VAE(), draw=clean, loss=elbo, after=later)


@right
def critic_with_a_gradient_penalty() -> Blind:
    """Its phase alone: the generator is held by a closure and waits."""
    gan = GAN()
    generator, critic = gan.generator.requires_grad_(False), gan.discriminator

    def penalised(network: nn.Module, batch: Tensor) -> Any:
        real = batch * 2 - 1
        fake = generator(torch.randn(len(batch), 16))
        share = torch.rand(len(batch), 1, 1, 1)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        (grad,) = torch.autograd.grad(network(between).sum(), between, create_graph=True)
        return network(fake).mean() - network(real).mean() + 10 * ((grad.flatten(1).norm(dim=1) - 1) ** 2).mean()

    return setup(critic, optim.Adam(critic.parameters(), 1e-3, betas=(0.0, 0.9)), clean, penalised)


@right
def generator_whose_judge_is_frozen() -> Blind:
    """The generator's phase: the discriminator, with spectral norm, passes gradients and is not trained."""
    net = GAN()
    for m in net.discriminator:
        if isinstance(m, nn.Conv2d | nn.Linear):
            parametrizations.spectral_norm(m)
    judge = adam(net.discriminator, 1e-3)
    for _ in range(30):
        judge.zero_grad()
        real, fake = net.discriminator(clean() * 2 - 1), net.discriminator(net(torch.randn(64, 16)).detach())
        (F.softplus(-real).mean() + F.softplus(fake).mean()).backward()
        judge.step()
    judge.zero_grad()
    net.discriminator.requires_grad_(False).eval()

    def fooled(network: nn.Module, batch: Tensor) -> Any:
        return F.softplus(-network.get_submodule("discriminator")(network(torch.randn(len(batch), 16)))).mean()

    return setup(net, optim.Adam(net.generator.parameters(), 1e-3, betas=(0.5, 0.9)), clean, fooled)


@right
def gan_both_phases_two_optimizers() -> Blind:
    net = GAN()

    def phases(network: nn.Module, batch: Tensor) -> Any:
        judge = network.get_submodule("discriminator")
        fake = network(torch.randn(len(batch), 16))
        mine = F.relu(1 - judge(batch * 2 - 1)).mean() + F.relu(1 + judge(fake.detach())).mean()
        judge.requires_grad_(False)
        theirs = -judge(fake).mean()
        judge.requires_grad_(True)
        return mine + theirs

    made = [optim.Adam(part.parameters(), 5e-4, betas=(0.5, 0.9)) for part in (net.discriminator, net.generator)]
    return setup(net, made, clean, phases)
