"""How a run ends: interrupted, on a full disk, into a closed pipe; what a terminal sees and what a file gets."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from snellen.cli import console
from snellen.cli.main import app
from snellen.exam import run as running
from snellen.instruments.uncertainty import _base as uncertainty
from snellen.report import save as saving
from workbench import refused, snellen

TOY = ("examine", "nets.py:toy", "data.npz", "--preset", "quick")
PROGRAM = [sys.executable, "-c", "from snellen.cli.main import main; main()"]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def listens() -> None:
    """What a shell starts in the background ignores interrupts, and so do its children unless told otherwise."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(("module", "name"), [(uncertainty, "summarise"), (running, "predict"), (saving, "write_file")])
def test_an_interrupt_leaves_the_old_report_and_no_other(
    module: object, name: str, bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert snellen(*TOY).exit_code == 0
    before = contents(bench)
    monkeypatch.setattr(module, name, interrupt)
    result = snellen(*TOY, "--seed", "1", "--json", "out.json")
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
    assert "Traceback" not in result.stderr
    assert contents(bench) == before


def test_an_interrupt_of_the_first_run_leaves_nothing(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(bench)
    monkeypatch.setattr(saving, "to_html", interrupt)
    assert snellen(*TOY).exit_code == 130
    assert contents(bench) == before


def test_a_real_interrupt_of_a_real_run(bench: Path) -> None:
    (bench / "slow.py").write_text(
        "import pathlib, time, nets\nfrom torch import nn\n"
        "class Slow(nn.Module):\n"
        "    def forward(self, x):\n"
        "        pathlib.Path('began').touch()\n        time.sleep(30)\n        return x\n"
        "def net():\n    return nn.Sequential(Slow(), nets.sure())\n"
    )
    process = subprocess.Popen(
        [*PROGRAM, "examine", "slow.py:net", "data.npz"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listens,
    )
    try:
        end = time.monotonic() + 150  # a first start on a busy machine compiles and imports for a while
        while not (bench / "began").exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert (bench / "began").exists(), "the run did not begin"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=28)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert out == ""
    assert not [p.name for p in bench.iterdir() if "report" in p.name]


def test_help_is_quick_and_loads_no_torch() -> None:
    """Processor time: the clock on the wall depends on who else is at work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *PROGRAM[1:], "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Usage" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"torch", "numpy", "PIL", "pydantic", "jinja2"}
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_a_pipe_closed_early_is_no_error_and_no_pass(bench: Path) -> None:
    """``snellen ... | head -1``: the reader is gone; the verdict of the bounds still counts."""
    (bench / "mine.toml").write_text('[checks."accuracy/top1"]')
    gate = (*TOY[:-1], "mine.toml", "--require", "accuracy >= 1")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run([*PROGRAM, *gate], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("snellen: required accuracy >= 1, got ")
    assert done.stderr.count("\n") == 1


def test_words_that_the_output_cannot_say_are_no_crash() -> None:
    result = CliRunner(charset="ascii").invoke(app, TOY)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "The page: report/index.html" in result.stdout


def test_nothing_moves_where_there_is_no_terminal() -> None:
    result = snellen(*TOY)
    assert result.stderr == ""
    for character in ("\x1b", "\r", "\b"):
        assert character not in result.stdout


def test_a_full_disk_is_a_message(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "report")

    monkeypatch.setattr(saving, "write_file", full)
    refused(snellen(*TOY), 3, "No space left on device")
    assert not (bench / "report").exists()


def test_a_folder_that_cannot_be_made_is_a_message(bench: Path) -> None:
    (bench / "file").touch()
    result = snellen(*TOY, "--out", "file/report")
    assert result.exit_code in (2, 3)
    assert result.stderr.startswith("snellen: ")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_and_a_rate_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    with console.progress(quiet=False) as report:
        report("images", 1, 4)
        report("images", 4, 4)
    shown = screen.getvalue()
    assert "images" in shown
    assert "4/4" in shown
    assert "/s" in shown


def test_no_bar_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with console.progress(quiet=True) as report:
        report("images", 4, 4)
    assert screen.getvalue() == ""


def test_json_is_ascii_and_has_no_nan(bench: Path) -> None:
    assert snellen(*TOY, "--json", "out.json").exit_code == 0
    text = (bench / "out.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
