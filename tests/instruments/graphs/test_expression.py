"""What is written down has the value of what is meant, in letters and in LaTeX."""

import re

import pytest

from snellen.instruments.graphs.expression import (
    Expression,
    Partial,
    Product,
    Sum,
    Total,
    evaluate,
    latex,
    product,
    text,
    total,
)

EXPRESSION = product(
    [
        total([product([Partial("e", "f"), Partial("f", "b")]), total([Partial("e", "b"), Total("e", "g")])]),
        product([Partial("b", "a"), total([Partial("a", "x1")])]),
    ]
)
VALUES = {("e", "f"): 2, ("f", "b"): 3, ("e", "b"): 5, ("b", "a"): 7, ("a", "x1"): 11}
VALUE = (2 * 3 + 5 + 13) * 7 * 11


def test_the_value() -> None:
    assert evaluate(EXPRESSION, lambda p: VALUES[p.of, p.to], {Total("e", "g"): 13}, 1) == VALUE
    assert evaluate(Product(()), lambda _: 0, {}, 1) == 1
    assert evaluate(Sum(()), lambda _: 0, {}, 1.0) == 0.0


def test_what_is_counted() -> None:
    assert (EXPRESSION.partials, EXPRESSION.multiplications) == (6, 3)


def test_letters_have_the_same_value() -> None:
    said = text(EXPRESSION)
    assert said == "(∂e/∂f · ∂f/∂b + ∂e/∂b + de/dg) · ∂b/∂a · ∂a/∂x1"
    python = re.sub(r"∂(\w+)/∂(\w+)", lambda m: str(VALUES[m[1], m[2]]), said).replace("de/dg", "13")
    assert eval(python.replace("·", "*")) == VALUE


def test_latex_is_the_same() -> None:
    e, f, b, a = (rf"\frac{{\partial {of}}}{{\partial {to}}}" for of, to in ("ef", "fb", "eb", "ba"))
    g, x = r"\frac{\mathrm{d} e}{\mathrm{d} g}", r"\frac{\partial a}{\partial x_{1}}"
    assert latex(EXPRESSION) == rf"\left({e} {f} + {b} + {g}\right) {a} {x}"


@pytest.mark.parametrize(
    ("expression", "expected"), [(Product(()), "1"), (Sum(()), "0"), (Partial("a b", "c/d"), "∂(a b)/∂(c/d)")]
)
def test_the_least_expressions(expression: Expression, expected: str) -> None:
    assert text(expression) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("e", "e"),
        ("x1", "x_{1}"),
        ("x_12", "x_{12}"),
        ("loss", r"\mathrm{loss}"),
        ("h1[3]", "h_{1}^{(3)}"),
        ("a[2]", "a^{(2)}"),
        ("50%_off", r"\mathrm{50\%\_off}"),
        ("two words", r"\mathrm{two\ words}"),
        ("\\evil{}", r"\mathrm{\textbackslash{}evil\{\}}"),
    ],
)
def test_names_in_a_formula(name: str, expected: str) -> None:
    assert latex(Partial(name, "y")) == rf"\frac{{\partial {expected}}}{{\partial y}}"
