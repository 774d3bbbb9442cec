"""The drawing is well-formed, shows every neuron and connection, and runs nothing that a name says."""

import re
from xml.etree import ElementTree

import pytest

from mini_networks import FIGURES, figure
from snellen.report.graph_svg import graph_svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def classes(root: ElementTree.Element, tag: str) -> list[str]:
    return [element.get("class") or "" for element in root.iter(f"{SVG}{tag}")]


@pytest.mark.parametrize("name", FIGURES)
def test_every_neuron_and_connection_is_there(name: str) -> None:
    graph = figure(name)
    marked = list(graph.between("x1", "e").weights)
    root = drawn(graph_svg(graph.nodes, graph.weights, inputs=["x1", "x2"], outputs=["e"], marked=marked, title=name))
    rects = classes(root, "rect")
    assert rects.count("neuron") + rects.count("neuron input") == len(graph.nodes)
    assert (rects.count("neuron input"), rects.count("ring")) == (2, 1)
    assert sorted(t.text or "" for t in root.iter(f"{SVG}text")) == sorted(graph.nodes)
    titles = {t.text for t in root.iter(f"{SVG}title")}
    assert {f"{u} → {v}" for u, v in graph.weights} <= titles
    assert classes(root, "g").count("marked") == len(marked)
    assert len(list(root.iter(f"{SVG}path"))) == len(list(root.iter(f"{SVG}polygon"))) == len(graph.weights)


def test_a_loop_is_seen_above_its_neuron() -> None:
    text = graph_svg(["x", "a"], {("x", "a"): 1.0, ("a", "a"): 1.0}, feedback=[("a", "a")], title="loop")
    (group,) = [g for g in drawn(text).iter(f"{SVG}g") if (g.findtext(f"{SVG}title") or "") == "a → a"]
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d", group.find(f"{SVG}path").get("d"))]  # type: ignore[union-attr, arg-type]
    centre = next(float(t.get("y") or 0) for t in drawn(text).iter(f"{SVG}text") if t.text == "a")
    assert min(numbers[1::2]) >= 0, "inside the picture"
    assert max(numbers[1::2]) < centre
    assert group.get("class") == "feedback"


def test_weights_are_written_where_they_say_something() -> None:
    assert ">0.5</text>" in graph_svg(["x", "a"], {("x", "a"): 0.5}, title="")
    assert ">1</text>" not in graph_svg(["x", "a"], {("x", "a"): 1.0}, title="")
    two = graph_svg(["x", "a", "b"], {("x", "a"): -1.25, ("x", "b"): 0.5}, title="")
    places = [(float(x), float(y)) for x, y in re.findall(r'class="weight" x="(\d+)" y="(\d+)"', two)]
    assert ">\N{MINUS SIGN}1.25</text>" in two
    assert abs(places[0][0] - places[1][0]) > 8, "those that leave the same neuron do not stand above each other"


def test_names_are_letters_and_nothing_else() -> None:
    name = '<script>"&\x1b[31m' + "n" * 40
    text = graph_svg([name, "a"], {(name, "a"): 1.0}, title=name)
    assert "<script" not in text
    assert "\x1b" not in text
    (first, *_) = [t.text for t in drawn(text).iter(f"{SVG}text")]
    assert first is not None
    assert first.startswith('<script>"&')
    assert first.endswith("…")


def test_light_and_dark() -> None:
    text = graph_svg(["a"], {}, title="one")
    assert "prefers-color-scheme: dark" in text
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= set(re.findall(r"(--[\w-]+):", text))
    outside = text.partition("</style>")[2]
    assert not re.search(r"#[0-9a-f]{3,6}\b", outside)
