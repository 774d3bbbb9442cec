"""On an affine network one step is the least change to the nearest of all classes."""

import pytest
import torch
from torch import nn

from instruments.attacks.half_planes import PIXELS, curved
from snellen._errors import UsageError
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks.deepfool import DeepFool
from snellen.subject.network import Network


def affine() -> tuple[Network, torch.Tensor]:
    torch.manual_seed(2)
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(108, 5)))
    return network, network.outputs(PIXELS).detach().argmax(dim=1)


@pytest.mark.parametrize(("norm", "dual"), [(L2(), 2), (Linf(), 1)], ids=["l2", "linf"])
def test_the_least_of_the_distances_to_the_classes(norm: Norm, dual: int) -> None:
    network, labels = affine()
    weight, outputs = network.module[1].weight.detach().double(), network.outputs(PIXELS).detach().double()
    found = DeepFool(norm, steps=1, overshoot=0.0)(network, PIXELS, labels)
    assert found.float_success.all()
    for i, label in enumerate(labels.tolist()):
        others = [k for k in range(5) if k != label]
        least = min(
            float((outputs[i, label] - outputs[i, k]) / (weight[label] - weight[k]).norm(p=dual)) for k in others
        )
        assert least * (1 - 1e-5) <= float(found.float_distance[i]) <= least * (1 + 1e-2)


def test_the_nearest_class_is_not_always_the_next_in_score() -> None:
    network, labels = affine()
    all_ = DeepFool(steps=1, overshoot=0.0)(network, PIXELS, labels)
    one = DeepFool(steps=1, overshoot=0.0, classes=1)(network, PIXELS, labels)
    assert (all_.float_distance <= one.float_distance * (1 + 1e-4)).all()
    assert (all_.float_distance < one.float_distance * 0.99).any()


def test_a_target_is_the_only_class() -> None:
    network, labels = affine()
    target = (labels + 1) % 5
    weight, outputs = network.module[1].weight.detach().double(), network.outputs(PIXELS).detach().double()
    found = DeepFool(steps=1, overshoot=0.0)(network, PIXELS, labels, target=target)
    rival = outputs.argmax(dim=1)
    far = (outputs.gather(1, rival[:, None]) - outputs.gather(1, target[:, None]))[:, 0]
    least = far / (weight[rival] - weight[target]).norm(dim=1)
    where = found.float_success
    assert where.any()
    torch.testing.assert_close(found.float_distance[where], least[where], rtol=1e-2, atol=1e-6)


def test_curved_boundaries_take_more_steps_and_an_overshoot_stretches() -> None:
    network, labels = curved()
    short = DeepFool(overshoot=0.02)(network, PIXELS, labels)
    long = DeepFool(overshoot=0.5)(network, PIXELS, labels)
    assert short.float_success.all()
    assert (long.float_distance >= short.float_distance).float().mean() >= 0.8


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"classes": 0}, {"overshoot": -0.1}])
def test_wrong_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        DeepFool(**wrong)  # type: ignore[arg-type]
