"""Monte Carlo dropout, with the deterministic trunk computed once."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments.uncertainty._base import UncertaintyMethod
from snellen.instruments.uncertainty._dropout import DropoutOn
from snellen.instruments.uncertainty._lockstep import fill_in_lockstep
from snellen.instruments.uncertainty._tape import Recorder, Tape
from snellen.subject.network import Network


@dataclass(frozen=True)
class MCDropout(UncertaintyMethod):
    """Predict many times with dropout left on, and see how much the answers differ.

    A network trained with dropout is, to a variational approximation, a Gaussian process; sampling its masks at test
    time samples that posterior (Gal and Ghahramani 2016). The predictive mean is p = 1/T sum_t softmax(f_t(x)), its
    entropy H(p) all the uncertainty, and H(p) - 1/T sum_t H(p_t) the part that comes from not knowing the weights.

    Every dropout with p > 0 is switched on, module or function; nothing else is: BatchNorm keeps its running
    statistics and no mode of the network is touched. What comes before the first draw is computed once and only the
    rest T times; the samples are bit for bit those of T forwards in a loop from the same seed (a batch of one) and
    each image gets the masks it would get alone. ``details`` says where dropout was found, which share of the
    multiply-adds was saved, and why if the whole network had to be run T times.

    >>> import torch
    >>> from snellen import Network
    >>> layers = torch.nn.Flatten(), torch.nn.Linear(12, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)
    >>> result = MCDropout(samples=20)(Network(torch.nn.Sequential(*layers)), torch.rand(4, 3, 2, 2), seed=0)
    >>> result.probabilities.shape, result.details["dropout"]
    (torch.Size([4, 2]), {'2': 0.5})

    Args:
        samples: T, forwards with dropout on.
        reuse_trunk: compute what does not depend on a mask once; switch off to compare.
        exact: give the bits of the loop. Switched off, large products are done for all samples at once: the same masks,
            faster, and scores that differ from the loop's by rounding (about 1e-6 of the largest).

    Raises:
        NotApplicable: the network has no dropout that draws.

    Reference: Gal and Ghahramani 2016, Dropout as a Bayesian Approximation (arXiv:1506.02142); the decomposition:
    Houlsby et al. 2011 (arXiv:1112.5745).
    """

    samples: int = 100
    reuse_trunk: bool = True
    exact: bool = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise UsageError(f"samples must be at least 1, got {self.samples}")

    def sample(self, network: Network, pixels: Tensor) -> tuple[Float[Tensor, "t n k"], Mapping[str, Any]]:
        dropout = DropoutOn(network.module, len(pixels))
        start = _rng_state(pixels)
        first, tape = self._first(network, pixels, dropout)
        network.check_output(first, len(pixels))
        if not dropout.sites and tape.output is None:
            raise NotApplicable(
                f"MC dropout needs a dropout with p > 0 in the forward and {network.name} ran none. Use an ensemble, "
                "test-time augmentation or a calibrated softmax; a dropout put in after training says nothing."
            )
        reason = self._why_not(tape, dropout)
        after = _rng_state(pixels)
        # One block for all samples: a scores tensor kept beside each pass's large ones would scatter the heap.
        samples = first.new_empty((self.samples, *first.shape))
        samples[0] = first
        if not reason and self.samples > 1:
            _set_rng_state(pixels, start)
            fill_in_lockstep(tape, samples, exact=self.exact)
            repeated = torch.equal(samples[0], first) if self.exact else _close(samples[0], first)
            samples[0] = first
            if not repeated:
                reason = "the recorded forward could not be repeated exactly"
        if reason:
            _set_rng_state(pixels, after)
            with dropout:
                for sample in samples[1:]:
                    sample.copy_(_scores(network, pixels))
        total = tape.trunk_macs + tape.rest_macs
        saved = 0.0 if reason or not total else (1 - 1 / self.samples) * tape.trunk_macs / total
        return samples, {
            "dropout": dropout.sites,
            "independent_masks": sorted(dropout.independent),
            "share_of_work_saved": saved,
            "trunk_macs": tape.trunk_macs // len(pixels),
            "rest_macs": tape.rest_macs // len(pixels),
            "whole_network_repeated": reason,
        }

    def _first(self, network: Network, pixels: Tensor, dropout: DropoutOn) -> tuple[Tensor, Tape]:
        """The first sample, recorded."""
        recorder = Recorder([pixels, *network.module.parameters(), *network.module.buffers()])
        before = _plain_draws()
        with recorder, dropout:
            first = _scores(network, pixels)
        tape = recorder.finish(first)
        if _plain_draws() != before:
            tape.unsafe = tape.unsafe or "its forward draws from Python's or NumPy's generator"
        return first, tape

    def _why_not(self, tape: Tape, dropout: DropoutOn) -> str:
        if not self.reuse_trunk:
            return "asked for with reuse_trunk=False"
        if dropout.leaked:
            return "its forward turns tensors into Python numbers"
        if tape.output is None:
            return "its scores do not depend on the draws"
        return tape.unsafe


def _scores(network: Network, pixels: Tensor) -> Tensor:
    try:
        output = network.module(network.normalise(pixels))
    except (NetworkError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise NetworkError(f"{network.name} raised with dropout on: {type(error).__name__}: {error}") from error
    if not isinstance(output, Tensor) or output.ndim != 2:
        return network.check_output(output, len(pixels))
    return output


def _plain_draws() -> tuple[Any, ...]:
    """Where Python's and NumPy's generators stand."""
    name, keys, *rest = np.random.get_state(legacy=True)
    return random.getstate(), name, np.asarray(keys).tobytes(), *rest


def _close(repeated: Tensor, first: Tensor) -> bool:
    return bool((repeated - first).abs().max() <= 1e-4 * first.abs().max())


def _rng_state(like: Tensor) -> Tensor:
    return torch.cuda.get_rng_state(like.device) if like.is_cuda else torch.get_rng_state()


def _set_rng_state(like: Tensor, state: Tensor) -> None:
    if like.is_cuda:
        torch.cuda.set_rng_state(state, like.device)
    else:
        torch.set_rng_state(state)
