"""Many networks at once are the same as each alone, by PyTorch's own layers and optimizer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen.studies._crowd import Crowd, newborn, train

RATES, STARTS, PENALTIES = (0.05, 0.3, 0.05), (4, 4, 9), (0.0, 0.0, 1.5)
EPOCHS, BATCH, N, D, HIDDEN, K = 3, 4, 10, 5, 6, 3


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, N, D, generator=generator, dtype=torch.float64), torch.randint(K, (3, N), generator=generator)


def alone(crowd: Crowd, i: int) -> nn.Sequential:
    """Network i of a crowd as a module."""
    net = nn.Sequential(nn.Linear(D, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, K)).double()
    w1, b1, w2, b2 = (w[i] for w in crowd.weights)
    net.load_state_dict({"0.weight": w1.T, "0.bias": b1[0], "2.weight": w2.T, "2.bias": b2[0]})
    return net


def test_a_crowd_trains_as_each_network_alone() -> None:
    inputs, labels = data()
    starts = torch.tensor(STARTS)
    born = newborn(starts, inputs=D, hidden=HIDDEN, classes=K)
    before = [w.clone() for w in born.weights]
    *_, last = train(
        born,
        inputs,
        labels,
        rates=torch.tensor(RATES, dtype=torch.float64),
        starts=starts,
        epochs=EPOCHS,
        batch=BATCH,
        penalties=torch.tensor(PENALTIES, dtype=torch.float64),
    )
    assert all(torch.equal(a, b) for a, b in zip(before, born.weights, strict=True))
    for i in range(3):
        net = alone(born, i)
        sgd = torch.optim.SGD(net.parameters(), lr=RATES[i], momentum=0.9)
        generator = torch.Generator().manual_seed(STARTS[i] ^ 0x0DE5)
        for _ in range(EPOCHS):
            for rows in torch.randperm(N, generator=generator).split(BATCH):
                scores = net(inputs[i, rows])
                loss = F.cross_entropy(scores, labels[i, rows])
                loss = loss + PENALTIES[i] * scores.softmax(1).square().sum(1).mean()
                sgd.zero_grad()
                loss.backward()
                sgd.step()
        assert torch.allclose(last.scores(inputs)[i], net(inputs[i]), atol=1e-12)


def test_equal_starts_are_equal_networks_and_others_are_not() -> None:
    crowd = newborn(torch.tensor([4, 4, 9]), inputs=D, hidden=HIDDEN, classes=K)
    w1 = crowd.weights[0]
    assert torch.equal(w1[0], w1[1])
    assert not torch.equal(w1[0], w1[2])
    assert w1.abs().max() <= D**-0.5


def test_the_best_are_kept() -> None:
    one, two = (newborn(torch.tensor([s, s + 1]), inputs=D, hidden=HIDDEN, classes=K) for s in (0, 5))
    mixed = one.where(torch.tensor([True, False]), two)
    for w, a, b in zip(mixed.weights, one.weights, two.weights, strict=True):
        assert torch.equal(w[0], a[0])
        assert torch.equal(w[1], b[1])


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    newborn(torch.tensor([1]), inputs=2, hidden=2, classes=2)
    assert torch.equal(torch.get_rng_state(), before)
