"""A restored archive as one report: what was examined, how, the findings, and one row an image."""

import platform
from datetime import UTC, datetime
from typing import Any

import torch

import snellen
from snellen.findings.findings import Findings
from snellen.puzzles.unshuffle import EDGES, Unshuffled
from snellen.puzzles.verdicts.accuracy import accuracy
from snellen.puzzles.verdicts.archive import loaded, restored
from snellen.puzzles.verdicts.confidence import confidence
from snellen.puzzles.verdicts.edges import edges
from snellen.puzzles.verdicts.mistakes import least_sure, mistakes


def report_of(seen: Unshuffled, *, seed: int, seconds: float | None = None) -> Findings:
    """The findings with their header, and every image's permutation for the JSON.

    Args:
        seen: from :func:`snellen.puzzles.unshuffle.unshuffle`.
        seed: that it was called with.
        seconds: that it took.
    """
    puzzles = seen.puzzles
    height, width, channels = puzzles.images.shape[1:]
    findings = [loaded(seen), restored(seen), accuracy(seen)]
    if seen.judgements:
        findings += [edges(seen), confidence(seen), mistakes(seen)]
    if len(puzzles.unknown):
        findings.append(least_sure(seen))
    return Findings(
        tuple(findings),
        subject={
            "network": "Edge matching" if seen.solver == EDGES.name else seen.solver.capitalize(),
            "images": puzzles.name,
            "count": len(puzzles),
            "size": f"{height} x {width}, {channels} channel{'s' if channels > 1 else ''}",
            "grid": str(puzzles.grid),
            "known permutations": len(puzzles.known),
            "convention": f"{puzzles.convention.name} ({puzzles.convention.how})",
            "arrays": ", ".join(puzzles.keys) or None,
        },
        run={
            "preset": "unshuffle",
            "seed": seed,
            "seconds": None if seconds is None else round(seconds, 2),
            "device": "cpu",
            "threads": torch.get_num_threads(),
            "snellen": snellen.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        },
        predictions=_rows(seen),
    )


def _rows(seen: Unshuffled) -> tuple[dict[str, Any], ...]:
    found = seen.restored
    return tuple(
        {
            "image": f"image {i}",
            "known": known,
            "permutation": permutation,
            "probability": probability,
            "margin": None if known else margin,
            "ambiguous": ambiguous,
        }
        for i, (known, permutation, probability, margin, ambiguous) in enumerate(
            zip(
                found.known.tolist(),
                found.permutations.tolist(),
                found.probability.tolist(),
                found.margin.tolist(),
                found.ambiguous.tolist(),
                strict=True,
            )
        )
    )
