"""A step that writes to its batch is warned of, and sees the same batch each time the audit asks."""

import torch
from torch import Tensor, nn

from healthy import CE, classifier, images, sgd
from snellen.checks.training.written_batch import WrittenBatch
from snellen.training.health.observe import observe
from snellen.training.health.walk import walk
from toys import Toy


def test_targets_that_are_renumbered_in_place_are_seen_and_kept() -> None:
    torch.manual_seed(0)
    network = classifier()
    inputs, labels = images()
    given = labels + 1

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return CE(outputs, targets.sub_(1))

    seen = observe(network, sgd(network.parameters()), (inputs, given), loss)
    (found,) = WrittenBatch()(seen)
    assert (found.severity, found.title) == ("warning", "The step writes to its batch")
    assert "(16,) of int64" in found.sentence
    assert torch.equal(given, labels + 1)
    assert len(walk(seen.setup, 3)) == 4  # a third time the classes would be below 0


def test_images_normalised_in_place_are_seen_and_a_copy_is_not() -> None:
    torch.manual_seed(0)
    inner = classifier()
    for run, count in ((lambda m, x: m.inner(x.sub_(x.mean())), 1), (lambda m, x: m.inner(x.clone().sub_(1)), 0)):
        network: nn.Module = Toy(run, inner=inner)
        found = WrittenBatch()(observe(network, sgd(network.parameters()), images(), CE))
        assert len(found) == count
