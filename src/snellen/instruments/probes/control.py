"""Controls: the same network with random weights, and BatchNorm statistics of the images at hand for all."""

import copy
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from snellen._errors import NetworkError, NotApplicable
from snellen._shapes import Pixels
from snellen.instruments.probes.taps import run_view
from snellen.instruments.probes.views import views_of
from snellen.subject.network import Network
from snellen.subject.quiet import quiet


def random_twin(network: Network, *, seed: int) -> Network:
    """A network of the same architecture whose weights were never trained.

    A copy in which every module that has ``reset_parameters()`` is initialised anew; what no reset covers (a class
    token, a learnt scale) has its own entries shuffled, which keeps their distribution. Its notes say so.

    Args:
        network: left exactly as it was.
        seed: the same seed gives the same twin.

    Raises:
        NotApplicable: the module cannot be copied.

    >>> net = Network(nn.Linear(2, 2))
    >>> torch.equal(random_twin(net, seed=0).module.weight, random_twin(net, seed=0).module.weight)
    True
    >>> torch.equal(random_twin(net, seed=0).module.weight, net.module.weight)
    False
    """
    twin = _copied(network).cpu()
    covered: set[nn.Parameter] = set()
    with torch.no_grad(), quiet(nn.Identity(), seed=seed):
        for submodule in twin.modules():
            reset = getattr(submodule, "reset_parameters", None)
            if callable(reset):
                reset()
                covered.update(submodule.parameters(recurse=False))
        shuffled = [(name, p) for name, p in twin.named_parameters() if p not in covered]
        for _, parameter in shuffled:
            order = torch.randperm(parameter.numel())
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    notes = [f"weights drawn anew with seed {seed}"]
    if shuffled:
        some = ", ".join(name for name, _ in shuffled[:3]) + (", ..." if len(shuffled) > 3 else "")
        notes.append(f"{len(shuffled)} parameters that no reset covers had their entries shuffled: {some}")
    return replace(network, module=twin.to(network.device), name=f"{network.name}, random weights", notes=notes)


def has_statistics(module: nn.Module) -> bool:
    """Whether the module has a BatchNorm that keeps statistics."""
    return any(_keeps(m) for m in module.modules())


def calibrated(network: Network, batches: Iterable[Pixels], *, view: str = "") -> Network:
    """A copy whose BatchNorm statistics are those of these images; a network that keeps none is returned itself.

    mean = average over the batches of the batch's mean, and the same for the variance; everything else, dropout
    included, is as in evaluation. A network with random weights whose BatchNorm still has mean 0 and variance 1 is
    handicapped against a trained one; this puts both on the same footing.

    Args:
        network: left exactly as it was.
        batches: (b, c, h, w) pixels in [0, 1]; a last batch of one image is left out where there are others.
        view: which view (see :class:`HasViews`) the images are sent through.

    Raises:
        NotApplicable: the module cannot be copied.
        NetworkError: the network raised.

    >>> net = Network(nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 2)))
    >>> round(float(calibrated(net, [torch.full((2, 1, 2, 2), 0.25)]).module[0].running_mean), 4)
    0.25
    """
    if not has_statistics(network.module):
        return network
    module = _copied(network).eval()
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and _keeps(m)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    used = 0
    with torch.inference_mode(False), torch.no_grad(), quiet(nn.Identity()):
        through = views_of(module)[view]
        for pixels in batches:
            if len(pixels) == 1 and used:
                continue
            run_view(network, through, network.normalise(pixels.to(network.device)))
            used += len(pixels)
    if not used:
        raise NetworkError("BatchNorm statistics need at least one image, got none")
    return replace(network, module=module.eval())


def _keeps(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and module.running_mean is not None


def _copied(network: Network) -> nn.Module:
    try:
        return copy.deepcopy(network.module)
    except Exception as error:
        raise NotApplicable(
            f"{network.name} cannot be copied ({type(error).__name__}: {error}), so there is no control with random "
            "weights; ask for other comparisons (against=, --against pixels)"
        ) from error
