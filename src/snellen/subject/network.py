"""A network as the examination sees it: scores for pixels in [0, 1]."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snellen._errors import NetworkError, UsageError, raised, unknown
from snellen._shapes import Logits, Pixels
from snellen.subject.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Network:
    """A module, the normalisation it was trained with, and the names of its classes.

    ``logits(pixels)`` is ``module((pixels - mean) / std)`` with the output checked. Nothing is cached and the module
    is never changed; methods evaluate it inside :func:`snellen.subject.quiet.quiet`.

    Args:
        module: any ``nn.Module`` that maps (n, c, h, w) to (n, k) scores.
        mean: per channel in the module's order, in units of [0, 1]; one number serves all channels.
        std: likewise.
        class_names: one name an output.
        preprocessing: how a picture becomes the network's input (size, crop, channel order).
        name: what the report calls it; the class name of the module if not given.
        notes: what loading had to do, one sentence each.

    Raises:
        UsageError: the module is none, a std of 0, lengths that do not fit the channels.

    >>> net = Network(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), mean=(.5, .5, .5), std=(.25, .25, .25))
    >>> net.logits(torch.rand(4, 3, 2, 2)).shape
    torch.Size([4, 2])
    """

    module: nn.Module
    _: KW_ONLY
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    class_names: Sequence[str] | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    name: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.module, nn.Module):
            raise UsageError(f"a Network wraps a torch.nn.Module, got {type(self.module).__name__}")
        for label, values in (("mean", self.mean), ("std", self.std)):
            values = (values,) if isinstance(values, int | float) else values
            object.__setattr__(self, label, tuple(float(v) for v in values))
            if len(getattr(self, label)) not in (1, self.preprocessing.count):
                wanted = "1 value" if self.preprocessing.count == 1 else f"1 or {self.preprocessing.count} values"
                raise UsageError(
                    f"{label} must have {wanted} for {self.preprocessing.channels} input, got {tuple(values)}"
                )
        if not all(-1 <= value <= 1 for value in self.mean):
            raise UsageError(f"the mean of pixels in [0, 1] cannot be {self.mean}; divide mean and std by 255")
        if min(self.std) <= 0:
            raise UsageError(f"std must be positive in every channel, got {tuple(self.std)}")
        if self.class_names is not None:
            object.__setattr__(self, "class_names", tuple(str(n) for n in self.class_names))
        object.__setattr__(self, "notes", tuple(self.notes))
        if not self.name:
            object.__setattr__(self, "name", type(self.module).__name__)

    @property
    def device(self) -> torch.device:
        """Where the module's tensors live (the CPU when it has none)."""
        tensor = next(chain(self.module.parameters(), self.module.buffers()), None)
        return torch.device("cpu") if tensor is None else tensor.device

    def class_name(self, index: int) -> str:
        """The class's name, or ``class 17`` where the network came without names."""
        if self.class_names is not None and 0 <= index < len(self.class_names):
            return self.class_names[index]
        return f"class {index}"

    def normalise(self, pixels: Pixels) -> Tensor:
        """What the module is given: channels in its order, mean subtracted, divided by std."""
        if self.preprocessing.channels == "BGR":
            pixels = pixels.flip(1)
        mean, std = self._scale(pixels)
        return (pixels - mean) / std

    def denormalise(self, inputs: Tensor) -> Pixels:
        """The pixels whose :meth:`normalise` is ``inputs``."""
        mean, std = self._scale(inputs)
        pixels = inputs * std + mean
        return pixels.flip(1) if self.preprocessing.channels == "BGR" else pixels

    def _scale(self, like: Tensor) -> tuple[Tensor, Tensor]:
        shape = (1, -1, 1, 1)
        mean = torch.tensor(self.mean, dtype=like.dtype, device=like.device).view(shape)
        return mean, torch.tensor(self.std, dtype=like.dtype, device=like.device).view(shape)

    def logits(self, pixels: Pixels) -> Logits:
        """The scores of a batch; differentiable.

        Raises:
            UsageError: pixels that are no float batch (n, c, h, w).
            NetworkError: the module raised, or returned anything but finite (n, k) scores, k >= 2.
        """
        return self.check_output(self._forward(pixels), len(pixels))

    def outputs(self, pixels: Pixels) -> Float[Tensor, "n k"]:
        """As :meth:`logits`, for networks of one output too, such as a regression; (n,) is taken for (n, 1)."""
        output = self._forward(pixels)
        if isinstance(output, Tensor) and output.shape == (len(pixels),):
            output = output[:, None]
        return self.check_output(output, len(pixels), least=1)

    def _forward(self, pixels: Pixels) -> object:
        self._check_shape(pixels)
        try:
            output: object = self.module(self.normalise(pixels))
        except (NetworkError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise raised(self.name, f"a batch of shape {tuple(pixels.shape)}", error) from error
        return output

    def check_pixels(self, pixels: object) -> None:
        """Refuse what is no batch of pixels in [0, 1], naming what was expected and what was got."""
        values = self._check_shape(pixels).detach()
        low, high = float(values.amin()), float(values.amax())
        if not (low >= -0.01 and high <= 1.01):
            hint = "; divide by 255" if 1.01 < high <= 255 and low >= 0 else ", before any normalisation"
            raise UsageError(f"pixels must lie in [0, 1]{hint}; got values from {low:.4g} to {high:.4g}")

    def _check_shape(self, pixels: object) -> Tensor:
        if not isinstance(pixels, Tensor):
            raise UsageError(f"pixels must be a float tensor (n, c, h, w) in [0, 1], got {type(pixels).__name__}")
        if pixels.ndim != 4 or not pixels.is_floating_point() or pixels.numel() == 0:
            raise UsageError(
                f"pixels must be a float tensor (n, c, h, w) in [0, 1] with n >= 1, "
                f"got {pixels.dtype} of shape {tuple(pixels.shape)}"
            )
        channels = max(len(self.mean), len(self.std))
        if channels > 1 and pixels.shape[1] != channels:
            raise UsageError(
                f"{self.name} is normalised with {channels} channels, got pixels of shape {tuple(pixels.shape)}"
            )
        return pixels

    def check_output(self, output: object, count: int, *, least: int = 2) -> Logits:
        """The module's output, if it is what a classifier returns; a NetworkError that says why otherwise."""
        if not isinstance(output, Tensor):
            raise NetworkError(
                f"{self.name} must return one tensor of scores (n, k), got {type(output).__name__}. "
                "Wrap it in a module that returns the scores alone."
            )
        if output.ndim != 2 or output.shape[0] != count or output.shape[1] < least:
            raise NetworkError(
                f"{self.name} must return scores of shape ({count}, k) with k >= {least}, "
                f"got {tuple(output.shape)}{_shape_hint(output, count)}"
            )
        if not torch.isfinite(output).all():
            bad = int((~torch.isfinite(output)).any(dim=1).sum())
            raise NetworkError(
                f"{self.name} returned NaN or infinite scores for {bad} of {count} images. {self._nonfinite_weights()}"
            )
        return output

    def _nonfinite_weights(self) -> str:
        tensors = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
        bad = [name for name, t in tensors.items() if t.is_floating_point() and not torch.isfinite(t).all()]
        if bad:
            return f"Its weights hold NaN or inf: {', '.join(bad[:5])}{' ...' if len(bad) > 5 else ''}."
        return "Its weights are finite: look for an overflow or a division by zero in the forward."


def check_network(network: object) -> None:
    """Refuse what is no Network, such as a bare module, whose normalisation nobody could know."""
    if not isinstance(network, Network):
        raise UsageError(
            f"expected a snellen.Network, got {type(network).__name__}; wrap a module as "
            "Network(module, mean=..., std=...), and name one as load_network(name)"
        )


def _shape_hint(output: Tensor, count: int) -> str:
    if output.shape in {(count,), (count, 1)}:
        return (
            ". One score x whose sigmoid is the probability of class 1 is the two scores (0, x): "
            "wrap it in a module that returns them"
        )
    if output.ndim > 2 and output.shape[0] == count:
        return (
            ". That is a row of scores for every place, as of a segmentation: "
            "wrap it in a module that returns one row an image, such as the mean over the places"
        )
    return ""


def class_index(network: Network, wanted: str | int, outputs: int) -> int:
    """A class by its index or its name (case, spaces and underscores do not matter).

    Raises:
        UsageError: an index out of range; a name that is none, with the close ones; a name of two classes.
    """
    if isinstance(wanted, int) or wanted.strip().isdecimal():
        index = int(wanted)
        if not 0 <= index < outputs:
            raise UsageError(f"classes go from 0 to {outputs - 1}, got {index}")
        return index
    names = network.class_names or ()
    plain = [_plain(name) for name in names]
    found = [i for i, name in enumerate(plain) if name == _plain(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{wanted!r} names the classes {found}; give the index")
    if not names:
        raise UsageError(f"class {wanted!r} was asked for by name, but the network has no class names; give an index")
    raise unknown("class", wanted, names)


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())
