"""Is there a deep chain without a skip connection?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen._errors import SnellenError
from snellen.checks.wiring._base import Inspected, WiringCheck, weighted
from snellen.findings.evidence import Curve
from snellen.findings.finding import Finding
from snellen.instruments.architecture.gradient_depth import gradient_depth
from snellen.instruments.architecture.wiring import Wiring

NAME = "wiring/deep_chain"


@dataclass(frozen=True)
class DeepChain(WiringCheck):
    """How many layers of weights stand in a row that no other path leads around; above ``layers``, what gradients do.

    The gradient of a random direction of the output is measured at the output of each layer, on noise. A warning if its
    size changes by more than ``ratio`` from the last of these layers to the first; else for information: with good
    initialisation and BatchNorm gradients pass, and still a plain network of 34 layers trained worse than one of 18 (He
    et al., figure 4). Refuted by a training loss that falls as fast as that of a shallower network.

    Reference: He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385.
    """

    layers: int = 20
    ratio: float = 1e3

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        depth = longest_chain(seen.wired)
        measured = {"layers_in_a_row": float(depth)}
        if depth <= self.layers:
            many = f"{depth} layer{'s' * (depth != 1)}"
            text = f"At most {many} of weights stand in a row without another path around one of them."
            return [Finding(NAME, "ok", "No deep plain chain", text, measured=measured)]
        title = "A deep chain without skip connections"
        text = f"{depth} layers of weights stand in a row, and nothing leads around any of them."
        remedy = "Lead the input of every two or three layers around them and add it to their output."
        try:
            sizes = gradient_depth(seen.with_weights(), seen.wired.input_shape[1:])
        except SnellenError as reason:
            text += f" How gradients pass was not measured: {reason}"
            return [Finding(NAME, "info", title, text, measured=measured, remedy=remedy)]
        first, last = sizes[0][1], sizes[-1][1]
        change = first / last if last else 0.0
        apart = not 1 / self.ratio <= change <= self.ratio
        places = tuple(float(i) for i in range(1, len(sizes) + 1))
        curve = Curve(
            "Gradients by depth",
            "layer of weights, from the image",
            "root mean square of the gradient at its output",
            {"gradient": (places, tuple(size for _, size in sizes))},
            note="Of a random direction of the output, on noise.",
        )
        return [
            Finding(
                NAME,
                "warning" if apart else "info",
                title,
                f"{text} The gradient at the first layer is {change:.2g} times that at the last.",
                measured={**measured, "gradient_ratio": change},
                remedy=remedy + " Normalise, and initialise for the activation." * apart,
                evidence=(curve,),
                reference="He et al. 2015, Deep residual learning for image recognition, arXiv:1512.03385.",
            )
        ]


def longest_chain(wired: Wiring) -> int:
    """The most layers of weights in a row: from the image, or from where paths last met."""
    depth: list[int] = []
    for node in wired.nodes:
        before = max((depth[i] for i in node.inputs), default=0) if not node.joins else 0
        depth.append(before + weighted(node))
    return max(depth)
