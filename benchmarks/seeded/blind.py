"""Set-ups written without sight of the audit's rules: what they say of these is what they say of strangers.

``ARCHITECTURES`` are plans by name; ``HEALTHY`` are (name, set-up); ``FAULTS`` are (name, severity wanted, what should
be said, set-up). A set-up is made under the caller's ``torch.manual_seed``.
"""

from seeded.blind_faults import FAULTS
from seeded.blind_healthy import HEALTHY
from seeded.blind_plans import ARCHITECTURES

__all__ = ["ARCHITECTURES", "FAULTS", "HEALTHY"]
