"""A whole standard examination, as a process: seconds, and the largest resident memory of any one process of it.

    python benchmarks/standard_exam.py NETWORK IMAGES [--weights FILE] [--rounds 1]

Wanted for SqueezeNet 1.1 on 200 photographs, two cores: under 3 minutes and under 2 GB.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("images")
    parser.add_argument("--weights")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print(versions())
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            command = [str(Path(sys.executable).with_name("snellen")), "examine", options.network, options.images]
            command += ["--weights", options.weights] if options.weights else []
            began = time.perf_counter()
            subprocess.run([*command, "--out", f"{folder}/report"], check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - began
            page = Path(folder, "report", "index.html").stat().st_size
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{seconds:.0f} s wall, {used.ru_utime + used.ru_stime:.0f} s of processor in all rounds so far, "
            f"peak {used.ru_maxrss / 2**20:.2f} GiB, page {page / 1e6:.1f} MB"
        )


if __name__ == "__main__":
    main()
