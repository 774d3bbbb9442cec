"""``torchvision:NAME``: a classifier of torchvision, with its weights and its own preprocessing."""

from typing import Any

from snellen._errors import UsageError, unknown
from snellen.subject.load.optional import optional
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing


def torchvision_network(name: str, *, weights: str | None = None) -> Network:
    """A network of torchvision's registry.

    Args:
        name: such as ``resnet50``.
        weights: ``imagenet`` for the default weights, the name of others such as ``IMAGENET1K_V1``, or None
            for random ones; with weights, size, crop, normalisation and class names are theirs.

    Raises:
        UsageError: no such network or weights.
        NetworkError: torchvision is absent, or does not fit the torch build.

    >>> torchvision_network("resnet50", weights="imagenet")  # doctest: +SKIP
    """
    models = optional("torchvision.models", spec=f"torchvision:{name}")
    if name not in models.list_models():
        raise unknown("torchvision network", name, models.list_models())
    if weights is None:
        module = models.get_model(name, weights=None)
        return Network(module, name=f"torchvision:{name}", notes=("randomly initialised weights",))
    available = models.get_model_weights(name)
    if weights != "imagenet" and weights not in available.__members__:
        raise unknown(f"weights of torchvision:{name}", weights, ["imagenet", *available.__members__])
    chosen = available.DEFAULT if weights == "imagenet" else available[weights]
    transforms: Any = chosen.transforms()
    if not hasattr(transforms, "crop_size") or not hasattr(transforms, "resize_size"):
        raise UsageError(f"torchvision:{name} is no image classifier; its preprocessing has no crop")
    (side,) = transforms.crop_size
    (resize,) = transforms.resize_size
    return Network(
        models.get_model(name, weights=chosen),
        mean=transforms.mean,
        std=transforms.std,
        class_names=chosen.meta.get("categories"),
        preprocessing=Preprocessing(size=(side, side), resize=resize, interpolation=transforms.interpolation.value),
        name=f"torchvision:{name}",
        notes=(f"torchvision's weights {chosen.name} with their own preprocessing",),
    )
