"""Inspecting a network: Snellen and torchinfo in turn, from a built network to its table.

    python benchmarks/inspect_network.py [--rounds 7] [--networks vgg16 resnet152]

Snellen: parameters, multiply-adds, memory, receptive fields, the drawing and eleven checks. torchinfo: parameters,
multiply-adds and memory. Both with the network on the meta device, where nothing is computed, and torchinfo also as it
is used by default, with a real forward. Wanted: at least 1.0 x torchinfo's default; VGG16 in less than 2 s after import
and in less than 300 MB, both in a process of its own.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torchinfo import summary

from side_by_side import in_turn, ratio, versions
from snellen.exam.inspect import inspect_network
from snellen.nets.vgg import vgg
from snellen.subject.load.outline import without_numbers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from reference_nets import NETS  # type: ignore[import-not-found]

SHAPE = (3, 224, 224)


def alone() -> None:
    """What ``snellen inspect vgg16`` does after its imports, timed, and the most memory the process ever had."""
    began = time.perf_counter()
    with without_numbers():
        network = vgg(16)
    inspect_network(network, SHAPE)
    seconds, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"vgg16 built and inspected in {seconds:.2f} s after import; peak of the whole process {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--networks", nargs="+", default=["vgg16", "resnet50", "resnet152"], choices=sorted(NETS))
    parser.add_argument("--alone", action="store_true", help="only VGG16, in this process")
    options = parser.parse_args()
    if options.alone:
        alone()
        return
    print(versions("torchinfo"))
    subprocess.run([sys.executable, __file__, "--alone"], check=True)
    for name in options.networks:
        real = NETS[name]().eval()
        with torch.device("meta"):
            outline = NETS[name]().eval()
        shape = (1, *SHAPE)
        ways: dict[str, Callable[[], Any]] = {
            "snellen": partial(inspect_network, outline, SHAPE),
            "torchinfo": partial(summary, real, shape, verbose=0, depth=9),
            "torchinfo, meta": partial(summary, outline, shape, verbose=0, depth=9, device="meta"),
        }
        seconds = in_turn(ways, rounds=options.rounds)
        print(name)
        for way, values in seconds.items():
            print(f"  {way:16} median {statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})")
        for peer in ("torchinfo", "torchinfo, meta"):
            print(f"  {ratio(seconds, peer, 'snellen'):.2f} x the speed of {peer}")


if __name__ == "__main__":
    main()
