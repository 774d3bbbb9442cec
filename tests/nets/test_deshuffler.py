"""The scores of pieces follow the pieces: in any order, in any batch, at any size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.nets.deshuffler import DEPTHS, ENCODERS, Deshuffler, Scores, Seam, Stages
from snellen.nets.vgg import VGGS


def settled(module: nn.Module, *inputs: Tensor | int) -> nn.Module:
    """In evaluation mode, with statistics that are not those of a new module."""
    with torch.no_grad():
        module.train()(*inputs)
    return module.eval()


@pytest.fixture(scope="module")
def network() -> Deshuffler:
    torch.manual_seed(1)
    net = Deshuffler(positions=4, hidden=32)
    settled(net, torch.randn(4, 4, 3, 16, 16))
    return net


def score(network: nn.Module, pieces: Tensor) -> Scores:
    with torch.inference_mode():
        scores: Scores = network(pieces)
    return scores


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(4)), seed=st.integers(0, 99))
def test_shuffled_pieces_have_shuffled_scores(network: Deshuffler, order: list[int], seed: int) -> None:
    pieces = torch.randn(2, 4, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    there, here = score(network, pieces), score(network, pieces[:, order])
    for part in ("beside", "above"):
        expected = getattr(there, part)[:, order][:, :, order]
        assert torch.allclose(getattr(here, part), expected, atol=1e-5)
    assert torch.allclose(here.place, there.place[:, order], atol=1e-5)
    assert there.beside.std() > 1e-2
    assert there.place.std() > 1e-3


def test_a_batch_is_the_loop_over_its_images(network: Deshuffler) -> None:
    pieces = torch.randn(3, 4, 3, 16, 16)
    together = score(network, pieces)
    for i in range(3):
        for one, many in zip(score(network, pieces[i : i + 1]), together, strict=True):
            assert torch.allclose(one[0], many[i], atol=1e-5)


@pytest.mark.parametrize("side", [7, 3])
def test_a_seam_is_one_linear_layer_over_both_strips(side: int) -> None:
    """Pair by pair: the last columns of one, outermost last, and the first of the other, outermost last."""
    torch.manual_seed(0)
    pieces, channels, depth = 3, 2, 5
    seam = Seam(channels, depth=depth, width=6)
    maps = torch.randn(2 * pieces, channels, side, side)
    settled(seam, maps, pieces)
    with torch.no_grad():
        found = seam(maps, pieces)
        whole = torch.cat([seam.near.weight, seam.far.weight], dim=1)
        for n in range(2):
            for i in range(pieces):
                assert found[n, i, i] == 0
                for j in set(range(pieces)) - {i}:
                    left, right = maps[n * pieces + i], maps[n * pieces + j]
                    rows = []
                    for y in range(side):
                        kept = min(depth, side)
                        near = [left[:, y, side - kept + x] for x in range(kept)]
                        far = [right[:, y, kept - 1 - x] for x in range(kept)]
                        empty = [torch.zeros(channels)] * (depth - kept)
                        rows.append(torch.cat([*near, *empty, *far, *empty]))
                    line = F.linear(torch.stack(rows), whole).T[None, :, None]  # (1, width, 1, side)
                    line = torch.relu(seam.start(line))
                    for layer in seam.along:
                        line = torch.relu(line + layer(line))
                    seen = torch.cat([line.mean(dim=3), line.amax(dim=3)], dim=1)[0, :, 0]
                    assert found[n, i, j].item() == pytest.approx(seam.judge(seen).item(), abs=1e-5)


def test_above_is_beside_of_the_pieces_on_their_side(network: Deshuffler) -> None:
    """A seam that lies is looked at as one that stands: with the weights exchanged the scores are exchanged."""
    maps = torch.randn(4, 51, 8, 8)
    beside, above = network.beside[0], network.above[0]
    assert isinstance(beside, Seam)
    turned = Seam(51, depth=DEPTHS[0], width=64).eval()
    turned.load_state_dict(above.state_dict())
    pieces = torch.randn(1, 4, 3, 16, 16)
    with torch.inference_mode():
        assert torch.allclose(turned(maps.transpose(2, 3), 4), above(maps.transpose(2, 3), 4))
        first = score(network, pieces)
        swapped = Deshuffler(positions=4, hidden=32).eval()
        state = network.state_dict()
        for name in list(state):
            one, _, rest = name.partition(".")
            if one in ("beside", "above"):
                state[name] = network.state_dict()[f"{'above' if one == 'beside' else 'beside'}.{rest}"]
            if name.startswith("encoder") and state[name].ndim == 4:
                state[name] = state[name].transpose(2, 3)
        corners = state["vector.0.weight"].view(32, -1, 2, 2).transpose(2, 3)
        state["vector.0.weight"] = corners.reshape(32, -1)
        state["pair.weight"] = torch.cat(state["pair.weight"].chunk(2)[::-1])
        swapped.load_state_dict(state)
        second = score(swapped, pieces.transpose(3, 4))
    assert torch.allclose(first.beside, second.above, atol=1e-4)
    assert torch.allclose(first.above, second.beside, atol=1e-4)
    assert torch.allclose(first.place, second.place, atol=1e-4)


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
@pytest.mark.parametrize(("pieces", "height", "width"), [(2, 8, 4), (5, 6, 3), (9, 11, 11)], ids=["1x2", "1x5", "3x3"])
def test_every_encoder_at_every_size(encoder: str, pieces: int, height: int, width: int) -> None:
    net = Deshuffler(encoder=encoder, positions=pieces, hidden=8).eval()
    scores = score(net, torch.randn(2, pieces, 3, height, width))
    assert [tuple(part.shape) for part in scores] == [(2, pieces, pieces)] * 3
    assert all(part.dtype == torch.float32 and part.isfinite().all() for part in scores)


def test_the_stages_are_the_convolutions_of_vgg_11() -> None:
    widths, convolutions, *_ = ENCODERS["vgg11_bn"]
    ours = [m.weight.shape for m in Stages(widths, convolutions).modules() if isinstance(m, nn.Conv2d)]
    theirs = [m.weight.shape for m in VGGS["vgg11_bn"]().features if isinstance(m, nn.Conv2d)]
    assert ours == theirs
    assert len(ours) == 8


def test_poolings_are_cut_to_fit() -> None:
    widths, convolutions, *_ = ENCODERS["vgg11_bn"]
    stages = Stages(widths, convolutions).eval()
    with torch.inference_mode():
        assert [m.shape[-1] for m in stages(torch.rand(1, 3, 16, 16))] == [16, 8, 4, 2, 2]
        assert [m.shape[-1] for m in stages(torch.rand(1, 3, 112, 112))] == [112, 56, 28, 14, 7]
        assert [tuple(m.shape[2:]) for m in stages(torch.rand(1, 3, 16, 3))] == [(16, 3)] * 5


def test_gradients_reach_every_weight() -> None:
    net = Deshuffler(positions=4, hidden=16).train()
    sum(part.square().sum() for part in net(torch.randn(2, 4, 3, 16, 16))).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encoder": "vgg11"}, "did you mean vgg11_bn"),
        ({"positions": 0}, "positions=0"),
        ({"hidden": 0}, "hidden=0"),
        ({"dropout": 1.0}, r"dropout=1\.0"),
        ({"dropout": float("nan")}, "dropout=nan"),
    ],
)
def test_bad_arguments_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Deshuffler(**wrong)  # type: ignore[arg-type]
