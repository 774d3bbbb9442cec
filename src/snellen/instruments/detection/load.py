"""One specification, one detector: a file of ours, or the user's own code."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.instruments.detection.detector import Detector
from snellen.nets.saved import Saved, is_saved, read_saved
from snellen.subject.load.factory import factories_in, made_by

TASK = "detect"


def load_detector(spec: str, *, class_names: Sequence[str] | None = None) -> Detector:
    """The detector that a specification names.

    Args:
        spec: a ``.safetensors`` file of ``snellen train detect``; or ``path/to/file.py:factory`` or
            ``package.module:factory``, whose code is run and returns a :class:`Detector`, or a module that answers with
            boxes, as torchvision's detectors do.
        class_names: one a class, in place of its own.

    Raises:
        UsageError: no such form; a trained network that is no detector; another number of names than classes.
        NetworkError: a file that cannot be read, code that fails.

    >>> load_detector("torch.nn:Identity", class_names=("ant", "bee")).class_name(1)
    'bee'
    """
    path = Path(spec).expanduser()
    if is_saved(path):
        found = detector_of(read_saved(path), name=path.name)
        if class_names is not None and len(class_names) != len(found.class_names):
            raise UsageError(f"{path.name} has {len(found.class_names)} classes, got {len(class_names)} names")
    elif path.suffix == ".py":
        there = ", ".join(factories_in(path)) or "nothing that could be one"
        raise UsageError(f"name the factory in {spec}, as {spec}:FACTORY; it defines {there}")
    elif path.suffix.lower() == ".safetensors" or ":" not in spec:
        raise UsageError(
            f"a detector is a file that 'snellen train detect' wrote, or PATH.py:FACTORY; "
            f"{spec!r} is neither{'' if path.exists() else ', and nothing lies there'}"
        )
    else:
        found = _of_the_user(made_by(spec), spec)
    return found if class_names is None else replace(found, class_names=tuple(class_names))


def detector_of(saved: Saved, *, name: str = "") -> Detector:
    """The detector in a file of ours.

    Raises:
        UsageError: a network trained for something else.
        NetworkError: the file does not say all that its use needs.
    """
    if saved.task != TASK:
        raise UsageError(
            f"{name or 'the network'} was trained to {saved.task} and finds no boxes; train a detector on its trunk: "
            f"snellen train detect --backbone {name or 'FILE'}"
        )
    about, story = saved.about, saved.story
    try:
        side = int(about["side"][0]), int(about["side"][1])
        names, mode = tuple(map(str, about["class_names"])), str(about["mode"])
        channels = str(about["channels"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise NetworkError(f"{name} does not say all that its use needs ({error!r}); train it again") from error
    return Detector(
        saved.module,
        class_names=names,
        mean=saved.mean,
        std=saved.std,
        side=side,
        channels="L" if channels == "L" else "RGB",
        name=f"{name or 'detector'} ({'one object' if mode == 'single' else 'many objects'} an image)",
        notes=(f"trained by {story.get('recipe', 'an unknown recipe')} on {story.get('images', 'unknown')} scenes",),
    )


def _of_the_user(made: object, spec: str) -> Detector:
    if isinstance(made, Detector):
        return made
    if not isinstance(made, nn.Module):
        raise NetworkError(f"{spec} should return an nn.Module or a Detector, got {type(made).__name__}")
    return Detector(made, name=spec.rpartition(":")[2], notes=("fed pixels in [0, 1] as they are",))
