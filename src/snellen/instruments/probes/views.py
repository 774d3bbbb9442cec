"""Other ways to send an image through a network that share its weights."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import nn

from snellen._errors import NetworkError


@runtime_checkable
class HasViews(Protocol):
    """A module that says how else an image can be sent through it.

    A network that takes puzzles cuts every image into pieces; its convolutions can also look at the whole image, and
    the two give different features. Such a module defines ``views()``.
    """

    def views(self) -> Mapping[str, nn.Module]:
        """Name -> module; each takes the batches that the module itself takes and shares its parameters."""
        ...


def views_of(module: nn.Module) -> dict[str, nn.Module]:
    """The views of a module by name; a module without ``views()`` is its own only one, called ``""``.

    Raises:
        NetworkError: ``views()`` returns anything but modules by name.

    >>> list(views_of(nn.Identity()))
    ['']
    """
    if not isinstance(module, HasViews):
        return {"": module}
    found = dict(module.views())
    wrong = [name for name, view in found.items() if not isinstance(view, nn.Module) or not name or "/" in name]
    if not found or wrong:
        raise NetworkError(
            f"views() of {type(module).__name__} must return modules by names without a '/', got {wrong or 'none'}"
        )
    return found
