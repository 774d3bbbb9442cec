"""The exam's bug, two variants of it and two healthy runs, seen by torch-audit, torchdiag, torchmortem and Snellen.

    pip install torch-audit torchdiag torchmortem        # any that is missing is left out
    python benchmarks/audit_peers.py [--steps 120]

The network is the one of IN5400, 2021, exercise 11, on images of digits. Each tool is called as its own documentation
says: torch-audit and torchmortem watch a training of ``--steps`` steps, torchdiag verifies one step, Snellen audits
before the first. Printed is all that each says above a note; a tool tells a bug from a healthy run only if it says
something of the three bugs that it says of neither healthy run. "Names" counts whether what it says holds the name of
one of the forgotten blocks.
"""

import argparse
import contextlib
import importlib
import importlib.util
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from importlib import metadata
from typing import Any

import torch
from torch import nn, optim

from seeded.case import digits
from side_by_side import versions
from snellen import audit_training

LOSS = nn.CrossEntropyLoss()
BLOCKS = [f"block{n}" for n in range(1, 7)]


class PredictionNet(nn.Module):
    """``mypredictionnet`` of the exam."""

    def __init__(self) -> None:
        super().__init__()
        for name, (i, o, k) in zip(
            BLOCKS, [(3, 8, 5), (8, 8, 5), (8, 32, 3), (32, 32, 3), (32, 32, 3), (32, 32, 3)], strict=True
        ):
            self.add_module(name, nn.Conv2d(i, o, k))
        self.somepooling, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> Any:
        for name in BLOCKS:
            x = torch.relu(self.get_submodule(name)(x))
        return self.fc(torch.flatten(self.somepooling(x), 1))


def run(kind: str) -> tuple[nn.Module, optim.Optimizer]:
    """One of the five set-ups."""
    torch.manual_seed(0)
    network = PredictionNet()
    held = {
        "the exam's bug": BLOCKS[3:],
        "variant: frozen instead": [*BLOCKS[3:], "fc"],
        "variant: the wrong half": BLOCKS[:3],
    }.get(kind)
    named = [(n, p) for n, p in network.named_parameters() if held is None or n.split(".")[0] in held]
    if kind == "variant: frozen instead":
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name in dict(named))
    parameters = [p for _, p in named]
    if kind == "healthy: Adam":
        return network, optim.Adam(parameters, lr=1e-3)
    return network, optim.SGD(parameters, lr=0.001, momentum=0.9)


RUNS = [
    "the exam's bug",
    "variant: frozen instead",
    "variant: the wrong half",
    "healthy: SGD",
    "healthy: Adam",
]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """64 digits of 3 x 28 x 28 pixels."""
    images, labels = digits(64)
    return nn.functional.interpolate(images, size=28, mode="bilinear"), labels


def torch_audit(network: nn.Module, optimizer: optim.Optimizer, steps: int) -> list[str]:
    """Its Auditor around the loop."""
    peer = importlib.import_module("torch_audit")
    with peer.Auditor(network, optimizer=optimizer) as auditor:
        auditor.audit_static()
        auditor.audit_init()
        for _ in range(steps):
            images, labels = batch()
            optimizer.zero_grad()
            auditor.backward(LOSS(auditor.forward(images), labels))
            auditor.optimizer_step()
        found = auditor.finish().findings
    lines = (f"{f.severity.value} {f.rule_id} {f.module_path or ''} {f.message}" for f in found)
    return sorted({line for line in lines if not line.startswith("INFO")})


def torchdiag(network: nn.Module, optimizer: optim.Optimizer, steps: int) -> list[str]:
    """Its verify_step; what it prints is its result. One step is all that it looks at."""
    del steps
    peer = importlib.import_module("torchdiag")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        peer.verify_step(network, optimizer, LOSS, *batch())
    return [line.strip() for line in printed.getvalue().splitlines() if line.strip(" =-─━")]


def torchmortem(network: nn.Module, optimizer: optim.Optimizer, steps: int) -> list[str]:
    """Its Autopsy around the loop."""
    peer = importlib.import_module("torchmortem")
    logging.disable(logging.INFO)
    with peer.Autopsy(network, optimizer=optimizer) as autopsy:
        for _ in range(steps):
            images, labels = batch()
            optimizer.zero_grad()
            loss = LOSS(network(images), labels)
            loss.backward()
            optimizer.step()
            autopsy.step(loss=loss.item())
    with tempfile.TemporaryDirectory() as folder:
        found = autopsy.report(f"{folder}/report.json").findings
    return [f"{f.severity.name} {f.title} {f.affected_layers}" for f in found if f.severity.name != "INFO"]


def ours(network: nn.Module, optimizer: optim.Optimizer, steps: int) -> list[str]:
    """Before the first step."""
    del steps
    found = audit_training(network, optimizer, batch(), LOSS)
    return [f"{f.severity} {f.title}" for f in (*found.errors, *found.warnings)]


TOOLS: dict[str, tuple[str, Callable[[nn.Module, optim.Optimizer, int], list[str]]]] = {
    "torch-audit": ("torch_audit", torch_audit),
    "torchdiag": ("torchdiag", torchdiag),
    "torchmortem": ("torchmortem", torchmortem),
    "snellen": ("snellen", ours),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=120)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    here = [name for name, (package, _) in TOOLS.items() if importlib.util.find_spec(package) is not None]
    print(versions(), ", ".join(f"{name} {metadata.version(name)}" for name in here))
    for name in TOOLS:
        if name not in here:
            print(f"{name} is not installed and is left out (pip install {name})")
    table: dict[str, dict[str, list[str]]] = {}
    for name in here:
        table[name] = {kind: TOOLS[name][1](*run(kind), options.steps) for kind in RUNS}
        for kind, lines in table[name].items():
            print(f"\n{name}, {kind}:")
            print("\n".join(f"    {line[:160]}" for line in lines) or "    nothing")
    print("\n| tool | " + " | ".join(RUNS) + " | names a forgotten block | alarms on healthy runs |")
    print("|---" * (len(RUNS) + 3) + "|")
    for name, said in table.items():
        healthy = {line for kind in RUNS[3:] for line in said[kind]}
        cells = [f"{len(said[kind])} lines, {len(set(said[kind]) - healthy)} of its own" for kind in RUNS[:3]]
        cells += [f"{len(said[kind])} lines" for kind in RUNS[3:]]
        named = sum(any(b in line for line in set(said[kind]) - healthy for b in BLOCKS) for kind in RUNS[:3])
        alarms = sum(bool(said[kind]) for kind in RUNS[3:])
        print(f"| {name} | {' | '.join(cells)} | {named} of 3 | {alarms} of 2 |")


if __name__ == "__main__":
    main()
