"""``snellen examine``: the page, the JSON, the bounds, and everything refused before any work."""

import json
from pathlib import Path

import numpy as np
import pytest

from snellen.report.schema import Document
from snellen.subject.load import network as loading
from workbench import refused, snellen

TOY = ("examine", "nets.py:toy", "data.npz", "--preset", "quick")


def test_without_arguments_it_examines_what_is_built_in(bench: Path) -> None:
    result = snellen("examine", "--preset", "quick", "--require", "accuracy >= 0.985", "--require", "images == 500")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert "Top-1 accuracy is 99.6%" in " ".join(result.stdout.split())
    assert result.stdout.endswith("The page: report/index.html\n")
    document = Document.model_validate_json((bench / "report/findings.json").read_bytes())
    assert document.measured["accuracy"] == 0.996
    assert document.subject["network"] == "SmallVGG on digits (built in)"


def test_the_whole_report_of_a_toy(bench: Path) -> None:
    result = snellen(
        "examine", "nets.py:toy", "data.npz", "--preset", "standard", "--out", "page", "--json", "out.json"
    )
    assert result.exit_code == 0
    assert sorted(p.name for p in (bench / "page").iterdir()) == ["arrays", "findings.json", "index.html"]
    beside = json.loads((bench / "page/findings.json").read_bytes())
    asked = json.loads((bench / "out.json").read_bytes())
    Document.model_validate(asked)
    assert asked["measured"] == beside["measured"]
    assert [f["sentence"] for f in asked["findings"]] == [f["sentence"] for f in beside["findings"]]
    assert beside["run"]["preset"] == "standard"
    maps = sorted((bench / "page/arrays/explanation-maps").glob("*saliency.npy"))
    assert len(maps) == 12
    assert np.load(maps[0], allow_pickle=False).shape == (3, 8, 8)
    models = list((bench / "page/arrays/explanation-class-models").glob("*.npy"))
    assert np.load(models[0], allow_pickle=False).dtype == np.float32


def test_json_to_standard_output_is_json_and_nothing_else() -> None:
    result = snellen(*TOY, "--json", "-")
    assert result.exit_code == 0
    document = Document.model_validate_json(result.stdout)
    assert document.schema_version == 1
    assert len(document.predictions) == 12
    assert result.stderr == ""


def test_quiet_is_quiet() -> None:
    result = snellen(*TOY, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_a_bound_that_fails_is_exit_code_1_and_the_report_is_there(bench: Path) -> None:
    result = snellen(*TOY, "--require", "accuracy >= 0.99", "--require", "images >= 12", "--require", "macs < 1")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("snellen: required accuracy >= 0.99, got 0.")
    assert lines[1].startswith("snellen: required macs < 1, got ")
    assert (bench / "report/index.html").is_file()


def test_a_number_that_could_not_be_measured_fails_its_bound(bench: Path) -> None:
    np.savez(bench / "bare.npz", images=np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8))
    result = snellen("examine", "nets.py:toy", "bare.npz", "--preset", "quick", "--require", "accuracy >= 0")
    assert result.exit_code == 1
    assert result.stderr == "snellen: required accuracy >= 0, got nothing\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "quik"), ("no preset named 'quik'", "did you mean quick")),
        (("--require", "acuracy >= 0.9"), ("did you mean accuracy",)),
        (("--require", "accuracy 0.9"), ("must read like 'accuracy >= 0.9'", "got 'accuracy 0.9'")),
        (("--mean", "a,b"), ("--mean must be numbers", "got 'a,b'")),
        (("--mean", "nan"), ("--mean must be numbers", "got 'nan'")),
        (("--std", "inf,1,1"), ("--std must be numbers",)),
        (("--std", "0"), ("std must be positive", "0.0")),
        (("--mean", "0.5,0.5"), ("1 or 3 values", "(0.5, 0.5)")),
        (("--input-size", "8x8x8"), ("--input-size must read like 224x224", "got '8x8x8'")),
        (("--input-size", "²"), ("--input-size must read like 224x224",)),
        (("--input-size", "0"), ("at least 1",)),
        (("--resize", "4"), ("resize must be at least", "got 4")),
        (("--channels", "GBR"), ("channels must be RGB, BGR or L", "'GBR'")),
        (("--json", "photos"), ("--json", "folder")),
        (("--out", "photos"), ("holds what no earlier report",)),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_how_it_is_meant(
    arguments: tuple[str, ...], words: tuple[str, ...], bench: Path
) -> None:
    before = sorted(bench.rglob("*"))
    refused(snellen(*TOY, *arguments), 2, *words)
    assert sorted(bench.rglob("*")) == before


@pytest.mark.parametrize(
    ("network", "code", "words"),
    [
        ("vgg61", 2, ("no network named 'vgg61'", "did you mean vgg")),
        ("builtn", 2, ("did you mean builtin",)),
        ("nets.py:toi", 2, ("did you mean toy",)),
        ("nets.py", 2, ("name the factory", "toy")),
        ("weights.pt", 2, ("fit only the module",)),
        ("absent.py:toy", 3, ("no file at absent.py",)),
    ],
)
def test_networks_that_are_none(network: str, code: int, words: tuple[str, ...]) -> None:
    refused(snellen("examine", network, "data.npz"), code, *words)


@pytest.mark.parametrize(
    ("images", "code", "words"),
    [
        ("absent", 3, ("nothing is at absent",)),
        ("digits:tset", 2, ("digits:train",)),
        ("nets.py", 2, ("no images are read from .py",)),
    ],
)
def test_images_that_are_none(images: str, code: int, words: tuple[str, ...]) -> None:
    refused(snellen("examine", "nets.py:toy", images, "--preset", "quick"), code, *words)


@pytest.mark.parametrize("arguments", [("--presett", "quick"), ("--limit", "0"), ("--batch-size", "x"), ("--bogus",)])
def test_options_that_are_none_are_exit_code_2(arguments: tuple[str, ...]) -> None:
    result = snellen(*TOY, *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert arguments[0] in result.output


def test_an_option_names_the_close_one() -> None:
    assert "--preset" in snellen("examine", "--presett", "quick").output.replace("--presett", "")


def test_an_unknown_verb_names_the_close_one() -> None:
    result = snellen("examin")
    assert result.exit_code == 2
    assert "examine" in result.output


@pytest.mark.parametrize(
    ("verb", "more"),
    [("examine", ()), ("explain", ()), ("uncertainty", ()), ("visualise", ("--classes", "0"))],
)
def test_a_foreign_folder_is_refused_before_any_work(
    verb: str, more: tuple[str, ...], bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench / "thesis").mkdir()
    (bench / "thesis/chapter.txt").write_text("ten years")
    monkeypatch.setattr(loading, "_built", lambda *_: pytest.fail("the network was loaded"))
    images = () if verb == "visualise" else ("data.npz",)
    refused(snellen(verb, "nets.py:toy", *images, *more, "--out", "thesis"), 2, "chapter.txt", "new or an empty folder")
    assert (bench / "thesis/chapter.txt").read_text() == "ten years"


@pytest.mark.parametrize("text", ['[checks."acuracy/top1"]', '[checks."accuracy/answers"]\nimages = 0'])
def test_a_plan_with_a_mistake_is_refused_before_any_work(
    text: str, bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench / "mine.toml").write_text(text)
    monkeypatch.setattr(loading, "_built", lambda *_: pytest.fail("the network was loaded"))
    refused(snellen("examine", "nets.py:toy", "data.npz", "--preset", "mine.toml"), 2, "accuracy/")
    refused(
        snellen("examine", "nets.py:toy", "data.npz", "--preset", "mine.toml", "--require", "accuracy > 0"),
        2,
        "accuracy/",
    )


def test_a_plan_of_the_users_own(bench: Path) -> None:
    (bench / "mine.toml").write_text('[checks."accuracy/top1"]')
    result = snellen("examine", "nets.py:toy", "data.npz", "--preset", "mine.toml", "--json", "-")
    assert [f["check"] for f in json.loads(result.stdout)["findings"]] == ["accuracy/top1"]


def test_the_network_is_loaded_once(bench: Path) -> None:
    (bench / "counted.py").write_text(
        "import nets\ndef toy():\n    with open('calls', 'a') as f:\n        f.write('x')\n    return nets.sure()\n"
    )
    result = snellen("examine", "counted.py:toy", "photos", "--preset", "quick", "--input-size", "8", "--mean", "0.5",
                     "--std", "0.25", "--json", "-")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert (bench / "calls").read_text() == "x"
    subject = json.loads(result.stdout)["subject"]
    assert subject["mean"] == [0.5]
    assert subject["std"] == [0.25]
    assert subject["preprocessing"] == "scaled to 8 x 8 (bilinear) where it differs, RGB"
    assert not any("no mean and std" in note for note in subject["notes"])


def test_what_the_options_say_goes_into_the_network(bench: Path) -> None:
    (bench / "names.txt").write_text("cat\nant\nbee\n")
    (bench / "about.json").write_text(json.dumps({"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}))
    result = snellen("examine", "nets.py:sure", "photos", "--preset", "quick", "--sidecar", "about.json", "--channels",
                     "BGR", "--input-size", "8x8", "--resize", "9", "--classes", "names.txt", "--limit", "4", "--json",
                     "-")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["subject"]["mean"] == [0.1, 0.2, 0.3]
    assert document["subject"]["preprocessing"] == "short side to 9 (bilinear), centre crop 8 x 8, BGR"
    assert document["subject"]["count"] == 4
    for row in document["predictions"]:
        assert row["label_name"] == row["image"].split("/")[0]
        assert ("cat", "ant", "bee").index(row["label_name"]) == row["label"]
