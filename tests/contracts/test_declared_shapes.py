"""Results keep the shapes and types their fields declare, with one meaning for n, c, h, w and k within a result.

The declarations are jaxtyping's; they are checked here on results and not on every call, because the calls have errors
of their own for wrong input, which name what was expected and what was got.
"""

from dataclasses import fields, make_dataclass
from typing import Any

import pytest
import torch
from beartype import beartype
from jaxtyping import TypeCheckError, jaxtyped
from torch import nn

from snellen.instruments.attribution.guided_backprop import GuidedBackprop
from snellen.instruments.attribution.saliency import Saliency
from snellen.instruments.uncertainty.mc_dropout import MCDropout
from snellen.instruments.visualisation.class_model import ClassModel
from snellen.subject.images import Batch
from snellen.subject.load.arrays import array_images
from snellen.subject.network import Network
from snellen.subject.predictions import predict
from snellen.subject.preprocessing import Preprocessing

LAYERS = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 20), nn.Dropout(), nn.Linear(20, 7)
PIXELS = torch.rand(5, 3, 8, 8)


def network() -> Network:
    return Network(nn.Sequential(*LAYERS), preprocessing=Preprocessing(size=(8, 8)))


def as_declared(result: Any, **changes: Any) -> None:
    """Build the result's fields again in a dataclass that checks them all together."""
    declared = make_dataclass("Declared", [(f.name, f.type) for f in fields(result)])
    values = {f.name: getattr(result, f.name) for f in fields(result)}
    jaxtyped(typechecker=beartype)(declared)(**{**values, **changes})


def batch() -> Batch:
    return next(iter(array_images(PIXELS).batches(Preprocessing(size=(8, 8)))))


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(lambda: Saliency()(network(), PIXELS), id="saliency"),
        pytest.param(lambda: GuidedBackprop("bfloat16")(network(), PIXELS), id="guided backprop"),
        pytest.param(lambda: MCDropout(4)(network(), PIXELS, keep_samples=True), id="mc dropout"),
        pytest.param(lambda: MCDropout(4)(network(), PIXELS), id="mc dropout without samples"),
        pytest.param(lambda: ClassModel(3)(network(), [1, 2]), id="class model"),
        pytest.param(lambda: predict(network(), array_images(PIXELS)), id="predictions"),
        pytest.param(batch, id="batch"),
    ],
)
def test_results_are_as_declared(result: Any) -> None:
    as_declared(result())


@pytest.mark.parametrize(
    "wrong", [{"maps": PIXELS[:4]}, {"target": torch.rand(5)}, {"logits": torch.zeros(5, 7).long()}]
)
def test_a_result_that_is_not_as_declared_is_found(wrong: dict[str, Any]) -> None:
    result = Saliency()(network(), PIXELS)
    with pytest.raises(TypeCheckError):
        as_declared(result, **wrong)
