"""Sure looks are single looks: where a batch leaves doubt, where outputs are few, where the batch itself matters."""

import pytest
import torch
from torch import Tensor, nn

from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._victim import Victim
from snellen.subject.network import Network

PIXELS = torch.rand(6, 3, 4, 4, generator=torch.Generator().manual_seed(8))


class Meddling(nn.Module):
    """Adds to every score what its batch mates amount to."""

    def __init__(self, outputs: int, amount: float) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.last, self.amount = nn.Linear(48, outputs), amount

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.last(x.flatten(1))
        return scores + self.amount * (len(x) - 1) * torch.arange(scores.shape[1])


@pytest.mark.parametrize(("outputs", "amount"), [(4, 0.5), (4, 1e-7), (2, 1e-5), (1, 1e-5)])
def test_a_sure_look_gives_the_verdicts_of_single_looks(outputs: int, amount: float) -> None:
    network = Network(Meddling(outputs, amount))
    labels = torch.zeros(6, dtype=torch.long)
    with torch.no_grad():
        victim = Victim(network, Untargeted(labels))
        sure, single = victim.look_surely(PIXELS), victim.look_singly(PIXELS)
    assert torch.equal(sure.achieved, single.achieved)
    torch.testing.assert_close(sure.outputs, single.outputs, rtol=0, atol=1e-5 if outputs > 2 else 0)


def test_where_the_batch_leaves_doubt_the_image_is_looked_at_singly() -> None:
    network = Network(Meddling(4, 1e-6))
    with torch.no_grad():
        scores = network.logits(PIXELS[:1])[0]
        network.module.last.bias[:2] += torch.stack([scores[1] - scores[0], torch.tensor(0.0)])
        network.module.last.bias[2:] -= 10
        victim = Victim(network, Untargeted(torch.zeros(6, dtype=torch.long)))
        assert victim.look(PIXELS).achieved[0] != victim.look_singly(PIXELS).achieved[0]
        before = victim.counts.queries
        assert torch.equal(victim.look_surely(PIXELS).achieved, victim.look_singly(PIXELS).achieved)
    assert victim.counts.queries - before > 6 + 6 + 1


def test_what_was_noted_is_not_looked_at_again_and_another_picture_is() -> None:
    torch.manual_seed(2)
    network = Network(nn.Sequential(nn.Flatten(), nn.Linear(12, 4)))
    pixels, labels = torch.rand(3, 3, 2, 2), torch.tensor([0, 1, 2])
    victim = Victim(network, Untargeted(labels))
    with torch.no_grad():
        rows = torch.tensor([0, 2])
        victim[rows].note(pixels[rows], victim[rows].look(pixels[rows]))
        before = victim.counts.queries
        seen = victim.look_surely(pixels)
        assert victim.counts.queries == before + 2  # the one that is new, and the first image alone
        plain = Victim(network, Untargeted(labels)).look_singly(pixels)
        torch.testing.assert_close(seen.outputs, plain.outputs)
        assert torch.equal(seen.achieved, plain.achieved)
        moved = pixels.clone()
        moved[2, 0, 0, 0] += 0.25
        again = victim.look_surely(moved)
        assert not torch.allclose(again.outputs[2], seen.outputs[2])
