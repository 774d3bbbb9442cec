"""A training set-up as the audit runs it: a network, its optimizers, a batch and a loss."""

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence
from torch.optim import Optimizer

from snellen._errors import NetworkError, UsageError
from snellen.subject.network import Network
from snellen.training.health.registered import modules_of

INPUTS = ("input", "inputs", "img", "image", "images", "pixel_values", "pixels", "x", "data", "features")
TARGETS = ("target", "targets", "label", "labels", "y", "mask", "masks")
NETWORKS = ("net", "network", "model", "module", "nets", "models", "networks")


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """What one step of training needs.

    Args:
        module: the network.
        optimizers: those that step in the same training, all of them.
        batch: what one step is given.
        loss: ``(outputs, targets)`` or ``(network, batch)`` to a scalar.
        whole: whether the loss is of the second kind.
        prepare: what is done to the inputs before the network, such as a normalisation.
    """

    module: nn.Module
    optimizers: tuple[Optimizer, ...]
    batch: Any
    loss: Callable[..., Any]
    whole: bool
    prepare: Callable[[Tensor], Tensor] | None = None

    def value(self, batch: Any = None) -> Tensor:
        """The loss of the batch, with its graph; of a copy, so that a step that writes to its batch finds it anew.

        Args:
            batch: such a copy (:func:`copied`), to look at afterwards.

        Raises:
            NetworkError: it is no scalar tensor.
        """
        batch = copied(self.batch) if batch is None else batch
        if self.whole:
            value = self.loss(self.module, batch) if _positional(self.loss) != 0 else self.loss()
        else:
            inputs, targets = inputs_and_targets(batch)
            value = self.loss(self.outputs(inputs), targets)
        return _scalar(value)

    def outputs(self, inputs: Any) -> Any:
        """What the network returns for inputs: a tensor, several, or keywords."""
        if self.prepare is not None and isinstance(inputs, Tensor):
            inputs = self.prepare(inputs)
        if isinstance(inputs, Mapping):
            return self.module(**inputs)
        if isinstance(inputs, list | tuple) and not _takes_one(self.module.forward, inputs):
            return self.module(*inputs)
        return self.module(inputs)

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """The network, what it holds unregistered, the loss if it is a module, and modules that the loss holds."""
        registered = set(map(id, self.module.modules()))
        hidden = [m for m in modules_of(self.module).values() if id(m) not in registered]
        return tuple({id(m): m for m in (self.module, *hidden, *_held(self.loss))}.values())

    @property
    def size(self) -> int:
        """Examples in the batch."""
        return next((len(t) for t in tensors_in(self.batch) if t.ndim), 0)


def training_setup(
    network: nn.Module | Network, optimizers: Optimizer | Sequence[Optimizer], batch: Any, loss: Callable[..., Any]
) -> tuple[TrainingSetup, ...]:
    """The set-up, in the ways in which the loss may be meant, the likelier one first.

    A loss that is a module takes (outputs, targets). A function is judged by the names of its parameters: it is given
    (network, batch) if the first is called ``net``, ``network``, ``model`` or ``module``, or the second
    ``batch``. Where the names say nothing, (outputs, targets) is tried first. Inputs that are a tuple are the network's
    arguments, or its one argument where it takes only one.

    Raises:
        UsageError: not a network, not optimizers, a loss that cannot be called.
        NetworkError: a lazy network that has not seen its first batch.

    >>> from torch import ones, optim
    >>> net = nn.Linear(2, 2)
    >>> sgd = optim.SGD(net.parameters(), lr=0.1)
    >>> [way.whole for way in training_setup(net, sgd, (ones(1, 2), ones(1, 2)), nn.MSELoss())]
    [False]
    """
    module = network.module if isinstance(network, Network) else network
    if not isinstance(module, nn.Module):
        raise UsageError(f"audit_training expects an nn.Module or a Network, got {type(network).__name__}")
    listed = [optimizers] if isinstance(optimizers, Optimizer) else optimizers
    if not isinstance(listed, list | tuple) or not all(isinstance(o, Optimizer) for o in listed):
        got = type(optimizers).__name__
        raise UsageError(f"optimizers must be a torch.optim.Optimizer or a list of them, got {got}")
    if not callable(loss):
        raise UsageError(f"loss must be callable, as loss(outputs, targets) or loss(network, batch), got {loss!r}")
    lazy = [n for n, p in module.named_parameters() if is_lazy(p)]
    if lazy:
        raise NetworkError(
            f"{len(lazy)} lazy parameters have no shape yet ({', '.join(lazy[:3])}); put one batch through the network "
            "before its optimizer is made and audited."
        )
    prepare = network.normalise if isinstance(network, Network) else None
    return tuple(TrainingSetup(module, tuple(listed), batch, loss, whole, prepare) for whole in _meanings(loss, batch))


def inputs_and_targets(batch: Any) -> tuple[Any, Any]:
    """The two halves of a batch: its first two items, or those under the usual names.

    Raises:
        UsageError: it has no such halves.

    >>> inputs_and_targets({"img": 1, "labels": 2})
    (1, 2)
    """
    if isinstance(batch, Mapping):
        inputs = next((batch[k] for k in INPUTS if k in batch), None)
        targets = next((batch[k] for k in TARGETS if k in batch), None)
        if inputs is not None and targets is not None:
            return inputs, targets
        raise UsageError(
            f"a batch that is a dict needs inputs under one of {', '.join(INPUTS)} and targets under one of "
            f"{', '.join(TARGETS)}, got {', '.join(map(str, batch))}; or give a loss(network, batch)."
        )
    if isinstance(batch, list | tuple) and len(batch) >= 2:
        return batch[0], batch[1]
    raise UsageError(
        f"a batch must be (inputs, targets) or a dict for a loss(outputs, targets), got {type(batch).__name__}; "
        "or give a loss(network, batch)."
    )


def copied(value: Any) -> Any:
    """A nested batch with its tensors copied; tensors that ask for a gradient and other objects are the same.

    >>> from torch import ones
    >>> batch = {"x": ones(2), "names": ["a", "b"]}
    >>> copy = copied(batch)
    >>> copy["x"] is batch["x"], copy["names"] == batch["names"]
    (False, True)
    """
    return _copied(value, {})


def _copied(value: Any, known: dict[int, Tensor]) -> Any:
    if isinstance(value, Tensor):
        if isinstance(value, nn.Parameter) or value.requires_grad:
            return value
        if id(value) not in known:
            known[id(value)] = value.clone()
        return known[id(value)]
    if isinstance(value, Mapping):
        other = copy.copy(value)
        try:
            for key, inner in value.items():
                other[key] = _copied(inner, known)  # type: ignore[index]
        except TypeError:  # a mapping that cannot be written to
            return value
        return other
    if type(value) in (list, tuple):
        return type(value)(_copied(inner, known) for inner in value)
    if isinstance(value, tuple) and hasattr(value, "_fields") and not isinstance(value, PackedSequence):
        return type(value)(*(_copied(inner, known) for inner in value))
    return value


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor of a nested batch."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors_in(inner)


def _meanings(loss: Callable[..., Any], batch: Any) -> tuple[bool, ...]:
    if isinstance(loss, nn.Module):
        return (False,)
    names = _names(loss)
    if not names:
        return (False, True) if _positional(loss) is None else (True,)
    if names[0].lower() in NETWORKS or "batch" in names[1:2]:
        return (True,)
    try:
        inputs_and_targets(batch)
    except UsageError:
        return (True,)
    return (False, True)


def _names(function: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _positional(function: Callable[..., Any]) -> int | None:
    """How many arguments it takes by position; None if that cannot be told."""
    try:
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return None
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    return sum(k in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for k in kinds)


def _takes_one(forward: Callable[..., Any], inputs: Sequence[Any]) -> bool:
    """Whether the items do not fit as arguments of their own, and all together do as one."""
    try:
        signature = inspect.signature(forward)
        signature.bind(inputs)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(*inputs)
    except TypeError:
        return True
    return False


def _held(function: Any) -> Iterator[nn.Module]:
    """Modules that a callable is, is bound to, or has in its closure."""
    if isinstance(function, nn.Module):
        yield function
    elif isinstance(function, functools.partial):
        for inner in (function.func, *function.args, *function.keywords.values()):
            yield from _held(inner)
    elif inspect.ismethod(function):
        owner = function.__self__
        yield from (v for v in (owner, *getattr(owner, "__dict__", {}).values()) if isinstance(v, nn.Module))
    elif inspect.isfunction(function):
        cells = [c.cell_contents for c in function.__closure__ or () if _filled(c)]
        used = [function.__globals__[n] for n in function.__code__.co_names if n in function.__globals__]
        yield from (v for v in (*cells, *used) if isinstance(v, nn.Module))


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  an empty cell raises
    except ValueError:
        return False
    return True


def _scalar(value: Any) -> Tensor:
    if isinstance(value, Mapping) and "loss" in value:
        value = value["loss"]
    elif isinstance(value, list | tuple) and value:
        value = value[0]
    elif not isinstance(value, Tensor) and isinstance(getattr(value, "loss", None), Tensor):
        value = value.loss
    if not isinstance(value, Tensor) or value.numel() != 1:
        got = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise NetworkError(f"the loss must return one number as a tensor, got {got}; take the mean or the sum.")
    return value
