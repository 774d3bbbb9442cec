"""A copy trains as the original would, and the original stays."""

import pytest
import torch
from torch import nn

from healthy import CE, images, plain
from snellen._errors import NotApplicable
from snellen.training.health.setup import TrainingSetup, training_setup
from snellen.training.health.twin import accuracy, batches_of, plain_optimizer, train, twin
from untouched import untouched


def made() -> TrainingSetup:
    torch.manual_seed(0)
    at = plain()
    return training_setup(*at)[0]


def test_a_copy_shares_nothing_and_keeps_the_wiring() -> None:
    setup = made()
    copied = twin(setup)
    own = {id(p) for p in copied.module.parameters()}
    assert own == {id(p) for g in copied.optimizers[0].param_groups for p in g["params"]}
    assert not own & {id(p) for p in setup.module.parameters()}


def test_training_the_copy_equals_a_plain_loop_and_leaves_the_original() -> None:
    setup = made()
    with untouched(setup.module):
        losses = train(twin(setup), [setup.batch], steps=4, seed=0)
    network, optimizer = setup.module, setup.optimizers[0]
    wanted = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = CE(network(setup.batch[0]), setup.batch[1])
        loss.backward()
        optimizer.step()
        wanted.append(float(loss.detach()))
    assert losses == wanted


def test_a_loss_that_uses_another_network_is_refused() -> None:
    setup = made()
    other = training_setup(
        setup.module,
        setup.optimizers,
        setup.batch,
        lambda model, batch: 0 * model.training + CE(setup.module(batch[0]), batch[1]),
    )
    with pytest.raises(NotApplicable, match="does not use the network"):
        train(twin(other[0]), [setup.batch], steps=2, seed=0)


def test_what_cannot_be_copied_is_refused() -> None:
    setup = made()
    setup.module.cache = setup.module[0](images()[0])  # type: ignore[assignment]  # a tensor within a graph
    with pytest.raises(NotApplicable, match="cannot be copied"):
        twin(setup)


def test_accuracy_counts_right_answers_and_keeps_the_modes() -> None:
    setup = made()
    inputs, labels = images()
    setup.module.eval()
    right = setup.module(inputs).argmax(1)
    setup.module.train()
    assert accuracy(setup, [(inputs, right)]) == 1.0
    assert accuracy(setup, [(inputs, (right + 1) % 4)]) == 0.0
    assert accuracy(setup, [(inputs, labels.float())]) is None
    assert setup.module.training


def test_batches_of_many_things() -> None:
    batch = images()
    assert batches_of(batch, most=3) == [batch]
    assert len(batches_of([batch] * 5, most=3)) == 3


def test_the_plain_optimizer_holds_what_is_named() -> None:
    network = nn.Linear(2, 2)
    assert plain_optimizer(network, frozenset({"bias"})).param_groups[0]["params"] == [network.bias]
