"""A matplotlib figure as an SVG element that stands in a page: no size, no fonts, no colours of its own.

A figure is drawn in placeholder colours; here each becomes a CSS variable of the page, so that the same
drawing is right in the light and in the dark.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, RULE, PAPER = "#010001", "#010002", "#010003", "#010004"
RIGHT, WRONG = "#010005", "#010006"
SERIES = tuple(f"#0101{i:02x}" for i in range(1, 7))
FONT_SIZE = 13.0
WIDTH = 384

_VARIABLES: Mapping[str, str] = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    RIGHT: "var(--series-1)",
    WRONG: "var(--error)",
    **{colour: f"var(--series-{i})" for i, colour in enumerate(SERIES, start=1)},
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "snellen",
    "text.parse_math": False,  # a class may be called "$5_bill"
    "axes.formatter.use_mathtext": False,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
}


@contextmanager
def canvas(width: float, height: float, **layout: Any) -> Iterator["Figure"]:
    """A blank figure whose unit is one CSS pixel at the natural width, with the house style in force."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, **layout)
        FigureCanvasSVG(figure)
        yield figure


def to_svg(figure: "Figure", *, label: str) -> str:
    """The figure as one ``<svg>`` element; ``label`` is what a screen reader says of it."""
    label, buffer = legible(label, 300), io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with warnings.catch_warnings():
        # The browser sets the words, in its own fonts; that ours lack a glyph does not matter.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    root = ElementTree.fromstring(buffer.getvalue())
    _drop_namespaces(root)
    _drop_styles(root)
    _rename_ids(root, prefix=sha256((label + buffer.getvalue()).encode()).hexdigest()[:8])
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", _restyled(element.attrib["style"]))
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label}
    return re.sub(r"\s*\n\s*", " ", ElementTree.tostring(root, encoding="unicode"))


def legible(name: str, length: int) -> str:
    """A name of the subject's as a label: cut to a length, and nothing in it that XML cannot say."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def _restyled(style: str) -> str:
    style = re.sub(r"font-family: [^;]*;? ?", "", style)
    style = re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", style)
    return re.sub(r"#[0-9a-f]{6}", lambda m: _VARIABLES.get(m[0], m[0]), style)


def _drop_namespaces(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def _drop_styles(root: ElementTree.Element) -> None:
    """Matplotlib's style sheet would hold for the whole page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("style", "metadata"):
                parent.remove(child)


def _rename_ids(root: ElementTree.Element, *, prefix: str) -> None:
    """Ids are unique in a page, and only those that something points at are kept."""
    wanted: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            wanted.update(re.findall(r"url\(#([^)]+)\)", value))
            if name == "href":
                wanted.add(value.removeprefix("#"))
    for element in root.iter():
        if element.attrib.get("id") in wanted:
            element.set("id", f"{prefix}-{element.attrib['id']}")
        else:
            element.attrib.pop("id", None)
        for name, value in element.attrib.items():
            if name == "href":
                element.set(name, f"#{prefix}-{value.removeprefix('#')}")
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}-"))
