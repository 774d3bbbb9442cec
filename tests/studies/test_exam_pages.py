"""Every number on the pages of the exams is what the command prints."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from lessons import digits_to_learn
from snellen.exam.transport import examine_transport
from snellen.instruments.losses.detection import single_loss
from snellen.instruments.transport.wasserstein import wasserstein
from snellen.report.schema import Document
from snellen.studies._improve_task import answered, course
from snellen.studies._many_objects_findings import corner
from snellen.studies.capacity import Capacity, measured, taught_network
from snellen.studies.critic import Critic
from snellen.studies.cross_entropy import CrossEntropy
from snellen.studies.improve import Improve
from snellen.studies.layers import Layers
from snellen.studies.many_objects import ManyObjects
from snellen.studies.residual import BATCH, ResidualConnections, gradients, network
from snellen.studies.selection import Selection
from snellen.studies.through_tanh import ThroughTanh
from snellen.subject.load.digits import digit_pixels
from snellen.training.curves import read_curves
from snellen.training.dataset import load_dataset
from snellen.training.divergence import Divergence
from snellen.training.fit import DivergedError, fit
from snellen.training.lesson import prepare
from snellen.training.settings import Settings

EXAMS = Path(__file__).resolve().parents[2] / "docs" / "exams"
RECORD, CAPACITY = EXAMS / "in5400-exercise-2c.json", EXAMS / "in5400-exercise-13b.json"
IMPROVED = EXAMS / "in5400-exercise-3.json"
RESIDUAL = EXAMS / "in5400-exercise-1.json"
SURROGATE, SATURATION = EXAMS / "in5400-exercise-6a.json", EXAMS / "in5400-exercise-6b.json"
"""What the commands printed when the pages were written: ``snellen study selection --json FILE``, and ``capacity``."""


def prose(name: str) -> str:
    """A page without its code blocks, links and true minus signs."""
    text = (EXAMS / name).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\]\([^)]*\)|arXiv:[\d.]+", "]", text).replace("−", "-")


def named(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rows ``| `name` | value |`` of a page: the name, and the numbers of the second cell."""
    for name, cell in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE):
        yield name, tuple(re.findall(r"-?[\d,]+(?:\.\d+)?", cell))


def same(printed: str, value: float, unit: float) -> bool:
    """Whether a printed number is this value, rounded to the digits that are printed."""
    digits = printed.replace(",", "")
    step = 0.5 * 10.0 ** -len(digits.partition(".")[2])
    return abs(float(digits) - unit * value) <= step * 1.001


def check(page: str, printed: Mapping[str, Any]) -> None:
    """Rows by name, value first and then low and high; every other decimal somewhere among the numbers."""
    text = prose(page)
    rows = list(named(text))
    assert len(rows) >= 8
    for name, told in rows:
        unit = 100.0 if re.search(rf"^\| `{name}` \| [^|]*%", text, re.MULTILINE) else 1.0
        values = [printed[name], *(printed.get(f"{name}_{end}") for end in ("low", "high"))]
        assert told, name
        for number, value in zip(told, values, strict=False):
            assert value is not None, f"{name} has no interval"
            assert same(number, float(value), unit), f"{name}: {number} is {unit * float(value)}"
    known = [float(v) for v in printed.values() if math.isfinite(float(v))]
    for number in re.findall(r"(?<![\w.])\d[\d,]*\.\d+", text):
        assert any(same(number, abs(v), unit) for v in known for unit in (1.0, 100.0)), number


def test_problem_1() -> None:
    printed = CrossEntropy().report().to_dict()["measured"]
    check("fys3033-problem-1.md", {k: float(v) for k, v in printed.items()})


def test_exercise_4() -> None:
    printed = Layers().report().to_dict()["measured"]
    check("in5400-exercise-4.md", {k: float(v) for k, v in printed.items()})


GAN = EXAMS / "in5400-exercise-9.json"
EIGHT, CROWDS = EXAMS / "in5400-exercise-10a.json", EXAMS / "in5400-exercise-10b.json"
RECORDS = [RECORD, CAPACITY, IMPROVED, RESIDUAL, SURROGATE, SATURATION, GAN, EIGHT, CROWDS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_page_is_its_record(record: Path) -> None:
    document = Document.model_validate_json(record.read_bytes())
    assert document.run["preset"] == "study"
    check(f"{record.stem}.md", {k: float(v) for k, v in document.measured.items()})


def every(record: Path, title: str) -> list[list[Any]]:
    """The rows of the table of this title."""
    tables = [e for f in json.loads(record.read_bytes())["findings"] for e in f["evidence"] if e["type"] == "table"]
    (rows,) = [t["rows"] for t in tables if t["title"] == title]
    return list(rows)


def test_the_record_is_what_the_command_prints() -> None:
    """The first splits of the record, trained again; a rounding on another machine may turn an answer or two."""
    rows = every(RECORD, "Every split")
    assert len(rows) == Selection().seeds
    again = Selection(seeds=3).run()
    one, two = again.first, again.second
    for i, row in enumerate(rows[:3]):
        assert row[2:4] == pytest.approx([one.reported[i], one.fresh[i]], abs=0.011)
        assert row[5:] == pytest.approx([two.reported[i], two.fresh[i]], abs=0.011)


def test_the_record_of_capacity_is_what_the_command_prints() -> None:
    """One network of its first seed, trained again in float32, whose rounding differs between machines."""
    study, rows = Capacity(), every(CAPACITY, "Every seed")
    assert len(rows) == study.seeds
    large, labels = digit_pixels("all")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    taught, held = order[: study.images], order[study.images :][: study.held]
    pixels = F.avg_pool2d(large, 2)
    net = taught_network(2, pixels[taught], labels[taught], hidden=study.hidden, epochs=study.epochs, seed=0)
    assert measured(net, pixels[held], labels[held]) == pytest.approx(rows[0][1:3], abs=0.05)


def test_the_record_of_residual_connections_is_what_the_command_prints() -> None:
    """The gradients of its first seed, measured again in float64."""
    study, rows = ResidualConnections(), every(RESIDUAL, "Every seed")
    assert len(rows) == study.seeds
    large, labels = digit_pixels("all")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:BATCH]
    pixels = (F.avg_pool2d(large, 4)[order] - 0.3) / 0.37
    for column, design in enumerate(study.designs, 1 + len(study.designs)):
        norms = gradients(network(design, seed=0), pixels, labels[order])
        assert math.log10(norms[0] / norms[-1]) == pytest.approx(rows[0][column], abs=0.01)


def test_the_record_of_the_tanh_is_what_the_command_prints() -> None:
    """One rate of it, with the network trained again; a rounding on another machine may move an image or two."""
    (row,) = [row for row in every(SATURATION, "Every rate") if row[0] == 0.003]
    again = ThroughTanh(rates=(0.003,)).run()
    assert [again.at(0.003, way).share for way in ("output", "scores")] == pytest.approx([row[1], row[3]], abs=0.03)


def test_the_record_of_improvement_is_what_the_command_prints() -> None:
    """The given training of its first seed, trained again."""
    study, rows = Improve(), every(IMPROVED, "Every seed")
    assert len(rows) == study.seeds
    task = digits_to_learn()
    found = answered(course(task, study.given, 0), study.given, task.data.val).accuracy
    assert found == pytest.approx(rows[0][1], abs=0.05)


def test_exercise_2a() -> None:
    """The page is its record; trained again at 10 it diverges."""
    check("in5400-exercise-2a.md", json.loads((EXAMS / "in5400-exercise-2a.json").read_bytes())["measured"])
    data = load_dataset("digits", limit=300, side=8)
    lesson = prepare(data, Settings(network="small_vgg", batch=32, optimizer="sgd", learning_rate=10.0))
    guard = Divergence(10, lesson.schedule.rate)
    with pytest.raises(DivergedError, match=r"(diverged: at step \d\d,|became)"):
        fit(lesson.module, lesson.losses(lesson.module), lesson.schedule, seed=0, guard=guard)


def test_exercise_2b() -> None:
    """The page is its record, and its verdict follows from the curves of the record."""
    document = Document.model_validate_json((EXAMS / "in5400-exercise-2b.json").read_bytes())
    record = EXAMS / "in5400-exercise-2b.json"
    names = ("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy")
    rows = [dict(zip(names, row, strict=False)) for row in every(record, "Epochs")]
    best, last = min(rows, key=lambda row: row["val_loss"]), rows[-1]
    printed = {k: float(v) for k, v in document.measured.items()} | {
        "best_epoch": best["epoch"],
        "best_val_loss": best["val_loss"],
        "best_val_accuracy": best["val_accuracy"],
        "last_val_loss": last["val_loss"],
        "last_val_accuracy": last["val_accuracy"],
        "last_train_loss": last["train_loss"],
        **{f"final_{k}": float(v) for k, v in document.measured.items() if k.startswith("test_accuracy")},
    }
    check("in5400-exercise-2b.md", printed)
    assert best["epoch"] == document.measured["best_epoch"]
    again = read_curves([{**row, "val_loss_error": 0.05, "val_count": 997} for row in rows], 10)
    assert (again.shape, again.best) == ("overfitted", best["epoch"])
    assert again.rise == pytest.approx(document.measured["val_loss_rise"])


CRITICS, RING = EXAMS / "in5400-exercise-12-critics.json", EXAMS / "in5400-exercise-12-ring.json"


def test_exercise_12() -> None:
    """The page is its three records; what is cheap of them is calculated again."""
    records = [EXAMS / "in5400-exercise-12.json", CRITICS, RING]
    documents = [Document.model_validate_json(record.read_bytes()) for record in records]
    names = [name for document in documents for name in document.measured]
    assert len(names) == len(set(names))
    known = {k: float(v) for document in documents for k, v in document.measured.items()}
    check("in5400-exercise-12.md", known)
    again = examine_transport([[3, 1]], [[-2, 2]], critic=[0.3, -0.5])
    assert again.measured == pytest.approx(documents[0].measured, rel=1e-12)
    steps = every(records[0], "Step by step")
    page = " ".join((EXAMS / "in5400-exercise-12.md").read_text(encoding="utf-8").split())
    for number, what, calculation in steps:
        assert f"{number}. {what}: {calculation}" in page
    assert len(steps) == 7


def test_the_record_of_the_critics_is_what_the_command_prints() -> None:
    """The samples of its first seed in eight dimensions, solved again, and the two norms of the convolution."""
    study, rows = Critic(), {(row[0], row[1]): row for row in every(CRITICS, "Every seed")}
    assert len(rows) == study.seeds * len(study.dimensions)
    generator = torch.Generator().manual_seed(5_003)
    shift = torch.randn(8, generator=generator)
    sides = [torch.randn(2, study.sample, 8, generator=generator) for _ in range(2)]
    moved = sides[0][0] + shift / shift.norm()
    exact, same = (wasserstein(one, sides[0][1]).distance for one in (moved, sides[1][1]))
    assert rows[8, 0][6:8] == pytest.approx([exact, same], rel=1e-5)
    measured = Document.model_validate_json(CRITICS.read_bytes()).measured
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv = torch.nn.Conv2d(16, 16, 3, padding=1, padding_mode="circular", bias=False)
    symbols = torch.fft.fft2(conv.weight.detach().double(), s=(32, 32)).permute(2, 3, 0, 1)
    wanted = [torch.linalg.svdvals(m).max().item() for m in (conv.weight.detach().flatten(1), symbols)]
    assert [measured["flattened_norm"], measured["operator_norm"]] == pytest.approx(wanted, rel=1e-5)


def test_the_loss_of_the_eight_numbers_is_what_the_command_prints() -> None:
    """Loss and slope of the two scenes of the record, calculated again from the numbers that it holds."""
    rows = every(EIGHT, "Two scenes of the test part, number by number")
    measured = json.loads(EIGHT.read_bytes())["measured"]
    slopes = every(EIGHT, "Slope of the loss with respect to each number")
    label = [row[2] for row in rows[5:]].index("the largest")
    for column, slope, there in ((3, 1, True), (5, 2, False)):
        outputs = torch.tensor([[float(row[column]) for row in rows]], requires_grad=True)
        box = torch.tensor([[float(row[2]) for row in rows[1:5]]])
        loss = single_loss(outputs, box, torch.tensor([label if there else -1]))
        name = "with_object" if there else "without_object"
        for term, value in (("objectness", loss.objectness), ("box", loss.box), ("class", loss.classes)):
            assert value.item() == pytest.approx(measured[f"{term}_loss_{name}"], abs=1e-5)
        (again,) = torch.autograd.grad(loss.total, outputs)
        assert again[0].tolist() == pytest.approx([row[slope] for row in slopes], abs=1e-5)
    assert [row[2] for row in slopes[1:]] == [0.0] * 7


def test_the_record_of_the_crowds_is_what_the_command_prints() -> None:
    """Its first crowd, composed again; the numbers of boxes drawn; and the best threshold, from its table."""
    study, document = ManyObjects(), Document.model_validate_json(CROWDS.read_bytes())
    assert document.subject == {"study": study.title, **study.about()}
    crowd = study.composed(1, seed=int(str(document.run["seed"])))
    (tile,) = [t for f in document.findings for e in f.evidence if e.type == "gallery" for t in e.tiles]
    (before, after), (left, top) = tile.pictures, corner(crowd.objects[0])
    there = torch.tensor([o.box for o in after.boxes if o.kind == "truth"]) + torch.tensor([left, top, left, top])
    known = crowd.objects[0].boxes.tolist()
    assert len(there) > 4
    assert all(box in known for box in there.tolist())
    said = [sum(o.kind != "truth" for o in picture.boxes) for picture in (before, after)]
    assert tile.lines == (f"{said[0]} boxes before, {said[1]} after",)
    greedy = {row[1]: row for row in every(CROWDS, "Every threshold") if row[0] == "greedy"}
    assert document.measured["best_threshold"] == max(greedy, key=lambda t: greedy[t][3])
    assert document.measured["ap_at_0_5"] == greedy[0.5][3]
