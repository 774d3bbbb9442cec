"""The page: every number in it from the judgements, words that fit the case, and a document that validates."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from puzzles.scenes import orders, puzzles, scenes
from snellen.findings.evidence import Gallery, Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.nets.deshuffler import Scores
from snellen.puzzles.convention import Candidate, Convention
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.report import report_of
from snellen.puzzles.unshuffle import EDGES, Contender, Unshuffled, unshuffle
from snellen.report.schema import Document

GRID = Grid(2, 2)
GRAIN = np.random.default_rng(0).integers(0, 130, (200, 24, 24, 3))
IMAGES = (scenes(200) // 2 + GRAIN).astype(np.uint8)  # grainy: some come out wrong
ROWS = orders(200, GRID)


def seen(known: int = 150, *contenders: Contender, images: np.ndarray = IMAGES) -> Unshuffled:
    these = puzzles(images, ROWS[: len(images)], GRID, known=known)
    return unshuffle(these, contenders or (EDGES,), held=these.known)


def finding(findings: Findings, name: str) -> Finding:
    (found,) = [f for f in findings if f.check == f"puzzle/{name}"]
    return found


def table(found: Finding, title: str) -> Table:
    (one,) = [e for e in found.evidence if isinstance(e, Table) and e.title == title]
    return one


@pytest.fixture(scope="module")
def edges_alone() -> Unshuffled:
    return seen()


def test_the_order_of_the_page_and_a_valid_document(edges_alone: Unshuffled, tmp_path: Path) -> None:
    findings = report_of(edges_alone, seed=0, seconds=1.5)
    names = ["loaded", "restored", "accuracy", "edges", "confidence", "mistakes", "least_sure"]
    assert [f.check for f in findings] == [f"puzzle/{name}" for name in names]
    page = findings.save(tmp_path / "page")
    document = Document.model_validate_json((page.parent / "findings.json").read_bytes())
    assert len(document.predictions) == 200
    assert document.predictions[7]["permutation"] == ROWS[7].tolist()
    assert document.predictions[7]["margin"] is None
    assert document.predictions[170]["known"] is False
    assert "Edge matching on 200 images" in page.read_text()


def test_the_numbers_are_those_of_the_judgement(edges_alone: Unshuffled) -> None:
    findings, judged = report_of(edges_alone, seed=0), edges_alone.judgements["edge matching"]
    accuracy = finding(findings, "accuracy")
    assert accuracy.measured["image_accuracy"] == judged.images.value
    assert accuracy.measured["piece_accuracy_high"] == judged.pieces.high
    assert f"{judged.images.right} of 150" in accuracy.sentence
    assert "Chance is 4.2% of images and 25.0% of pieces" in accuracy.sentence
    mistakes = finding(findings, "mistakes")
    kinds = {row[0]: row[1] for row in table(mistakes, "What is wrong with them").rows}
    assert kinds["right"] == judged.images.right
    assert sum(int(n or 0) for n in kinds.values()) == 150
    wrong = 150 - judged.images.right
    assert wrong > 0
    assert f"{wrong} of 150 came out wrong" in mistakes.sentence
    rows = table(finding(findings, "edges"), "The same in numbers").rows
    assert rows[0][2:4] == (edges_alone.gaps["edge matching"][0].right, 150)
    assert "all of the accuracy is edge matching" in finding(findings, "edges").sentence


def test_pictures_are_the_puzzle_the_prediction_and_the_truth(edges_alone: Unshuffled) -> None:
    mistakes = finding(report_of(edges_alone, seed=0), "mistakes")
    (gallery,) = [e for e in mistakes.evidence if isinstance(e, Gallery)]
    margins = edges_alone.judgements["edge matching"].solution.margin
    assert len(gallery.tiles) == min(24, 150 - edges_alone.judgements["edge matching"].images.right)
    for tile in gallery.tiles:
        assert tile.image is not None
        shuffled, predicted, true = (p.pixels for p in tile.pictures)  # type: ignore[union-attr]
        assert np.array_equal(shuffled, edges_alone.puzzles.images[tile.image])
        assert np.array_equal(true, IMAGES[tile.image])
        assert not np.array_equal(predicted, true)
    shown = [float(margins[tile.image]) for tile in gallery.tiles if tile.image is not None]
    assert shown == sorted(shown, reverse=True)


def test_the_least_certain_come_first(edges_alone: Unshuffled) -> None:
    (gallery,) = finding(report_of(edges_alone, seed=0), "least_sure").evidence
    assert isinstance(gallery, Gallery)
    margins = edges_alone.restored.margin[150:]
    assert [t.image for t in gallery.tiles] == (150 + np.argsort(margins, kind="stable")[:24]).tolist()


def test_beside_a_network() -> None:
    def knows(pieces: Tensor) -> Scores:
        return edge_scores(pieces)

    both = seen(150, Contender("the network", knows, gaps=(0, 4)), EDGES)
    findings = report_of(both, seed=0)
    accuracy, edges = finding(findings, "accuracy"), finding(findings, "edges")
    assert accuracy.measured["edge_image_accuracy"] == accuracy.measured["image_accuracy"]
    assert "held back from the training" in accuracy.sentence
    assert "Edge matching, without any training" in accuracy.sentence
    assert edges.measured["agreement_with_edges"] == 1
    assert "The network and edge matching agree on 100.0%" in edges.sentence
    right = accuracy.measured["image_accuracy"] * 150
    assert table(edges, "Who is right").rows == (("right", round(right), 0), ("wrong", 0, 150 - round(right)))
    assert set(edges.measured) >= {"accuracy_gap_4", "edge_accuracy_gap_8"}
    assert findings.subject["network"] == "The network"


def test_nothing_known_is_a_warning_and_no_accuracy() -> None:
    findings = report_of(seen(0, images=IMAGES[:9]), seed=0)
    accuracy = finding(findings, "accuracy")
    assert accuracy.severity == "warning"
    assert "cannot be measured" in accuracy.sentence
    assert accuracy.measured == {}
    assert "three times as probable" in finding(findings, "restored").sentence or "none of them" in (
        finding(findings, "restored").sentence
    )


def test_all_known_predicts_nothing() -> None:
    findings = report_of(seen(30, images=IMAGES[:30]), seed=0)
    assert "nothing had to be predicted" in finding(findings, "restored").sentence
    assert not [f for f in findings if f.check == "puzzle/least_sure"]


def test_one_image() -> None:
    for known in (0, 1):
        report_of(seen(known, images=scenes(1)), seed=0).to_dict()


def test_a_perfect_solver_has_no_mistakes() -> None:
    findings = report_of(seen(60, images=scenes(60, seed=4)), seed=0)
    if finding(findings, "accuracy").measured["image_accuracy"] == 1:
        assert "Not one" in finding(findings, "mistakes").sentence
        assert "Not one image is wrong" in finding(findings, "accuracy").sentence


def test_no_better_than_chance_is_an_error() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = generator.manual_seed(1)

    def guess(pieces: Tensor) -> Scores:
        return Scores(*torch.randn(3, len(pieces), 4, 4, generator=noise))

    accuracy = finding(report_of(seen(150, Contender("guessing", guess)), seed=0), "accuracy")
    assert (accuracy.severity, accuracy.title) == ("error", "No better than chance")
    assert accuracy.remedy


def test_uniform_sky_is_told() -> None:
    images = scenes(60)
    images[40:] = 77
    images[5] = 12
    these = seen(40, images=images)
    findings = report_of(these, seed=0)
    assert "20 hold pieces that look the same" in finding(findings, "restored").sentence
    rows = {row[0]: row for row in table(finding(findings, "accuracy"), "Accuracy with 95 % intervals").rows}
    assert rows["edge matching: images that look right"][1] >= rows["edge matching: whole images"][1]  # type: ignore[operator]
    assert rows["edge matching: whole images, without those that hold pieces alike"][2] == 39


@pytest.mark.parametrize(
    ("convention", "severity", "words"),
    [
        (Convention("comes-from", "detected", (Candidate("comes-from", 1.0, 1.0),), 0.0), "ok", "in Snellen's own"),
        (Convention("belongs-at", "given"), "ok", "was given"),
        (Convention("belongs-at", "undecided", (Candidate("belongs-at", 1.0, 1.0),), 0.0), "warning", "cannot tell"),
        (Convention("belongs-at", "detected", (Candidate("belongs-at", 0.0, 1.0),), 0.5), "error", "than by chance"),
    ],
)
def test_what_is_said_of_the_convention(convention: Convention, severity: str, words: str) -> None:
    these = seen(10, images=IMAGES[:12])
    told = finding(report_of(replace(these, puzzles=replace(these.puzzles, convention=convention)), seed=0), "loaded")
    assert told.severity == severity
    assert words in told.sentence


def test_the_document_is_json(edges_alone: Unshuffled) -> None:
    assert (
        json.loads(json.dumps(report_of(edges_alone, seed=0).to_dict(), allow_nan=False))["run"]["preset"]
        == "unshuffle"
    )
