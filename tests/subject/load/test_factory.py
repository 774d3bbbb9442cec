"""Networks from the user's own code, and what is said when this code fails."""

import sys
from pathlib import Path

import pytest
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.subject.load.factory import factories_in, factory_network

GOOD = """
from torch import nn
from snellen.subject.network import Network
class Net(nn.Linear):
    def __init__(self):
        super().__init__(2, 3)
def training():
    return Net().train()
def resting():
    return Net().eval()
def wrapped():
    return Network(Net(), mean=(0.5,), name="mine")
ready = Net()
number = 7
def text():
    return "net"
def _hidden():
    pass
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(GOOD)
    return path


@pytest.mark.parametrize("factory", ["Net", "training", "resting", "wrapped", "ready"])
def test_functions_classes_and_modules_are_factories(file: Path, factory: str) -> None:
    network = factory_network(f"{file}:{factory}")
    assert isinstance(network.module, nn.Linear)
    assert network.name == ("mine" if factory == "wrapped" else "Net")
    assert network.module.training == (factory != "resting")


def test_a_factory_of_an_importable_module() -> None:
    assert type(factory_network("torch.nn:Identity").module) is nn.Identity


def test_a_module_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unlikely_package").mkdir()
    (tmp_path / "unlikely_package" / "net.py").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    network = factory_network("unlikely_package.net:wrapped")
    assert network.mean == (0.5,)
    assert type(network.module) is sys.modules.pop("unlikely_package.net").Net
    assert str(tmp_path) not in sys.path


def test_the_import_leaves_no_trace_but_the_module(file: Path) -> None:
    path, modules = list(sys.path), set(sys.modules)
    factory_network(f"{file}:Net")
    assert sys.path == path
    assert [name.rpartition("_")[0] for name in set(sys.modules) - modules] == ["snellen_factory_net"]
    assert [p.name for p in file.parent.iterdir()] == ["net.py"]


def test_two_files_each_get_their_own_sibling(tmp_path: Path) -> None:
    for size in (2, 5):
        folder = tmp_path / str(size)
        (folder / "parts").mkdir(parents=True)
        (folder / "parts" / "layers.py").write_text(f"SIZE = {size}")
        text = "from parts import layers\nfrom torch import nn\ndef make(): return nn.Linear(layers.SIZE, 2)\n"
        (folder / "net.py").write_text(text)
    sizes = [factory_network(f"{tmp_path / str(size)}/net.py:make").module.in_features for size in (2, 5)]
    assert sizes == [2, 5]


def test_a_changed_file_is_read_again(file: Path) -> None:
    factory_network(f"{file}:Net")
    file.write_text(GOOD.replace("(2, 3)", "(2, 4)"))
    assert factory_network(f"{file}:Net").module.out_features == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\n\nraise ValueError('no luck')", r"ValueError, file .*bad\.py, line 3: no luck"),
        ("x = 1\ndef make(:\n", r"SyntaxError, file .*bad\.py, line 2"),
        ("def make():\n    return 1 / 0", r"ZeroDivisionError, file .*bad\.py, line 2"),
        ("import sys\nsys.exit('usage: ...')", r"SystemExit, file .*bad\.py, line 2: usage"),
        ("import absent_package_x", r"needs the module 'absent_package_x', file .*bad\.py, line 1"),
        ("def make(size): ...", r"TypeError.*missing 1 required.*needs no arguments"),
        ("def make(): return 'net'", r"should return an nn\.Module or a Network, got str"),
    ],
)
def test_errors_in_the_code_name_file_line_and_exception(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    path, modules = list(sys.path), set(sys.modules)
    with pytest.raises(NetworkError, match=expected):
        factory_network(f"{tmp_path}/bad.py:make")
    assert sys.path == path
    assert "def" in text or set(sys.modules) == modules


def test_a_wrong_name_lists_what_is_there(file: Path) -> None:
    with pytest.raises(UsageError, match="did you mean training"):
        factory_network(f"{file}:trainin")
    with pytest.raises(UsageError, match="should be a function or a class, got int"):
        factory_network(f"{file}:number")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"no file at .*absent\.py"):
        factory_network(f"{tmp_path}/absent.py:make")


def test_factories_are_listed_without_running_the_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(GOOD + "\nraise RuntimeError")
    assert factories_in(tmp_path / "net.py") == ("Net", "training", "resting", "wrapped", "text")
    assert factories_in(tmp_path / "absent.py") == ()
