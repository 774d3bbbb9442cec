"""Everything Snellen raises on purpose.

    SnellenError
    ├── UsageError            the call is wrong: an unknown name, a setting out of range      (exit code 2)
    └── InputError            the call is right, what it was given cannot be used             (exit code 3)
        ├── NetworkError      the network or its weights
        ├── ImagesError       the images or their labels
        └── NotApplicable     a method that cannot do its job on this network, and says so

Each message says what was expected, what was got, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SnellenError(Exception):
    """The root: catch this to catch everything Snellen raises on purpose."""

    exit_code = 2


class UsageError(SnellenError, ValueError):
    """The call is wrong: an unknown name, a setting out of range, a bound that cannot be read."""


class InputError(SnellenError):
    """What the call was given cannot be used."""

    exit_code = 3


class NetworkError(InputError):
    """The network or its weights cannot be used: a wrong key, a NaN, an output that is no row of scores."""


class ImagesError(InputError):
    """The images or their labels cannot be used."""


class NotApplicable(InputError):  # noqa: N818  a verdict about a method and a network, read as a phrase
    """The method cannot do its job on this network: no ReLU to guide, no dropout to sample."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The one wording for a name that is not known: what it is, what comes close, what exists."""
    names = sorted(known)
    by_lower = {each.lower(): each for each in reversed(names)}
    close = [by_lower[each] for each in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    listed = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
    return UsageError(f"no {kind} named {name!r}{hint or '.'} Known: {listed or 'none'}.")


def raised(name: str, fed: str, error: Exception, *, options: str = "--input-size, --channels") -> NetworkError:
    """The one wording for a network that raised: what it was fed, what it said, what to look at."""
    said = str(error)
    if "TorchScript interpreter" in said:  # the whole program stands before the reason
        said = said.strip().splitlines()[-1].removeprefix("RuntimeError: ")
    todo = f"Check the input size and the number of channels it expects ({options})."
    if isinstance(error, TypeError) and "required positional argument" in said:
        todo = "A network is called with the images alone: wrap it in a module whose forward supplies the rest."
    elif "ScriptModule" in said:
        todo = "What TorchScript compiled cannot be looked into: give the Python module that it was made of."
    return NetworkError(f"{name} raised on {fed}: {type(error).__name__}: {said}. {todo}")
