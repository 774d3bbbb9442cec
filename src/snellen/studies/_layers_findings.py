"""What the comparison of layers found, in the words of the exam's questions."""

import numpy as np

from snellen.findings.evidence import Gallery, HeatMap, Table, Tile
from snellen.findings.finding import Finding
from snellen.studies._compared import Compared, Connected

EXACT = 1e-9
"""Differences below this, in float64, are those of rounding."""


def findings(result: Compared) -> tuple[Finding, ...]:
    """In the order of the page."""
    return (_connected(result.connected), _normalised(result))


def _connected(found: Connected) -> Finding:
    outputs, inputs = found.matrix.shape
    entries = outputs * inputs
    same = _same(found.error, found.pointwise_error, found.head_error, found.window_error)
    return Finding(
        "study/fully_connected",
        "info",
        "A convolution is a fully-connected layer with few weights",
        f"Both multiply the input by a matrix and add a bias: the outputs are {same}. Of the {entries:,} entries that "
        f"a fully-connected layer learns between the same {inputs} inputs and {outputs} outputs, the convolution uses "
        f"{found.connections} ({found.connections / entries:.1%}) and repeats {found.weights} weights in them, each "
        f"{min(found.uses)} to {max(found.uses)} times.",
        measured={
            "matrix_entries": float(entries),
            "matrix_connections": float(found.connections),
            "matrix_density": found.connections / entries,
            "conv_weights": float(found.weights),
            "fewest_uses": float(min(found.uses)),
            "most_uses": float(max(found.uses)),
            "longer_input": float(found.lengths[1]),
            "longer_output": float(found.longer),
            "class_map_side": float(found.maps[0]),
            "matrix_error": found.error,
            "pointwise_error": found.pointwise_error,
            "head_error": found.head_error,
            "window_error": found.window_error,
        },
        headlines=("matrix_density", "conv_weights"),
        evidence=(
            Table(
                "The same shapes, two layers",
                ("", "weights", "connections", f"input of {found.lengths[1]} positions"),
                (
                    ("fully-connected", entries, entries, "refused"),
                    ("convolution", found.weights, found.connections, f"{found.longer} positions"),
                ),
                note="Weights without biases.",
            ),
            _picture(found),
            Table(
                "Equal outputs",
                ("what", "against", "largest difference"),
                (
                    ("convolution", "its matrix", found.error),
                    ("Conv1d with a kernel of 1", "a linear layer at every position", found.pointwise_error),
                    (f"a VGG's head at {found.sides[0]} pixels", "as convolutions", found.head_error),
                    (
                        f"that head on every window at {found.sides[1]} pixels",
                        f"its {found.maps[0]} x {found.maps[1]} class map",
                        found.window_error,
                    ),
                ),
                note="Computed in float64.",
            ),
        ),
        reference="IN5400 exam 2021, exercise 4a; Dumoulin and Visin 2016, arXiv:1603.07285.",
    )


def _picture(found: Connected) -> Gallery:
    edge = float(np.abs(found.matrix).max())
    heat = HeatMap(
        "Its matrix: a row for every output, a column for every input",
        found.matrix.astype(np.float32),
        -edge,
        edge,
        "weight",
        "diverging",
    )
    return Gallery("The convolution as a matrix", (Tile("Conv1d", (heat,)),), "Each band repeats the same weights.")


def _normalised(result: Compared) -> Finding:
    batch, adaptive = result.normalised
    measured: dict[str, float] = {
        "adain_identity_error": result.identity_error,
        "adain_style_error": result.style_error,
    }
    for layer, key in ((batch, "batch_norm"), (adaptive, "adain")):
        measured |= {
            f"{key}_mates": layer.mates,
            f"{key}_mates_evaluation": layer.mates_evaluation,
            f"{key}_modes": layer.modes,
            f"{key}_means": float(layer.means),
            f"{key}_learned": float(layer.learned),
            f"{key}_kept": float(layer.kept),
            f"{key}_sample_spread": layer.sample_spread,
        }
    return Finding(
        "study/normalisation",
        "info",
        "BatchNorm looks at the batch, AdaIN at the style",
        f"With other samples in its batch, the output of the same sample changes by up to {batch.mates:.2f} in "
        f"BatchNorm (training) and by {_number(adaptive.mates)} in AdaIN. BatchNorm takes {batch.means} means from "
        f"{result.samples} samples of {result.channels} channels, and its scale and shift are {batch.learned} learned "
        f"numbers, the same for all; AdaIN takes {adaptive.means} means, and its scale and shift are the style's, of "
        f"each sample its own; {adaptive.learned} are learned.",
        measured=measured,
        headlines=("batch_norm_mates", "adain_mates"),
        evidence=(
            Table(
                "One batch, two normalisations",
                ("", batch.name, adaptive.name),
                (
                    ("means and variances taken over", "batch and positions", "positions"),
                    ("of each, in this batch", batch.means, adaptive.means),
                    ("scale and shift", "learned", "from the style"),
                    ("parameters", batch.learned, adaptive.learned),
                    ("numbers kept for evaluation", batch.kept, adaptive.kept),
                    ("change with other batch mates, training", batch.mates, adaptive.mates),
                    ("change with other batch mates, evaluation", batch.mates_evaluation, adaptive.mates_evaluation),
                    ("training against evaluation", batch.modes, adaptive.modes),
                ),
                note="Changes: the largest of any output of the first sample, or of any sample between the modes.",
            ),
            Table(
                "Identities of AdaIN",
                ("identity", "largest difference"),
                (
                    ("AdaIN(x, x) = x", result.identity_error),
                    ("mean and spread of AdaIN(x, y) are those of y", result.style_error),
                ),
            ),
        ),
        reference="IN5400 exam 2021, exercise 4b; Ioffe and Szegedy 2015, arXiv:1502.03167; Huang and Belongie 2017, "
        "arXiv:1703.06868.",
    )


def _same(*errors: float) -> str:
    return "the same but for rounding" if max(errors) < EXACT else f"the same to {max(errors):.1g}"


def _number(value: float) -> str:
    return "0" if value < EXACT else f"{value:.2f}"
