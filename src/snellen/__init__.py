"""Snellen: an eye exam for image networks.

The public names are imported when they are first used, so that ``snellen --help`` does not wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snellen._errors import ImagesError as ImagesError
    from snellen._errors import InputError as InputError
    from snellen._errors import NetworkError as NetworkError
    from snellen._errors import NotApplicable as NotApplicable
    from snellen._errors import SnellenError as SnellenError
    from snellen._errors import UsageError as UsageError
    from snellen.exam.audit import audit_training as audit_training
    from snellen.exam.run import examine as examine
    from snellen.exam.training_audit import TrainingAudit as TrainingAudit
    from snellen.findings.finding import Finding as Finding
    from snellen.findings.findings import Findings as Findings
    from snellen.subject.images import Images as Images
    from snellen.subject.load.images import load_images as load_images
    from snellen.subject.load.network import load_network as load_network
    from snellen.subject.network import Network as Network
    from snellen.subject.preprocessing import Preprocessing as Preprocessing

_HOMES = {
    "Finding": "snellen.findings.finding",
    "Findings": "snellen.findings.findings",
    "Images": "snellen.subject.images",
    "ImagesError": "snellen._errors",
    "InputError": "snellen._errors",
    "Network": "snellen.subject.network",
    "NetworkError": "snellen._errors",
    "NotApplicable": "snellen._errors",
    "Preprocessing": "snellen.subject.preprocessing",
    "SnellenError": "snellen._errors",
    "TrainingAudit": "snellen.exam.training_audit",
    "UsageError": "snellen._errors",
    "audit_training": "snellen.exam.audit",
    "examine": "snellen.exam.run",
    "load_images": "snellen.subject.load.images",
    "load_network": "snellen.subject.load.network",
}
__all__ = list(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'snellen' has no attribute {name!r}; it has {', '.join(_HOMES)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
