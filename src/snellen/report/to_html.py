"""The report as one HTML file that loads nothing: no script, no font, no address outside itself."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from snellen.findings.evidence import Curve, Gallery, HeatMap, Matrix, Picture
from snellen.findings.findings import Findings
from snellen.report.charts import Drawing, draw
from snellen.report.heat import gradient
from snellen.report.thumbnails import BUDGET, thumbnails
from snellen.report.view import page
from snellen.report.wiring_svg import wiring_html


def to_html(findings: Findings, *, budget: int = BUDGET) -> str:
    """The page; its pictures together take at most ``budget`` bytes.

    Everything that comes from the subject (file names, class names, messages) is escaped.

    Raises:
        ValueError: a heat map holds NaN or infinity, or a picture is not uint8 (h, w, 3).
    """
    template = _environment().get_template("page.html")
    pictures = _pictures(findings)
    made = thumbnails(pictures, budget=budget)
    return template.render(
        page=page(findings),
        chart=_chart,
        thumbnail=lambda picture: made.get(id(picture)),
        wiring=wiring_html,
        heat=any(isinstance(picture, HeatMap) for picture in pictures),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("snellen.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["gradient"] = lambda kind: Markup(gradient(kind))
    return environment


def _chart(source: Curve | Matrix) -> tuple[Markup, int] | None:
    drawing: Drawing | None = draw(source)
    return (Markup(drawing.svg), drawing.width) if drawing else None


def _pictures(findings: Findings) -> list[Picture | HeatMap]:
    return [
        picture
        for finding in findings
        for evidence in finding.evidence
        if isinstance(evidence, Gallery)
        for tile in evidence.tiles
        for picture in tile.pictures
    ]
