"""What it was trained on, what it was judged by, and which classes the judging cannot speak of."""

from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.training.dataset import Dataset

NAME = "course/images"
FEW = 10
"""Of fewer validation images of a class nothing can be said of that class."""


def images(data: Dataset) -> Finding:
    """The parts of a data set, class by class."""
    tested: list[int] = [] if data.test is None else data.test.labels.tolist()
    columns = (data.labels.tolist(), data.val.labels.tolist(), tested)
    counts = [[column.count(index) for column in columns] for index in range(len(data.class_names))]
    rows = tuple((name, a, b, c) for name, (a, b, c) in zip(data.class_names, counts, strict=True))
    missing = data.missing
    scarce = sum(0 < judged < FEW for _, judged, _ in counts)
    height, width = data.views.side
    text = (
        f"{len(data.labels):,} images of {len(rows)} classes at {height} x {width} pixels to train on, "
        f"{len(data.val):,} to judge by, {len(tested):,} for the end."
        + "".join(f" {note[0].upper()}{note[1:]}." for note in data.notes)
    )
    if missing:
        listed = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        text += f" {len(missing)} classes have no validation image, and nothing is known of them: {listed}."
    if scarce:
        text += f" {scarce} classes have fewer than {FEW} validation images."
    return Finding(
        NAME,
        "warning" if missing else "info",
        "Classes without validation images" if missing else "The images",
        text,
        measured={"train_images": float(len(data.labels)), "val_images": float(len(data.val))},
        remedy="Add images of these classes to the validation part (--val), or hold back more (--val-share)."
        if missing
        else "",
        evidence=(Table("Images of each class", ("class", "training", "validation", "test"), rows),),
    )
