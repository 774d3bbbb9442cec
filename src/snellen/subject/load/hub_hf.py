"""``hf:REPO``: an image classifier from the Hugging Face hub, with its weights and its own preprocessing."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError
from snellen.subject.load.classes import class_names
from snellen.subject.load.optional import optional
from snellen.subject.network import Network
from snellen.subject.preprocessing import FILTERS, Preprocessing


class Scores(nn.Module):
    """The classifier, returning its scores alone instead of an object that holds them."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, pixels: Tensor) -> Tensor:
        """The classifier's ``logits``."""
        return self.classifier(pixels).logits  # type: ignore[no-any-return]  # the library's own output type


def hf_network(repo: str, *, weights: str | None = None) -> Network:
    """An image classifier of the hub; only safetensors are loaded and no code of the repository is run.

    Args:
        repo: such as ``microsoft/resnet-50``.
        weights: None or ``imagenet``: the repository names its weights, there are no others.

    Raises:
        UsageError: weights that are not the repository's.
        NetworkError: transformers is absent, or the repository cannot be loaded.

    >>> hf_network("microsoft/resnet-50")  # doctest: +SKIP
    """
    spec = f"hf:{repo}"
    if weights not in (None, "imagenet"):
        raise UsageError(f"{spec} comes with its own weights, got weights={weights!r}; leave them out")
    library = optional("transformers", spec=spec)
    try:
        classifier = library.AutoModelForImageClassification.from_pretrained(repo, use_safetensors=True)
        processor: Mapping[str, Any] = library.AutoImageProcessor.from_pretrained(repo).to_dict()
    except (OSError, ValueError, ImportError) as error:
        raise NetworkError(f"cannot load {spec}: {type(error).__name__}: {error}") from error
    labels = getattr(classifier.config, "id2label", None)
    normalised = processor.get("do_normalize", True)
    return Network(
        Scores(classifier),
        mean=processor["image_mean"] if normalised else (0.0,),
        std=processor["image_std"] if normalised else (1.0,),
        class_names=None if labels is None else class_names(labels, source=spec),
        preprocessing=_preprocessing(processor, spec),
        name=spec,
        notes=(f"weights and preprocessing from {spec}",),
    )


def _preprocessing(processor: Mapping[str, Any], spec: str) -> Preprocessing:
    """The library's resize and crop in our words; what has no such words is refused."""
    names = {int(sampling): name for name, sampling in FILTERS.items()}
    interpolation = names.get(int(processor.get("resample", -1)), f"number {processor.get('resample')}")
    size = processor.get("size") or {}
    crop = processor.get("crop_size") if processor.get("do_center_crop") else None
    if "shortest_edge" in size and crop is not None:
        target = (int(crop["height"]), int(crop["width"]))
        return Preprocessing(size=target, resize=int(size["shortest_edge"]), interpolation=interpolation)
    if "shortest_edge" in size and processor.get("crop_pct"):
        side = int(size["shortest_edge"])
        # ConvNeXt's processor: crop below 384, scale to the square from 384 on.
        resize = int(side / processor["crop_pct"]) if side < 384 else None
        return Preprocessing(size=(side, side), resize=resize, interpolation=interpolation)
    if "height" in size and "width" in size and crop is None:
        target = (int(size["height"]), int(size["width"]))
        return Preprocessing(size=target, interpolation=interpolation)
    raise NetworkError(f"{spec}: its preprocessing (size {size}, crop {crop}) has no equivalent; give a sidecar")
