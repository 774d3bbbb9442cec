"""``snellen predict``: the words, the JSON, and the images that could not be read."""

import json
import os
import sys
from pathlib import Path

import pytest

from snellen import load_images, load_network
from workbench import refused, snellen


def test_a_line_an_image() -> None:
    result = snellen("predict", "nets.py:toy", "photos", "--top", "2")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"{n}/{i}.png" for i, n in enumerate(("ant", "ant", "bee", "bee", "cat", "cat"))
    ]
    for line in lines:
        assert line.count("%") == 2
        assert "[right]" in line or "[wrong: " in line


def test_json_holds_the_softmax_of_the_network() -> None:
    result = snellen("predict", "nets.py:toy", "data.npz", "--top", "50", "--json", "-")
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert document["unreadable"] == []
    network = load_network("nets.py:toy")
    network.module.eval()
    pixels = load_images("data.npz").pixels()
    expected = network.logits(pixels).detach().softmax(dim=1)
    for i, row in enumerate(document["predictions"]):
        assert row["index"] == i
        assert row["label"] == i % 3
        assert len(row["top"]) == 3
        for answer in row["top"]:
            assert answer["probability"] == pytest.approx(float(expected[i, answer["class"]]), abs=1e-6)
            assert answer["name"] == ("ant", "bee", "cat")[answer["class"]]
        assert row["top"][0]["class"] == int(expected[i].argmax())
        ranked = [answer["probability"] for answer in row["top"]]
        assert ranked == sorted(ranked, reverse=True)


def test_json_to_a_file_says_the_same(bench: Path) -> None:
    shown = snellen("predict", "nets.py:toy", "data.npz", "--json", "-").stdout
    result = snellen("predict", "nets.py:toy", "data.npz", "--json", "deep/out.json", "--quiet")
    assert result.stdout == ""
    assert (bench / "deep/out.json").read_text() == shown


def test_images_that_cannot_be_read_are_named(bench: Path) -> None:
    (bench / "photos/ant/bad.png").write_bytes(b"")
    result = snellen("predict", "nets.py:toy", "photos", "--json", "-")
    assert result.exit_code == 0
    (bad,) = json.loads(result.stdout)["unreadable"]
    assert bad["image"] == "ant/bad.png"
    assert bad["reason"]
    assert result.stderr.startswith("snellen: could not read ant/bad.png: ")


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_file_names_that_are_no_text_and_file_names_that_are_commands(bench: Path) -> None:
    source = (bench / "photos/ant/0.png").read_bytes()
    folder = os.fsencode(bench / "odd")
    os.mkdir(folder)  # noqa: PTH102  a path of bytes
    for name in (b"\xff\xfe.png", b"\x1b[31mred\x1b[0m.png", "猫.png".encode()):
        with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123  a path of bytes
            file.write(source)
    said = snellen("predict", "nets.py:toy", "odd")
    assert said.exit_code == 0
    assert "\x1b" not in said.stdout
    assert "猫.png" in said.stdout
    assert len(json.loads(snellen("predict", "nets.py:toy", "odd", "--json", "-").stdout)["predictions"]) == 3
    assert snellen("predict", "nets.py:toy", "odd", "--json", "out.json", "-q").exit_code == 0
    assert len(json.loads((bench / "out.json").read_bytes())["predictions"]) == 3
    assert snellen("examine", "nets.py:toy", "odd", "--preset", "quick", "--json", "-").exit_code == 0


def test_wrong_usage(bench: Path) -> None:
    assert snellen("predict", "nets.py:toy", "data.npz", "--top", "0").exit_code == 2
    refused(snellen("predict", "nets.py:toy", "absent"), 3, "nothing is at absent")
    refused(snellen("predict", "nets.py:toy", "data.npz", "--json", "photos"), 2, "--json", "folder")
    assert not (bench / "report").exists()
