"""How is a network wired? It is traced once, and every question about its graph is asked. No images are needed."""

import time
import traceback
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from snellen._errors import NetworkError, SnellenError, UsageError
from snellen.checks.wiring import CHECKS
from snellen.checks.wiring._base import Inspected, WiringCheck, by
from snellen.checks.wiring._seen import seen_by_a_unit
from snellen.checks.wiring._unit import one_layer
from snellen.exam.how import how
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.instruments.architecture.layer_table import table_of
from snellen.instruments.architecture.receptive_field import receptive_fields
from snellen.instruments.architecture.wiring import wiring
from snellen.subject.network import Network

FIRST = ("table", "never_called", "no_path", "field_size", "unproductive", "misaligned")


def inspect_network(
    network: Network | nn.Module,
    input_shape: tuple[int, ...] | None = None,
    *,
    layer: str | None = None,
    unit: tuple[int, ...] | None = None,
    pixels: Tensor | None = None,
    names: Sequence[str] | None = None,
    object_size: int | None = None,
    with_weights: Callable[[], Network] | None = None,
) -> Findings:
    """Inspect how a network is wired: its layers, what each of them sees, a drawing, and what is odd about it.

    Args:
        network: a module or a Network, left as it was. It may be on the meta device, without numbers.
        input_shape: channels and axes, such as (3, 224, 224); the network's own if not given.
        layer: a layer to look at more closely, by its qualified name.
        unit: of that layer, one index for each axis; the one in the middle if not given.
        pixels: (n, c, h, w) in [0, 1]; what the unit sees of them is shown.
        names: of these images, as the page calls them; by their place if not given.
        object_size: pixels of the objects that it is to see.
        with_weights: makes the network with its numbers where they are needed; by default it has them.

    Raises:
        UsageError: no input size is known, or no such layer or unit.
        NetworkError: the network cannot run on an input of this shape.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2), nn.ReLU())
    >>> [finding.title for finding in inspect_network(net, (3, 8, 8)).warnings]
    ['An activation behind the scores']
    """
    began = time.perf_counter()
    network = network if isinstance(network, Network) else Network(network)
    if pixels is not None and layer is None:
        raise UsageError("images show what a unit of one layer sees: name the layer")
    try:
        wired = wiring(network, input_shape)
    except NetworkError:
        if with_weights is None or network.device.type != "meta":
            raise
        network = with_weights()
        wired = wiring(network, input_shape)
    numbers = with_weights or (lambda: network)
    used = [network]

    def weighted() -> Network:
        used[0] = numbers()
        return used[0]

    seen = Inspected(
        network=network,
        wired=wired,
        table=table_of(network, wired),
        fields=receptive_fields(wired),
        object_size=object_size,
        with_weights=weighted,
    )
    close = [one_layer(seen, layer, unit)] if layer is not None else []
    if pixels is not None and layer is not None:
        close.append(seen_by_a_unit(seen, layer, unit, pixels, names))
    found = [f for name in _order() for f in _ask(name, CHECKS[name](), seen)]
    return Findings(
        (*close, *found),
        subject={"network": network.name, "input": by(wired.input_shape[1:])},
        run=how("inspect", 0, time.perf_counter() - began, used[0]),
    )


def _order() -> list[str]:
    """As a reader wants them: what it is, then what is odd."""
    return [*FIRST, *(name for name in CHECKS if name not in FIRST)]


def _ask(name: str, check: WiringCheck, seen: Inspected) -> Sequence[Finding]:
    try:
        return tuple(check(seen))
    except SnellenError as reason:
        return (Finding(f"wiring/{name}", "info", "Could not be answered", f"{reason}"),)
    except Exception as error:
        lines = tuple((line.rstrip(),) for line in traceback.format_exc().splitlines())
        return (
            Finding(
                f"wiring/{name}",
                "warning",
                "The check crashed",
                f"{type(error).__name__}: {error}. The other findings are not affected.",
                remedy="This is a defect of the check or an unusual network: please report it with the lines below.",
                evidence=(Table("Traceback", ("line",), lines, shown=40),),
            ),
        )
