"""What a verb shows while it works and how it ends: progress on a terminal, one line on an error, an exit code."""

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from snellen._atomic import told
from snellen._errors import SnellenError

if TYPE_CHECKING:
    from snellen.exam.require import Bound
    from snellen.findings.findings import Findings

P = ParamSpec("P")


def verb(function: Callable[P, int | None]) -> Callable[P, None]:
    """A command that ends with an exit code: its own, or that of the error that ended it."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
        except SnellenError as error:
            complain(f"{error}")
            code = error.exit_code
        except OSError as error:
            complain(told(error))
            code = 3
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            complain("interrupted; nothing was written")
            code = 130
        raise typer.Exit(code or 0)

    return run


def say(text: str) -> None:
    """To standard output, in what its encoding can say; a reader who has left (``| head -1``) is no error."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """One message to standard error."""
    sys.stderr.write(f"snellen: {visible(text)}\n")


def visible(text: str) -> str:
    """A control character in a file name or a class name is something to read and not something to obey."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar a stage with a rate, on a terminal only; elsewhere nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>10}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, tuple[TaskID, float]] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = (bars.add_task(stage, total=total, rate=""), time.perf_counter())
            task, began = tasks[stage]
            rate = done / max(time.perf_counter() - began, 1e-6)
            bars.update(task, completed=done, total=total, rate=f"{rate:.1f}/s")

        yield update


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """A training that is interrupted says what it leaves."""
    try:
        yield
    except KeyboardInterrupt:
        complain(f"interrupted; the same command goes on from the last checkpoint, if there is one beside {out}")
        raise typer.Exit(130) from None


def deliver(findings: "Findings", *, out: Path | None, json_to: str | None, quiet: bool) -> None:
    """Write the page, the JSON and the summary, each where it was asked for."""
    page = findings.save(out) if out is not None else None
    if json_to is not None:
        document = (
            findings.to_dict() if page is None else json.loads(page.with_name("findings.json").read_text("utf-8"))
        )
        write_json(document, json_to)
    if not quiet and json_to != "-":
        from shutil import get_terminal_size

        from snellen.report.to_text import render

        colour = sys.stdout.isatty()
        width = get_terminal_size((100, 24)).columns if colour else 100
        say(render(findings, width=width, colour=colour))
        if page is not None:
            say(f"\nThe page: {page}\n")


def bounds_missed(bounds: Sequence["Bound"], measured: Mapping[str, float]) -> int:
    """The exit code: 1 if a bound was not met, and a complaint for each of these."""
    failed = [bound for bound in bounds if not bound.holds(measured)]
    for bound in failed:
        got = measured.get(bound.name)
        complain(f"required {bound}, got {'nothing' if got is None else f'{got:.6g}'}")
    return 1 if failed else 0


def write_json(document: dict[str, Any], where: str) -> None:
    """To standard output for ``-``, else into a file, whole or not at all."""
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    if where == "-":
        say(text)
    else:
        from snellen._atomic import write_file

        write_file(Path(where), text)
