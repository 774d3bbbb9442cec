"""Proof that something left a network and the random generators exactly as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def snapshot(module: nn.Module) -> dict[str, Any]:
    """Everything an examination must leave alone, in a form that ``==`` compares bit for bit."""
    found: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state().numpy().tobytes()}
    name, keys, *rest = np.random.get_state(legacy=True)
    found["numpy"] = (name, np.asarray(keys).tobytes(), *rest)
    found["grad mode"] = (torch.is_grad_enabled(), torch.is_inference_mode_enabled())
    found["threads"] = torch.get_num_threads()
    for key, tensor in [*module.named_parameters(), *module.named_buffers()]:
        found[f"{key} value"] = _bits(tensor)
        found[f"{key} identity"] = (id(tensor), tensor.data_ptr(), tensor.requires_grad)
        found[f"{key} grad"] = None if tensor.grad is None else (id(tensor.grad), _bits(tensor.grad))
    found["state_dict"] = list(module.state_dict())
    for key, submodule in module.named_modules():
        found[f"{key} training"] = submodule.training
        hooks = {n: [*map(id, v.values())] for n, v in vars(submodule).items() if "hooks" in n and v is not None}
        found[f"{key} hooks"] = hooks
    return found


def _bits(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tuple(tensor.shape), tensor.detach().clone().numpy().tobytes()


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Fails when what happens inside changes the module or a random generator, whether or not it raises."""
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)
    before = snapshot(module)
    try:
        yield
    finally:
        after = snapshot(module)
        changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        assert not changed, f"changed: {changed}"
