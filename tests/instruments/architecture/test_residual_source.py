"""The source of a network with a residual connection: the lines that change, and what the written file computes."""

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

import forward_styles
from forward_styles import STYLES, Exam
from snellen._errors import NotApplicable
from snellen.instruments.architecture.residual import Residual, add_residual
from snellen.instruments.architecture.residual_source import Written, residual_source
from untouched import untouched

SHAPE = (3, 6, 6)
INPUT = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(4))


def imported(text: str, folder: Path) -> ModuleType:
    """A file with this text, run as a module of its own."""
    path = folder / "written.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("written", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(net: nn.Module, start: str, end: str, shape: tuple[int, ...] = SHAPE) -> tuple[Residual, Written]:
    added = add_residual(net, start=start, end=end, input_shape=shape)
    with untouched(net):
        return added, residual_source(net, added, input_shape=shape)


def lines(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


DIFFS = {
    "exam": ["+        residual = x", "+        x = x + residual"],
    "nested": [
        "+        self.shortcut = nn.Conv2d(4, 8, kernel_size=(1, 1), stride=(2, 2), bias=False)",
        "-        return self.classifier(self.features(x).mean((2, 3)))  # scores",
        "+        features = self.features[:2](x)",
        "+        residual = features",
        "+        features = self.features[2:5](features)",
        "+        features = features + self.shortcut(residual)",
        "+        features = self.features[5](features)",
        "+        return self.classifier(features.mean((2, 3)))  # scores",
    ],
    "functional": [
        "-        return F.avg_pool2d(F.relu(self.third(F.elu(self.second(x)))), 2)",
        "+        residual = x",
        "+        return F.avg_pool2d(F.relu(self.third(F.elu(self.second(x))) + residual), 2)",
    ],
    "branches": [
        "+        self.shortcut = nn.Conv2d(4, 6, kernel_size=(1, 1), stride=(1, 1), bias=False)",
        "+        residual = x",
        "-        return self.join(torch.cat([left, right.tanh()], 1))",
        "+        return self.join(torch.cat([left, right.tanh()], 1)) + self.shortcut(residual)",
    ],
    "in place": ["+        residual = x.clone()", "+        x = x + residual"],
    "keyed": [
        '-        x = self.parts["mid"](input=x.tanh())',
        '+        x = self.parts["mid"](input=(residual := x.tanh()))',
        "+        x = x + residual",
    ],
    "returns": ["+        residual = x", "+        y = y + residual"],
    "repeated": ["+            residual = x", "+            x = x + residual"],
}


@pytest.mark.parametrize("name", DIFFS)
def test_only_these_lines_change_and_the_file_computes_the_same(name: str, tmp_path: Path) -> None:
    kind, start, end, _ = STYLES[name]
    net = kind()
    added, found = written(net, start, end)
    assert lines(found.diff) == DIFFS[name]
    module = imported(found.text, tmp_path)
    again = getattr(module, found.class_name)()
    again.load_state_dict(added.network.state_dict())
    for mode in (True, False):
        got, expected = (m.train(mode)(INPUT.clone()) for m in (again, added.network))
        assert torch.allclose(got, expected, rtol=1e-6, atol=1e-6)
    old, new = inspect.getsource(forward_styles).splitlines(), found.text.splitlines()
    added_lines, gone = ([line[1:] for line in DIFFS[name] if line[0] == sign] for sign in "+-")
    assert [line for line in new if line not in added_lines] == [line for line in old if line not in gone]


def test_the_exam_is_the_change_a_teacher_expects() -> None:
    _, found = written(Exam(), "strangeblock1", "convblock9")
    forward = found.text[found.text.index("    def forward(self, x):") :]
    assert forward.startswith(
        """    def forward(self, x):

        x = self.convblock17(x)
        x = self.convblock3(x)
        residual = x
        x = self.strangeblock1(x)
        x = self.convblock11(x)  # narrow
        x = self.convblock9(x)
        x = x + residual
        x = self.strangeblock2(x)
        x = self.convblock81(x)

        return x  # noqa: RET504  as in the exam
"""
    )


def test_a_sequential_is_written_out(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Tanh(), nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.ReLU())
    added, found = written(net, "1", "2")
    assert found.diff == ""
    assert (
        "        x = self[0](x)\n        residual = x\n        x = self[1](x)\n        x = self[2](x)\n" in found.text
    )
    assert "        x = x + self.shortcut(residual)\n        x = self[3](x)\n        return x\n" in found.text
    again = imported(found.text, tmp_path).WithShortcut(net)
    again.load_state_dict(added.network.state_dict())
    assert torch.equal(again(INPUT), added.network(INPUT))


def test_a_class_of_a_package_is_written_as_a_subclass(tmp_path: Path) -> None:
    from snellen.nets.small_vgg import SmallVGG

    net = SmallVGG(side=8, widths=(4, 4), hidden=5)
    added, found = written(net, "features.7", "features.12", (1, 8, 8))
    assert found.class_name == "SmallVGGWithShortcut"
    assert "from snellen.nets.small_vgg import SmallVGG\nfrom torch import Tensor\n" in found.text
    assert "class SmallVGGWithShortcut(SmallVGG):" in found.text
    assert "        scores: Tensor = self.classifier(features)\n" in found.text
    again = getattr(imported(found.text, tmp_path), found.class_name)(side=8, widths=(4, 4), hidden=5)
    again.load_state_dict(added.network.state_dict())
    x = torch.rand(2, 1, 8, 8)
    assert torch.allclose(again.eval()(x), added.network.eval()(x), atol=1e-6)


MORE = {
    "no constructor": (
        "import torch\nclass Net(torch.nn.Sequential):\n    def forward(self, x):\n        y = self[0](x)\n"
        "        y = self[1](y)\n        return y\n",
        ["        self.shortcut = torch.nn.Conv2d(", "        y = y + self.shortcut(residual)\n"],
    ),
    "tabs and windows": (
        "import torch.nn as tn\r\nclass Net(tn.Module):\r\n\tdef __init__(self, a, b):\r\n\t\tsuper().__init__()\r\n"
        "\t\tself.a, self.b = a, b  # both\r\n\tdef forward(self, x):\r\n\t\tx = self.a(x); x = self.b(x)\r\n"
        "\t\treturn x\r\n",
        [
            "\t\tself.shortcut = tn.Conv2d(",
            "\t\tresidual = x\n\t\tx = self.a(x); x = self.b(x) + self.shortcut(residual)\n",
        ],
    ),
    "a word in Greek": (
        "from torch.nn import Module\nclass Net(Module):\n    def __init__(self, a, b):\n        super().__init__()\n"
        "        self.a, self.b = a, b\n    def forward(self, x):\n        'φύσις'; x = self.b(self.a('φύσις' and x))\n"
        "        residual = 0\n        return x + residual\n",
        [
            "from torch import nn\nfrom torch.nn import Module\n",
            "residual_2 := 'φύσις' and x",
            "self.shortcut(residual_2)",
        ],
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_files_of_all_kinds(name: str, tmp_path: Path) -> None:
    text, words = MORE[name]
    (tmp_path / "first").mkdir()
    path = tmp_path / "first" / "written.py"
    path.write_bytes(text.encode())
    spec = importlib.util.spec_from_file_location("first_written", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)
    net = module.Net(*parts)
    names = ("0", "1") if name == "no constructor" else ("a", "b")
    added, found = written(net, *names)
    for word in words:
        assert word in found.text
    again = imported(found.text, tmp_path).Net(*parts)
    again.load_state_dict(added.network.state_dict())
    assert torch.equal(again(INPUT), added.network(INPUT))


class Base(nn.Module):
    """A forward that others inherit."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.a(x)
        x = self.b(x)
        return x  # noqa: RET504  a line of its own


class Heir(Base):
    """Only its layers are its own."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Conv2d(3, 3, 3, padding=1)


def test_an_inherited_forward_is_said_to_be_that_of_all_heirs() -> None:
    _, found = written(Heir(), "a", "b")
    assert found.class_name == "Base"
    assert "Heir inherits its forward from Base, so every other class that inherits it" in found.note
    _, own = written(Base(), "a", "b")
    assert "inherits" not in own.note


REFUSED: dict[str, tuple[str, str, str, str]] = {
    "a loop": (
        "for f in (self.a, self.b):\n            x = f(x)\n        return x",
        "a",
        "b",
        "does not name the call of a",
    ),
    "two places": (
        "x = self.a(x)\n        x = self.a(x)\n        return self.b(x)",
        "a",
        "b",
        "calls it in 2 places of a",
    ),
    "a lambda": ("f = lambda y: self.a(y)\n        return self.b(f(x))", "a", "b", "function or comprehension"),
    "perhaps": (
        "if x.mean() < 9:\n            x = self.a(x)\n        return self.b(x)",
        "a",
        "b",
        "not always made before",
    ),
    "a condition": (
        "x = self.a(x) if x.mean() < 9 else x\n        return self.b(x)",
        "a",
        "b",
        "not always made before",
    ),
    "an early write": (
        "y = torch.relu_(x) + self.a(x)\n        x.mul_(2)\n        return self.b(y)",
        "a",
        "b",
        "something else",
    ),
    "a list of arguments": ("return self.b(self.a(*[x]))", "a", "b", "does not say which argument"),
}


class Stages(nn.Module):
    """Two Sequentials in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.ReLU())
        self.two = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.one(x)  # first
        if x.mean() > -9:
            x = self.two(x)  # second
        return x


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (
            "one.2",
            "two.0",
            [
                "-        x = self.one(x)  # first",
                "+        x = self.one[:2](x)",
                "+        residual = x",
                "+        x = self.one[2:](x)  # first",
                "-            x = self.two(x)  # second",
                "+            x = self.two[0](x)",
                "+            x = x + residual",
                "+            x = self.two[1:](x)  # second",
            ],
        ),
        ("two", "two.2", ["+            residual = x", "+            x = x + residual"]),
        (
            "two.1",
            "two",
            [
                "-            x = self.two(x)  # second",
                "+            x = self.two[0](x)",
                "+            residual = x",
                "+            x = self.two[1:](x)  # second",
                "+            x = x + residual",
            ],
        ),
    ],
)
def test_sequentials_are_cut_where_the_connection_is(start: str, end: str, expected: list[str], tmp_path: Path) -> None:
    net = Stages()
    added, found = written(net, start, end)
    assert lines(found.diff) == expected
    again = imported(found.text, tmp_path).Stages()
    again.load_state_dict(added.network.state_dict())
    assert torch.allclose(again(INPUT), added.network(INPUT), atol=1e-6)


@pytest.mark.parametrize("name", REFUSED)
def test_source_that_cannot_be_edited(name: str, tmp_path: Path) -> None:
    body, start, end, words = REFUSED[name]
    text = (
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)\n"
        f"    def forward(self, x):\n        {body}\n"
    )
    net = imported(text, tmp_path).Net()
    with pytest.raises(NotApplicable, match=words):
        written(net, start, end)


def test_a_block_that_is_used_often_and_source_that_is_not_there() -> None:
    net = nn.Sequential(nn.Conv2d(3, 3, 1), Exam(), nn.Conv2d(4, 3, 1), Exam())
    with pytest.raises(NotApplicable, match="Exam is used 2 times in the network"):
        written(net, "1.convblock11", "1.convblock9")
    names: dict[str, Any] = {}
    exec(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a = nn.Tanh()\n    def forward(self, x):\n        return self.a(x)\n",
        names,
    )
    with pytest.raises(NotApplicable, match="the source of Net is not there"):
        written(names["Net"](), "a", "a")
