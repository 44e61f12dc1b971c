"""How certain a mean or a share is: 95 % intervals.

Sources: Student 1908 (the interval of a mean); Wilson 1927 (the interval of a share).
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)       # LEVEL of the normal distribution is within plus and minus this
# Student's t for 1, 2, .. degrees of freedom: 95 % of its distribution is within plus and minus these.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean of some values, by Student's t; None for fewer than two.

    For the folds of a cross-validation it is somewhat too short, because their training sets overlap.
    """
    free = len(values) - 1
    if free < 1:
        return None
    half = student(free) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    mean = float(np.mean(values))
    return mean - half, mean + half


def student(free: int) -> float:
    """The bound of Student's t for so many degrees of freedom; from 10 on by its expansion at the normal
    distribution (Abramowitz and Stegun 1964, 26.7.5)."""
    if free <= len(STUDENT):
        return STUDENT[free - 1]
    return Z + (Z**3 + Z) / (4 * free) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * free**2)


def share_interval(right: int, items: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, from 0 to 1."""
    share, more = right / items, Z * Z / items
    middle = (share + more / 2) / (1 + more)
    half = Z / (1 + more) * (share * (1 - share) / items + more / (4 * items)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
