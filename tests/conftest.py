"""Every test runs with one thread, so that several test processes do not fight over the cores.

What is imported before the first test lives as long as the process: the collector of cycles need not look at it again
and again, which was a sixth of the processor time of 2,600 small tests.
"""

import gc

import pytest
import torch

torch.set_num_threads(1)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Take what is there out of the collector's sight, and let it look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
