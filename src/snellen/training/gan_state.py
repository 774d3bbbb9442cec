"""All that the rest of a training of two networks depends on, beside the number of the step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.training.checkpoint import optimizer_tensors, read_checkpoint, restore_optimizer, write_checkpoint
from snellen.training.fit import _average, _under
from snellen.training.gan_settings import Settings
from snellen.training.watch import Row


class GanState:
    """Two networks, their optimizers, the generator's averaged weights, and what was seen so far."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, settings: Settings) -> None:
        self.modules = {"generator": generator, "discriminator": discriminator}
        options: dict[str, Any] = {"lr": settings.peak, "betas": settings.betas, "fused": True}
        self.making = torch.optim.Adam(generator.parameters(), **options)
        self.judging = torch.optim.Adam(discriminator.parameters(), **options)
        self.averaged = {name: tensor.detach().clone() for name, tensor in generator.state_dict().items()}
        self.rows: list[Row] = []
        self.sums: dict[str, float] = {}
        self.counted, self.seconds = 0, 0.0

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """By the name of their network."""
        return {"generator": self.making, "discriminator": self.judging}

    def at(self, rate: float) -> None:
        """Both optimizers at this learning rate."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

    @staticmethod
    def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """One step down a loss."""
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def average(self, decay: float) -> None:
        """Bring the averaged weights a little nearer to those of the generator."""
        _average(self.averaged, self.modules["generator"], decay)

    def add(self, seen: Mapping[str, float]) -> None:
        """Take note of the numbers of a step."""
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in seen.items()}
        self.counted += 1

    def look(self, row: Row, seconds: float) -> None:
        """A row: what is given, and the means of the steps since the last one."""
        means = {name: total / self.counted for name, total in self.sums.items()}
        self.rows.append({**row, **means, "seconds": round(seconds, 3)})
        self.sums, self.counted = {}, 0

    def keep(self, path: Path, step: int, command: Mapping[str, Any]) -> None:
        """Write a checkpoint."""
        tensors = {f"averaged.{name}": tensor for name, tensor in self.averaged.items()}
        for name, module in self.modules.items():
            tensors |= {f"{name}.module.{key}": tensor for key, tensor in module.state_dict().items()}
            tensors |= {f"{name}.{key}": tensor for key, tensor in optimizer_tensors(self.optimizers[name]).items()}
        notes = {"rows": self.rows, "sums": self.sums, "counted": self.counted, "seconds": self.seconds}
        write_checkpoint(path, tensors, step=step, command=command, notes=notes)

    def restore(self, path: Path, command: Mapping[str, Any]) -> int:
        """Go back to a checkpoint, if there is one; the number of steps that are done."""
        kept = read_checkpoint(path, command=command)
        if kept is None:
            return 0
        tensors, step, notes = kept
        for name, tensor in _under(tensors, "averaged.").items():
            self.averaged[name].copy_(tensor)
        for name, module in self.modules.items():
            own = _under(tensors, f"{name}.")
            module.load_state_dict(_under(own, "module."))
            restore_optimizer(self.optimizers[name], own)
        self.rows, self.sums = list(notes["rows"]), dict(notes["sums"])
        self.counted, self.seconds = int(notes["counted"]), float(notes["seconds"])
        return step
