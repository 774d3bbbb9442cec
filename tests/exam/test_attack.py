"""One attack on a set of images, as findings: every number follows from the pictures that are saved."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from snellen._errors import ImagesError, UsageError
from snellen.exam.attack import attack_network
from snellen.findings.evidence import Gallery, Table
from snellen.findings.findings import Findings
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.pgd import PGD
from snellen.subject.load.arrays import array_images
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

LEVELS = np.random.default_rng(3).integers(0, 256, (12, 6, 6, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


def network(outputs: int = 3, last: nn.Module | None = None, scale: float = 1.0) -> Network:
    torch.manual_seed(4)
    layer = nn.Linear(108, outputs)
    layer.weight.data.mul_(scale)
    module = nn.Sequential(nn.Flatten(), layer, *([last] if last else []))
    names = ("ant", "bee", "cat") if outputs == 3 else None
    return Network(module, class_names=names, preprocessing=Preprocessing(size=(6, 6)), name="toy")


def outputs_of(subject: Network, levels: Any) -> Tensor:
    return subject.outputs(torch.from_numpy(np.array(levels)).permute(0, 3, 1, 2).float() / 255).detach()


def saved(findings: Findings, folder: Path) -> tuple[dict[str, Any], dict[int, Any]]:
    """The document, and the changed pictures by their place, read from the folder by another hand."""
    findings.save(folder)
    document = json.loads((folder / "findings.json").read_text())
    gallery = next(e for e in document["findings"][0]["evidence"] if e["type"] == "gallery")
    files = {
        tile["image"]: picture["stored"]["array"]
        for tile in gallery["tiles"]
        for picture in tile["pictures"]
        if picture["name"] == "adversarial"
    }
    return document, {place: np.asarray(Image.open(folder / file)) for place, file in files.items()}


@pytest.mark.parametrize("norm", [Linf(6 / 255), L2(0.5)])
def test_the_saved_pictures_say_what_the_page_says(norm: Linf | L2, tmp_path: Path) -> None:
    subject = network()
    right = outputs_of(subject, LEVELS).argmax(dim=1)
    labels = right.clone()
    labels[:4] = (labels[:4] + 1) % 3
    findings = attack_network(subject, array_images(LEVELS, labels=labels.numpy()), PGD(norm, steps=8))
    document, pictures = saved(findings, tmp_path / "out")
    fooled = [
        place for place, picture in pictures.items() if int(outputs_of(subject, [picture]).argmax()) != labels[place]
    ]
    assert sorted(fooled) == sorted(pictures), "every picture in the folder does it"
    assert document["measured"]["robust_accuracy"] == pytest.approx(1 - (4 + len(pictures)) / 12)
    assert document["measured"]["attack_success"] == pytest.approx(len(pictures) / 8)
    assert not set(pictures) & set(range(4)), "what was wrong before is not changed"
    for place, picture in pictures.items():
        change = torch.from_numpy(picture.astype(np.int64) - LEVELS[place])
        assert float(norm.size(change[None].double() / 255)) <= norm.eps + 1e-9
    (finding,) = findings
    assert f"All {len(pictures)} were written as PNG, read back and judged again" in finding.sentence


def test_tables_and_tiles_are_complete() -> None:
    findings = attack_network(network(), array_images(LEVELS, labels=LABELS), PGD(Linf(4 / 255), steps=4))
    (finding,) = findings
    table = next(e for e in finding.evidence if isinstance(e, Table))
    gallery = next(e for e in finding.evidence if isinstance(e, Gallery))
    states = [row[3] for row in table.rows]
    assert len(states) == 12
    assert {*states} <= {"before any change", "as a file", "resists"}
    assert len(gallery.tiles) == 12 - states.count("before any change")
    assert finding.measured["robust_accuracy"] == states.count("resists") / 12
    distances = [row[4] for row in table.rows if row[3] == "as a file"]
    assert all(isinstance(d, int) and 1 <= d <= 4 for d in distances)


def test_without_labels_the_own_answers_are_attacked() -> None:
    (finding,) = attack_network(network(), array_images(LEVELS), PGD(Linf(8 / 255), steps=4))
    assert "Of 12 images 0 were wrong before" in finding.sentence
    assert "the answer changes" in finding.sentence


def test_a_target_by_name_leaves_out_the_images_of_that_class() -> None:
    images = array_images(LEVELS, labels=LABELS, class_names=("ant", "bee", "cat"))
    (finding,) = attack_network(network(), images, PGD(Linf(0.5), steps=20), target="Bee")
    assert "it is taken for bee" in finding.sentence
    assert "Of 8 images" in finding.sentence
    with pytest.raises(ImagesError, match="every image is of the class"):
        attack_network(network(), images.subset([1, 4]), PGD(Linf(0.5)), target=1)
    with pytest.raises(UsageError, match="one of moved and target"):
        attack_network(network(), images, PGD(), target=1, moved=0.5)


def test_a_regression_behind_a_tanh_is_moved_through_its_scores_and_not_through_its_output(tmp_path: Path) -> None:
    """Scores of some twenties: through the output there is no slope at all."""
    subject = network(outputs=1, last=nn.Tanh(), scale=60.0)
    before = outputs_of(subject, LEVELS)[:, 0]
    images = array_images(LEVELS)
    findings = attack_network(subject, images, PGD(Linf(0.4), steps=10), moved=0.5)
    _, pictures = saved(findings, tmp_path / "out")
    assert len(pictures) == 12
    for place, picture in pictures.items():
        assert abs(float(outputs_of(subject, [picture])) - float(before[place])) > 0.5
    (finding,) = findings
    assert "ends in a tanh, which the attack went around" in finding.sentence
    (blind,) = attack_network(subject, images, PGD(Linf(0.4), steps=10), moved=0.5, through="output")
    assert blind.measured["attack_success"] < finding.measured["attack_success"] == 1
    assert "were exactly 0" in blind.sentence


def test_one_score_decides_between_two_classes() -> None:
    subject = network(outputs=1)
    labels = (outputs_of(subject, LEVELS)[:, 0] > 0).long().numpy()
    (finding,) = attack_network(subject, array_images(LEVELS, labels=labels), PGD(Linf(0.5), steps=10))
    assert finding.measured["attack_success"] == 1
    assert finding.severity == "warning"
