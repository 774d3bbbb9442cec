"""A detector looks at a set of images of any sizes, and what cannot be decoded is reported."""

from collections.abc import Callable
from dataclasses import dataclass

from snellen._errors import ImagesError
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.detector import LEAST, Detector, Prepared
from snellen.instruments.detection.suppression import Method, suppressed
from snellen.subject.batches import BadImage
from snellen.subject.images import Images
from snellen.subject.preprocessing import Preprocessing

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Looked:
    """What a detector said of images; one entry in each for every image that could be decoded.

    Attributes:
        indices: which images of the set these are.
        sizes: their heights and widths, in pixels.
        candidates: all that was said; boxes in pixels of the image as it lies in its file.
        detections: what suppression left of it.
        bad: the images that could not be decoded.
    """

    indices: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    candidates: tuple[Detections, ...]
    detections: tuple[Detections, ...]
    bad: tuple[BadImage, ...]


def look(
    detector: Detector,
    images: Images,
    *,
    nms: float | None = 0.5,
    method: Method = "greedy",
    least: float = LEAST,
    batch_size: int = 32,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Looked:
    """All images of a set, each decoded once and at once brought to the size that the detector takes.

    Args:
        detector: left exactly as it was.
        images: of any sizes, in colour or grey.
        nms: the IoU above which the less sure of two candidates of a class goes; None suppresses nothing.
        method: ``greedy``, ``soft`` or ``matrix``.
        least: candidates of a lower score are left out.
        batch_size: images a pass; bounds the memory.
        progress: called with (stage, done, total).

    Raises:
        ImagesError: not one image can be decoded.
        NetworkError: the detector's answer is none.
    """
    indices: list[int] = []
    waiting: list[Prepared] = []
    sizes: list[tuple[int, int]] = []
    found: list[Detections] = []
    bad: list[BadImage] = []
    for index in range(len(images)):
        (batch,) = images.batches(Preprocessing(), batch_size=1, indices=[index])
        bad.extend(batch.bad)
        if batch.indices:
            waiting.append(detector.prepared(batch.pixels[0]))
            indices.append(index)
            sizes.append(waiting[-1].size)
        if len(waiting) == batch_size:
            found.extend(detector.answers(waiting, least=least))
            waiting.clear()
        progress("detecting", index + 1, len(images))
    found.extend(detector.answers(waiting, least=least))
    if not indices:
        reasons = "; ".join(f"{b.name}: {b.reason}" for b in bad[:3])
        raise ImagesError(f"none of the {len(images)} images could be read ({reasons})")
    kept = tuple(suppressed(said, nms, method=method, least=least) for said in found)
    return Looked(tuple(indices), tuple(sizes), tuple(found), kept, tuple(bad))
