"""Sums and products of partial derivatives, kept in the form in which they were written down."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, TypeVar

T = TypeVar("T", int, float)


@dataclass(frozen=True)
class Partial:
    """∂of/∂to: how ``of`` changes with its direct input ``to``, all its other inputs held."""

    of: str
    to: str

    partials = 1
    multiplications = 0


@dataclass(frozen=True)
class Total:
    """dof/dto: how ``of`` changes with ``to`` along all paths; a term that is defined on a line of its own."""

    of: str
    to: str

    partials = 1
    multiplications = 0


@dataclass(frozen=True)
class Product:
    """Factors, from the loss to the input; none is 1."""

    factors: "tuple[Expression, ...]"

    @cached_property
    def partials(self) -> int:
        """How many derivatives are written down."""
        return sum(factor.partials for factor in self.factors)

    @cached_property
    def multiplications(self) -> int:
        """How many times two numbers are multiplied."""
        return sum(factor.multiplications for factor in self.factors) + max(len(self.factors) - 1, 0)


@dataclass(frozen=True)
class Sum:
    """Terms; none is 0."""

    terms: "tuple[Expression, ...]"

    @cached_property
    def partials(self) -> int:
        """How many derivatives are written down."""
        return sum(term.partials for term in self.terms)

    @cached_property
    def multiplications(self) -> int:
        """How many times two numbers are multiplied."""
        return sum(term.multiplications for term in self.terms)


Expression: TypeAlias = Partial | Total | Product | Sum


def product(parts: "Iterable[Expression]") -> Expression:
    """The product of parts, without a product inside it.

    >>> text(product([Partial("e", "a"), product([Partial("a", "b"), Partial("b", "x")])]))
    '∂e/∂a · ∂a/∂b · ∂b/∂x'
    """
    factors = tuple(f for part in parts for f in (part.factors if isinstance(part, Product) else (part,)))
    return factors[0] if len(factors) == 1 else Product(factors)


def total(parts: "Iterable[Expression]") -> Expression:
    """The sum of parts, without a sum inside it.

    >>> text(total([Partial("e", "x"), total([])]))
    '∂e/∂x'
    """
    terms = tuple(t for part in parts for t in (part.terms if isinstance(part, Sum) else (part,)))
    return terms[0] if len(terms) == 1 else Sum(terms)


def evaluate(expression: Expression, partial: Callable[[Partial], T], totals: Mapping[Total, T], one: T) -> T:
    """The value of an expression.

    Args:
        expression: what is evaluated.
        partial: the value of each partial derivative.
        totals: the values of the terms that are defined elsewhere.
        one: 1, of the kind of number that is wanted.

    >>> evaluate(total([Partial("e", "a"), Partial("e", "b")]), lambda p: 2, {}, 1)
    4
    """
    match expression:
        case Partial():
            return partial(expression)
        case Total():
            return totals[expression]
        case Product(factors):
            value = one
            for factor in factors:
                value = value * evaluate(factor, partial, totals, one)
            return value
        case Sum(terms):
            value = one - one
            for term in terms:
                value = value + evaluate(term, partial, totals, one)
            return value


def text(expression: Expression) -> str:
    """The expression in letters: ∂e/∂f · (∂f/∂a + ∂f/∂b · ∂b/∂a) · ∂a/∂x.

    >>> text(product([total([Partial("e", "a"), Partial("e", "b")]), Partial("a", "hidden 1")]))
    '(∂e/∂a + ∂e/∂b) · ∂a/∂(hidden 1)'
    """
    match expression:
        case Partial(of, to):
            return f"∂{_plain(of)}/∂{_plain(to)}"
        case Total(of, to):
            return f"d{_plain(of)}/d{_plain(to)}"
        case Product(factors):
            return " · ".join(f"({text(f)})" if isinstance(f, Sum) else text(f) for f in factors) or "1"
        case Sum(terms):
            return " + ".join(map(text, terms)) or "0"


def latex(expression: Expression) -> str:
    r"""The expression in LaTeX, for a formula.

    >>> print(latex(product([Partial("e", "h_1"), Partial("h_1", "x2")])))
    \frac{\partial e}{\partial h_{1}} \frac{\partial h_{1}}{\partial x_{2}}
    """
    match expression:
        case Partial(of, to):
            return rf"\frac{{\partial {_letters(of)}}}{{\partial {_letters(to)}}}"
        case Total(of, to):
            return rf"\frac{{\mathrm{{d}} {_letters(of)}}}{{\mathrm{{d}} {_letters(to)}}}"
        case Product(factors):
            return " ".join(rf"\left({latex(f)}\right)" if isinstance(f, Sum) else latex(f) for f in factors) or "1"
        case Sum(terms):
            return " + ".join(map(latex, terms)) or "0"


def _plain(name: str) -> str:
    """A name that is no single word stands in brackets."""
    return name if re.fullmatch(r"[\w\[\]'.]+", name) else f"({name})"


def _letters(name: str) -> str:
    r"""A name in a formula: x2 and x_2 as x_{2}, a[3] as a^{(3)}, a word as \mathrm."""
    found = re.fullmatch(r"([^\W\d_]+)_?([^\W_]*)(?:\[(\d+)\])?", name)
    if found is None or (found[2] and not found[2].isdecimal() and "_" not in name):
        return r"\mathrm{" + "".join(_ESCAPES.get(c, c) for c in name) + "}"
    letter = found[1] if len(found[1]) == 1 else rf"\mathrm{{{found[1]}}}"
    return letter + (f"_{{{found[2]}}}" if found[2] else "") + (f"^{{({found[3]})}}" if found[3] else "")


_ESCAPES = {c: rf"\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    " ": r"\ ",
}
