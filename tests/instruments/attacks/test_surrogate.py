"""The surrogate attack where it must equal a white-box attack, and where a white-box attack has nothing to climb."""

import pytest
import torch
from torch import nn

from instruments.attacks.half_planes import PIXELS, curved, half_plane, needed
from snellen._errors import NotApplicable, UsageError
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.fgsm import FGSM
from snellen.instruments.attacks.ni_fgsm import NIFGSM
from snellen.instruments.attacks.pgd import PGD
from snellen.instruments.attacks.surrogate import Surrogate
from snellen.subject.network import Network
from toys import Toy, linear_network, small_network
from untouched import untouched


def test_a_surrogate_of_the_same_function_is_as_good_as_the_victim() -> None:
    network, labels = half_plane()
    twin, _ = half_plane(gain=3.0)
    found = Surrogate(Linf(4 / 255), attack=FGSM(), network=twin)(lambda x: network.outputs(x), PIXELS, labels)
    assert torch.equal(found.success, needed(network, 1) < 4 / 255)
    assert 0 < int(found.success.sum()) < len(PIXELS)


def test_the_victim_is_asked_twice_an_image_and_never_for_a_gradient() -> None:
    network, labels = curved()
    found = Surrogate(network=small_network())(network, PIXELS, labels)
    assert found.details["gradients"] == 0
    assert 2 * len(PIXELS) <= found.details["queries"] <= 2 * len(PIXELS) + 3


def test_all_steps_are_taken() -> None:
    """On the surrogate itself the pictures lie deeper than those of the attack that stops at the boundary."""
    network, labels = curved()
    norm = Linf(0.15)
    goal = Untargeted(labels)
    stopped, deep = (a(network, PIXELS, labels) for a in (BIM(norm), Surrogate(norm, attack=BIM(), network=network)))
    both = stopped.success & deep.success
    assert both.sum() >= 6
    margins = [goal.margin(network.outputs(found.images).detach())[both] for found in (stopped, deep)]
    assert margins[1].mean() < 2 * margins[0].mean() < 0


def test_masked_gradients_hide_nothing_from_it() -> None:
    """A network that rounds its input gives a white-box attack no slope; one that is nearly as good is climbed."""
    network, _ = curved()
    rounding = Network(Toy(lambda m, x: m.inner((x * 32).round().detach() / 32), inner=network.module))
    labels = rounding.outputs(PIXELS).detach().argmax(dim=1)
    with pytest.raises(NotApplicable, match="no_grad"):
        PGD(Linf(0.15))(rounding, PIXELS, labels)
    found = Surrogate(Linf(0.15), network=Network(network.module))(rounding, PIXELS, labels)
    assert found.success.float().mean() >= 0.9


def test_saturated_outputs_hide_nothing_from_it() -> None:
    network, _ = curved()
    flat = Network(nn.Sequential(Toy(lambda m, x: 3000 * m.inner(x), inner=network.module), nn.Tanh()))
    labels = flat.outputs(PIXELS).detach().argmax(dim=1)
    masked = PGD(Linf(0.15))(flat, PIXELS, labels, through="output")
    found = Surrogate(Linf(0.15), network=Network(network.module))(flat, PIXELS, labels)
    assert masked.details["flat"] > 0
    assert found.success.sum() > masked.success.sum()


def test_the_norm_is_imposed_on_the_attack() -> None:
    network, labels = curved()
    found = Surrogate(L2(0.7), attack=PGD(Linf(1.0)), network=network)(network, PIXELS, labels)
    assert found.success.any()
    assert (found.distance[found.success] <= 0.7).all()


def test_the_surrogate_is_left_as_it_was() -> None:
    surrogate = small_network()
    with untouched(surrogate.module):
        Surrogate(network=surrogate)(lambda x: x.mean(dim=(2, 3)).repeat(1, 2)[:, :4], PIXELS[:2], torch.tensor([0, 1]))


def test_it_needs_a_surrogate_with_the_same_classes() -> None:
    victim, labels = curved()
    with pytest.raises(UsageError, match="needs a surrogate"):
        Surrogate()(victim, PIXELS, labels)
    few = linear_network(classes=3, size=6)
    with pytest.raises(UsageError, match="must have the victim's 4 classes, it has 3"):
        Surrogate(network=few)(victim, PIXELS, labels.clamp(max=2))


def test_a_norm_the_attack_does_not_know() -> None:
    with pytest.raises(UsageError, match="NIFGSM knows the norms Linf"):
        Surrogate(L2(1.0), attack=NIFGSM())
