"""Features of any network at named places: one vector an image."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError, raised, unknown
from snellen._shapes import Pixels
from snellen.instruments.probes.views import views_of
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

MOST = 6
INPUT = ":input"


def tap_names(module: nn.Module) -> tuple[str, ...]:
    """Every place at which features can be taken, in the order of ``named_modules``.

    ``layer2`` is the output of the module of that name; ``layer2:input``, which is not listed, what goes into it. A
    module with views (see :class:`HasViews`) has ``view/layer2``.

    >>> tap_names(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)))
    ('0', '1')
    """
    return tuple(
        f"{view}/{name}" if view else name
        for view, inside in views_of(module).items()
        for name, _ in inside.named_modules()
        if name
    )


def features(
    network: Network,
    batches: Iterable[Pixels],
    taps: Sequence[str],
    *,
    pool: int = 2,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Float[Tensor, "n d"]]:
    """The features of every image at every tap, batch by batch, on a quiet network.

    Maps (b, c, h, w) are averaged to at most ``pool`` x ``pool`` and flattened, vectors (b, d) stay as they are, tokens
    (b, t, d) are averaged over t. A module whose batch is r times that of the images (the pieces of a puzzle, ordered
    image by image), or that is called r times, gives the r vectors of an image one after the other, maps averaged to
    one number a channel.

    Args:
        network: left exactly as it was.
        batches: (b, c, h, w) pixels in [0, 1].
        taps: names as in :func:`tap_names`, with ``:input`` behind one for what goes into the module.
        pool: the side of an averaged map.
        progress: called with the number of images that are done.

    Returns:
        tap -> (n, d) float32 on the CPU.

    Raises:
        UsageError: no tap, an unknown one, one that the forward never reaches, a pool below 1.
        NetworkError: the network raised, or its features are no tensors, not finite, or of no fitting shape.

    >>> net = Network(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2)))
    >>> {tap: tuple(found.shape) for tap, found in features(net, [torch.rand(4, 3, 5, 5)], ["1", "3:input"]).items()}
    {'1': (4, 32), '3:input': (4, 72)}
    """
    if not taps or pool < 1:
        raise UsageError(f"at least one tap and a pool of at least 1 are needed, got {list(taps)} and {pool}")
    known = tap_names(network.module)
    for tap in taps:
        if tap.removesuffix(INPUT) not in known:
            raise unknown(f"tap of {network.name}", tap, known)
    found: dict[str, list[Tensor]] = {tap: [] for tap in taps}
    done = 0
    with torch.inference_mode(), quiet(network.module):
        for pixels in batches:
            for tap, outputs in outputs_at(network, pixels, taps).items():
                rows = torch.cat([_vectors(tap, o, len(pixels), _pieces(outputs, pixels), pool) for o in outputs], 1)
                if not torch.isfinite(rows).all():
                    raise NetworkError(f"the features of {network.name} at {tap} hold NaN or infinite values")
                found[tap].append(rows.cpu())
            done += len(pixels)
            if progress is not None:
                progress(done)
    if not done:
        raise UsageError("features are taken of at least one image, got none")
    return {tap: _joined(tap, rows) for tap, rows in found.items()}


def outputs_at(network: Network, pixels: Pixels, taps: Sequence[str]) -> dict[str, list[Tensor]]:
    """tap -> what was seen there in one forward, a tensor a call; to be called on a quiet network.

    Raises:
        UsageError: a tap that the forward never reaches.
        NetworkError: the network raised, or no tensor was at the tap.
    """
    seen: dict[str, list[Tensor]] = {tap: [] for tap in taps}
    inputs = network.normalise(pixels.to(network.device))
    for view, module in views_of(network.module).items():
        here = {tap: tap[len(view) + 1 :] if view else tap for tap in taps if not view or tap.startswith(f"{view}/")}
        if not here:
            continue
        with ExitStack() as stack:
            for tap, name in here.items():
                _watch(stack, module.get_submodule(name.removesuffix(INPUT)), name.endswith(INPUT), seen[tap], tap)
            run_view(network, module, inputs)
    for tap, outputs in seen.items():
        if not outputs:
            raise UsageError(
                f"{network.name} has the module {tap.removesuffix(INPUT)}, but its forward never calls it; "
                "tap another module"
            )
    return seen


def _watch(stack: ExitStack, module: nn.Module, before: bool, into: list[Tensor], tap: str) -> None:
    def keep(value: Any) -> None:
        # a copy, for a ReLU may work in place on what was seen
        into.append(_first_tensor(value, tap).detach().clone())

    if before:
        stack.callback(module.register_forward_pre_hook(lambda _, inputs: keep(inputs)).remove)
    else:
        stack.callback(module.register_forward_hook(lambda _, _inputs, output: keep(output)).remove)


def run_view(network: Network, module: nn.Module, inputs: Tensor) -> None:
    try:
        module(inputs)
    except (NetworkError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise raised(network.name, f"a batch of shape {tuple(inputs.shape)}", error) from error


def _first_tensor(value: Any, tap: str) -> Tensor:
    while not isinstance(value, Tensor):
        inside = tuple(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(inside, tuple | list) or not inside:
            raise NetworkError(f"no tensor is seen at {tap}, but {type(value).__name__}; tap another module")
        value = inside[0]
    return value


def _pieces(outputs: Sequence[Tensor], pixels: Tensor) -> int:
    """How many vectors an image gets."""
    return sum(max(1, len(output) // len(pixels)) if output.ndim else 1 for output in outputs)


def _vectors(tap: str, output: Tensor, count: int, pieces: int, pool: int) -> Tensor:
    """(n, d) of what was seen at a tap in one call."""
    if output.ndim == 0 or len(output) == 0 or len(output) % count:
        raise NetworkError(
            f"what is seen at {tap} must have one row an image, or a whole number of them; "
            f"got the shape {tuple(output.shape)} for {count} images"
        )
    values = output.float()
    if values.ndim == 4:
        side = 1 if pieces > 1 else pool
        values = F.adaptive_avg_pool2d(values, (min(side, values.shape[2]), min(side, values.shape[3])))
    elif values.ndim == 3:
        values = values.mean(dim=1)
    return values.reshape(count, -1)


def _joined(tap: str, rows: Sequence[Tensor]) -> Tensor:
    widths = {part.shape[1] for part in rows}
    if len(widths) > 1:
        raise NetworkError(f"the features at {tap} must be as long for every batch, got lengths {sorted(widths)}")
    return torch.cat(list(rows))
