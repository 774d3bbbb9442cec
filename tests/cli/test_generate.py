"""``snellen generate``: sheets, arrays, classes, an examination, and files that make no images."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lessons import archive, small_lesson
from snellen.nets.sampling import sample
from snellen.nets.saved import Saved, read_saved, write_saved
from snellen.nets.small_vgg import SmallVGG
from snellen.subject.load.images import load_images
from snellen.training.gan import train
from workbench import refused, snellen


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``plain`` and ``told``, each a folder with a generator and its discriminator, and ``pictures.npz``."""
    folder = tmp_path_factory.mktemp("trained")
    for name, conditional in (("plain", False), ("told", True)):
        done = train(small_lesson(steps=2, conditional=conditional))
        write_saved(done.generator, folder / name / "generator.safetensors")
        write_saved(done.discriminator, folder / name / "discriminator.safetensors")
    archive(folder / "pictures.npz")
    return folder


@pytest.fixture(autouse=True)
def networks(bench: Path, trained: Path) -> None:
    shutil.copytree(trained, bench, dirs_exist_ok=True)


def test_a_sheet_and_arrays_hold_the_same_images() -> None:
    for out in ("grid.png", "made.npy", "made.npz"):
        done = snellen("generate", "plain/generator.safetensors", "--n", "9", "--out", out, "--seed", "3")
        assert (done.exit_code, done.stdout) == (0, f"Wrote 9 images to {out}\n"), done.stderr
    expected = sample(read_saved("plain/generator.safetensors"), 9, seed=3)
    levels = (expected * 255).round().byte().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(np.load("made.npy"), levels)
    torch.testing.assert_close(
        load_images("made.npz").pixels()[:, :1], torch.from_numpy(levels).permute(0, 3, 1, 2) / 255
    )
    sheet = np.array(Image.open("grid.png"))
    assert sheet.shape == (32, 32, 3)  # three images of 8 and four margins of 2, each way
    assert np.array_equal(sheet[22:30, 12:20, 0], levels[7, ..., 0])


def test_images_of_a_class() -> None:
    words = ("generate", "told/generator.safetensors", "--n", "4", "--out", "made.npz", "--quiet")
    assert snellen(*words, "--class", "light", "--class", "dark", "--truncation", "0.5").exit_code == 0
    made = load_images("made.npz")
    assert made.labels is not None
    assert made.class_names is not None
    assert [made.class_names[label] for label in made.labels] == ["light", "dark", "light", "dark"]
    refused(snellen(*words, "--class", "lite"), 2, "no class named 'lite'; did you mean light")
    plain = ("generate", "plain/generator.safetensors", "--out", "x.png")
    refused(snellen(*plain, "--class", "dark"), 3, "trained without classes and cannot be asked for 'dark'")


@pytest.mark.usefixtures("undrawn")
def test_an_examination_beside_the_data_it_was_trained_on() -> None:
    words = ("generate", "plain/generator.safetensors", "--examine", "--data", "pictures.npz")
    done = snellen(*words, "--report", "report", "--json", "-")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    checks = {finding["check"] for finding in document["findings"]}
    assert "generation/saturated" in checks, "the discriminator lies beside it"
    assert Path("report/index.html").exists()
    Path("plain/discriminator.safetensors").unlink()
    assert snellen(*words, "--quiet").exit_code == 0


@pytest.mark.usefixtures("undrawn")
def test_a_classifier_and_held_out_images_can_be_given() -> None:
    """Likeness is measured in the features of the classifier, whose classes are counted."""
    kind = {"classes": 2, "side": 8, "channels": 3}
    write_saved(Saved(SmallVGG(**kind), kind="small_vgg", settings=kind, task="classify"), Path("two.safetensors"))
    words = ("generate", "plain/generator.safetensors", "--examine", "--data", "pictures.npz", "--json", "-")
    given = ("--classifier", "two.safetensors", "--held-out", "pictures.npz")
    done = [snellen(*words, *more) for more in ((), given)]
    assert [each.exit_code for each in done] == [0, 0], done[1].stderr
    bare, told = (json.loads(each.stdout) for each in done)
    checks = [{finding["check"] for finding in document["findings"]} for document in (bare, told)]
    assert checks[1] - checks[0] == {"generation/classes_made"}
    (likeness,) = [finding for finding in told["findings"] if finding["check"] == "generation/frechet"]
    assert "features of two" in json.dumps(likeness)


@pytest.mark.usefixtures("undrawn")
def test_a_conditional_discriminator_is_examined_too() -> None:
    """It is told the classes of the archive, whose labels are looked up by name."""
    words = ("generate", "told/generator.safetensors", "--examine", "--data")
    document = json.loads(snellen(*words, "pictures.npz", "--json", "-").stdout)
    (finding,) = [finding for finding in document["findings"] if finding["check"] == "generation/saturated"]
    assert "It is told the class" in finding["sentence"]
    saved = read_saved("told/discriminator.safetensors")
    archived = load_images("pictures.npz")
    assert archived.labels is not None
    with torch.inference_mode():
        scores = saved.module(archived.pixels()[:, :1] * 2 - 1, torch.from_numpy(archived.labels))
    means = scores.sigmoid()
    assert float(means.min()) <= finding["measured"]["says_real"] <= float(means.max())
    with np.load("pictures.npz") as arrays:
        np.savez("bare.npz", images=arrays["images"])
    document = json.loads(snellen(*words, "bare.npz", "--json", "-").stdout)
    (finding,) = [finding for finding in document["findings"] if finding["check"] == "generation/saturated"]
    assert "told the class, and at least 20 real images of its classes are needed; got 0 of 20" in finding["sentence"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("plain/discriminator.safetensors", "--out", "x.png"), 3, "this is the discriminator of a training"),
        (("pictures.npz", "--out", "x.png"), 3, "safetensors"),
        (("plain/generator.safetensors",), 2, "nothing to do: give --out"),
        (("plain/generator.safetensors", "--out", "x.gif"), 2, "a .png for one sheet, or an .npz or .npy"),
        (("plain/generator.safetensors", "--out", "plain"), 2, "a .png for one sheet"),
        (("plain/generator.safetensors", "--out", "x.png", "--data", "digits"), 2, "are for --examine"),
        (("plain/generator.safetensors", "--out", "x.png", "--classifier", "two.safetensors"), 2, "are for --examine"),
        (("plain/generator.safetensors", "--examine"), 2, "give those it was trained on as --data"),
        (("plain/generator.safetensors", "--out", "x.png", "--truncation", "-1"), 2, "above 0"),
    ],
)
def test_what_cannot_be_made_is_refused(words: tuple[str, ...], code: int, said: str) -> None:
    refused(snellen("generate", *words), code, said)
    assert not Path("x.png").exists()


def test_a_classifier_says_what_it_is(bench: Path) -> None:
    classifier = Saved(SmallVGG(), kind="small_vgg", settings={}, task="classify")
    write_saved(classifier, bench / "network.safetensors")
    words = ("generate", "network.safetensors", "--out", "x.png")
    refused(snellen(*words), 3, "a network trained to classify (small_vgg), which makes no images")
    refused(snellen("predict", "plain/generator.safetensors", "pictures.npz"), 3, "was trained to generate")
