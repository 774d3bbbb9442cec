"""Are normalisation and dropout in the right mode while the network trains?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding
from snellen.training.health.calls import ModuleCall
from snellen.training.health.facts import Observation
from snellen.training.health.fresh import untouched_statistics

NAME = "training/modes"


@dataclass(frozen=True)
class Modes(TrainingCheck):
    """BatchNorm and dropout as they ran in the training step.

    - BatchNorm in eval mode, its statistics never updated (mean 0, variance 1, no batch seen), its gain trained: error,
      for it normalises nothing.
    - The whole network in eval mode, with BatchNorm whose gain is trained or dropout in it: warning. BatchNorm alone in
      eval mode is how frozen statistics are kept when fine-tuning, and is mentioned at most.
    - BatchNorm in training mode whose own gain and all weights before it are frozen: its statistics drift away from
      those its frozen weights know. A warning if this batch is ``drift`` of their deviations from them and they were
      gathered over ``settled`` batches, else mentioned.
    - BatchNorm in training mode over ``few`` values a channel or fewer: warning.
    - A LayerNorm, or a group of a GroupNorm, over one number (it is always its bias), and a BatchNorm whose eps is
      ``drowned`` times the variance that it is given (nothing is normalised, all is made small): error.
    - BatchNorm with momentum 0 whose statistics are untouched: error. Momentum or dropout of ``last`` or more: warning;
      a dropout of 1: error.

    Args:
        drift: median over the channels of |mean - running mean| / deviation and of the log ratio of the deviations.
        few: values a channel.
        settled: batches.
        last: momentum, and share that is dropped.

    Reference: Ioffe and Szegedy 2015, arXiv:1502.03167; Lightning issues 18930, 19820 and 20128.
    """

    drift: float = 0.5
    few: int = 4
    last: float = 0.9
    settled: int = 30
    drowned: float = 100.0

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        norms = [c for c in seen.modules if isinstance(c.module, _BatchNorm)]
        drops = [c for c in seen.modules if isinstance(c.module, _DropoutNd) and c.module.p > 0]
        lone = list(self._alone(seen))
        if not norms and not drops:
            return lone or [Finding(NAME, "ok", "Modes", "No BatchNorm and no dropout: the mode makes no difference.")]
        found = [*lone, *self._drowns(norms), *self._never_updated(seen, norms), *self._all_eval(seen, norms, drops)]
        found += [*self._drifting(seen, norms), *self._too_few(norms), *self._momentum(norms), *self._drops_all(drops)]
        text = f"{len(norms)} BatchNorm and {len(drops)} dropout layers ran; "
        running = [c for c in (*norms, *drops) if c.training]
        return found or [Finding(NAME, "ok", "Modes", f"{text}{len(running)} of them in training mode.")]

    def _alone(self, seen: Observation) -> Iterator[Finding]:
        alone = [c.name for c in seen.modules if isinstance(c.module, nn.LayerNorm) and _one(c.module)]
        alone += [c.name for c in seen.modules if isinstance(c.module, nn.GroupNorm) and c.values == 1]
        if alone:
            text = f"{listed(alone)} normalise{'s' * (len(alone) == 1)} over one number: its mean is itself, and what "
            text += "is left of it is the bias, whatever the image."
            yield Finding(NAME, "error", "A normalisation of one number", text, remedy="Leave it away.")

    def _drowns(self, norms: Sequence[ModuleCall]) -> Iterator[Finding]:
        bad = [c for c in norms if isinstance(c.module, _BatchNorm) and 0 < c.variance * self.drowned < c.module.eps]
        if bad:
            text = (
                f"{listed([c.name for c in bad])} {'has' if len(bad) == 1 else 'have'} an eps of {bad[0].module.eps:g}"
            )
            text += f" beside a variance of {bad[0].variance:.2g}: nothing is normalised, all is divided by "
            text += f"{float(bad[0].module.eps) ** 0.5:.3g}."  # type: ignore[arg-type]
            yield Finding(NAME, "error", "The eps drowns the variance", text, remedy="Use an eps of 1e-5.")

    def _never_updated(self, seen: Observation, norms: Sequence[ModuleCall]) -> Iterator[Finding]:
        bad = [c.name for c in norms if _tracks_in_eval(c) and untouched_statistics(c.module) and _trained(seen, c)]
        if bad:
            text = f"{listed(bad)} ran in eval mode with the statistics of the initialisation (mean 0, variance 1)"
            text += ": nothing is normalised, and nothing ever will be."
            remedy = "Call network.train() before the loop, and again after every validation."
            yield Finding(NAME, "error", "BatchNorm does not normalise", text, remedy=remedy)

    def _all_eval(
        self, seen: Observation, norms: Sequence[ModuleCall], drops: Sequence[ModuleCall]
    ) -> Iterator[Finding]:
        modes = {c.training for c in seen.modules}
        idle = [c for c in norms if _tracks_in_eval(c) and _trained(seen, c) and not untouched_statistics(c.module)]
        if True not in modes and (idle or drops):
            what = [f"{len(idle)} BatchNorm layers keep their old statistics"] * bool(idle)
            what += [f"{len(drops)} dropout layers drop nothing"] * bool(drops)
            text = f"The whole network ran in eval mode: {' and '.join(what)}."
            remedy = "Call network.train() before the loop, and again after every validation."
            yield Finding(NAME, "warning", "Training in eval mode", text, remedy=remedy)
        elif idle:
            text = f"{len(idle)} BatchNorm layers ran in eval mode and have a trained gain: their statistics are kept."
            yield Finding(NAME, "info", "Frozen statistics", text)

    def _drifting(self, seen: Observation, norms: Sequence[ModuleCall]) -> Iterator[Finding]:
        parameters = {p.name: p for p in seen.parameters}
        drifting = []
        for call in norms:
            gain = parameters.get(f"{call.name}.weight" if call.name else "weight")
            if not call.training or gain is None or gain.trains or untouched_statistics(call.module):
                continue
            if not isinstance(call.module, _BatchNorm) or call.module.running_mean is None or call.module.momentum == 0:
                continue
            if not any(parameters[n].trains for n in gain.consumes) and gain.fresh.verdict != "constant":
                drifting.append(call)
        if drifting:
            worst = max(drifting, key=lambda c: c.drift)
            text = (
                f"{listed([c.name for c in drifting])} {'is' if len(drifting) == 1 else 'are'} frozen but in training "
                f"mode: this batch is {worst.drift:.2g} deviations from the statistics of {worst.name}, and each step "
                "moves them."
            )
            count = worst.module.num_batches_tracked
            far = worst.drift > self.drift and (count is None or int(count) >= self.settled)  # type: ignore[arg-type]
            remedy = "Put frozen BatchNorm layers in eval mode, after every network.train()." if far else ""
            title = "Statistics of frozen layers drift"
            yield Finding(NAME, "warning" if far else "info", title, text, remedy=remedy)

    def _too_few(self, norms: Sequence[ModuleCall]) -> Iterator[Finding]:
        few = [c for c in norms if c.training and c.values is not None and c.values <= self.few]
        if few:
            text = f"{listed([c.name for c in few])} normalise over {min(c.values or 0 for c in few)} values a channel."
            remedy = "Use larger batches, GroupNorm, or BatchNorm in eval mode."
            yield Finding(NAME, "warning", "BatchNorm on very few values", text, remedy=remedy)

    def _momentum(self, norms: Sequence[ModuleCall]) -> Iterator[Finding]:
        tracks = [c for c in norms if c.training and isinstance(c.module, _BatchNorm) and c.module.track_running_stats]
        never = [c.name for c in tracks if c.module.momentum == 0 and untouched_statistics(c.module)]
        last = [c.name for c in tracks if isinstance(m := c.module.momentum, float | int) and m >= self.last]
        note = " PyTorch's momentum is the weight of the new batch, 1 minus that of other libraries."
        if never:
            text = (
                f"{listed(never)} have momentum 0: their running mean and variance stay at 0 and 1, and in eval mode "
            )
            text += f"the network normalises by these.{note}"
            remedy = "Use a momentum of 0.1."
            yield Finding(NAME, "error", "BatchNorm with momentum 0", text, remedy=remedy)
        if last:
            text = f"{listed(last)} have a momentum of {self.last} or more: in eval mode the network normalises by the "
            text += f"last batch.{note}"
            remedy = "Use a momentum of 0.1."
            yield Finding(NAME, "warning", "BatchNorm remembers the last batch only", text, remedy=remedy)

    def _drops_all(self, drops: Sequence[ModuleCall]) -> Iterator[Finding]:
        shares = {c.name: m.p for c in drops if c.training and isinstance(m := c.module, _DropoutNd)}
        most = {name: p for name, p in shares.items() if p >= self.last}
        if most:
            text = f"{listed(list(most))} drop {max(most.values()):.0%} of their inputs."
            remedy = "p is the share that is dropped, not the one that is kept; 0.1 to 0.5 are usual."
            if max(most.values()) == 1:
                yield Finding(NAME, "error", "Dropout drops all", text, remedy=remedy)
            else:
                yield Finding(NAME, "warning", "Dropout drops nearly all", text, remedy=remedy)


def _tracks_in_eval(call: ModuleCall) -> bool:
    return not call.training and isinstance(call.module, _BatchNorm) and call.module.running_mean is not None


def _trained(seen: Observation, call: ModuleCall) -> bool:
    own: set[int] = (
        {id(p) for p in call.module.parameters(recurse=False)} if isinstance(call.module, nn.Module) else set()
    )
    names = {n for n, p in seen.setup.module.named_parameters() if id(p) in own}
    return bool(names & seen.trained)


def _one(module: nn.LayerNorm) -> bool:
    return math.prod(module.normalized_shape) == 1
