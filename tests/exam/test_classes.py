"""Class models on their own: classes by index and name, without images."""

import pytest
import torch
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.exam.classes import visualise_classes
from snellen.findings.evidence import Gallery
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from untouched import untouched

NAMES = ("tabby cat", "dog", "owl")


def network(names: tuple[str, ...] | None = NAMES, size: tuple[int, int] | None = (6, 5)) -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(48, 3))
    return Network(module, class_names=names, preprocessing=Preprocessing(size=size), name="toy")


def test_classes_by_index_and_by_name() -> None:
    net, stages = network(), []
    with untouched(net.module):
        findings = visualise_classes(
            net, ["2", "Tabby_Cat", 1], settings={"steps": 3}, progress=lambda *stage: stages.append(stage)
        )
    (finding,) = findings
    (gallery,) = [e for e in finding.evidence if isinstance(e, Gallery)]
    assert [tile.caption for tile in gallery.tiles] == ["owl", "tabby cat", "dog"]
    assert gallery.tiles[0].pictures[0].pixels.shape == (6, 5, 3)
    assert stages == [("class models", done, 6) for done in range(1, 7)]
    assert findings.subject["network"] == "toy"
    assert findings.subject["classes"] == 3
    assert findings.run["preset"] == "visualise"


def test_the_same_seed_gives_the_same_findings() -> None:
    first, second = (visualise_classes(network(), [0], settings={"steps": 2}, seed=7).to_dict() for _ in range(2))
    assert first["findings"] == second["findings"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "at least one class"),
        (["3"], "classes go from 0 to 2, got 3"),
        (["-1"], "'-1'"),
        (["dug"], "did you mean dog"),
    ],
)
def test_classes_it_has_not(wanted: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        visualise_classes(network(), wanted, settings={"steps": 1})


def test_a_name_without_names() -> None:
    with pytest.raises(UsageError, match="has no class names; give an index"):
        visualise_classes(network(None), ["dog"], settings={"steps": 1})


def test_names_that_do_not_fit_the_outputs_are_not_used_and_said() -> None:
    findings = visualise_classes(network((*NAMES, "bee")), [1], settings={"steps": 1})
    (gallery,) = [e for e in findings.findings[0].evidence if isinstance(e, Gallery)]
    assert gallery.tiles[0].caption == "class 1"
    assert any("4 class names for 3 outputs" in note for note in findings.subject["notes"])


def test_a_size_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="--input-size"):
        visualise_classes(network(size=None), [0], settings={"steps": 1})


def test_a_network_that_raises() -> None:
    with pytest.raises(NetworkError, match="raised on a batch"):
        visualise_classes(network(size=(9, 9)), [0], settings={"steps": 1})
