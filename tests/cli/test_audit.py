"""``snellen audit``: a page, a JSON, an exit code."""

import json
from pathlib import Path

import pytest

from workbench import snellen

TRAIN = """
import torch
from torch import nn


def made(rate=0.1):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 3))
    return net, (torch.randn(12, 3, 4, 4), torch.arange(12) % 3), nn.CrossEntropyLoss()


def good():
    net, batch, loss = made()
    return net, torch.optim.SGD(net.parameters(), lr=0.1), batch, loss


def forgetful():
    net, batch, loss = made()
    return net, torch.optim.SGD(net[3].parameters(), lr=0.1), batch, loss


def leaking():
    net, batch, loss = made()
    return net, torch.optim.SGD(net.parameters(), lr=0.1), batch, loss, {"splits": {"train": batch, "test": batch}}


def three():
    return made()


def odd():
    return (*good(), {"color": 1})


def broken():
    net, batch, loss = made()
    return net, torch.optim.SGD(net.parameters(), lr=0.1), (batch[0][:, :2], batch[1]), loss
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sound_set_up_ends_with_0_and_a_page(folder: Path) -> None:
    result = snellen("audit", "train.py:good")
    assert result.exit_code == 0, result.output
    assert "0 errors" not in result.stdout
    assert "training/parameters" in (folder / "audit" / "index.html").read_text()


def test_a_fault_ends_with_1_and_is_in_the_json(folder: Path) -> None:
    result = snellen("audit", "train.py:forgetful", "--json", "-", "--verify", "5", "--overfit", "5")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["findings"]
    assert [f["title"] for f in found if f["severity"] == "error"] == ["Forgotten: 1 is random and never trained"]
    titles = [e["title"] for f in found for e in f["evidence"]]
    assert "The remedies tried on copies, 5 steps of Adam each" in titles
    assert "The batch learnt by heart" in titles
    assert (folder / "audit" / "findings.json").is_file()


@pytest.mark.usefixtures("folder")
def test_splits_are_looked_at() -> None:
    result = snellen("audit", "train.py:leaking")
    assert result.exit_code == 1
    assert "Training images in test" in result.stdout


@pytest.mark.parametrize(
    ("setup", "code", "message"),
    [
        ("train.py", 2, "SETUP reads file.py:function"),
        ("train.py:three", 2, "should return (network, optimizers, batch, loss), got 3 things"),
        ("train.py:odd", 2, "should be a dict of step, validate or splits"),
        ("train.py:nothing", 2, "no factory in train.py named 'nothing'"),
        ("none.py:setup", 3, "no file at none.py"),
        ("train.py:broken", 3, "one step of this training raises RuntimeError"),
    ],
)
def test_what_cannot_be_audited_is_named(folder: Path, setup: str, code: int, message: str) -> None:
    result = snellen("audit", setup)
    assert result.exit_code == code
    assert message in result.stderr
    assert not (folder / "audit").exists()
