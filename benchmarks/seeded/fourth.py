"""A fourth set of set-ups written without sight of the audit's rules: people's slips, and what only looks like one.

The others are ``blind.py``, ``second.py`` and ``third.py``, whose shape it has.
"""

from seeded import (
    fourth_faults,
    fourth_healthy,
    fourth_images_healthy,
    fourth_labels_healthy,
    fourth_losses_faults,
    fourth_losses_healthy,
    fourth_made_healthy,
    fourth_mild_faults,
    fourth_mixed_faults,
    fourth_targets_faults,
    fourth_tuned_healthy,
)

HEALTHY = [
    *fourth_healthy.HEALTHY,
    *fourth_tuned_healthy.HEALTHY,
    *fourth_losses_healthy.HEALTHY,
    *fourth_labels_healthy.HEALTHY,
    *fourth_images_healthy.HEALTHY,
    *fourth_made_healthy.HEALTHY,
]
FAULTS = [
    *fourth_faults.FAULTS,
    *fourth_mixed_faults.FAULTS,
    *fourth_losses_faults.FAULTS,
    *fourth_targets_faults.FAULTS,
    *fourth_mild_faults.FAULTS,
]

__all__ = ["FAULTS", "HEALTHY"]
