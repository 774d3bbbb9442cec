"""``file.py:factory`` and ``package.module:factory``: the user's own code that makes the network."""

import ast
import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import nn

from snellen._errors import NetworkError, UsageError, unknown
from snellen.subject.network import Network


def factory_network(spec: str) -> Network:
    """The network that a factory of the user's returns; its code is run.

    Args:
        spec: ``path/to/file.py:factory`` or ``package.module:factory``. The factory is called without
            arguments and returns an ``nn.Module`` or a :class:`Network`; a class is a factory too, a module
            object is taken as is. The file's folder (for a package, the working folder) can be imported from
            while it runs.

    Raises:
        UsageError: no factory is named, or there is none of this name.
        NetworkError: the file is absent, its code raised (file and line are named), or it returned something
            else.

    >>> factory_network("torch.nn:Identity").name
    'Identity'
    """
    made = made_by(spec)
    if isinstance(made, Network):
        return made
    if not isinstance(made, nn.Module):
        raise NetworkError(f"{spec} should return an nn.Module or a Network, got {type(made).__name__}")
    return Network(made)


def made_by(spec: str) -> object:
    """What ``path/to/file.py:name`` or ``package.module:name`` makes: the function is called, a network taken as is.

    Raises:
        UsageError, NetworkError: as for :func:`factory_network`, whatever was made.

    >>> made_by("builtins:dict")
    {}
    """
    where, _, name = spec.rpartition(":")
    path = Path(where).expanduser() if where.endswith(".py") else None
    if path is not None and not path.is_file():
        raise NetworkError(f"no file at {path}; expected PATH.py:FACTORY, got {spec!r}")
    folder = (path.parent if path is not None else Path()).resolve()
    with _importable(folder, forget=path is not None), _explained(spec):
        module = _run_file(path.resolve()) if path is not None else importlib.import_module(where)
        made = _get(module, name, where)
        if not isinstance(made, nn.Module | Network):
            if not callable(made):
                raise UsageError(f"{spec} should be a function or a class, got {type(made).__name__}")
            made = made()
    return made


def factories_in(path: Path) -> tuple[str, ...]:
    """The public functions and classes that a Python file defines, read without running it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    kinds = (ast.FunctionDef, ast.ClassDef)
    return tuple(n.name for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_"))


def _run_file(path: Path) -> ModuleType:
    """Run the file as a module of a name of its own; compiled here, so that no cache file is written."""
    name = f"snellen_factory_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        raise NetworkError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        exec(loader.source_to_code(path.read_bytes(), str(path)), module.__dict__)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def _get(module: ModuleType, name: str, where: str) -> object:
    if not hasattr(module, name):
        own = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise unknown(f"factory in {where}", name, own)
    return getattr(module, name)


@contextmanager
def _importable(folder: Path, *, forget: bool) -> Iterator[None]:
    """The folder at the head of the path.

    What a file imported from its own folder is forgotten again, so that the next file's ``import layers`` gets its
    own ``layers`` and not this one's. A package's modules stay: their names are their own.
    """
    before = dict(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()) if forget else ():
            if name not in before and not name.startswith("snellen_factory_") and _beside(module, folder):
                del sys.modules[name]


def _beside(module: ModuleType, folder: Path) -> bool:
    """Whether the module was found in the folder; a folder without ``__init__.py`` has a path and no file."""
    places = [getattr(module, "__file__", None), *list(getattr(module, "__path__", ()))]
    origin = next((place for place in places if isinstance(place, str)), None)
    if origin is None or "site-packages" in origin:
        return False
    return Path(origin).resolve().is_relative_to(folder)


@contextmanager
def _explained(spec: str) -> Iterator[None]:
    """Whatever the user's code raises, as a NetworkError with file, line and exception."""
    try:
        yield
    except (NetworkError, UsageError):
        raise
    except ModuleNotFoundError as error:
        hint = "Known prefixes are torchvision:, timm: and hf:; a file is named PATH.py:FACTORY."
        raise NetworkError(f"{spec} needs the module {error.name!r}, {_place(error)}: {error}. {hint}") from error
    except (Exception, SystemExit) as error:
        raise NetworkError(
            f"{spec} raised {type(error).__name__}, {_place(error)}: {error}. Mend the code, "
            "or name a factory that needs no arguments."
        ) from error


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"file {error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename != __file__ and "importlib" not in f.filename]
    if not own:
        return "when it was called"
    return f"file {own[-1].filename}, line {own[-1].lineno}"
