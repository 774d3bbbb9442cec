"""How far a measured share may be from the true one."""

import math


def wilson(successes: float, count: int, *, z: float = 1.959963984540054) -> tuple[float, float]:
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
