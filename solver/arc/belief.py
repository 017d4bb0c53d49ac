"""How probable it is that the grid of a program is right, from the costs of all that were found.

A cost counts half bits of a program's description in the language of learned costs, so that a program of cost
c has the prior 2^(-c/2). Grids share the belief by their cheapest program, flattened by WIDTH, and NONE
stands for all programs that were not found:

    p(grid) = 2^(-cost / WIDTH) / (2^(-NONE / WIDTH) + the sum over all grids)

Both numbers were fitted on the even half of ARC-AGI-1 evaluation (``python -m benchmarks.search TASKS --half
even --fit``, docs/LOG.md), and SETTLED was chosen there: 71 of 76 such answers were right after a second.
"""

from collections.abc import Sequence

import numpy as np

WIDTH, NONE = 8.0, 116.0
SETTLED = 0.7  # probability that one of two attempts is right, from which nothing more is sought


def probabilities(costs: Sequence[float], width: float = WIDTH, none: float = NONE) -> list[float]:
    """The probability of each different grid from its least cost."""
    bits = -np.array([*costs, none], np.float64) / width
    weights = np.exp2(bits - bits.max())
    return (weights[:-1] / weights.sum()).tolist()


def fit(outputs: Sequence[tuple[Sequence[float], int]]) -> tuple[float, float]:
    """The width and the cost of none under which the right places are most probable. ``outputs``: of each
    output the grids' costs and the place of the right one, -1 where it is missing."""
    best = (-np.inf, WIDTH, NONE)
    for width in np.arange(2.0, 40.0):
        for none in np.arange(20.0, 160.0, 2.0):
            total = 0.0
            for costs, place in outputs:
                chances = probabilities(costs, width, none)
                total += np.log(max(1e-6, chances[place] if place >= 0 else 1 - sum(chances)))
            best = max(best, (total, float(width), float(none)))
    return best[1:]
