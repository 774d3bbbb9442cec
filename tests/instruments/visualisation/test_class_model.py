"""Class model visualisation: a linear score's closed form, scipy's blur, floats all the way, exactly so many steps."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments.visualisation.class_model import ClassModel, gaussian_blur
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from toys import Counting, RaisesBackward, Toy, linear_network, small_network


def test_a_linear_score_is_ascended_along_w_minus_2_l2_x() -> None:
    network, step_size, l2 = linear_network(), 0.3, 0.1
    weights = network.module[1].weight.detach()[[2, 0]].view(2, 3, 4, 4).double()
    image = torch.zeros(2, 3, 4, 4, dtype=torch.float64)
    for _ in range(7):
        direction = weights - 2 * l2 * image
        image = image + step_size * direction / direction.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    expected = image * torch.tensor(network.std).view(1, 3, 1, 1) + torch.tensor(network.mean).view(1, 3, 1, 1)
    made = ClassModel(steps=7, step_size=step_size, l2=l2)(network, [2, 0])
    torch.testing.assert_close(made.pixels, expected.float(), rtol=1e-5, atol=1e-6)
    without = ClassModel(steps=7, step_size=step_size, l2=0)(network, [2, 0])
    assert not torch.allclose(made.pixels, without.pixels, atol=1e-3), "the penalty does nothing"


def test_the_score_rises_at_every_step_without_blur() -> None:
    history = ClassModel(steps=30, l2=0)(linear_network(), [0, 1, 2]).history
    assert history.shape == (30, 3)
    assert (history.diff(dim=0) > 0).all()


def test_it_starts_at_the_mean() -> None:
    network = linear_network()
    made = ClassModel(steps=1)(network, [0, 2])
    grey = torch.tensor(network.mean).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    torch.testing.assert_close(made.history[0], network.logits(grey)[0, [0, 2]].detach())


@pytest.mark.parametrize("sigma", [0.1, 0.5, 0.625, 1.0, 1.7, 3.0])
def test_the_blur_is_scipys(sigma: float) -> None:
    images = torch.rand(2, 3, 9, 7)
    expected = gaussian_filter(images.double().numpy(), sigma, axes=(2, 3), mode="nearest", truncate=4)
    assert np.abs(gaussian_blur(images, sigma).numpy() - expected).max() < 1e-6


def test_blur_every_blurs_the_image_after_every_so_many_steps() -> None:
    network = linear_network()
    weights = network.module[1].weight.detach()[[1]].view(1, 3, 4, 4)
    unit = weights / weights.square().mean().sqrt()
    image = torch.zeros(1, 3, 4, 4)
    for step in range(1, 8):
        image = image + 0.1 * unit
        if step in (3, 6):
            image = torch.from_numpy(gaussian_filter(image.numpy(), 0.8, axes=(2, 3), mode="nearest"))
    made = ClassModel(steps=7, l2=0, blur_every=3, blur_sigma=0.8)(network, [1])
    torch.testing.assert_close(network.normalise(made.pixels), image, rtol=1e-4, atol=1e-5)


def test_steps_far_below_one_grey_value_accumulate() -> None:
    """An image kept in 8 bits between the steps would not move at all: 1e-4 is a fortieth of a grey value."""
    network = Network(linear_network().module, preprocessing=Preprocessing(size=(4, 4)))
    made = ClassModel(steps=200, step_size=1e-4, l2=0)(network, [0])
    moved = made.pixels.square().mean().sqrt()
    assert float(moved) == pytest.approx(200 * 1e-4, rel=1e-3)
    assert not torch.equal(made.pixels, made.shown)


def test_exactly_so_many_steps() -> None:
    counting, graded = Counting(), []

    def run(m: nn.Module, x: Tensor) -> Tensor:
        graded.append(x.requires_grad)
        return m.inner(m.counting(x))  # type: ignore[no-any-return]

    module = Toy(run, counting=counting, inner=linear_network().module)
    done: list[tuple[int, int]] = []
    network = Network(module, preprocessing=Preprocessing(size=(4, 4)))
    made = ClassModel(steps=12)(network, [0, 1], progress=lambda a, b: done.append((a, b)))
    assert graded == [True] * 12 + [False] * 2
    assert counting.calls == 14, "12 steps, then the scores of the pixels and of what is shown"
    assert made.history.shape == (12, 2)
    assert done == [(i, 12) for i in range(1, 13)]


def test_the_reported_logits_are_the_networks() -> None:
    network = small_network()
    made = ClassModel(steps=9, blur_every=4)(network, [3, 1])
    network.module.eval()
    with torch.no_grad():
        torch.testing.assert_close(made.logits, network.logits(made.pixels))
        torch.testing.assert_close(made.shown_logits, network.logits(made.shown))
    assert not torch.equal(made.logits, made.shown_logits)
    torch.testing.assert_close(made.shown * 255, (made.shown * 255).round(), rtol=0, atol=1e-4)
    logit, probability = made.reached(made.logits)
    assert logit.tolist() == [made.logits[0, 3], made.logits[1, 1]]
    torch.testing.assert_close(probability, made.logits.softmax(1)[[0, 1], [3, 1]])


def test_a_batch_of_classes_equals_each_class_alone() -> None:
    network, method = small_network(), ClassModel(steps=15, blur_every=5)
    together = method(network, [2, 0, 3, 2])
    for row, index in enumerate([2, 0, 3, 2]):
        alone = method(network, [index])
        torch.testing.assert_close(together.pixels[[row]], alone.pixels, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(together.history[:, [row]], alone.history, rtol=1e-4, atol=1e-4)


def test_the_same_seed_gives_the_same_images_even_where_the_network_draws() -> None:
    noisy = Toy(lambda m, x: m.inner(x + 0.3 * torch.randn_like(x)), inner=small_network().module)
    network = Network(noisy, preprocessing=Preprocessing(size=(6, 6)))
    made = [ClassModel(steps=5)(network, [1], seed=seed).pixels for seed in (0, 0, 1)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_a_bgr_network_sees_the_same_picture_as_its_rgb_twin() -> None:
    rgb = small_network()
    swapped = Toy(lambda m, x: m.inner(x.flip(1)), inner=rgb.module)
    fit = Preprocessing(size=(6, 6), channels="BGR")
    bgr = Network(swapped, mean=rgb.mean[::-1], std=rgb.std[::-1], preprocessing=fit)
    first, second = (ClassModel(steps=10, blur_every=4)(n, [0, 3]) for n in (rgb, bgr))
    torch.testing.assert_close(first.pixels, second.pixels, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(first.pixels, first.pixels.flip(1), atol=0.05), "the channels do not differ enough"


def test_bfloat16_is_used_and_the_image_stays_float32() -> None:
    network = small_network()
    exact, cheap = (ClassModel(steps=5, precision=p)(network, [1]).pixels for p in ("float32", "bfloat16"))
    assert cheap.dtype == torch.float32
    assert not torch.equal(exact, cheap)
    assert not torch.equal(cheap, cheap.bfloat16().float())


@pytest.mark.parametrize(
    ("setting", "got"),
    [
        ({"steps": 0}, "steps=0"),
        ({"step_size": 0.0}, "step_size=0.0"),
        ({"l2": -1.0}, "l2=-1.0"),
        ({"blur_every": -1}, "blur_every=-1"),
        ({"blur_sigma": 0.0}, "blur_sigma=0.0"),
        ({"precision": "float16"}, "got 'float16'"),
    ],
)
def test_a_setting_out_of_range(setting: dict[str, float], got: str) -> None:
    with pytest.raises(UsageError, match=got):
        ClassModel(**setting)


def test_a_network_without_a_gradient_is_refused() -> None:
    network = Network(Toy(lambda m, x: m.inner(x.detach()), inner=linear_network().module))
    with pytest.raises(NotApplicable, match="needs a gradient from the scores of Toy to the pixels"):
        ClassModel(steps=2)(network, [0], size=(4, 4))


def dead_within(radius: float) -> Network:
    """No slope where every pixel is closer to the mean than ``radius``."""
    module = Toy(lambda m, x: m.inner((x.abs() - radius).relu()), inner=linear_network().module)
    module.inner[1].weight.data.abs_()
    return Network(module, preprocessing=Preprocessing(size=(4, 4)))


def test_a_network_that_is_dead_at_the_mean_is_left_along_noise() -> None:
    network, method = dead_within(0.25), ClassModel(steps=40)
    made = method(network, [0, 2])
    flat = made.details["flat_steps"]
    assert all(1 <= steps < 10 for steps in flat), flat
    assert (made.history[-1] > made.history[0] + 0.05).all()
    torch.testing.assert_close(made.pixels[[1]], method(network, [2]).pixels, rtol=1e-4, atol=1e-4)
    assert torch.equal(made.pixels, method(network, [0, 2]).pixels)
    assert not torch.equal(made.pixels, method(network, [0, 2], seed=1).pixels)
    assert ClassModel(steps=3)(linear_network(), [0, 2]).details["flat_steps"] == [0, 0]


def test_a_network_that_stays_dead_is_refused_and_not_shown_as_grey() -> None:
    with pytest.raises(NotApplicable, match="needs a slope and the scores of Toy had none in 3 steps"):
        ClassModel(steps=3)(dead_within(100), [0, 1])


def test_a_backward_that_raises_is_the_networks_error() -> None:
    network = Network(nn.Sequential(RaisesBackward(), *linear_network().module))
    with pytest.raises(NetworkError, match="backward raised ValueError: the backward raises on purpose"):
        ClassModel(steps=2)(network, [0], size=(4, 4))
