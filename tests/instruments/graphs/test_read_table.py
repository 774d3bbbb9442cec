"""One graph in every spelling; what cannot be read is named."""

import pytest

from mini_networks import random_graph
from shared import SHARED, needs_shared
from snellen import UsageError
from snellen.instruments.graphs.neuron_graph import NeuronGraph
from snellen.instruments.graphs.read_table import read_graph

EXPECTED = NeuronGraph(("x", "h 1", "e"), {("x", "h 1"): 1.0, ("x", "e"): -0.5, ("h 1", "e"): 2.0, ("e", "e"): 1.0})
ROWS = (("", "x", "h 1", "e"), ("x", "0", "1", "-0.5"), ("h 1", "0", "", "2"), ("e", "0", "0", "1"))


def spelt(mark: str) -> str:
    return "\n".join(mark.join(row) for row in ROWS)


SPELLINGS = {
    "csv": spelt(","),
    "csv with quotes": '"","x","h 1","e"\r\nx,0,1,-0.5\r\n"h 1",0,,2\r\ne,0,0,1\r\n',
    "a spreadsheet's csv": "\ufeff" + spelt(";") + "\n\n",
    "tsv": spelt("\t"),
    "rows in another order": "\n".join(",".join(ROWS[i]) for i in (0, 3, 1, 2)),
    "markdown": "\n".join(
        ["|   | x | **h 1** | `e` |", "|---|:-:|--:|---|", *("| " + " | ".join(row) + " |" for row in ROWS[1:])]
    ),
    "markdown without outer bars": " . | x | h 1 | e\n---|---|---|---\n" + "\n".join(map(" | ".join, ROWS[1:])),
    "connections": "# the first\nx -> h 1\nx→e : -0.5\n\nh 1 -> e: 2   # weighted\ne -> e",
    "connections in a line": "x -> h 1, x -> e: -0.5; h 1 -> e: 2, e -> e",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_the_same_graph(spelling: str) -> None:
    assert read_graph(SPELLINGS[spelling]) == EXPECTED


@pytest.mark.parametrize("seed", range(5))
def test_a_table_of_a_graph_is_that_graph(seed: int) -> None:
    graph = random_graph(seed, neurons=9, density=0.3)
    table = [",".join(("", *graph.nodes))]
    table += [",".join((u, *("1" if (u, v) in graph.weights else "0" for v in graph.nodes))) for u in graph.nodes]
    assert read_graph("\n".join(table)) == graph


def test_the_row_of_an_output_may_be_left_out() -> None:
    assert read_graph(",A,F\nA,0,1") == NeuronGraph(("A", "F"), {("A", "F"): 1.0})


@needs_shared
def test_the_table_of_the_exam_as_it_is_printed() -> None:
    exam = (SHARED / "spec" / "in5400-exam-2021.txt").read_text(encoding="utf-8").splitlines()
    begin = exam.index("\tS\tA\tB\tC\tD\tE\tF")
    graph = read_graph("\n".join(exam[begin : begin + 7]), name="exercise 8")
    feeds = {name: "".join(children) for name, children in graph.children.items()}
    assert feeds == {"S": "ABE", "A": "BCE", "B": "CE", "C": "DE", "D": "EF", "E": "F", "F": ""}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "t is empty; expected a table"),
        ("\n \n", "t is empty"),
        (",A,B\nA,0,1\nB,0", "row 'B' has 1 cell, and there are 2 columns"),
        (",A,B\nA,0,1,1\nB,0,0", "row 'A' has 3 cells"),
        (",A,B,C\nA,0,1,0", "not square: 1 row, 3 columns. Rows are missing for B, C"),
        (",hidden,B\nhiden,0,1\nB,0,0", "not square: no column named 'hiden'; did you mean hidden"),
        (",A,B\nA,0,1\nA,0,0", "two rows named 'A'"),
        (",A,A\nA,0,1", "two neurons are named 'A'"),
        (",A,B", "names and no rows"),
        (",,\nA,0,1", "the first row must hold the names"),
        ("A", "the first row must hold the names"),
        ("0,1\n0,0", "no name of the first row .1. stands in the first column .0.;"),
        ("A B\nA 0 1", "with commas, semicolons, tabs or | between"),
        (",A,B\nA,0,yes\nB,0,0", "the cell of row 'A' and column 'B' must be 0, 1 or another number, got 'yes'"),
        (",A,B\nA,0,inf\nB,0,0", "got 'inf'"),
        ("| |A|B|\n|A|0|1|", "no line of dashes"),
        ("| |A|B|\n|-|-|-|\n|A|0|1|\n| |A|B|\n|-|-|-|", "more than one table"),
        ("a -> ", "'a ->' names no neuron at one end"),
        ("a -> b: heavy", "the weight of a -> b must be 0, 1 or another number, got 'heavy'"),
        ("a -> b\na -> b", "a -> b twice"),
    ],
)
def test_errors(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_graph(text, name="t")
