"""Everything that can be asked for by name."""

from collections.abc import Mapping

from snellen.checks import detection, generation, training, wiring
from snellen.checks._base import CHECKS
from snellen.instruments import attacks, attribution, corruptions, uncertainty, visualisation
from snellen.studies import STUDIES


def catalogue() -> dict[str, Mapping[str, type]]:
    """Family -> name -> class, in the order they are printed."""
    return {
        "attribution": attribution.METHODS,
        "visualisation": visualisation.METHODS,
        "uncertainty": uncertainty.METHODS,
        "attacks": attacks.METHODS,
        "corruptions": corruptions.METHODS,
        "training": training.CHECKS,
        "wiring": wiring.CHECKS,
        "detection": detection.CHECKS,
        "generation": generation.CHECKS,
        "checks": CHECKS,
        "studies": STUDIES,
    }
