"""The curves of the training of a detector."""

from snellen.findings.evidence import Curve, Table
from snellen.training.verdicts.detector_losses import detector_losses

ROWS = [
    {
        "epoch": float(i + 1),
        "step": 10.0 * (i + 1),
        "train_loss": 1.0 / (i + 1),
        "val_loss": loss,
        "val_objectness": 0.1,
        "val_box": 0.2,
        "val_classes": loss - 0.3,
        "step_loss": 1.5,
        "learning_rate": 0.001,
        "seconds": 2.0 * (i + 1),
    }
    for i, loss in enumerate((1.0, 0.5, 0.75))
]


def test_the_lowest_loss_is_marked_and_the_terms_are_told() -> None:
    found = detector_losses(ROWS, batch=8)
    assert found.title == "3 epochs, the validation loss lowest after epoch 2"
    assert "40 scenes a second" in found.sentence  # 30 steps of 8 in 6 s
    assert found.measured == {"epochs": 3.0, "seconds": 6.0, "val_loss": 0.75}
    first, terms = [e for e in found.evidence if isinstance(e, Curve)][:2]
    assert first.marks == {"lowest": 2.0}
    assert first.series["validation"] == ((1.0, 2.0, 3.0), (1.0, 0.5, 0.75))
    assert sum(values[1][0] for values in terms.series.values()) == 1.0
    (table,) = [e for e in found.evidence if isinstance(e, Table)]
    assert [row[0] for row in table.rows] == [1, 2, 3]
