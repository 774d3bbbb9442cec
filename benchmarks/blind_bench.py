"""The training audit on set-ups written without sight of its rules: all that it says, for a person to judge.

    python benchmarks/blind_bench.py [--set first|second|third|fourth|fifth] [--seeds 1] [--only REGEX] [--json FILE]
        [--learn STEPS]

A fault counts as *found* when any warning or error is said; whether it is about the fault is for the reader, who has
beside it what should be said. ``--learn`` does not audit: it trains each set-up for so many steps on fresh batches.
"""

import argparse
import copy
import json
import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from seeded import blind, fifth, fourth, second, third
from seeded.blind_plans import Blind, learn
from side_by_side import versions
from snellen import audit_training

SETS: dict[str, Any] = {"first": blind, "second": second, "third": third, "fourth": fourth, "fifth": fifth}


def audited(case: Blind) -> list[dict[str, str]]:
    """Findings of severity error or warning; an audit that raises is one."""
    try:
        findings = audit_training(case.network, case.optimizers, case.batch, case.loss, **case.extra)
    except Exception as raised:  # the bench goes on, and shows it
        return [{"severity": "raised", "check": type(raised).__name__, "title": str(raised)[:300], "sentence": ""}]
    return [
        {"severity": f.severity, "check": f.check, "title": f.title, "sentence": f.sentence}
        for f in (*findings.errors, *findings.warnings)
    ]


def trace(case: Blind) -> list[Any]:
    """What an audit must leave as it was: parameters, buffers, modes, gradients, optimizers and the generator."""
    optimizers = case.optimizers if isinstance(case.optimizers, list) else [case.optimizers]
    network = case.network
    return [
        {name: value.clone() for name, value in network.state_dict().items()},
        [module.training for module in network.modules()],
        [(p.requires_grad, None if p.grad is None else p.grad.clone()) for p in network.parameters()],
        [copy.deepcopy(optimizer.state_dict()) for optimizer in optimizers],
        torch.get_rng_state(),
    ]


def same(a: Any, b: Any) -> bool:
    """Bit for bit, NaN being itself."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a.nan_to_num(12345.0), b.nan_to_num(12345.0))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def setups(chosen: str, only: str) -> Iterator[tuple[str, str, str, Callable[[], Blind]]]:
    """(name, severity wanted, what should be said, set-up)."""
    for name, build in SETS[chosen].HEALTHY:
        if re.search(only, name):
            yield name, "healthy", "", build
    for name, severity, say, build in SETS[chosen].FAULTS:
        if re.search(only, name):
            yield name, severity, say, build


def learned(chosen: str, only: str, steps: int) -> None:
    """The loss at the first and over the last steps."""
    for name, wanted, _, build in setups(chosen, only):
        torch.manual_seed(0)
        try:
            losses = learn(build(), steps)
            first, last = sum(losses[:3]) / 3, sum(losses[-8:]) / 8
            print(f"{wanted:8} {name:60} {losses[0]:9.3f} {first:9.3f} -> {last:9.3f}", flush=True)
        except Exception as raised:
            print(f"{wanted:8} {name:60} {type(raised).__name__}: {str(raised)[:150]}", flush=True)


def told(row: dict[str, Any]) -> str:
    said = "\n".join(f"      {f['severity']:7} {f['check']}: {f['title']}" for f in row["found"])
    wanted = f"    wanted ({row['wanted']}): {row['say']}\n" if row["say"] else ""
    return f"  {row['name']} (seed {row['seed']}, {row['seconds']:.1f} s)\n{wanted}{said or '      nothing said'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=sorted(SETS), default="first")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--learn", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.learn:
        learned(options.set, options.only, options.learn)
        return
    print(versions())
    rows: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        for name, wanted, say, build in setups(options.set, options.only):
            torch.manual_seed(seed)
            try:
                case = build()
            except Exception as raised:
                print(f"  {name}: the set-up itself raises {type(raised).__name__}: {raised}", flush=True)
                continue
            before = trace(case)
            start = time.perf_counter()
            found = audited(case)
            seconds = time.perf_counter() - start
            if not same(before, trace(case)):
                found.append(
                    {"severity": "changed", "check": "bench", "title": "the audit left a trace", "sentence": ""}
                )
            row = {"name": name, "seed": seed, "wanted": wanted, "say": say, "found": found}
            rows.append(row | {"seconds": round(seconds, 3)})
            if options.json is not None:
                with options.json.open("a" if len(rows) > 1 else "w") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
            if found or wanted != "healthy":
                print(("healthy" if wanted == "healthy" else "fault") + told(rows[-1]), flush=True)
    healthy = [r for r in rows if r["wanted"] == "healthy"]

    def having(among: list[dict[str, Any]], *severities: str) -> int:
        return sum(any(f["severity"] in severities for f in r["found"]) for r in among)

    print(
        f"healthy: {len(healthy)}; with an error {having(healthy, 'error')}, with a warning "
        f"{having(healthy, 'warning')}, raised {having(healthy, 'raised')}; of all set-ups changed by the audit: "
        f"{having(rows, 'changed')}"
    )
    for severity in ("error", "warning"):
        faults = [r for r in rows if r["wanted"] == severity]
        print(
            f"faults of severity {severity}: {len(faults)}; said an error {having(faults, 'error')}, an error or a "
            f"warning {having(faults, 'error', 'warning')}, raised {having(faults, 'raised')}, nothing "
            f"{sum(not r['found'] for r in faults)}"
        )


if __name__ == "__main__":
    main()
