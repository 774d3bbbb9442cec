"""How far a measured share may be from the true one."""

import math

Z95 = 1.959963984540054


def wilson(successes: float, count: float, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for a share of ``count`` trials; 95 % by default.

    (p + z^2/2n +- z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n). Unlike p +- z sqrt(p (1 - p)/n) it never leaves
    [0, 1] and is right for small counts and shares near 0 and 1. No trials: (0, 1).

    >>> low, high = wilson(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)

    Reference: Wilson 1927, JASA 22:209-212.
    """
    if count == 0:
        return 0.0, 1.0
    p, square = successes / count, z * z / count
    centre = (p + square / 2) / (1 + square)
    half = z * math.sqrt(p * (1 - p) / count + square / (4 * count)) / (1 + square)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return 0.0 if successes == 0 else low, 1.0 if successes == count else high


def difference(first: tuple[float, float], second: tuple[float, float], *, z: float = Z95) -> tuple[float, float]:
    """An interval for the first share less the second, measured on trials of their own; 95 % by default.

    Newcombe's: d = p - q, from d - sqrt((p - l_p)^2 + (u_q - q)^2) to d + sqrt((u_p - p)^2 + (q - l_q)^2), with the
    Wilson bounds l and u of each. No trials of one: (-1, 1).

    Args:
        first: successes and trials.
        second: successes and trials.
        z: half the width in standard deviations.

    >>> low, high = difference((56, 70), (48, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)

    Reference: Newcombe 1998, Statistics in Medicine 17:873-890, method 10.
    """
    if not first[1] or not second[1]:
        return -1.0, 1.0
    p, q = first[0] / first[1], second[0] / second[1]
    (low_p, high_p), (low_q, high_q) = wilson(*first, z=z), wilson(*second, z=z)
    return p - q - math.hypot(p - low_p, high_q - q), p - q + math.hypot(high_p - p, q - low_q)


def paired(wins: float, losses: float, count: int, *, extra: float = 0.0, z: float = Z95) -> tuple[float, float]:
    """An interval for the difference of two shares that were measured on the same ``count`` trials; 95 % by default.

    With ``wins`` trials that only the first got right and ``losses`` that only the second did, the interval of Bonett
    and Price: p = (wins + 1) / (n + 2), q = (losses + 1) / (n + 2), p - q +- z sqrt((p + q - (p - q)^2) / (n + 2)).
    Trials that both got right or wrong say nothing of the difference. No trials: (-1, 1).

    Args:
        wins: of the first share alone; a fraction where one side is a mean of several.
        losses: of the second share alone.
        count: trials.
        extra: variance of the difference from elsewhere, such as the choice of a seed.
        z: half the width in standard deviations.

    >>> low, high = paired(30, 10, 100)
    >>> round(low, 3), round(high, 3)
    (0.078, 0.315)

    Reference: Bonett and Price 2012, J. Educ. Behav. Stat. 37:479-488.
    """
    if count == 0:
        return -1.0, 1.0
    p, q = (wins + 1) / (count + 2), (losses + 1) / (count + 2)
    half = z * math.sqrt((p + q - (p - q) ** 2) / (count + 2) + extra)
    return max(-1.0, p - q - half), min(1.0, p - q + half)
