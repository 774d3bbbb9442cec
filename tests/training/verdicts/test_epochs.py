"""The curves show the rows as they are."""

from snellen.findings.evidence import Curve, Table
from snellen.training.verdicts.epochs import epochs
from snellen.training.watch import Row

ROWS: list[Row] = [
    {
        "epoch": i,
        "step": 10 * i,
        "train_loss": 1 / i,
        "val_loss": 1 / i + (0.5 if i == 4 else 0.1),
        "train_accuracy": 0.2 * i,
        "val_accuracy": 0.15 * i,
        "step_loss": 2 / i,
        "learning_rate": 0.1 / i,
        "seconds": 3.0 * i,
    }
    for i in range(1, 5)
]


def test_rows_drawn_and_listed() -> None:
    found = epochs(ROWS, best=3, batch=6)
    assert "40 steps of 6 images in 12 s, looks included: 20 images a second" in found.sentence
    assert "lowest after epoch 3: 0.433, with 45.0 % of the validation images right" in found.sentence
    curves = {e.title: e for e in found.evidence if isinstance(e, Curve)}
    assert curves["Loss"].series["validation"] == ((1.0, 2.0, 3.0, 4.0), tuple(row["val_loss"] for row in ROWS))
    assert curves["Accuracy"].series["training, as they are"][1] == tuple(row["train_accuracy"] for row in ROWS)
    assert curves["Loss"].marks == curves["Accuracy"].marks == {"best epoch": 3.0}
    assert curves["Learning rate"].series["rate"][1] == tuple(row["learning_rate"] for row in ROWS)
    (table,) = [e for e in found.evidence if isinstance(e, Table)]
    assert [row[0] for row in table.rows] == [1, 2, 3, 4]
    assert table.rows[2][2] == ROWS[2]["val_loss"]
