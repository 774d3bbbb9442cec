"""The exam's bug, two variants of it and two healthy runs, seen by torch-audit, torchdiag, torchmortem and Snellen.

    pip install torch-audit torchdiag torchmortem        # any that is missing is left out
    python benchmarks/audit_peers.py [--steps 120] [--limit 600]

The network is the one of IN5400, 2021, exercise 11, on images of digits. Each tool is called as its own documentation
says: torch-audit and torchmortem watch a training of ``--steps`` steps, torchdiag verifies one step, Snellen audits
before the first. Printed is all that each says above a note; a tool tells a bug from a healthy run only if it says
something of the three bugs that it says of neither healthy run. "Names" counts whether what it says holds the name of
one of the forgotten blocks. Each tool runs in a process of its own, which is ended after ``--limit`` seconds of
processor time; the table says which set-ups it was not through with.
"""

import argparse
import contextlib
import importlib
import importlib.util
import io
import logging
import multiprocessing
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from multiprocessing.connection import Connection
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
    """Its verify_step; what it prints is its result, less the title and what it ticks. It looks at one step."""
    del steps
    peer = importlib.import_module("torchdiag")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        peer.verify_step(network, optimizer, LOSS, *batch())
    lines = [line.strip(" =-─━") for line in printed.getvalue().splitlines()]
    return [line for line in lines if line and not line.startswith("✓") and not line.isupper()]


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


def work(tool: str, steps: int, limit: int, out: Connection) -> None:
    """In a process of its own: what a tool says of each set-up, sent as soon as it is known."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    warnings.filterwarnings("ignore")
    for kind in RUNS:
        began = time.process_time()
        lines = TOOLS[tool][1](*run(kind), steps)
        out.send((kind, lines, time.process_time() - began))
    out.close()


def told(tool: str, steps: int, limit: int) -> dict[str, list[str]]:
    """What it says of the set-ups that it was through with in time, printed on the way."""
    found: dict[str, list[str]] = {}
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=work, args=(tool, steps, limit, there))
    process.start()
    there.close()
    with contextlib.suppress(EOFError):
        while True:
            kind, found[kind], seconds = here.recv()
            print(f"\n{tool}, {kind} ({seconds:.1f} s of processor time):")
            print("\n".join(f"    {line[:160]}" for line in found[kind]) or "    nothing", flush=True)
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--limit", type=int, default=600, help="seconds of processor time for one tool")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    options = parser.parse_args()
    here = [name for name in options.tools if importlib.util.find_spec(TOOLS[name][0]) is not None]
    print(versions(), ", ".join(f"{name} {metadata.version(name)}" for name in here))
    for name in options.tools:
        if name not in here:
            print(f"{name} is not installed and is left out (pip install {name})")
    table = {name: told(name, options.steps, options.limit) for name in here}
    late = f"not through in {options.limit} s"
    print("\n| tool | " + " | ".join(RUNS) + " | names a forgotten block | alarms on healthy runs |")
    print("|---" * (len(RUNS) + 3) + "|")
    for name, found in table.items():
        healthy = {line for kind in RUNS[3:] for line in found.get(kind, [])}
        own = {kind: set(found[kind]) - healthy for kind in RUNS[:3] if kind in found}
        cells = [f"{len(found[k])} lines, {len(own[k])} of its own" if k in found else late for k in RUNS[:3]]
        cells += [f"{len(found[k])} lines" if k in found else late for k in RUNS[3:]]
        named = sum(any(b in line for line in lines for b in BLOCKS) for lines in own.values())
        alarms = sum(bool(found.get(kind)) for kind in RUNS[3:])
        print(
            f"| {name} | {' | '.join(cells)} | {named} of {len(own)} | {alarms} of {len(set(found) & set(RUNS[3:]))} |"
        )


if __name__ == "__main__":
    main()
