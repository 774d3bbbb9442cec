"""One specification, one network: module, weights, preprocessing, class names, and what loading had to do."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import UsageError, unknown
from snellen.nets.saved import is_saved
from snellen.nets.vgg import VGGS
from snellen.subject.load.apply import apply_state
from snellen.subject.load.checkpoint import load_state
from snellen.subject.load.classes import imagenet_names
from snellen.subject.load.factory import factories_in, factory_network
from snellen.subject.load.hub_hf import hf_network
from snellen.subject.load.hub_timm import timm_network
from snellen.subject.load.hub_torchvision import torchvision_network
from snellen.subject.load.published import PUBLISHED, is_published, is_url, published_weights
from snellen.subject.load.saved import saved_network
from snellen.subject.load.sidecar import find_sidecar, read_sidecar
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGENET_PREPROCESSING = Preprocessing(size=(224, 224), resize=256)

_HUBS: dict[str, Callable[..., Network]] = {
    "torchvision": torchvision_network,
    "timm": timm_network,
    "hf": hf_network,
}
_FORMS = (
    "builtin",
    *VGGS,
    "TRAINED.safetensors",
    "PATH.py:FACTORY",
    "PACKAGE.MODULE:FACTORY",
    *(f"{hub}:NAME" for hub in _HUBS),
)
_WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".th", ".ckpt", ".bin")

Weights = str | os.PathLike[str]


def load_network(
    spec: str | nn.Module | Network,
    *,
    weights: Weights | None = None,
    sidecar: str | os.PathLike[str] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    preprocessing: Preprocessing | None = None,
    class_names: Sequence[str] | None = None,
) -> Network:
    """The network that a specification names, ready to be examined.

    What is known of its input is taken from, in this order: the arguments, the sidecar, the specification
    itself. The sidecar is a JSON beside the weights (see :func:`read_sidecar`); which one was used is among
    the notes.

    Args:
        spec: ``builtin``; ``vgg11`` ... ``vgg19_bn``; ``path/to/file.py:factory`` or
            ``package.module:factory``, whose code is run; a ``.safetensors`` file of ``snellen train``;
            ``torchvision:NAME``, ``timm:NAME``, ``hf:REPO``; or a module or Network itself.
        weights: a file or URL (safetensors, or what torch.save writes); or ``imagenet`` for the published
            weights of a VGG or of a hub; for a hub also the library's own name of weights.
        sidecar: the JSON to use instead of ``<weights stem>.json``, ``about.json`` or ``config.json`` beside
            them.
        mean: per channel, in units of [0, 1].
        std: per channel, in units of [0, 1].
        preprocessing: size, crop, filter and channel order.
        class_names: one name an output.

    Raises:
        UsageError: an unknown name, a weights file without a module, weights that this kind does not have.
        NetworkError: weights that do not fit or cannot be read, a sidecar or code that fails, a missing
            package.

    >>> load_network("torch.nn:Identity", mean=(0.5,), std=(0.5,)).mean
    (0.5,)
    """
    network = _built(spec, weights)
    path = Path(weights).expanduser() if weights is not None and Path(weights).expanduser().is_file() else None
    found = find_sidecar(path, chosen=None if sidecar is None else Path(sidecar))
    if found is not None:
        said = read_sidecar(found, base=network.preprocessing)
        network = _override(
            network,
            mean=said.mean,
            std=said.std,
            preprocessing=said.preprocessing,
            class_names=said.class_names,
            notes=(*network.notes, *said.notes, *_unused(said.weights, weights)),
        )
    network = _override(network, mean=mean, std=std, preprocessing=preprocessing, class_names=class_names)
    if not isinstance(spec, Network) and (network.mean, network.std) == ((0.0,), (1.0,)) and mean is None:
        fed = "no mean and std are known: the module is fed pixels in [0, 1] as they are"
        network = replace(network, notes=(*network.notes, fed))
    return network


def _override(network: Network, **given: Any) -> Network:
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(network, **changes) if changes else network


def _unused(named: str, weights: Weights | None) -> tuple[str, ...]:
    if named and weights is None:
        return (f"the sidecar names the weights {named}, which were not asked for and not loaded",)
    return ()


def _built(spec: str | nn.Module | Network, weights: Weights | None) -> Network:
    """The network with its weights, before sidecar and arguments."""
    if isinstance(spec, str):
        if spec in VGGS:
            return _vgg(spec, weights)
        hub, _, name = spec.partition(":")
        if hub in _HUBS:
            return _from_hub(hub, name, weights)
    if weights == "imagenet":
        raise UsageError(
            f"weights='imagenet' exist for {', '.join(PUBLISHED)} and for torchvision:, timm: and hf:; "
            f"for {spec if isinstance(spec, str) else type(spec).__name__} give a file"
        )
    network = _without_weights(spec)
    return network if weights is None else _weighted(network, weights)


def _without_weights(spec: str | nn.Module | Network) -> Network:
    if isinstance(spec, Network):
        return spec
    if isinstance(spec, nn.Module):
        return Network(spec)
    if not isinstance(spec, str):
        raise UsageError(f"a network is named by a string, or is a module or a Network; got {type(spec).__name__}")
    if spec == "builtin":
        from snellen.subject.load.builtin import builtin_network

        return builtin_network()
    path = Path(spec).expanduser()
    if path.suffix == ".py":
        there = ", ".join(factories_in(path)) or "nothing that could be one"
        raise UsageError(f"name the factory in {spec}, as {spec}:FACTORY; it defines {there}")
    if is_saved(path):
        return saved_network(path)
    if path.suffix.lower() == ".onnx":
        raise UsageError(f"{spec} is ONNX, which is not read: give the module it was exported from, as PATH.py:FACTORY")
    if is_url(spec) or path.suffix.lower() in _WEIGHT_SUFFIXES or path.is_file():
        raise UsageError(
            f"{spec} holds weights, which fit only the module they were trained in: name the module and give "
            f"these as its weights, as `PATH.py:FACTORY --weights {spec}` or `vgg16 --weights {spec}`"
        )
    if ":" in spec:
        return factory_network(spec)
    if path.is_dir():
        inside = [str(file) for file in sorted(path.glob("*.safetensors")) if is_saved(file)]
        raise UsageError(f"{spec} is a folder; name a network{', such as ' + inside[0] if inside else ''}")
    error = unknown("network", spec, _FORMS)
    if "did you mean" not in str(error):
        error = UsageError(f"{error} A library's network is named with it: torchvision:{spec} or timm:{spec}.")
    raise error


def _weighted(network: Network, weights: Weights) -> Network:
    state, notes = load_state(weights)
    notes += apply_state(network.module, state, source=str(weights))
    return replace(network, notes=(*network.notes, *notes))


def _from_hub(hub: str, name: str, weights: Weights | None) -> Network:
    if not name:
        raise UsageError(f"name a network after {hub}:, as {hub}:NAME")
    if weights is None or (not is_url(weights) and Path(weights).suffix.lower() not in _WEIGHT_SUFFIXES):
        return _HUBS[hub](name, weights=None if weights is None else str(weights))
    if hub == "hf":
        raise UsageError("hf: networks come with their own weights; leave the weights out")
    network = _HUBS[hub](name, weights=None)
    return _weighted(replace(network, notes=()), weights)


def _vgg(name: str, weights: Weights | None) -> Network:
    """A VGG of ours; with weights it has as many classes as these."""
    published = weights == "imagenet"
    if weights is None:
        module: nn.Module = VGGS[name]()
        notes: tuple[str, ...] = ("randomly initialised weights",)
    else:
        source = published_weights(name) if weights == "imagenet" else weights
        state, notes = load_state(source)
        classes = _outputs(state)
        published = published or (classes == 1000 and is_published(name, weights))
        with torch.device("meta"):
            module = VGGS[name](classes=classes)
        notes += apply_state(module.to_empty(device="cpu"), state, source=str(source))
        if published:
            notes += (f"ImageNet weights published by torchvision: {PUBLISHED[name]}",)
        elif classes != 1000:
            notes += (f"{classes} classes, from the shape of classifier.6.weight",)
    return Network(
        module,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        class_names=imagenet_names() if published else None,
        preprocessing=IMAGENET_PREPROCESSING,
        name=name,
        notes=notes,
    )


def _outputs(state: dict[str, Tensor]) -> int:
    last = state.get("classifier.6.weight")
    return last.shape[0] if last is not None and last.ndim == 2 and last.shape[0] >= 2 else 1000
