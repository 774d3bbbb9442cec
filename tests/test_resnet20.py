"""Two published networks, loaded as a stranger would, reach their published accuracy on real images."""

import json
from pathlib import Path

import torch

from resnet20 import ResNet20
from shared import SHARED, needs_shared
from snellen import load_images, load_network
from snellen.findings.interval import wilson
from snellen.instruments.attribution.guided_backprop import GuidedBackprop
from snellen.subject.network import Network
from snellen.subject.predictions import Predictions, predict

WEIGHTS = SHARED / "models" / "resnet20_cifar10" / "resnet20-12fca82f.th"
FACTORY = f"{Path(__file__).with_name('resnet20.py')}:resnet20"


def cifar_network() -> Network:
    return load_network(FACTORY, weights=WEIGHTS, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def test_resnet20_has_the_papers_size() -> None:
    """He et al. 2015, table 6: 0.27 M parameters."""
    assert sum(p.numel() for p in ResNet20().parameters()) == 269_722


def test_guided_backprop_finds_all_its_functional_relus() -> None:
    details = GuidedBackprop()(Network(ResNet20()), torch.rand(1, 3, 32, 32)).details
    assert details == {"guided": 19, "unguided": {}}


@needs_shared
def test_resnet20_on_cifar10() -> None:
    """81.0 % on these JPEG copies; akamaster/pytorch_resnet_cifar10 gives 91.73 % on the lossless originals.

    The interval is that of 1,000 of the 10,000; the first scores are those of the published weights in a plain loop.
    """
    images = load_images(SHARED / "data" / "cifar10-jpeg" / "test.parquet", limit=1000)
    found = predict(cifar_network(), images, batch_size=250)
    assert len(found.logits) == 1000
    assert found.bad == ()
    low, high = wilson(int(found.correct.sum()), 1000)
    assert low < 0.81 < high
    plain = ResNet20().eval()
    published = torch.load(WEIGHTS, weights_only=True, map_location="cpu")["state_dict"]
    plain.load_state_dict({name.removeprefix("module."): value for name, value in published.items()})
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    for image, scores in zip(images.pixels(indices=range(20)), found.logits[:20], strict=True):
        with torch.no_grad():
            assert torch.allclose(plain(((image - mean) / std)[None])[0], scores, atol=1e-3)


@needs_shared
def test_squeezenet_on_photographs() -> None:
    """Top-1 and top-5 of the 1,000 photos the weights were measured on are within the error of 80 of our 200."""
    folder = SHARED / "models" / "squeezenet1_1"
    measured = json.loads((folder / "about.json").read_text())["measured"]
    network = load_network(f"{folder / 'squeezenet1_1.py'}:SqueezeNet11", weights=folder / "weights.safetensors")
    found = predict(network, load_images(SHARED / "data" / "imagenet-photos", limit=80))
    assert len(found.logits) == 80
    for name, share in (("top1", share_within(found, 1)), ("top5", share_within(found, 5))):
        low, high = wilson(share * 80, 80)
        assert low <= measured[name] <= high, (name, share)


def share_within(found: Predictions, count: int) -> float:
    _, classes = found.top(count)
    return float((classes == found.labels[:, None]).any(dim=1).float().mean())
