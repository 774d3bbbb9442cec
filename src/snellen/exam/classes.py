"""Class model visualisations of chosen classes, as findings of their own: no images are needed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from snellen._errors import UsageError
from snellen.checks._base import Progress
from snellen.checks.explanation.class_models import side_by_side
from snellen.exam.how import how
from snellen.findings.findings import Findings
from snellen.instruments.visualisation.class_model import ClassModel
from snellen.subject.network import Network, class_index
from snellen.subject.quiet import quiet


def visualise_classes(
    network: Network,
    classes: Sequence[str | int],
    *,
    settings: Mapping[str, Any],
    blur: tuple[int, float] = (5, 1.0),
    seed: int = 0,
    progress: Progress | None = None,
) -> Findings:
    """Visualise classes by index or name, without and with blur.

    Args:
        network: left exactly as it was.
        classes: indices or names.
        settings: of :class:`ClassModel`, without its blur.
        blur: steps between two blurs, and sigma in pixels.

    Raises:
        UsageError: no class, or one the network has not; the input size is not known.
    """
    if not classes:
        raise UsageError("at least one class is needed, such as --classes 3,17")
    began = time.perf_counter()
    size = network.preprocessing.size
    if size is None:
        raise UsageError("the network's input size is not known; give --input-size 224x224")
    with torch.inference_mode(), quiet(network.module):
        blank = torch.zeros(1, network.preprocessing.count, *size, device=network.device)
        outputs = network.logits(blank).shape[1]
    names = network.class_names
    if names is not None and len(names) != outputs:
        note = f"the network has {len(names)} class names for {outputs} outputs; they were not used"
        network = replace(network, class_names=None, notes=(*network.notes, note))
    chosen = [class_index(network, wanted, outputs) for wanted in classes]
    plain = ClassModel(**settings)
    finding = side_by_side(network, chosen, plain=plain, blur=blur, size=size, seed=seed, progress=progress)
    return Findings(
        (finding,),
        subject={
            "network": network.name,
            "classes": outputs,
            "preprocessing": network.preprocessing.describe(),
            "mean": list(network.mean),
            "std": list(network.std),
            "notes": list(network.notes),
        },
        run=how("visualise", seed, time.perf_counter() - began, network),
    )
