"""Every test runs with one thread, so that several test processes do not fight over the cores."""

import torch

torch.set_num_threads(1)
