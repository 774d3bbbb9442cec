"""``snellen conv``: the size that a convolution gives, with every step; or the padding that gives a wanted size."""

from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import say, verb, write_json

if TYPE_CHECKING:
    from snellen.instruments.architecture.wanted_size import Answer


@verb
def conv(
    size: Annotated[str, typer.Option("--input", help="Size of the input, channels left out: 90, 69x90 or 16x69x90.")],
    kernel: Annotated[str, typer.Option(help="Size of the kernel: 3, or 7x5, one number an axis, as in the others.")],
    stride: Annotated[str, typer.Option(help="Step from one window to the next.")] = "1",
    padding: Annotated[str | None, typer.Option(help="Zeros at each end; or same, or valid. 0 if not given.")] = None,
    dilation: Annotated[str, typer.Option(help="Step between the elements of the kernel.")] = "1",
    output_padding: Annotated[str | None, typer.Option(help="Of a transposed convolution.")] = None,
    transposed: Annotated[bool, typer.Option("--transposed", help="The convolution that goes the other way.")] = False,
    output: Annotated[str | None, typer.Option(help="Ask which padding gives this size: 32, or 24x32.")] = None,
    json: o.Json = None,
) -> None:
    """The output size of a convolution in one, two or three dimensions, as one calculates it by hand.

    With --output: every padding that gives this size.
    """
    sizes, kernels = read_sizes(size, "--input"), read_sizes(kernel, "--kernel")
    strides, dilations = read_sizes(stride, "--stride"), read_sizes(dilation, "--dilation")
    if output is not None:
        if padding is not None or output_padding is not None:
            raise UsageError("--output asks for the padding: leave out --padding and --output-padding, or --output")
        wanted = read_sizes(output, "--output")
        _ask(sizes, kernels, wanted, stride=strides, dilation=dilations, transposed=transposed, json=json)
        return
    from snellen.instruments.architecture.convolution import convolution

    word = padding if padding in ("same", "valid") else None
    done = convolution(
        sizes,
        kernels,
        stride=strides,
        padding=cast(Literal["same", "valid"], word) if word else read_sizes(padding or "0", "--padding"),
        dilation=dilations,
        output_padding=read_sizes(output_padding or "0", "--output-padding"),
        transposed=transposed,
    )
    if json is not None:
        axes = [{"axis": axis.name, "output": axis.output, "steps": axis.steps} for axis in done.axes]
        from snellen.findings.findings import SCHEMA_VERSION

        document = {"output": done.output, "formula": done.formula, "axes": axes, "notes": done.notes}
        write_json({"schema_version": SCHEMA_VERSION, **document}, json)
    if json != "-":
        rows = "".join(f"{axis.name:<8}{axis.steps}\n" for axis in done.axes)
        notes = "".join(f"{note}\n" for note in done.notes)
        say(f"{done.formula}\n\n{rows}\nOutput: {' x '.join(map(str, done.output))}\n{notes}")


def _ask(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    output: tuple[int, ...],
    *,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    transposed: bool,
    json: str | None,
) -> None:
    from snellen.instruments.architecture.wanted_size import paddings

    answers = paddings(size, kernel, output, stride=stride, dilation=dilation, transposed=transposed)
    if json is not None:
        from snellen.findings.findings import SCHEMA_VERSION

        axes = [
            {
                "axis": answer.name,
                "steps": answer.steps,
                "paddings": [{"padding": p.padding, "output_padding": p.output_padding} for p in answer.equal],
                "totals": answer.totals,
            }
            for answer in answers
        ]
        write_json({"schema_version": SCHEMA_VERSION, "output": output, "axes": axes}, json)
    if json != "-":
        formula = "2p − o = (input − 1)·stride + kernel − output" if transposed else _BOUNDS
        rows = "".join(f"{answer.name:<8}{answer.steps}\n        {_told(answer, transposed)}\n" for answer in answers)
        say(f"{formula}\n\n{rows}{_agreed(answers, transposed)}")


_BOUNDS = "(output − 1)·stride ≤ input + 2p − kernel ≤ output·stride − 1"


def _told(answer: "Answer", transposed: bool) -> str:
    """The paddings of one axis in words."""
    if not answer.equal:
        total = answer.totals[0]
        return f"no equal padding; {total} in all, {total // 2} before and {total - total // 2} after " + (
            "(crop the output)" if transposed else "(torch.nn.functional.pad)"
        )
    pairs = [f"{p.padding} with output padding {p.output_padding}" for p in answer.equal]
    return "padding " + " or ".join(pairs if transposed else [str(p.padding) for p in answer.equal])


def _agreed(answers: "tuple[Answer, ...]", transposed: bool) -> str:
    """What can be given as one number for all axes, where there are several."""
    if len(answers) == 1:
        return ""
    shared = [p for p in answers[0].equal if all(p in other.equal for other in answers)]
    if not shared:
        return "\nNo one padding does for all axes: give one number an axis.\n"
    pairs = [f"{p.padding}" + (f" with output padding {p.output_padding}" if transposed else "") for p in shared]
    return f"\nFor all axes: padding {' or '.join(pairs)}\n"


def read_sizes(text: str, option: str) -> tuple[int, ...]:
    """``69x90`` as (69, 90)."""
    parts = [part.strip() for part in text.lower().replace("×", "x").split("x")]
    if not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise UsageError(f"{option} must be whole numbers with x between, such as 3 or 7x5; got {text!r}")
    return tuple(map(int, parts))
