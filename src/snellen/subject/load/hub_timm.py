"""``timm:NAME``: a network of timm, with its weights and its own preprocessing."""

from snellen._errors import NetworkError, unknown
from snellen.subject.load.classes import imagenet_names
from snellen.subject.load.optional import optional
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing


def timm_network(name: str, *, weights: str | None = None) -> Network:
    """A network of timm's registry; mean, std, size and crop are what timm states for it.

    Args:
        name: such as ``resnet50`` or, with a tag, ``resnet50.a1_in1k``.
        weights: ``imagenet`` for the weights of the name (or its default tag), another tag such as
            ``a1_in1k``, or None for random ones.

    Raises:
        UsageError: no such network.
        NetworkError: timm or torchvision is absent, or does not fit the torch build.

    >>> timm_network("resnet50.a1_in1k", weights="imagenet")  # doctest: +SKIP
    """
    timm = optional("timm", spec=f"timm:{name}")
    architecture = name.partition(".")[0]
    if ":" not in name and not timm.is_model(architecture):
        raise unknown("timm network", architecture, timm.list_models())
    full = f"{architecture}.{weights}" if weights not in (None, "imagenet") else name
    module = timm.create_model(full, pretrained=weights is not None)
    config = timm.data.resolve_data_config({}, model=module)
    channels, height, width = config["input_size"]
    mode = config.get("crop_mode", "center")
    if mode not in ("center", "squash"):
        raise NetworkError(f"timm:{name}: its crop mode {mode!r} has no equivalent; use center or squash")
    stated = getattr(module, "pretrained_cfg", {})
    tag = f"{stated.get('tag') or ''} {full}"
    names = stated.get("label_names")
    if names is None and weights is not None and stated.get("num_classes") == 1000 and "in1k" in tag:
        names = imagenet_names()
    source = f"timm's weights {full}" if weights is not None else "randomly initialised weights"
    return Network(
        module,
        mean=config["mean"],
        std=config["std"],
        class_names=names,
        preprocessing=Preprocessing(
            size=(height, width),
            resize=int(max(height, width) / config["crop_pct"]) if mode == "center" else None,
            interpolation=config["interpolation"],
            channels="L" if channels == 1 else "RGB",
        ),
        name=f"timm:{name}",
        notes=(source,),
    )
