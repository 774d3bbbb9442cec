"""What every attack promises, whichever it is: the budget on pictures of 8 bits, honest judging, no trace."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from contracts.test_attribution import check_docstring
from contracts.test_declared_shapes import as_declared
from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments.attacks import METHODS
from snellen.instruments.attacks._base import Adversarial, Attack
from snellen.instruments.attacks._goal import Moved
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.pgd import PGD
from snellen.subject.network import Network
from toys import Counting, RaisesBackward, Toy, small_network
from untouched import untouched

PIXELS = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(1)).mul(255).round() / 255
PIXELS[0, :, :3] = 0.0
PIXELS[1, :, 2:] = 1.0
WEAK = ("noise", "patch", "universal")
"""Those that need not find what is there: a control, and changes shared by all images."""
BLIND = ("noise", "square", "surrogate")
"""Those that need no slope of the victim."""
SINGLE = tuple(name for name in METHODS if name not in WEAK)
"""Those that promise something of every image."""
JUDGED = tuple(name for name in SINGLE if name != "surrogate")
"""Those of them that climb the scores of the victim itself."""
SMALL: dict[str, dict[str, Any]] = {
    "autoattack": {"steps": 10, "queries": 60},
    "fab": {"steps": 10},
    "square": {"queries": 120},
}
"""Settings that are enough for these networks; the defaults ask thousands of times."""


def made(name: str, **settings: Any) -> Attack:
    settings = {**SMALL.get(name, {}), **settings}
    if name == "surrogate":
        settings = {"network": small_network(), **settings}
    return METHODS[name](**settings)


def with_budget(attack: Attack, eps: float) -> Attack:
    """The same attack within a budget, in its own norm: as large in each norm as a change of all values by ``eps``."""
    if not isinstance(attack.norm, Linf | L2):
        return attack
    size = eps if isinstance(attack.norm, Linf) else eps * 108**0.5
    return dataclasses.replace(attack, norm=type(attack.norm)(size))


@pytest.fixture(params=list(METHODS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def attack(name: str) -> Attack:
    return with_budget(made(name), 16 / 255)


def answers(network: Network) -> Tensor:
    with torch.no_grad():
        for module in network.module.modules():
            module.training = False
        return network.outputs(PIXELS).argmax(dim=1)


def linear(scale: float = 1.0, classes: int = 4, offset: float = 0.0, last: Any = None) -> Network:
    """Scores linear in the pixels."""
    torch.manual_seed(11)
    layer = nn.Linear(108, classes)
    layer.weight.data.mul_(scale)
    layer.bias.data.mul_(scale).add_(offset)
    return Network(nn.Sequential(nn.Flatten(), layer, *([last] if last else [])), name="linear")


def test_constructs_with_defaults_and_is_frozen(name: str) -> None:
    method = made(name)
    for field in dataclasses.fields(method):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(method, field.name, None)
    assert len(dataclasses.fields(method)) <= 7


def test_the_docstring_has_a_sentence_an_example_and_a_reference(name: str) -> None:
    check_docstring(METHODS[name])


def test_the_result_is_as_declared_and_consistent(attack: Attack) -> None:
    network = linear()
    labels = answers(network)
    labels[2] = (labels[2] + 1) % 4
    found = attack(network, PIXELS, labels, batch_size=2)
    as_declared(found)
    check_consistent(attack, network, PIXELS, labels, found)
    assert found.already.tolist() == [False, False, True, False, False]


def check_consistent(attack: Attack, network: Network, pixels: Tensor, labels: Tensor, found: Adversarial) -> None:
    """All that is said of the result follows from its images: judged again here, from the pictures alone."""
    levels = found.images * 255
    assert torch.equal(levels, levels.round()) or torch.allclose(levels, levels.round(), atol=1e-4)
    assert ((found.images >= 0) & (found.images <= 1)).all()
    again = torch.cat([network.outputs(image[None]) for image in found.images]).detach()
    torch.testing.assert_close(found.after, again if again.shape[1] > 1 else found.after, rtol=1e-5, atol=1e-6)
    if again.shape[1] > 1:
        assert torch.equal(found.success, again.argmax(dim=1) != labels)
    else:
        assert torch.equal(found.success, (again[:, 0] > 0).long() != labels)
    unchanged = (found.images == pixels).flatten(1).all(dim=1)
    assert unchanged[~found.success].all(), "a failure returns the original"
    assert unchanged[found.already].all()
    assert torch.isinf(found.distance[~found.success]).all()
    change = found.images - pixels
    torch.testing.assert_close(found.distance[found.success], attack.norm.size(change)[found.success])
    if attack.norm.bounded:
        assert (attack.norm.size(change) <= attack.norm.eps + 1e-6).all()
    if isinstance(attack.norm, Linf) and attack.norm.bounded:
        assert int((change * 255).round().abs().max()) <= attack.norm.levels
    assert (found.float_success | ~found.success).all()


def check_power(attack: Attack) -> None:
    """On a linear network and with half of all levels as a budget, every image can be changed."""
    network = linear()
    found = with_budget(attack, 0.5)(network, PIXELS, answers(network))
    assert found.success.all()
    assert (found.distance > 0).all()


@pytest.mark.parametrize("name", SINGLE)
def test_finds_what_is_there(name: str, attack: Attack) -> None:
    if name == "surrogate":
        attack = dataclasses.replace(attack, network=linear())
    check_power(attack)


@dataclass(frozen=True)
class Nothing(Attack):
    def perturb(self, victim: Any, originals: Tensor, draws: Any) -> Tensor:  # noqa: ARG002
        return originals


def test_an_attack_that_does_nothing_would_fail_these_tests() -> None:
    with pytest.raises(AssertionError):
        check_power(Nothing())


def test_what_a_method_says_is_held_to_the_budget() -> None:
    @dataclass(frozen=True)
    class Cheat(Attack):
        def perturb(self, victim: Any, originals: Tensor, draws: Any) -> Tensor:  # noqa: ARG002
            return originals + 7

    network = linear()
    for norm in (Linf(3 / 255), L2(0.4)):
        cheat = dataclasses.replace(PGD(norm)) if isinstance(norm, L2) else Cheat(norm)
        check_consistent(cheat, network, PIXELS, answers(network), cheat(network, PIXELS, answers(network)))


@pytest.mark.parametrize("labels", [True, False], ids=["untargeted", "targeted"])
def test_leaves_the_network_untouched(attack: Attack, labels: bool) -> None:
    network, before = small_network(), PIXELS.clone()
    with untouched(network.module):
        attack(network, PIXELS[:2], torch.tensor([0, 1]), target=None if labels else 3)
    assert torch.equal(PIXELS, before)


def check_untouched_when_it_raises(attack: Attack, extra: nn.Module) -> None:
    network = small_network(extra)
    with untouched(network.module), pytest.raises(NetworkError, match="on purpose"):
        attack(network, PIXELS, torch.tensor([0, 1, 2, 3, 0]))


def test_leaves_the_network_untouched_when_its_forward_raises(attack: Attack) -> None:
    check_untouched_when_it_raises(attack, Counting(raise_on=2))


@pytest.mark.parametrize("name", [name for name in METHODS if name not in BLIND])
def test_leaves_the_network_untouched_when_its_backward_raises(attack: Attack) -> None:
    check_untouched_when_it_raises(attack, RaisesBackward())


def test_the_same_seed_gives_the_same_and_global_generators_do_not_matter(attack: Attack) -> None:
    network = linear()
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        found.append(attack(network, PIXELS, answers(network), seed=5))
        torch.manual_seed(seed)
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(found[0].images, found[1].images)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.joint])
def test_a_batch_equals_the_loop_over_its_images(attack: Attack) -> None:
    network, labels = linear(), answers(linear())
    together = attack(network, PIXELS, labels)
    alone = [attack(network, PIXELS[i : i + 1], labels[i : i + 1]) for i in range(5)]
    assert torch.equal(together.success, torch.cat([a.success for a in alone]))
    torch.testing.assert_close(together.images, torch.cat([a.images for a in alone]), rtol=0, atol=1.01 / 255)
    in_parts = attack(network, PIXELS, labels, batch_size=2)
    assert torch.equal(together.success, in_parts.success)
    reverse = attack(network, PIXELS.flip(0), labels.flip(0))
    assert torch.equal(together.success, reverse.success.flip(0))


@pytest.mark.parametrize("name", JUDGED)
def test_a_target_is_reached_and_nothing_else_counts(attack: Attack) -> None:
    network = linear()
    labels = answers(network)
    target = (labels + 2) % 4
    found = with_budget(attack, 0.5)(network, PIXELS, labels, target=target)
    assert found.success.float().mean() >= 0.6
    assert torch.equal(found.after.argmax(dim=1) == target, found.success)


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("offset", [0.0, -50.0])
def test_few_classes_and_negative_logits(name: str, attack: Attack, classes: int, offset: float) -> None:
    network = linear(classes=classes, offset=offset if classes > 1 else 0.0)
    outputs = network.outputs(PIXELS).detach()
    labels = outputs.argmax(dim=1) if classes > 1 else (outputs[:, 0] > 0).long()
    if name == "surrogate":
        attack = dataclasses.replace(attack, network=network)
    found = with_budget(attack, 0.5)(network, PIXELS, labels)
    check_consistent(with_budget(attack, 0.5), network, PIXELS, labels, found)
    if name not in WEAK:
        assert found.success.all()


@pytest.mark.parametrize("name", SINGLE)
def test_pixels_at_black_and_white_move(name: str, attack: Attack) -> None:
    network = linear()
    if name == "surrogate":
        attack = dataclasses.replace(attack, network=network)
    ends = (PIXELS > 0.5).float()
    labels = network.outputs(ends).detach().argmax(dim=1)
    found = with_budget(attack, 0.5)(network, ends, labels)
    assert found.success.all()
    assert ((found.images != ends) & (ends == 0)).any()


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("last", [nn.Tanh(), nn.Sigmoid(), nn.Softmax(dim=1)], ids=["tanh", "sigmoid", "softmax"])
def test_saturated_outputs_are_gone_around(name: str, attack: Attack, last: nn.Module) -> None:
    """Scores of some thousands: every output is 0 or 1, and its slope 0, to the last bit."""
    network = linear(scale=3000.0, last=last)
    labels = linear(scale=3000.0).outputs(PIXELS).argmax(dim=1)
    found = with_budget(attack, 0.5)(network, PIXELS, labels)
    if name not in BLIND:
        assert found.details["activation"]
    assert torch.equal(found.success, found.after.gather(1, labels[:, None])[:, 0] < found.after.amax(dim=1))


@pytest.mark.parametrize("name", JUDGED)
def test_a_regression_is_a_subject(name: str) -> None:
    """The goal: an output moved by more than a margin, through a tanh that is nearly flat."""
    network = linear(scale=8.0, classes=1, last=nn.Tanh())
    before = network.outputs(PIXELS).detach()[:, 0]
    found = with_budget(made(name), 0.5)(network, PIXELS, Moved(before, by=0.5))
    moved = (network.outputs(found.images).detach()[:, 0] - before).abs()
    assert torch.equal(found.success, moved > 0.5)
    assert found.success.all()


def test_no_gradient_is_said(name: str, attack: Attack) -> None:
    rounding = Network(Toy(lambda m, x: m.inner((x * 8).round().detach() / 8), inner=linear().module))
    labels = answers(rounding)
    if name in (*BLIND, "autoattack"):
        attack(rounding, PIXELS, labels)
        return
    with pytest.raises(NotApplicable, match=r"square.*need"):
        attack(rounding, PIXELS, labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": PIXELS * 2}, r"pixels must lie in \[0, 1\]"),
        ({"pixels": PIXELS[0]}, r"float tensor \(n, c, h, w\) in \[0, 1\]"),
        ({"labels": torch.zeros(4, dtype=torch.long)}, r"shape \(5,\), got torch.int64 of shape \(4,\)"),
        ({"labels": torch.zeros(5)}, r"integer tensor of shape \(5,\), got torch.float32"),
        ({"labels": -torch.ones(5, dtype=torch.long)}, "must not be negative, got -1"),
        ({"labels": torch.full((5,), 9)}, "below the network's 4 classes, got 9"),
        ({"target": 0}, "another class than the image's own"),
        ({"target": 7}, "below the network's 4 classes, got 7"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"through": "logits"}, "scores or output, got 'logits'"),
    ],
)
def test_wrong_input_names_expected_and_got(attack: Attack, change: dict[str, Any], message: str) -> None:
    given = {"pixels": PIXELS, "labels": torch.tensor([0, 1, 2, 3, 0]), **change}
    with pytest.raises(UsageError, match=message):
        attack(linear(), given.pop("pixels"), given.pop("labels"), **given)
