"""``snellen conv``: the page of a calculation, the inverse question, and what is refused."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from workbench import refused, snellen


def test_the_calculation_of_exercise_5a() -> None:
    result = snellen("conv", "--input", "69x90", "--kernel", "7x5", "--stride", "3", "--padding", "4")
    assert result.exit_code == 0
    assert result.stdout.startswith("output = ⌊(input + 2·padding − kernel) / stride⌋ + 1\n\n")
    assert "height  ⌊(69 + 2·4 − 7) / 3⌋ + 1 = ⌊70 / 3⌋ + 1 = 23 + 1 = 24\n" in result.stdout
    assert "width   ⌊(90 + 2·4 − 5) / 3⌋ + 1 = ⌊93 / 3⌋ + 1 = 31 + 1 = 32\n" in result.stdout
    assert "\nOutput: 24 x 32\n" in result.stdout
    assert nn.Conv2d(1, 1, (7, 5), stride=3, padding=4)(torch.zeros(1, 1, 69, 90)).shape[2:] == (24, 32)


@pytest.mark.parametrize(
    ("options", "layer", "size"),
    [
        ("--input 10 --kernel 4 --stride 2 --padding same", None, None),
        ("--input 50 --kernel 3 --dilation 2", nn.Conv1d(1, 1, 3, dilation=2), (50,)),
        ("--input 8x9x10 --kernel 3x2x1 --padding 1x0x2", nn.Conv3d(1, 1, (3, 2, 1), padding=(1, 0, 2)), (8, 9, 10)),
        ("--input 8×9 --kernel 3 --padding same", nn.Conv2d(1, 1, 3, padding="same"), (8, 9)),
        (
            "--input 7x7 --kernel 3 --stride 2 --padding 1 --output-padding 1 --transposed",
            nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1),
            (7, 7),
        ),
    ],
)
def test_options_are_those_of_the_layers(options: str, layer: nn.Module | None, size: Any) -> None:
    result = snellen("conv", *options.split(), "--json", "-")
    if layer is None:
        refused(result, 2, "padding 'same' needs stride 1")
        return
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert document["output"] == list(layer(torch.zeros(1, 1, *size)).shape[2:])


def test_which_padding_gives_a_size() -> None:
    words = ("conv", "--input", "69x90", "--kernel", "7x5", "--stride", "3")
    result = snellen(*words, "--output", "24x32")
    assert "height  69 ≤ 69 + 2p − 7 ≤ 71, so 7 ≤ 2p ≤ 9\n        padding 4\n" in result.stdout
    assert "padding 4 or 5\n" in result.stdout
    assert result.stdout.endswith("\nFor all axes: padding 4\n")
    assert "give one number an axis" in snellen(*words, "--output", "32").stdout
    document = json.loads(snellen(*words, "--output", "24x32", "--json", "-").stdout)
    assert [[p["padding"] for p in axis["paddings"]] for axis in document["axes"]] == [[4], [4, 5]]


def test_which_padding_where_only_unequal_ends_do() -> None:
    result = snellen("conv", "--input", "10", "--kernel", "4", "--output", "10")
    assert "no equal padding; 3 in all, 1 before and 2 after (torch.nn.functional.pad)" in result.stdout
    padded = nn.functional.pad(torch.zeros(1, 1, 10), (1, 2))
    assert nn.Conv1d(1, 1, 4)(padded).shape[2] == 10


def test_which_padding_of_a_transposed_convolution() -> None:
    result = snellen("conv", "--input", "16", "--kernel", "4", "--stride", "2", "--transposed", "--output", "32")
    assert "padding 1 with output padding 0\n" in result.stdout
    assert nn.ConvTranspose1d(1, 1, 4, stride=2, padding=1)(torch.zeros(1, 1, 16)).shape[2] == 32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--input 3x3 --kernel 3x5", "The width would be ⌊(3 + 2·0 − 5) / 1⌋ + 1 = ⌊−2 / 1⌋ + 1 = −2 + 1 = −1"),
        ("--input 3y3 --kernel 3", "--input must be whole numbers with x between"),
        ("--input 9 --kernel -3", "--kernel must be whole numbers"),
        ("--input 9 --kernel 3 --output 9 --padding 1", "leave out --padding"),
        ("--input 9 --kernel 3 --output 1", "no padding gives a length of 1: without any it is 7 already"),
    ],
)
def test_what_is_refused(options: str, words: str) -> None:
    refused(snellen("conv", *options.split()), 2, words)
