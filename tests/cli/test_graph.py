"""``snellen graph``: what a table is, its drawing, its gradients; and what is refused."""

import json
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mini_networks import FIGURES
from snellen.cli.graph import counted
from workbench import refused, snellen

TABLE = ",x1,x2,a,b,e\nx1,0,0,1,1,0\nx2,0,0,0,1,0\na,0,0,0,1,1\nb,0,0,0,0,1\ne,0,0,0,0,0\n"


@pytest.fixture(autouse=True)
def files(bench: Path) -> None:
    (bench / "net.csv").write_text(TABLE)
    (bench / "loop.txt").write_text("x -> a -> e\na -> a\n")


def test_a_feed_forward_table() -> None:
    result = snellen("graph", "net.csv")
    assert result.stdout.splitlines()[0] == "5 neurons, 6 connections. Inputs: x1 and x2. Output: e."
    assert "Feed-forward: no path leads from a neuron back to itself." in result.stdout
    assert "The longest path has 3 connections; 4 paths from input to output." in " ".join(result.stdout.split())


def test_a_recurrent_list_and_its_unrolling() -> None:
    result = snellen("graph", "loop.txt")
    assert "Recurrent: a feeds itself (self-loop)." in result.stdout
    unrolled = snellen("graph", "loop.txt", "--gradient", "e", "x", "--unroll", "3", "--check")
    assert "de[3]/dx[1] = ∂e[3]/∂a[3] · ∂a[3]/∂a[2] · ∂a[2]/∂a[1] · ∂a[1]/∂x[1]\n" in unrolled.stdout
    later = snellen("graph", "loop.txt", "--gradient", "e", "x[3]", "--unroll", "3")
    assert "de[3]/dx[3] = ∂e[3]/∂a[3] · ∂a[3]/∂x[3]\n" in later.stdout
    refused(snellen("graph", "loop.txt", "--gradient", "e", "x"), 3, "the circle a -> a lies on the way", "Unroll")


def test_a_gradient_in_letters_latex_and_json() -> None:
    result = snellen("graph", "net.csv", "--gradient", "e", "x1", "--check")
    expression = "∂e/∂a · ∂a/∂x1 + ∂e/∂b · (∂b/∂a · ∂a/∂x1 + ∂b/∂x1)"
    assert f"de/dx1 = {expression}\n" in result.stdout
    assert "3 paths. Multiplications: 3 as written, 4 multiplied out, 1 saved.\n" in result.stdout
    assert "Checked with random weights (seed 0): " in result.stdout
    formula = snellen("graph", "net.csv", "--gradient", "e", "x1", "--latex").stdout
    assert r"\frac{\mathrm{d} e}{\mathrm{d} x_{1}} = " in formula
    broken = [line for line in formula.splitlines() if line.count("{") != line.count("}")]
    assert "\n    " in formula
    assert not broken, "a long line goes on between fractions"
    document = json.loads(snellen("graph", "net.csv", "--gradient", "e", "x1", "--check", "--json", "-").stdout)
    assert document["structure"]["kind"] == "feed-forward"
    assert document["gradient"]["text"] == [f"de/dx1 = {expression}"]
    assert document["check"]["difference"] < 1e-10
    assert document["connections"][0] == ["x1", "a", 1.0]


def test_a_drawing(bench: Path) -> None:
    result = snellen("graph", "net.csv", "--draw", "graph.svg", "--gradient", "e", "x2")
    assert "Drawn in graph.svg\n" in result.stdout
    root = ElementTree.parse(bench / "graph.svg").getroot()
    assert [g.get("class") for g in root.iter("{http://www.w3.org/2000/svg}g")].count("marked") == 2


def test_a_list_in_the_argument() -> None:
    assert "9 neurons, 12 connections" in snellen("graph", FIGURES["b"]).stdout


def test_the_operations_of_a_network(bench: Path) -> None:
    result = snellen("graph", "nets.py:toy", "--input", "3x8x8", "--gradient", "4", "input", "--draw", "net.svg")
    assert "Inputs: input. Output: 4." in result.stdout
    assert "d4/dinput = ∂4/∂3 · ∂3/∂1 · ∂1/∂0 · ∂0/∂input\n" in result.stdout, "dropout does nothing here"
    assert ">input</text>" in (bench / "net.svg").read_text()
    refused(snellen("graph", "nets.py:toy", "--input", "big"), 2, "--input must be whole numbers")


def test_two_outputs_must_be_meant() -> None:
    refused(snellen("graph", "x -> a, x -> b"), 2, "the graph has 2 outputs", "a and b", "--outputs a")
    dead = "Dead ends, from which no path leads to an output: b."
    assert dead in snellen("graph", "x -> a, x -> b", "--outputs", "a").stdout
    assert "Dead ends" not in snellen("graph", "x -> a, x -> b", "--outputs", "a, b").stdout
    assert dead in snellen("graph", "x -> a, x -> b", "--gradient", "a", "x").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("net.csv", "--gradient", "e", "x3"), "no neuron named 'x3'; did you mean x"),
        (("net.csv", "--inputs", "x1,y"), "no neuron named 'y'"),
        (("net.csv", "--check"), "give --gradient E X too"),
        (("net.csv", "--latex"), "--latex is about a derivative"),
        (("net.csv", "--draw", "graph.png"), "--draw writes SVG"),
        (("net.csv", "--unroll", "2"), "nothing to unroll"),
        (("loop.txt", "--unroll", "2", "--gradient", "q", "x"), "no neuron named 'q'"),
        (("loop.txt", "--unroll", "2", "--gradient", "e[3]", "x"), "no neuron named 'e[3]'"),
        (("photos/ant/0.png",), "is no text in UTF-8"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], said: str) -> None:
    refused(snellen("graph", *words), 2, said)


def test_a_file_that_is_not_there() -> None:
    refused(snellen("graph", "nowhere.csv"), 3, "there is no file 'nowhere.csv'", "A network needs --input")


def test_a_wrong_expression_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    from snellen.instruments.graphs import chain_rule as module

    monkeypatch.setattr(module, "_counted", lambda *_: (5, 9))
    with pytest.raises(RuntimeError, match="the expression for de/dx1 is wrong"):
        snellen("graph", "net.csv", "--gradient", "e", "x1", "--check")


def test_thousands_of_neurons_and_endless_paths(bench: Path) -> None:
    """2,000 neurons, each fed by up to 5 of the 12 before it; nothing is listed, and the count is exact."""
    draw = random.Random(0)
    lines = [f"n{j} -> n{i}" for i in range(1, 2000) for j in sorted(draw.sample(range(max(0, i - 12), i), min(i, 5)))]
    (bench / "large.txt").write_text("\n".join(lines))
    document = json.loads(snellen("graph", "large.txt", "--gradient", "n1999", "n0", "--json", "-").stdout)
    ways = {0: 1}
    for line in lines:
        source, _, target = line.partition(" -> ")
        ways[int(target[1:])] = ways.get(int(target[1:]), 0) + ways[int(source[1:])]
    found = document["gradient"]
    assert found["paths"] == ways[1999] > 10**12
    assert found["multiplications"] < len(lines)
    assert len(found["text"]) > 1


def test_no_torch_for_letters() -> None:
    code = (
        "import sys; sys.argv = ['snellen', 'graph', 'net.csv', '--draw', 'g.svg', '--gradient', 'e', 'x1']\n"
        "from snellen.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_large_counts_are_rounded() -> None:
    assert (counted(999_999_999_999_999), counted(10**15), counted(-7)) == ("999,999,999,999,999", "1.000e+15", "-7")
