"""The small VGG with dropout that ``snellen train classify`` trained, with its page: for tests of other instruments."""

from pathlib import Path

import torch
from torch import nn

from shared import SHARED, needs_shared
from snellen import load_images, load_network
from snellen.findings.interval import wilson
from snellen.nets.saved import read_saved
from snellen.subject.predictions import predict
from snellen.training.metrics import read_metrics

KEPT = Path(__file__).resolve().parent / "networks" / "cifar10-small-vgg"


def test_it_is_small_and_has_its_page() -> None:
    files = {path.name: path.stat().st_size for path in KEPT.iterdir()}
    assert sorted(files) == ["index.html", "metrics.jsonl", "network.safetensors"]
    assert sum(files.values()) < 5_000_000


def test_the_page_and_the_metrics_are_of_this_network() -> None:
    story, rows = read_saved(KEPT / "network.safetensors").story, read_metrics(KEPT / "metrics.jsonl")
    assert len(rows) == 12
    assert rows[-1]["val_accuracy"] * rows[-1]["val_count"] == story["measured"]["val"]["right"]
    right, asked = (story["measured"]["test"][key] for key in ("right", "asked"))
    assert f"{right:,} of {asked:,}" in (KEPT / "index.html").read_text()


def test_it_has_dropout_and_loads_as_any_network() -> None:
    network = load_network(str(KEPT / "network.safetensors"))
    assert [m.p for m in network.module.modules() if isinstance(m, nn.Dropout)] == [0.3]
    assert network.class_names is not None
    assert network.class_names[0] == "airplane"
    assert network.logits(torch.rand(2, 3, 32, 32)).shape == (2, 10)


@needs_shared
def test_it_sees_as_well_as_its_story_says() -> None:
    """The first 800 test images, within the interval of so many draws from all 10,000."""
    images = load_images(SHARED / "data" / "cifar10-jpeg" / "test.parquet").subset(range(800))
    network = load_network(str(KEPT / "network.safetensors"))
    found = predict(network, images, batch_size=200)
    measured = read_saved(KEPT / "network.safetensors").story["measured"]["test"]
    low, high = wilson(int((~found.wrong).sum()), 800)
    assert low <= measured["right"] / measured["asked"] <= high
