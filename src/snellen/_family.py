"""Discovery: one module = one method, and the module's name is the method's name.

A family is a package whose public modules each define exactly one public subclass of the family's base. Adding a
method is adding a file; nothing is registered by hand.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from snellen._errors import unknown

T = TypeVar("T")


class Family(Mapping[str, type[T]], Generic[T]):
    """The methods of a package, by name: ``attribution["saliency"]`` is the class ``Saliency``.

    Modules whose name begins with an underscore are not methods. A module that defines none, or two, is a
    ``TypeError`` that names the module: a mistake of the author, found by the first test that lists the family.
    """

    def __init__(self, package: str, base: type[T]) -> None:
        self.package = package
        self.base = base

    @property
    def name(self) -> str:
        """The last word of the package: what the family is called on the command line."""
        return self.package.rpartition(".")[2]

    @cached_property
    def _methods(self) -> dict[str, type[T]]:
        root = importlib.import_module(self.package)
        names = [m.name for m in pkgutil.iter_modules(root.__path__) if not m.name.startswith("_")]
        return {name: self._only_method(f"{self.package}.{name}") for name in sorted(names)}

    def _only_method(self, module_name: str) -> type[T]:
        module = importlib.import_module(module_name)
        found = [
            value
            for name, value in vars(module).items()
            if inspect.isclass(value)
            and issubclass(value, self.base)
            and value is not self.base
            and value.__module__ == module_name
            and not name.startswith("_")
        ]
        if len(found) != 1:
            got = [c.__name__ for c in found]
            raise TypeError(f"{module_name} must define exactly one public {self.base.__name__}, got {got}")
        return found[0]

    def __getitem__(self, name: str) -> type[T]:
        try:
            return self._methods[name]
        except KeyError:
            raise unknown(f"{self.name} method", name, self._methods) from None

    def get(self, name: str, default: Any = None) -> Any:
        """The method, or ``default``: the mapping's own ``get`` knows no error but ``KeyError``."""
        return self._methods.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)

    def __contains__(self, name: object) -> bool:
        return name in self._methods
