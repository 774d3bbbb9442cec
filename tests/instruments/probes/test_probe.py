"""A probe of networks and images whose answer is known beforehand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from instruments.probes.pieces import cutter
from snellen import Images, ImagesError, Network, Preprocessing, UsageError, load_images
from snellen.instruments.probes.probe import OWN, PIXELS, RANDOM, TRAINED, probe
from toys import Counting, Toy, small_network
from untouched import untouched


def blobs(count: int, seed: int, *, side: int = 6, noise: float = 0.2) -> Images:
    """Images of three classes, each a fixed pattern under noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    patterns = np.random.default_rng(9).random((3, 3, side, side))
    values = np.clip(patterns[labels] * 0.5 + 0.25 + rng.normal(size=(count, 3, side, side)) * noise, 0, 1)
    return load_images(torch.from_numpy(values.astype(np.float32)), labels=labels)


def pixels(images: Images) -> NDArray[Any]:
    return images.pixels().flatten(1).numpy()


def test_pixels_are_what_scikit_learn_makes_of_them() -> None:
    points, queries = blobs(60, 1, noise=0.5), blobs(30, 2, noise=0.5)
    result = probe(small_network(), points, queries, k=1, metrics=["l2"], against=[PIXELS])
    (row,) = result.of(PIXELS, metric="l2")
    peer = KNeighborsClassifier(1, algorithm="brute").fit(pixels(points), points.labels)
    assert row.answers.tolist() == peer.predict(pixels(queries)).tolist()
    assert row.accuracy == peer.score(pixels(queries), queries.labels)
    assert 0.4 < row.accuracy < 1


def test_features_that_hide_the_class_lose_to_pixels() -> None:
    blind = Toy(lambda m, x: m.head(m.act(x[:, :, :1, :1] * 0 + x.std(dim=(1, 2, 3), keepdim=True)).flatten(1)))
    blind.act, blind.head = nn.Identity(), nn.Linear(3, 2)
    network = Network(blind, preprocessing=Preprocessing(size=(6, 6)))
    result = probe(network, blobs(90, 1, noise=0.1), blobs(60, 2, noise=0.1), taps=["act"], metrics=["l2"])
    assert result.of(PIXELS, metric="l2")[0].accuracy == 1.0
    assert result.of(TRAINED, metric="l2")[0].accuracy < 0.7


def test_the_rows() -> None:
    result = probe(small_network(), blobs(40, 1), blobs(20, 2), taps=["1", "7:input"], seeds=(0, 1))
    found = [(r.features, r.tap, r.metric) for r in result.rows]
    expected = [(name, tap, m) for name in (TRAINED, OWN) for tap in ("1", "7:input") for m in ("l2", "cosine")]
    expected += [(PIXELS, "", "l2"), (PIXELS, "", "cosine")]
    expected += [(RANDOM, tap, m) for tap in ("1", "7:input") for m in ("l2", "cosine")]
    assert found == expected
    random = result.of(RANDOM, metric="l2", tap="1")[0]
    assert random.correct.shape == (2, 20)
    assert random.accuracy == pytest.approx(float(random.share.mean()))
    assert random.neighbours.shape == (20, 3)


def test_the_seed_decides() -> None:
    one, same, other = (
        probe(small_network(), blobs(40, 1), blobs(20, 2), seeds=(s,), metrics=["l2"]).of(RANDOM, metric="l2")
        for s in (0, 0, 1)
    )
    assert all(torch.equal(a.neighbours, b.neighbours) for a, b in zip(one, same, strict=True))
    assert not all(torch.equal(a.neighbours, b.neighbours) for a, b in zip(one, other, strict=True))


def test_views_are_probed_each_with_its_own_statistics() -> None:
    points, queries = blobs(40, 1, side=8), blobs(20, 2, side=8)
    result = probe(cutter(), points, queries, metrics=["l2"], against=[])
    assert result.taps == ("quarters/stack", "quarters/head:input", "whole image/2")
    assert [r.dimensions for r in result.of(TRAINED, metric="l2")] == [20, 20, 20]


def test_another_network_is_a_column_of_its_own() -> None:
    other = replace(small_network(seed=8), name="rotation")
    result = probe(small_network(), blobs(40, 1), blobs(20, 2), against=[other], metrics=["l2"])
    assert result.of("rotation", metric="l2")


def test_copies_are_counted() -> None:
    points = blobs(30, 1)
    both = np.concatenate([pixels(blobs(9, 2)), pixels(points)[[4, 4, 7]]]).reshape(12, 3, 6, 6)
    queries = load_images(torch.from_numpy(both), labels=np.arange(12) % 3)
    assert probe(small_network(), points, queries, against=[], metrics=["l2"]).duplicates == 3


def test_the_network_is_left_as_it_was() -> None:
    network = small_network()
    with untouched(network.module):
        probe(network, blobs(20, 1), blobs(9, 2), seeds=(0,))
    network = small_network(Counting(raise_on=4))
    with untouched(network.module), pytest.raises(Exception, match="on purpose"):
        probe(network, blobs(20, 1), blobs(9, 2), seeds=(0,), batch_size=4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"k": 31}, "k must be from 1 to 30, for there are 30 labelled points; got 31"),
        ({"metrics": ["l1"]}, "no metric named 'l1'"),
        ({"against": ["pixel"]}, "did you mean pixels"),
        ({"taps": ["layer9"]}, "no tap of"),
        ({"seeds": ()}, "at least one metric and one seed"),
    ],
)
def test_wrong_use(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        probe(small_network(), blobs(30, 1), blobs(9, 2), **arguments)


def test_sets_that_do_not_fit_together() -> None:
    points, queries = blobs(30, 1), blobs(9, 2)
    with pytest.raises(ImagesError, match=r"the queries .* have no labels"):
        probe(small_network(), points, queries.with_labels(None))
    named = points.with_labels(points.labels, ["a", "b", "c"]), queries.with_labels(queries.labels, ["a", "c", "b"])
    with pytest.raises(ImagesError, match="the same classes in the same order"):
        probe(small_network(), *named)
