"""A candidate: one proposed output grid, the source that proposed it, and what the source knows of it."""

from dataclasses import dataclass

import numpy as np

from solver.arc.task import Grid

PLAIN_PALETTE = tuple(range(10))


@dataclass(frozen=True, slots=True)
class View:
    """What a network knows of a grid that it predicted.

    ``confidence``: sigmoid of the halting logit, 0..1.
    ``log_prob``: log-probability of the grid, summed over its cells.
    ``symmetry`` 0..7, ``palette`` [10]: the augmentation that was predicted under, undone in the grid.
    ``pooled``: the grid is the mean of all views (``solver.arc.consensus``), which has no vote of its own.
    """

    confidence: float = 0.0
    log_prob: float = 0.0
    symmetry: int = 0
    palette: tuple[int, ...] = PLAIN_PALETTE
    pooled: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """What a program source knows of a grid that one of its programs made.

    ``cost``: of programs that fit equally well, the cheaper one is the more plausible.
    ``reproduced`` of ``demonstrations``: how many of the task's demonstrations the program reproduces.
    ``probability``: that the grid is right, 0..1, calibrated; None where the source does not say.
    ``text``: the program itself, as its source reads it back to run it again, or an empty string.
    """

    cost: float
    reproduced: int
    demonstrations: int
    probability: float | None = None
    text: str = ""

    @property
    def fits(self) -> bool:
        """Whether the program reproduces every demonstration."""
        return self.reproduced == self.demonstrations > 0


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """One proposed output grid. ``source``: the name of who proposed it. ``explanation``: the text of its
    program, or an empty string."""

    grid: Grid
    source: str
    known: View | Program
    explanation: str = ""


def same_grid(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in shape and in every cell."""
    return a.shape == b.shape and bool((a == b).all())


def grid_key(grid: np.ndarray) -> bytes:
    """Bytes that are equal for equal grids and for no others."""
    return bytes(grid.shape) + np.ascontiguousarray(grid, np.uint8).tobytes()
