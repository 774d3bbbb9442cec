"""Small networks and images as files, and the command line called in this process."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from typer import testing
from typer.testing import CliRunner, Result

from snellen.cli.main import app

NETWORKS = '''
"""Networks for the tests of the command line."""
import torch
from torch import nn
from snellen import Network, Preprocessing


def layers(*extra):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), *extra, nn.Flatten(), nn.Linear(144, 3))


def toy():
    fit = Preprocessing(size=(8, 8))
    return Network(layers(nn.Dropout()), class_names=("ant", "bee", "cat"), preprocessing=fit, name="toy")


def sure():
    return layers()


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 3))


class Bad(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.act, self.weight = act, nn.Parameter(torch.ones(3, 192))

    def forward(self, x):
        return self.act(x.flatten(1) @ self.weight.T)


def explode(x):
    raise ValueError("no such luck")


def pair(): return Bad(lambda x: (x, x))
def flat(): return Bad(lambda x: x[:, 0])
def cube(): return Bad(lambda x: x[:, :, None])
def raising(): return Bad(explode)
def infinite(): return Bad(lambda x: x / 0)
def nan():
    net = layers()
    net[0].weight.data[0, 0, 0, 0] = float("nan")
    return net
'''

testing._get_command = cache(testing._get_command)  # the commands are made once and not by every call


def workbench(folder: Path) -> Path:
    """``nets.py``, ``data.npz`` (12 labelled images of 8 x 8) and ``photos/`` (ant, bee, cat; 2 each) in a folder."""
    rng = np.random.default_rng(0)
    (folder / "nets.py").write_text(NETWORKS)
    pixels = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    np.savez(folder / "data.npz", images=pixels, labels=np.arange(12) % 3)
    for i, name in enumerate(("ant", "ant", "bee", "bee", "cat", "cat")):
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[i]).resize((20, 16)).save(folder / "photos" / name / f"{i}.png")
    return folder


def snellen(*arguments: str | Path) -> Result:
    """``snellen ...`` in this process; whatever it raises but an exit is raised here."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(result: Result, code: int, *words: str) -> None:
    """A run that ended with this code, one message, no traceback, and these words in it."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("snellen: "), result.stderr
    for word in words:
        assert word in result.stderr
