"""Optimizers that are not in torch, as people copy them into their projects."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, optim


class Lion(optim.Optimizer):
    """Chen et al. 2023: the sign of an interpolated momentum."""

    def __init__(self, params: Iterable[Any], lr: float, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": 0.01})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                mean = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(mean.lerp(p.grad, 1 - group["betas"][0]).sign_(), alpha=-group["lr"])
                mean.lerp_(p.grad, 1 - group["betas"][1])
        return value


class LARS(optim.Optimizer):
    """You et al. 2017: the rate of a layer follows the ratio of its weights' and its gradient's norms."""

    def __init__(self, params: Iterable[Any], lr: float, momentum: float = 0.9, trust: float = 0.02) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "trust": trust})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        value = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                scale: Tensor | float = 0.05
                if p.ndim > 1 and p.norm() > 0 and p.grad.norm() > 0:
                    scale = group["trust"] * p.norm() / p.grad.norm()
                velocity = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                velocity.mul_(group["momentum"]).add_(p.grad * scale)
                p.add_(velocity, alpha=-group["lr"])
        return value


class SAM(optim.Optimizer):
    """Foret et al. 2021, as it is written most often: two passes, by a closure; its groups are those of its base."""

    needs_closure = True

    def __init__(self, params: Iterable[Any], base: type[optim.Optimizer], *, rho: float = 0.05, **more: Any) -> None:
        super().__init__(params, {"rho": rho, **more})
        self.base_optimizer = base(self.param_groups, **more)
        self.param_groups = self.base_optimizer.param_groups

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        if closure is None:
            raise RuntimeError("Sharpness Aware Minimization requires closure, but it was not provided")
        with torch.enable_grad():
            value = closure()
        moved = []
        grads = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.stack([g.norm() for g in grads]).norm() + 1e-12
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    moved.append((p, p.clone()))
                    p.add_(p.grad, alpha=float(group["rho"] / norm))
        with torch.enable_grad():
            closure()
        for p, before in moved:
            p.copy_(before)
        self.base_optimizer.step()
        return value
