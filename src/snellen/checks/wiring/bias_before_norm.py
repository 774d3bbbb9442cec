"""Are there biases that a normalisation takes out again?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, consumers, listed, weighted
from snellen.findings.finding import Finding

NAME = "wiring/bias_before_norm"


@dataclass(frozen=True)
class BiasBeforeNorm(WiringCheck):
    """A convolution or linear layer with a bias of which only a BatchNorm reads the output.

    BatchNorm subtracts the mean of the channel, and the bias with it: it has no effect and no gradient in training. For
    information, because it harms nothing. Refuted where the BatchNorm is never trained and its statistics are fixed.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        readers = consumers(seen.wired)
        idle = []
        for node in seen.wired.nodes:
            biases = [name for name in node.parameters if name.rpartition(".")[2] == "bias"]
            after = readers[node.index]
            if weighted(node) and biases and after and all("batch_norm" in r.kind for r in after):
                idle += biases
        if not idle:
            return []
        count = sum(seen.wired.parameters.get(name, 0) for name in idle)
        return [
            Finding(
                NAME,
                "info",
                "Biases before BatchNorm",
                f"BatchNorm subtracts the biases of the layers before it ({count:,} parameters): {listed(idle)}.",
                measured={"idle_biases": float(count)},
                remedy="Give these layers bias=False; the BatchNorm has a bias of its own.",
                reference="Ioffe, Szegedy 2015, Batch normalization, section 3.2, arXiv:1502.03167.",
            )
        ]
