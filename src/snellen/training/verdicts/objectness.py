"""Can the detector say that there is nothing? Only if it was shown scenes with nothing in them."""

import torch

from snellen.findings.finding import Finding
from snellen.instruments.losses.detection import NONE
from snellen.subject.quiet import quiet
from snellen.training.detection_lesson import DetectionLesson

NAME = "course/objectness"
PICTURES = 32
"""Pictures of noise that a trained detector is asked about."""
HALF = 0.5


def objectness(lesson: DetectionLesson, *, trained: bool) -> Finding:
    """How many training scenes are empty, and what a detector that was trained says of pictures of plain noise.

    A detector of one object an image that never saw an empty one learns that objectness is 1 whatever it sees. One
    of a grid has cells without an object in every scene.

    Args:
        lesson: whose module has been trained or not.
        trained: whether it has.
    """
    counts = (lesson.data.train.classes != NONE).sum(dim=1)
    empty, scenes = int((counts == 0).sum()), len(counts)
    measured = {"empty_scenes": empty / scenes}
    text = f"{empty:,} of {scenes:,} training scenes hold no object."
    alone = lesson.settings.mode == "single"
    if trained:
        measured["objectness_of_noise"] = said = noise(lesson)
        text += f" Of {PICTURES} pictures of noise it says with a mean of {said:.2f} that there is an object."
    if empty or not alone:
        return Finding(NAME, "info", "What it was shown without an object", text, measured=measured)
    return Finding(
        NAME,
        "warning",
        "It was never shown that there is nothing",
        f"{text} Objectness is learned to be 1, whatever is seen: with no object the loss counts objectness alone, and "
        "there was never such a scene. Its scores tell one class from another, not something from nothing.",
        measured=measured,
        remedy="Add scenes without an object (a COCO image without annotations, a YOLO image with an empty text file), "
        "a tenth to a fifth of all.",
        reference="y = (objectness, box, classes): the loss of Ng, Deep learning specialization, course 4, week 3.",
    )


def noise(lesson: DetectionLesson) -> float:
    """The mean of the largest objectness of pictures of noise with the mean and the spread of the training scenes."""
    generator = torch.Generator().manual_seed(lesson.settings.seed)
    pixels = lesson.data.train.pixels[:PICTURES].float() / 255
    drawn = torch.randn((PICTURES, *pixels.shape[1:]), generator=generator)
    pictures = (pixels.mean(dim=(0, 2, 3), keepdim=True) + drawn * pixels.std()).clamp(0, 1)
    with torch.inference_mode(), quiet(lesson.module):
        outputs = lesson.module(lesson.normalised(pictures))
    return (
        float(outputs[..., 0].sigmoid().flatten(1).amax(dim=1).mean())
        if outputs.ndim > 2
        else float(outputs[:, 0].sigmoid().mean())
    )
