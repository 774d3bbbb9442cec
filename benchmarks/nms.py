"""Non-maximum suppression of 20,000 boxes on one thread: Snellen, kornia and, where its C++ loads, torchvision.

    python benchmarks/nms.py [--rounds 5]

Wanted: less than 0.5 s, at least 1.0 x the speed of each peer, and the same boxes. Cases: ``sparse``, small boxes of
which nearly all stay; ``random``, of which half stay; ``sizes``, from 6 to 360 pixels; ``objects``, a thousand boxes
around each of 20 places; ``one``, all around one place; ``classes``, as ``objects`` in 80 classes. The peers compare a
float32 IoU with the threshold, so a pair within 1e-7 of it may differ. Needs a peer: ``pip install kornia``.
"""

import argparse
import contextlib
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from side_by_side import in_turn, ratio, versions
from snellen.instruments.detection.nms import class_wise_nms, nms

COUNT, THRESHOLD, CLASSES = 20_000, 0.5, 80
CASES = ("sparse", "random", "sizes", "objects", "one", "classes")


def boxes_of(case: str) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores and classes on an image of 1,000 pixels, drawn by seed 0."""
    g = torch.Generator().manual_seed(0)
    centre, spread = torch.rand(COUNT, 2, generator=g) * 1000, torch.rand(COUNT, 2, generator=g)
    if case == "sparse":
        size = 4 + 20 * spread
    elif case == "random":
        size = 10 + 90 * spread
    elif case == "sizes":
        size = 2 ** (2.5 + 6 * spread)
    else:
        places = torch.rand(1 if case == "one" else 20, 4, generator=g)
        of = places[torch.randint(len(places), (COUNT,), generator=g)]
        size = (50 + 200 * of[:, 2:]) * torch.exp(0.15 * torch.randn(COUNT, 2, generator=g))
        centre = 1000 * of[:, :2] + 0.1 * size * torch.randn(COUNT, 2, generator=g)
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1)
    return boxes, torch.rand(COUNT, generator=g), torch.randint(CLASSES, (COUNT,), generator=g)


def peers() -> dict[str, Callable[[Tensor, Tensor, float], Tensor]]:
    """What is installed and works."""
    found: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {}
    with contextlib.suppress(ImportError):
        from kornia.geometry.bbox import nms as of_kornia

        found["kornia"] = of_kornia
    with contextlib.suppress(ImportError, RuntimeError):
        from torchvision.ops import nms as of_torchvision

        of_torchvision(torch.tensor([[0.0, 0, 1, 1]]), torch.ones(1), 0.5)
        found["torchvision"] = of_torchvision
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    others = peers()
    print(versions(*others))
    if not others:
        print("no peer is installed, and none is compared; pip install kornia")
    for case in CASES:
        boxes, scores, classes = boxes_of(case)
        apart = boxes
        ways: dict[str, Callable[[], Any]] = {"snellen": partial(nms, boxes, scores, THRESHOLD)}
        if case == "classes":  # the peers' way: every class on an image of its own
            apart = boxes + classes[:, None] * (boxes.max() + 1)
            ways["snellen"] = partial(class_wise_nms, boxes, scores, classes, THRESHOLD)
        ways |= {name: partial(f, apart, scores, THRESHOLD) for name, f in others.items()}
        seconds = in_turn(ways, rounds=options.rounds)
        kept = ways["snellen"]()
        print(f"{case}: {len(kept)} of {COUNT} stay (IoU {THRESHOLD})")
        for name, values in seconds.items():
            print(f"  {name:12} median {statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})")
        for name in others:
            differ = len(set(kept.tolist()) ^ set(ways[name]().tolist()))
            print(f"  {ratio(seconds, name, 'snellen'):.1f} x the speed of {name}, {differ} boxes differ")


if __name__ == "__main__":
    main()
