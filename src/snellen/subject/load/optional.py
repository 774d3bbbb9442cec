"""Packages that only some specifications need, imported when one asks."""

from importlib import import_module
from typing import Any

from snellen._errors import NetworkError


def optional(package: str, *, spec: str) -> Any:
    """The package, imported; its types are unknown here because it need not be installed.

    Args:
        package: such as ``torchvision``.
        spec: what asked for it, for the message.

    Raises:
        NetworkError: it is not installed, or cannot be imported beside this torch.

    >>> optional("json", spec="example").loads("[1]")
    [1]
    """
    root = package.partition(".")[0]
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != root:
            raise NetworkError(f"{spec} needs {root}, which needs {error.name}: pip install {error.name}") from error
        raise NetworkError(
            f"{spec} needs the package {root}, which is not installed: pip install {root}. {_matching()}"
        ) from error
    except Exception as error:
        raise NetworkError(
            f"{spec} needs the package {root}, which is installed but cannot be imported "
            f"({type(error).__name__}: {error}). {_matching()}"
        ) from error


def _matching() -> str:
    import torch

    return (
        f"torchvision must be built for this torch ({torch.__version__}): "
        "install both from the same index, such as https://download.pytorch.org/whl/cpu for a CPU build."
    )
