"""Better or worse is said only when the interval says so; and the words follow the numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snellen import Preprocessing, load_images
from snellen.checks.representation._probe_findings import probe_findings
from snellen.checks.representation._verdicts import comparisons
from snellen.findings.interval import paired
from snellen.instruments.probes.probe import PIXELS, RANDOM, TRAINED, Probe, Row
from snellen.instruments.probes.sample import labelled

COUNT = 200


def row(features: str, tap: str, right: int, *, seeds: int = 1) -> Row:
    correct = (torch.arange(COUNT) < right)[None].repeat(seeds, 1)
    return Row(features, tap, "l2", 8, correct, torch.zeros(COUNT).long(), torch.zeros(COUNT, 3).long())


def result(trained: list[int], random: list[int], pixels: int, *, duplicates: int = 0) -> Probe:
    taps = tuple(f"stage{i}" for i in range(len(trained)))
    images = load_images(np.zeros((COUNT, 4, 4, 3), dtype=np.uint8) + 9, labels=np.zeros(COUNT, dtype=int))
    sample = labelled(images, Preprocessing(), role="points", batch_size=64)
    rows = [row(TRAINED, tap, n) for tap, n in zip(taps, trained, strict=True)]
    rows += [row(RANDOM, tap, n, seeds=2) for tap, n in zip(taps, random, strict=True)] + [row(PIXELS, "", pixels)]
    return Probe(tuple(rows), taps, sample, sample, 3, duplicates, ())


def test_clearly_better_clearly_worse_and_neither() -> None:
    found = comparisons(result([150, 60, 101], [100, 100, 100], 100))
    verdicts = {(c.tap, c.against): c.verdict for c in found}
    for against in (PIXELS, RANDOM):
        assert verdicts["stage0", against] == "better"
        assert verdicts["stage1", against] == "worse"
        assert verdicts["stage2", against] == "not told apart"


def test_the_level_is_shared_out_over_all_comparisons() -> None:
    alone = comparisons(result([110], [100], 100))[0]
    among = comparisons(result([110] * 5, [100] * 5, 100))[0]
    assert among.low < alone.low < alone.difference == pytest.approx(0.05)
    assert alone.low < paired(10, 0, COUNT)[0]


def test_the_spread_over_the_seeds_widens_the_interval() -> None:
    steady = result([150], [100], 100)
    spread = row(RANDOM, "stage0", 100, seeds=2)
    correct = torch.stack([torch.arange(COUNT) < 60, torch.arange(COUNT) < 140])
    varied = replace(steady, rows=(steady.rows[0], replace(spread, correct=correct), steady.rows[2]))
    assert comparisons(varied)[0].verdict == "not told apart"
    assert comparisons(steady)[0].verdict == "better"


def test_features_that_lose_to_random_ones_are_a_warning() -> None:
    worth = probe_findings(result([120, 115, 40], [100, 100, 100], 100))[0]
    assert worth.severity == "warning"
    assert "Training has made the features worse than random ones at stage2 (L2)." in worth.sentence
    assert "comes third of 3 by L2, the worst place" in worth.sentence
    assert "At stage0 by L2, the best of 3 places and metrics, 60.0% of 200 queries" in worth.sentence
    assert worth.measured["features_accuracy"] == pytest.approx(0.2), "the last tap, not the best"
    assert worth.measured["random_accuracy"] == pytest.approx(0.5)


def test_healthy_features_are_no_warning() -> None:
    worth, copies, _ = probe_findings(result([130, 150, 170], [100, 100, 100], 100))
    assert (worth.severity, copies.severity) == ("ok", "ok")
    assert "comes first of 3 by L2." in worth.sentence
    equal = probe_findings(result([101, 99], [100, 100], 100))[0]
    assert equal.severity == "info"
    assert "not told apart from raw pixels" in equal.sentence


def test_copies_are_a_warning() -> None:
    copies = probe_findings(result([130], [100], 100, duplicates=5))[1]
    assert copies.severity == "warning"
    assert "5 of 200 queries are exact copies of points" in copies.sentence
