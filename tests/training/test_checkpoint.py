"""A checkpoint is whole or not there, and is used by nobody but the command that left it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from snellen._errors import InputError, UsageError
from snellen.training.checkpoint import (
    checkpoint_path,
    fingerprint,
    optimizer_tensors,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)

COMMAND = {"steps": 5, "gap": [0, 8], "data": "abc"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path / "net.safetensors")
    tensors = {"module.w": torch.randn(3, 4), "count": torch.tensor(7)}
    write_checkpoint(path, tensors, step=3, command=COMMAND, notes={"losses": [0.1, 1e-17]})
    kept = read_checkpoint(path, command=COMMAND)
    assert kept is not None
    found, step, notes = kept
    assert step == 3
    assert notes == {"losses": [0.1, 1e-17]}
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path / "none", command=COMMAND) is None


def test_another_command_is_refused_and_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.checkpoint"
    write_checkpoint(path, {"w": torch.zeros(1)}, step=1, command=COMMAND, notes={})
    with pytest.raises(UsageError, match=r"steps was 5 and is 6.*delete it"):
        read_checkpoint(path, command=COMMAND | {"steps": 6})
    with pytest.raises(UsageError, match="seed was None and is 1"):
        read_checkpoint(path, command=COMMAND | {"seed": 1})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a checkpoint at all",
        b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ",
        save({"w": torch.zeros(1)}, {"checkpoint": "[]"}),
        save({"w": torch.zeros(1)}, {"checkpoint": '{"step": 1}'}),
    ],
    ids=["empty", "text", "no words", "a list", "half"],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.checkpoint"
    path.write_bytes(content)
    with pytest.raises(InputError, match="delete it"):
        read_checkpoint(path, command=COMMAND)


def test_an_optimizer_goes_on_as_if_nothing_had_happened() -> None:
    torch.manual_seed(0)
    first, inputs = nn.Linear(3, 2), torch.randn(8, 3)
    second = nn.Linear(3, 2)
    second.load_state_dict(first.state_dict())
    optimizers = [torch.optim.AdamW(m.parameters(), lr=0.1) for m in (first, second)]

    def step(module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        module(inputs).square().sum().backward()
        optimizer.step()

    for _ in range(3):
        step(first, optimizers[0])
    second.load_state_dict(first.state_dict())
    restore_optimizer(optimizers[1], optimizer_tensors(optimizers[0]))
    for module, optimizer in zip((first, second), optimizers, strict=True):
        step(module, optimizer)
    assert torch.equal(first.weight, second.weight)


def test_the_state_of_an_optimizer_lies_in_memory_as_its_parameters_do() -> None:
    module = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(module.parameters(), fused=True)
    module(torch.randn(1, 3, 5, 5)).sum().backward()
    optimizer.step()
    kept = {name: tensor.contiguous() for name, tensor in optimizer_tensors(optimizer).items()}
    restore_optimizer(optimizer, kept)
    for parameter in module.parameters():
        for name in ("exp_avg", "exp_avg_sq"):
            assert optimizer.state[parameter][name].stride() == parameter.stride()
    assert torch.equal(optimizer.state[module.weight]["exp_avg"], kept["optimizer.0.exp_avg"])


def test_a_fingerprint_sees_values_shapes_and_kinds() -> None:
    one = torch.arange(6, dtype=torch.uint8)
    others = [one.view(2, 3), one + 1, one.int()]
    assert fingerprint(one) == fingerprint(one.clone())
    assert len({fingerprint(one), *map(fingerprint, others)}) == 4
