"""Receptive fields of chains, against published values and the gradients of real layers."""

import random

import pytest
import torch
from torch.nn import functional as F

from snellen import UsageError
from snellen.instruments.architecture.layer_chain import ChainLayer, Field, axis_count, chain_fields, counted_back

VGG16 = "k3p1 k3p1 pool2 " * 2 + "k3p1 k3p1 k3p1 pool2 " * 3


def chain(text: str) -> list[ChainLayer]:
    return [ChainLayer.parse(word) for word in text.split()]


def last(text: str) -> tuple[int, int, int]:
    (field,) = chain_fields(chain(text))[-1]
    return field.size, field.stride, field.padding


def test_vgg16_by_its_poolings() -> None:
    """Araujo, Norris, Sim 2019, RECEPTIVE_FIELD_TABLE.md: vgg_16, pool1 to pool5."""
    rows = zip(chain(VGG16), chain_fields(chain(VGG16)), strict=True)
    found = [(field.size, field.stride, field.padding) for layer, (field,) in rows if layer.stride == (2,)]
    assert found == [(6, 2, 2), (16, 4, 6), (44, 8, 18), (100, 16, 42), (212, 32, 90)]


def test_alexnet_v2_by_its_layers() -> None:
    """The same table: conv1 11/4/0, pool1 19/8/0, conv2 51/8/16, pool2, conv3 99/16/32, 131/16/48, 163/16/64."""
    text = "k11s4 pool3s2 k5p2 pool3s2 k3p1 k3p1 k3p1 pool3s2"
    assert [last(" ".join(text.split()[:n])) for n in (1, 2, 3, 5, 6, 7, 8)] == [
        (11, 4, 0),
        (19, 8, 0),
        (51, 8, 16),
        (99, 16, 32),
        (131, 16, 48),
        (163, 16, 64),
        (195, 32, 64),
    ]


@pytest.mark.parametrize("seed", range(30))
def test_the_gradient_of_one_neuron_reaches_what_it_sees(seed: int) -> None:
    """Positive weights: the inputs with a gradient are those that are read, from the first to the last of the field."""
    draw = random.Random(seed)
    layers = [
        ChainLayer((draw.randint(1, 4),), (draw.randint(1, 3),), (draw.randint(0, 2),), (draw.randint(1, 3),))
        for _ in range(draw.randint(1, 4))
    ]
    (field,) = chain_fields(layers)[-1]
    pixels = torch.zeros(1, 1, 3 * field.size + 200, dtype=torch.float64, requires_grad=True)
    out = pixels
    for (k,), (s,), (p,), (d,) in ((i.kernel, i.stride, i.padding, i.dilation) for i in layers):
        out = F.conv1d(out, torch.ones(1, 1, k, dtype=torch.float64), stride=s, padding=p, dilation=d)
    unit = out.shape[-1] // 2
    out[0, 0, unit].backward()
    assert pixels.grad is not None
    read = pixels.grad[0, 0].nonzero()[:, 0]
    assert len(read) == field.read
    assert int(read[0]) == unit * field.stride - field.padding
    assert int(read[-1]) - int(read[0]) + 1 == field.size
    assert counted_back(layers)[-1] == field.size


def test_axes_have_fields_of_their_own() -> None:
    (first, second) = chain_fields(chain("k7x5s3x1 k3d1x2"))[-1]
    assert (first.size, second.size) == (last("k7s3 k3")[0], last("k5 k3d2")[0])
    assert axis_count(chain("k3 k7x5")) == 2


def test_a_field_too_long_to_count_is_told() -> None:
    fields = chain_fields(chain("k9999s9999 k9999s9999 k3"))
    assert fields[0][0].read == 9999
    assert fields[-1][0] == Field(9999 * 9999 * 3, 9999 * 9999, 0, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3s2", "a layer reads like k3s2p1d2 .* got '3s2'"),
        ("k3s2s3", "twice"),
        ("k0", "at least 1"),
        ("k3s0", "at least 1"),
        ("vgg16", "got 'vgg16'"),
    ],
)
def test_a_layer_that_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ChainLayer.parse(text)


def test_chains_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="a chain needs a layer"):
        chain_fields([])
    with pytest.raises(UsageError, match=r"same number of axes, got \[2, 3\]"):
        chain_fields(chain("k3x3 k3x3x3"))
