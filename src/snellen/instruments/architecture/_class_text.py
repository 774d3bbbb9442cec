"""The classes that a residual connection is written as, and the line that makes its projection."""

import ast
import builtins
import sys
import textwrap
from types import FunctionType, ModuleType

import torch
from torch import nn

from snellen._errors import NotApplicable
from snellen.instruments.architecture._source_edit import Edit, Source
from snellen.instruments.architecture.residual import Residual


def made(added: Residual, package: str = "nn") -> list[str]:
    """The lines of a constructor that make the projection; none for an identity."""
    if not added.projection:
        return []
    name = added.projection.rpartition(".")[2]
    lines = [f"self.{name} = {package}.{added.layer}"]
    weight = added.network.get_parameter(f"{added.projection}.weight")
    if not torch.any(weight):
        lines.append(f"{package}.init.zeros_(self.{name}.weight)")
    return lines


def constructor_edits(
    source: Source, tree: ast.Module, home: type, method: ast.FunctionDef, added: Residual
) -> list[Edit]:
    """The projection at the end of the class's constructor, or a constructor before its method; an import if needed."""
    package, edits = _torch_nn(source, tree)
    owner = next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and any(_same(m, method) for m in n.body))
    own = [n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    if own:
        init = own[-1]
        if any(isinstance(node, ast.Return) for node in ast.walk(init)):
            raise NotApplicable(f"the constructor of {home.__name__} returns early; {added.layer} must be made in it")
        last = init.body[-1]
        indent = source.indent(last)
        if indent is None or not source.closes_its_line(last):
            raise NotApplicable(f"the last line of the constructor of {home.__name__} holds two statements")
        where = source.at((last.end_lineno or 0) + 1, 0)
        return [*edits, Edit(where, where, "".join(f"{indent}{line}\n" for line in made(added, package)))]
    lines = ["def __init__(self, *args, **kwargs):", "    super().__init__(*args, **kwargs)"]
    text = "\n".join([*lines, *(f"    {line}" for line in made(added, package))])
    first = min([method.lineno, *(d.lineno for d in method.decorator_list)])
    where = source.at(first, 0)
    return [*edits, Edit(where, where, textwrap.indent(text, " " * method.col_offset) + "\n\n")]


def _same(node: ast.stmt, method: ast.FunctionDef) -> bool:
    return isinstance(node, ast.FunctionDef) and (node.name, node.lineno) == (method.name, method.lineno)


def _torch_nn(source: Source, tree: ast.Module) -> tuple[str, list[Edit]]:
    """How the file calls ``torch.nn``, and an import where it does not."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "torch":
            found += [alias.asname or alias.name for alias in node.names if alias.name == "nn"]
        elif isinstance(node, ast.Import):
            found += [alias.asname for alias in node.names if alias.name == "torch.nn" and alias.asname]
            found += [f"{alias.asname or 'torch'}.nn" for alias in node.names if alias.name == "torch"]
    if found:
        return min(found, key=len), []
    later = [n for n in tree.body if not _is_head(n)]
    where = source.at(later[0].lineno, 0) if later else 0
    return "nn", [Edit(where, where, "from torch import nn\n")]


def _is_head(node: ast.stmt) -> bool:
    future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
    return future or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def subclass_text(kind: type, method: str, function: FunctionType, added: Residual) -> tuple[str, str]:
    """A file with a subclass of an installed class that has the edited method; and the subclass's name."""
    if "super()" in method or "self.__" in method:
        raise NotApplicable(f"{kind.__name__}.{function.__name__} speaks of its own class, so it cannot be overridden")
    name = f"{kind.__name__}WithShortcut"
    used = {n.id for n in ast.walk(ast.parse(method)) if isinstance(n, ast.Name)}
    seen = {one: function.__globals__[one] for one in used & set(function.__globals__) - set(dir(builtins))}
    wanted = {(kind.__module__, kind.__name__), *(_home(one, value, function) for one, value in seen.items())}
    body = [f'"""{kind.__name__} {_told(added)}"""', ""]
    lines = made(added)
    if lines:
        wanted.add(("torch", "nn"))
        body += ["def __init__(self, *args, **kwargs):", "    super().__init__(*args, **kwargs)"]
        body += [*(f"    {line}" for line in lines), ""]
    body += method.rstrip("\n").split("\n")
    return _file(added, _imports(wanted), f"class {name}({kind.__name__}):", body), name


def _home(name: str, value: object, function: FunctionType) -> tuple[str, str]:
    """The module and the name there, or "" and a module, by which a name of the method is imported."""
    if isinstance(value, ModuleType):
        package, _, last = value.__name__.rpartition(".")
        return (package, name if last == name else f"{last} as {name}") if package else ("", value.__name__)
    home = getattr(value, "__module__", None)
    known = isinstance(home, str) and getattr(sys.modules.get(home), name, None) is value
    return (str(home) if known else function.__module__), name


def _imports(wanted: set[tuple[str, str]]) -> list[str]:
    lines = [f"import {name}" for module, name in sorted(wanted) if not module]
    packages = sorted({module for module, _ in wanted if module})
    names = {package: ", ".join(sorted(name for m, name in wanted if m == package)) for package in packages}
    return [*lines, *(f"from {package} import {names[package]}" for package in packages)]


def sequential_text(network: nn.Module, added: Residual) -> tuple[str, str]:
    """A file with a class whose forward calls the layers of a Sequential one by one; and the class's name."""
    names = [name for name, layer in network._modules.items() if layer is not None]
    parts = [name.split(".") for name in (added.start, added.end)]
    if any(len(part) > 1 for part in parts) or len(set(map(id, network.children()))) < len(names):
        raise NotApplicable(
            f"{added.start} or {added.end} is inside a layer of the Sequential, or a layer is used twice, so the "
            "forward cannot be written layer by layer"
        )
    called = f"self.{added.projection}(residual)" if added.projection else "residual"
    body = [
        f'"""The layers of a Sequential {_told(added)}',
        "",
        "``WithShortcut(old)`` takes over the layers of the old network; the weights keep their names.",
        '"""',
        "",
        "def __init__(self, layers):",
        "    super().__init__(OrderedDict(layers.named_children()))",
        *(f"    {line}" for line in made(added)),
        "",
        "def forward(self, x):",
    ]
    for place, name in enumerate(names):
        if name == added.start:
            body.append(f"    residual = x{'.clone()' if added.in_place else ''}")
        body.append(f"    x = self[{place}](x)")
        if name == added.end:
            body.append(f"    x = x + {called}")
    body.append("    return x")
    imports = ["from collections import OrderedDict", "from torch import nn"]
    return _file(added, imports, "class WithShortcut(nn.Sequential):", body), "WithShortcut"


def _told(added: Residual) -> str:
    return f"with a residual connection from the input of {added.start} to the output of {added.end}."


def _file(added: Residual, imports: list[str], head: str, body: list[str]) -> str:
    lines = "\n".join(f"    {line}" if line else "" for line in body)
    about = f'"""A network {_told(added)}"""'
    return f"{about}\n\n" + "\n".join(imports) + f"\n\n\n{head}\n{lines}\n"
