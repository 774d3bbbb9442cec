"""What the tensors of a step were computed from, by name."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import images, sgd
from snellen.training.health.observe import observe
from toys import Toy


def test_returned_drawn_and_aimed_at() -> None:
    torch.manual_seed(0)

    def run(m: Any, x: Tensor) -> Any:
        mean = m.one(x.flatten(1))
        m.four(mean)
        return m.two(torch.normal(mean, 1.0)), m.three(mean).relu()

    parts = {"one": nn.Linear(432, 4), "two": nn.Linear(4, 3), "three": nn.Linear(4, 3), "four": nn.Linear(4, 3)}
    network = Toy(run, **parts)
    seen = observe(network, sgd(network.parameters()), images(), lambda net, batch: F.mse_loss(*net(batch[0])))
    marks = seen.marks
    assert marks.returned is not None
    assert {name.partition(".")[0] for name in marks.returned} == {"one", "two", "three"}
    assert marks.drawn == {"one.weight", "one.bias"}
    assert "two.weight" in marks.drawn_into
    assert "three.weight" not in marks.drawn_into
    ((source, aim),) = marks.aims
    assert "two.weight" in source
    assert "three.weight" in aim
