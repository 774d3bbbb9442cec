"""What is usual for each loss, and what does not go together."""

import pytest

from snellen._errors import UsageError
from snellen.instruments.losses.adversarial import LOSSES
from snellen.training.gan_settings import USUAL, Settings


def test_every_loss_has_its_usual_values() -> None:
    assert USUAL.keys() == LOSSES.keys()
    for name, loss in LOSSES.items():
        settings = Settings(discriminator=loss.approach, loss=name)
        assert (settings.peak, settings.each) == (USUAL[name].rate, USUAL[name].turns)
    assert Settings(discriminator="critic").called == "wasserstein-gp"
    assert Settings().called == "nonsaturating"
    assert Settings(learning_rate=0.5, turns=7).command["turns"] == 7


def test_the_rate_is_held_and_then_falls_to_a_tenth() -> None:
    settings = Settings(steps=1001, learning_rate=2.0)
    assert [settings.rate(step) for step in (0, 250, 500)] == [2, 2, 2]
    assert settings.rate(750) == pytest.approx(1.1)
    assert settings.rate(1000) == pytest.approx(0.2)
    assert Settings(steps=1).rate(0) == Settings().peak


def test_epochs_become_steps() -> None:
    settings = Settings(epochs=3, batch=10).on(59)
    assert (settings.steps, settings.epochs) == (15, None)
    assert Settings(steps=4).on(59).steps == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loss": "hinge"}, "hinge is not one of a discriminator that gives a probability"),
        ({"discriminator": "critics"}, "did you mean critic"),
        ({"upsample": "linear"}, "no upsampling named 'linear'"),
        ({"batch": 1}, "batch at least 2"),
        ({"epochs": -1}, "must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"average": 1.0}, r"average in \[0, 1\)"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(**wrong)  # type: ignore[arg-type]
