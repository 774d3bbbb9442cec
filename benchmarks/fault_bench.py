"""The fault bench: how many seeded faults the audit of a training set-up finds, and how often it cries for nothing.

    python benchmarks/fault_bench.py [--half development|held-out|both] [--seeds 3] [--only WORDS] [--json FILE]
    python benchmarks/fault_bench.py --random 300

A fault counts as found only if a finding of at least the written severity, from the written check, with the written
words in its title was raised. Wanted: 95 % of the faults that are errors; no error and fewer than 5 % warnings on
healthy set-ups. Rules were written while looking at the development half; the held-out half was run afterwards.
"""

import argparse
import json
import re
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

from seeded.architectures import ARCHITECTURES, Architecture
from seeded.case import Case
from seeded.controls import CONTROLS, SPECIAL
from seeded.faults import FAULTS, Fault
from seeded.random_networks import drawn
from side_by_side import versions
from snellen import Findings, audit_training


@dataclass
class Result:
    """One audit: what was seeded, where, and what was said of it beyond notes."""

    kind: str
    architecture: str
    half: str
    seed: int
    severity: str
    found: bool
    said: list[str]
    seconds: float


def said(findings: Findings) -> list[str]:
    """Errors and warnings as ``severity check: title``."""
    return [f"{f.severity} {f.check}: {f.title}" for f in (*findings.errors, *findings.warnings)]


def audit(case: Case, seed: int) -> tuple[list[str], float]:
    """What an audit says, and its seconds; an audit that raises says so."""
    began = time.perf_counter()
    try:
        found = said(audit_training(case.network, case.optimizers, case.batch, case.loss, seed=seed, **case.extra))
    except Exception as error:
        traceback.print_exc(limit=-3)
        found = [f"raised {type(error).__name__}: {error}"]
    return found, time.perf_counter() - began


def names(fault: Fault, line: str) -> bool:
    """Whether a line names the fault: at least its severity, its check, its words."""
    severity, _, rest = line.partition(" ")
    check, _, title = rest.partition(": ")
    enough = severity == fault.severity or (fault.severity == "warning" and severity == "error")
    return enough and check == fault.check and any(words in title for words in fault.says.split("|"))


def show_at_once(right: bool, name: str, place: str, seed: int, found: list[str]) -> None:
    """What is not as it should be, while the bench still runs."""
    if not right:
        print(f"  {name} | {place} | seed {seed} | {'; '.join(found) or 'nothing said'}", flush=True)


def faults(at: Architecture, seed: int, only: str) -> Iterator[Result]:
    """Every fault that this architecture can have."""
    for number, fault in enumerate(FAULTS):
        if re.search(only, fault.name) is None:
            continue
        torch.manual_seed(1000 * number + seed)
        case = fault.make(at)
        if case is None:
            continue
        found, seconds = audit(case, seed)
        hit = any(names(fault, line) for line in found)
        show_at_once(hit, fault.name, at.name, seed, found)
        yield Result(fault.name, at.name, at.half, seed, fault.severity, hit, found, seconds)


def controls(
    kinds: Sequence[tuple[str, Callable[[], Case | None]]], place: str, half: str, seed: int, only: str
) -> Iterator[Result]:
    """Every healthy set-up; *found* means that nothing was."""
    for number, (name, make) in enumerate(kinds):
        if re.search(only, name) is None:
            continue
        torch.manual_seed(500_000 + 1000 * number + seed)
        case = make()
        if case is None:
            continue
        found, seconds = audit(case, seed)
        show_at_once(not found, name, place, seed, found)
        yield Result(name, place, half, seed, "healthy", not found, found, seconds)


def everything(half: str, seed: int, only: str) -> Iterator[Result]:
    """All faults and all healthy set-ups of a half, or of both, by one seed."""
    for at in ARCHITECTURES:
        if half in (at.half, "both"):
            yield from faults(at, seed, only)
            kinds = [(c.name, partial(c.make, at)) for c in CONTROLS]
            yield from controls(kinds, at.name, at.half, seed, only)
    if half != "held out":
        yield from controls(SPECIAL, "its own", "of their own kind", seed, only)


def at_random(count: int) -> Iterator[Result]:
    """Healthy set-ups of random networks."""
    for seed in range(count):
        what, case = drawn(seed)
        found, seconds = audit(case, seed)
        yield Result(what, "drawn", "at random", seed, "healthy", not found, found, seconds)


def show_faults(results: list[Result]) -> None:
    """One row a kind of fault; a column a half."""
    kinds: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        kinds[result.kind].append(result)
    halves = sorted({r.half for r in results})
    print(f"\n| fault | must be | {' | '.join(halves)} |")
    print("|---|---|" + "---|" * len(halves))
    for kind, rows in kinds.items():
        cells = [f"{sum(r.found for r in rows if r.half == h)}/{sum(r.half == h for r in rows)}" for h in halves]
        print(f"| {kind} | {rows[0].severity} | {' | '.join('–' if c == '0/0' else c for c in cells)} |")
    for half in halves:
        for severity in ("error", "warning"):
            rows = [r for r in results if r.half == half and r.severity == severity]
            if rows:
                hits = sum(r.found for r in rows)
                print(f"{half}: {hits} of {len(rows)} {severity} faults found ({hits / len(rows):.1%})")


def show_controls(results: list[Result]) -> None:
    """Alarms on healthy set-ups, by half."""
    print()
    for half in sorted({r.half for r in results}):
        rows = [r for r in results if r.half == half]
        errors = sum(any(line.startswith(("error", "raised")) for line in r.said) for r in rows)
        cautions = sum(any(line.startswith("warning") for line in r.said) for r in rows)
        kinds = len({r.kind for r in rows})
        print(
            f"{half}: {len(rows)} healthy set-ups of {kinds} kinds: {errors} with an error, "
            f"{cautions} with a warning ({cautions / len(rows):.1%})"
        )


def show_wrong(results: list[Result]) -> None:
    """Every result that is not as it should be."""
    wrong = [r for r in results if not r.found]
    print(f"\n{len(wrong)} not as they should be:")
    for r in wrong:
        print(f"  {r.kind} | {r.architecture} | seed {r.seed} | {'; '.join(r.said) or 'nothing said'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "held-out", "both"), default="both")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="a regular expression for the names of faults and controls")
    parser.add_argument("--json", type=Path, help="where every single result is added, a line each")
    parser.add_argument("--random", type=int, metavar="N", help="only N healthy set-ups drawn at random")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.random:
        print(versions())
        healthy = list(at_random(options.random))
        show_controls(healthy)
        show_wrong(healthy)
        return
    began = time.perf_counter()
    results: list[Result] = []
    for seed in range(options.seeds):
        for result in everything(options.half.replace("-", " "), seed, options.only):
            results.append(result)
            if options.json:
                with options.json.open("a") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
    print(versions())
    show(results)
    print(f"all with their making {time.perf_counter() - began:.0f} s")


def show(results: list[Result]) -> None:
    """All tables."""
    show_faults([r for r in results if r.severity != "healthy"])
    show_controls([r for r in results if r.severity == "healthy"])
    show_wrong(results)
    seconds = sorted(r.seconds for r in results) or [0.0]
    print(f"\n{len(seconds)} audits, median {seconds[len(seconds) // 2]:.2f} s, longest {seconds[-1]:.2f} s")


if __name__ == "__main__":
    main()
