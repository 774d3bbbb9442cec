"""What is noted of a function call, and that asking in evaluation mode leaves nothing behind."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.training.health.functional import Functions, drops_in_evaluation
from snellen.training.health.kept import Dice


class Always(nn.Module):
    """Drops in every mode, or never."""

    def __init__(self, *, training: bool) -> None:
        super().__init__()
        self.told, self.norm = training, nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.norm(x), 0.25, self.told)


def test_each_call_is_noted_with_what_it_was_told() -> None:
    functions, x = Functions([], lambda: "here"), torch.rand(4, 3)
    with functions:
        F.dropout(x, 0.25)
        F.dropout(input=x, p=0.5, training=False)
        F.batch_norm(x, torch.zeros(3), torch.ones(3))
        F.batch_norm(x, None, None, training=True)
        F.relu(x)
    assert [(c.name, c.where, c.training, c.share, c.untouched) for c in functions.found] == [
        ("dropout", "here", True, 0.25, False),
        ("dropout", "here", False, 0.5, False),
        ("batch_norm", "here", False, 0.0, True),
        ("batch_norm", "here", True, 0.0, False),
    ]


def test_modules_of_pytorch_are_not_functions() -> None:
    layers = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3))
    functions = Functions([layers[0]], str)
    with functions:
        layers[0](torch.rand(4, 3))
    assert not functions.found


def test_evaluation_is_asked_and_nothing_stays() -> None:
    x, dice = (torch.rand(4, 3),), Dice()
    for told in (True, False):
        network = Always(training=told).train()
        before = network.norm.running_mean.clone()  # type: ignore[union-attr]
        assert drops_in_evaluation(network, [network], x, dice) is told
        assert network.training
        assert network.norm.training
        assert torch.equal(network.norm.running_mean, before)  # type: ignore[arg-type]
    assert drops_in_evaluation(nn.Linear(7, 1), [nn.Linear(7, 1)], x, dice) is None
