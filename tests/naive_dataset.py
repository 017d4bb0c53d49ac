"""Slow, obvious twins of the counting of augmentations; those of drawing and voting are the benchmarks'."""

from itertools import permutations

import numpy as np

from benchmarks.twins import turn
from solver.arc.task import COLOURS, Grid


def effect(grids: list[Grid], symmetry: int, palette: np.ndarray) -> bytes:
    """What an augmentation makes of the grids, as bytes."""
    moved = [turn(np.asarray(palette, np.uint8)[grid], symmetry) for grid in grids]
    return b"|".join(bytes(grid.shape) + grid.tobytes() for grid in moved)


def count_effects(grids: list[Grid]) -> int:
    """How many different things the 8 x 9! augmentations do, by doing them (few colours only)."""
    used = sorted({int(c) for grid in grids for c in grid.ravel()} - {0})
    seen = set()
    for images in permutations(range(1, COLOURS), len(used)):
        palette = np.zeros(COLOURS, np.uint8)
        palette[used] = images
        seen |= {effect(grids, symmetry, palette) for symmetry in range(8)}
    return len(seen)
