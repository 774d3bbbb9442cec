"""Ways to make a set-up of the second set from a plan: another optimizer, another loss, a changed network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from seeded.blind_plans import Blind, learn
from seeded.second_plans import PLANS

AT = PLANS


def plain(name: str) -> Callable[[], Blind]:
    return lambda: AT[name].case()


def resumed(name: str, steps: int = 40) -> Callable[[], Blind]:
    def build() -> Blind:
        case = AT[name].case()
        learn(case, steps)
        assert case.draw is not None
        return replace(case, batch=case.draw())

    return build


def optimised(name: str, make: Callable[[Any], Any]) -> Callable[[], Blind]:
    """Another optimizer, made of the network's parameters."""

    def build() -> Blind:
        network = AT[name].make()
        return AT[name].case(network, optimizer=make(list(network.parameters())))

    return build


def lost(name: str, loss: Callable[..., Any]) -> Callable[[], Blind]:
    return lambda: AT[name].case(loss=loss)


def changed(name: str, how: Callable[[Any], Any]) -> Callable[[], Blind]:
    """The network changed in place before its optimizer is made."""

    def build() -> Blind:
        network = AT[name].make()
        how(network)
        return AT[name].case(network)

    return build
