"""Settings out of range are refused, and the usual rates are those of the optimizer."""

import pytest

from snellen._errors import UsageError
from snellen.training.settings import Settings


def test_what_is_not_said_is_usual() -> None:
    adamw, sgd = (Settings(network="small_vgg", optimizer=name).schedule(9) for name in ("adamw", "sgd"))
    assert (adamw.learning_rate, adamw.weight_decay) == (3e-3, 0.05)
    assert (sgd.learning_rate, sgd.weight_decay) == (pytest.approx(0.09), 5e-4)
    said = Settings(learning_rate=0.5, weight_decay=0.0).schedule(9)
    assert (said.learning_rate, said.weight_decay, said.decay_all) == (0.5, 0.0, False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"network": "resnet8"}, "did you mean"),
        ({"optimizer": "adam"}, "did you mean adamw"),
        ({"epochs": 0}, "epochs=0"),
        ({"batch": 0}, "batch=0"),
        ({"patience": -1}, "patience=-1"),
        ({"smoothing": 1.0}, r"smoothing must be in \[0, 1\)"),
        ({"jitter": 1.5}, "jitter in"),
        ({"mixup": -0.1}, "mixup and cutmix must be 0 or more"),
        ({"cutmix": float("inf")}, "mixup and cutmix must be 0 or more"),
    ],
)
def test_settings_out_of_range(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Settings(**wrong)  # type: ignore[arg-type]
