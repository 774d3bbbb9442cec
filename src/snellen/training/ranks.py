"""Several processes that train one network as if they were one: each takes its share of every batch.

Started by ``torchrun``, which sets the environment. Gradients are averaged over the processes and BatchNorm takes its
statistics over the whole batch, so the weights are those of one process with the same batch, but for rounding.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from snellen._errors import UsageError

PATIENCE = timedelta(minutes=5)
"""How long a process waits for the others; torch's own half an hour hides a process that is gone."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together.

    Args:
        rank: its number, from 0; the first is the one that writes files and speaks.
        world: how many there are.

    >>> ALONE.first, ALONE.share(torch.arange(4)).tolist(), ALONE.mean(2.0)
    (True, [0, 1, 2, 3], 2.0)
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def check(self, batch: int) -> None:
        """Raises UsageError unless every process gets as many images of a batch as the others."""
        if batch % self.world:
            raise UsageError(
                f"{self.world} processes share every batch alike, and {batch} images cannot be shared so; give a "
                f"--batch-size that is a multiple of {self.world}"
            )

    def share(self, batch: Tensor) -> Tensor:
        """The part of a batch that this process sees: every so many-th row, beginning with its number."""
        return batch[self.rank :: self.world] if self.world > 1 else batch

    def mean(self, value: float) -> float:
        """The mean of a number over the processes; the same number in all of them."""
        if self.world == 1:
            return value
        total = torch.tensor([value], dtype=torch.float64)
        distributed.all_reduce(total)
        return float(total) / self.world

    def average(self, module: nn.Module) -> None:
        """Replace the gradients by their mean over the processes."""
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        if self.world == 1 or not gradients:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = (flat / self.world).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    @contextmanager
    def together(self) -> Iterator[None]:
        """While it is entered, BatchNorm in training takes its statistics over the batches of all processes."""
        if self.world == 1:
            yield
            return
        with _WholeBatch():
            yield


ALONE = Ranks()


@contextmanager
def joined(environment: Mapping[str, str] = os.environ) -> Iterator[Ranks]:
    """Meet the other processes that ``torchrun`` started; alone, if it did not start this one.

    Every restart meets in a part of the store of its own: the addresses of processes that were killed stay in it,
    and new ones would wait for them.

    Args:
        environment: ``WORLD_SIZE``, ``RANK``, ``MASTER_ADDR``, ``MASTER_PORT`` and ``TORCHELASTIC_RESTART_COUNT`` of it
            are read.

    >>> with joined({}) as ranks:
    ...     ranks
    Ranks(rank=0, world=1)
    """
    world = int(environment.get("WORLD_SIZE", "1"))
    if world == 1:
        yield ALONE
        return
    rank, attempt = int(environment["RANK"]), environment.get("TORCHELASTIC_RESTART_COUNT", "0")
    meeting = distributed.TCPStore(  # type: ignore[attr-defined]
        environment["MASTER_ADDR"],
        int(environment["MASTER_PORT"]),
        world,
        is_master=rank == 0 and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True",
        timeout=PATIENCE,
    )
    store = distributed.PrefixStore(f"attempt {attempt}", meeting)  # type: ignore[attr-defined]
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=PATIENCE)
    try:
        yield Ranks(rank, world)
    finally:
        distributed.destroy_process_group()


class _WholeBatch(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        if func is F.batch_norm and options.pop("training", False):
            return whole_batch_norm(*args, **options)
        return func(*args, **(kwargs or {}))


def whole_batch_norm(
    pixels: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    *,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation with mean and variance over all processes, which have equally many values each.

    Reference: Ioffe & Szegedy 2015, arXiv 1502.03167.
    """
    across = [0, *range(2, pixels.ndim)]
    shape = (1, -1, *(1,) * (pixels.ndim - 2))
    values, world = pixels.float(), distributed.get_world_size()
    count = values.numel() // values.shape[1] * world
    mean = _summed(values.sum(across)) / count
    centred = values - mean.view(shape)
    variance = _summed(centred.square().sum(across)) / count
    with torch.no_grad():
        if running_mean is not None and running_var is not None:
            running_mean.lerp_(mean.to(running_mean), momentum)
            running_var.lerp_((variance * count / max(count - 1, 1)).to(running_var), momentum)
    result = centred * torch.rsqrt(variance + eps).view(shape)
    if weight is not None and bias is not None:
        result = result * weight.view(shape) + bias.view(shape)
    return result.to(pixels.dtype)


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


class _Sum(torch.autograd.Function):
    """The sum over the processes; each loss depends on all terms, so the gradients are summed too."""

    @staticmethod
    def forward(_ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total
