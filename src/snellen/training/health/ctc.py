"""Calls of the CTC loss, with what they were given."""

import inspect
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

SIGNATURE = inspect.signature(F.ctc_loss)


@dataclass(frozen=True, eq=False)
class CtcCall:
    """One call of ``F.ctc_loss``.

    Attributes:
        scores: what should be log-probabilities, (time, images, classes), or (time, classes) of one image.
        words: the targets of each image, as long as its target length says.
        times: how many moments of each image are read.
        blank: the class that means nothing.
        hides: ``zero_infinity``.
        value: what it returned; NaN if that was no single number, or it raised.
    """

    scores: Tensor
    words: tuple[Tensor, ...]
    times: tuple[int, ...]
    blank: int
    hides: bool
    value: float = math.nan

    def needs(self, image: int) -> int:
        """Moments that the shortest path takes: one a target, and a blank between two that are equal."""
        word = self.words[image]
        return len(word) + int((word[1:] == word[:-1]).sum())


class CtcCalls(TorchFunctionMode):
    """Notes every call of the CTC loss, also through ``nn.CTCLoss``."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[CtcCall] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not F.ctc_loss:
            return func(*args, **kwargs)
        call = _read(SIGNATURE.bind(*args, **kwargs))
        value = func(*args, **kwargs)
        if call is not None:
            whole = isinstance(value, Tensor) and value.numel() == 1
            self.found.append(replace(call, value=float(value.detach())) if whole else call)
        return value


def _read(given: inspect.BoundArguments) -> CtcCall | None:
    given.apply_defaults()
    values = given.arguments
    targets = values["targets"].detach().cpu()
    lengths, times = (torch.as_tensor(values[k]).flatten().tolist() for k in ("target_lengths", "input_lengths"))
    if targets.ndim == 2 and len(targets) == len(lengths):
        words = [row[:length] for row, length in zip(targets, lengths, strict=True)]
    elif targets.ndim == 1 and sum(lengths) <= len(targets):
        words = list(targets[: sum(lengths)].split(lengths))
    else:
        return None
    scores = values["log_probs"].detach()
    return CtcCall(scores, tuple(words), tuple(times), int(values["blank"]), bool(values["zero_infinity"]))
