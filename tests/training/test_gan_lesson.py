"""What a step draws is a function of the seed, the step and the turn."""

import torch

from gan_lessons import small_lesson


def test_a_draw_is_a_function_of_seed_step_and_turn() -> None:
    one, other = small_lesson(conditional=True, turns=2), small_lesson(conditional=True, turns=2)
    places = [(0, 0), (0, 1), (0, 2), (1, 0)]
    draws = [one.draw(*place) for place in places]
    for place, draw in zip(places, draws, strict=True):
        again = other.draw(*place)
        for name in ("real", "latent", "classes", "mix"):
            assert torch.equal(getattr(draw, name), getattr(again, name))
    assert len({tuple(draw.latent[0].tolist()) for draw in draws}) == 4
    assert not torch.equal(small_lesson(seed=1).draw(0, 0).latent, draws[0].latent)


def test_the_turns_of_an_epoch_go_through_all_images_with_their_classes() -> None:
    lesson = small_lesson(conditional=True)  # 40 images, batches of 8, turns of 2: an epoch is 2.5 steps
    turns = [lesson.draw(step, turn) for step in range(3) for turn in range(2)][:5]
    real = torch.cat([draw.real for draw in turns])
    everything = lesson.data.pixels(torch.arange(40))
    assert sorted(real.flatten(1).sum(1).tolist()) == sorted(everything.flatten(1).sum(1).tolist())
    means = torch.stack([image.mean() for image in turns[0].real])
    assert turns[0].classes is not None
    assert (means[turns[0].classes == 0] < means[turns[0].classes == 1].min()).all(), "dark ones are darker"


def test_grey_images_are_not_mirrored_unless_asked() -> None:
    assert not small_lesson().flips
    assert small_lesson(flip=True).flips


def test_networks_begin_alike_for_a_seed_and_know_what_they_should() -> None:
    one, other = small_lesson(conditional=True, style=True), small_lesson(conditional=True, style=True)
    for name, weight in one.generator.state_dict().items():
        assert torch.equal(weight, other.generator.state_dict()[name])
    assert (one.generator.classes, one.discriminator.classes) == (3, 3)
    assert one.command["data"] == other.command["data"]
    assert small_lesson(epochs=2).settings.steps == 10
    hinge = small_lesson(discriminator="critic", loss="hinge").discriminator
    assert any("parametrizations" in name for name in hinge.state_dict())
