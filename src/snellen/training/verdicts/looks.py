"""How often each part was looked at, what it chose, and whether a number that is reported has been chosen by."""

from dataclasses import replace

from snellen.findings.finding import Finding
from snellen.training.checkpoint import fingerprint
from snellen.training.classify import Trained
from snellen.training.dataset import Dataset, Part
from snellen.training.looks import Looks


def looks(data: Dataset, trained: Trained, *, patience: int) -> Finding:
    """The ledger of a training: a look at the validation part after every epoch, and one at each part at the end.

    The accuracy at the head of the page is that of the test part, or of validation where there is none. If the epoch
    was chosen by the same images, it is too good, by about as much as the finding says: a warning for a test part, a
    remark for validation, which is there to be chosen by. Validation and test images that are the same are one part.

    Args:
        data: what it learned from.
        trained: the training, with its answers.
        patience: of the training; above 0 the epoch was chosen by the validation loss.
    """
    ledger = Looks()
    epochs = {f"epoch {i}": trained.seen[str(i)].numpy() for i in range(1, len(trained.seen) + 1)}
    twice = data.test is not None and _print(data.val) == _print(data.test)
    val = "test" if twice else "val"
    for epoch, right in epochs.items():
        ledger.look(val, epoch, right)
    taken = f"epoch {trained.fitted.best + 1 if patience else len(epochs)}"
    if patience:
        ledger.chose("epoch", val, taken, tuple(epochs))
    for name, found in trained.scores.items():
        part, _, mirrored = name.partition("_")
        if part != "train":
            ledger.look(val if part == "val" else part, f"{taken}, {mirrored}" if mirrored else taken, found.answers)
    ledger.counts["train"] = len(epochs) + 1
    ledger.report("val" if data.test is None else "test", taken)
    finding = ledger.finding(seed=0)
    return finding if finding.severity == "ok" or data.test is not None else replace(finding, severity="info")


def _print(part: Part) -> str:
    return fingerprint(part.images, part.labels)
