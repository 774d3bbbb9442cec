"""``snellen receptive-field``: a chain with its calculation, and a layer of a network."""

import json
import re
from pathlib import Path

import pytest

from workbench import refused, snellen


def test_the_calculation_of_exercise_5b() -> None:
    said = snellen("receptive-field", "k3s2", "k5s3", "k3s1").stdout
    assert re.findall(r"^l\d .* = (\d+)  +\S+ = (\d+)$", said, re.MULTILINE) == [("3", "2"), ("11", "6"), ("23", "6")]
    assert "l2: 1 → 5 of l1 → (5 − 1)·2 + 3 = 11 of l0\n" in said
    assert "l3: 1 → 3 of l2 → (3 − 1)·3 + 5 = 11 of l1 → (11 − 1)·2 + 3 = 23 of l0\n" in said
    assert "A neuron of l3 sees 23 elements of the input: number u sees 6·u to 6·u + 22.\n" in said


def test_every_calculation_is_right() -> None:
    said = snellen("receptive-field", "k7x5s2p3", "pool3s2p1", "k3p2d2", "k1s2").stdout
    assert said.startswith("Height\n\nlayer")
    assert "\nWidth\n\nlayer" in said
    parts = re.split(r"  +|→|\n", said)
    sums = [found.groups() for part in parts if (found := re.match(r" *([\d ()+·−]+) = (\d+)", part))]
    assert len(sums) > 30
    for left, right in sums:
        assert eval(left.translate(str.maketrans("−·", "-*"))) == int(right), left


def test_what_is_skipped_is_told() -> None:
    said = snellen("receptive-field", "k3d2").stdout
    assert "sees 5 elements" in said
    assert "Of these it reads 3; dilations or strides skip the others." in said


def test_as_json() -> None:
    document = json.loads(snellen("receptive-field", "k3s2", "k5x1s3p1", "--json", "-").stdout)
    assert [row["layer"] for row in document["layers"]] == ["k3s2", "k5x1s3p1"]
    assert document["layers"][1]["axes"][0] == {"size": 11, "stride": 6, "padding": 2, "read": 11}


def test_many_layers_are_counted_back_once() -> None:
    said = snellen("receptive-field", *["k3p1", "k3p1", "pool2"] * 3).stdout
    assert re.findall(r"^l\d+: ", said, re.MULTILINE) == ["l9: "]


def test_a_layer_of_a_network() -> None:
    said = snellen("receptive-field", "nets.py:toy", "--layer", "0").stdout
    assert said == "0 of toy, input 3 x 8 x 8: receptive field 3 x 3, stride 1 x 1, padding 0 x 0.\n"
    words = ("receptive-field", "nets.py:linear", "--layer", "1", "--input", "3x8x8")
    assert snellen(*words).stdout.endswith(
        "receptive field 8 x 8, stride 0 x 0, padding 0 x 0.\nEvery unit sees the whole image.\n"
    )
    document = json.loads(snellen(*words, "--json", "-").stdout)
    assert (document["size"], document["stride"], document["misaligned"]) == ([8, 8], ["0", "0"], [])


def test_vgg16_by_its_name() -> None:
    """The last pooling sees 212 pixels, stride 32, padding 90 (Araujo, Norris, Sim 2019)."""
    said = snellen("receptive-field", "vgg16", "--layer", "features.30").stdout
    assert said.endswith("input 3 x 224 x 224: receptive field 212 x 212, stride 32 x 32, padding 90 x 90.\n")


def test_paths_that_do_not_see_the_same_place_are_told(bench: Path) -> None:
    (bench / "skew.py").write_text(
        "from torch import nn\n"
        "class Skew(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b, self.c = nn.Conv2d(3, 4, 5, 2, 1), nn.Conv2d(3, 4, 4, 2), nn.Conv2d(4, 2, 1)\n"
        "    def forward(self, x):\n"
        "        return self.c(self.a(x) + self.b(x))\n"
    )
    said = snellen("receptive-field", "skew.py:Skew", "--layer", "c", "--input", "3x32x32").stdout
    (line,) = [line for line in said.splitlines() if line.startswith("Misaligned: ")]
    assert "(stride 2, centre 1)" in line
    assert "(stride 2, centre 1.5)" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("k3 k3z4", "a layer reads like k3s2p1d2"),
        ("k3x3 k3x3x3", "same number of axes"),
        ("k3x3x3x3", "one, two or three axes, got 4"),
        ("vgg16", "--layer"),
        ("vgg16 resnet --layer 0", "--layer is that of one network, got 2 arguments"),
        ("k3 --input 3x8x8", "--input is that of a network"),
        ("nets.py:toy --layer 9", "no layer named '9'"),
    ],
)
def test_what_is_refused(words: str, said: str) -> None:
    refused(snellen("receptive-field", *words.split()), 2, said)
