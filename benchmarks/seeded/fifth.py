"""A fifth set of set-ups written without sight of the audit's rules: image networks as ordinary users write them.

Its shape is that of ``third.py``; each file lists its own set-ups in ``fifth_kit.py`` as it is imported.
"""

from seeded import (  # noqa: F401
    fifth_faults,
    fifth_healthy,
    fifth_healthy_layers,
    fifth_healthy_made,
    fifth_healthy_steps,
    fifth_healthy_tasks,
    fifth_healthy_tuned,
    fifth_loss_faults,
    fifth_made_faults,
    fifth_mild_faults,
)
from seeded.fifth_kit import FAULTS, HEALTHY

__all__ = ["FAULTS", "HEALTHY"]
