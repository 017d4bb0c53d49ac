"""The eight symmetries of the square, as index arithmetic for compiled code.

Ids as in the released URM code: 0 identity; 1, 2, 3 counter-clockwise quarter turns; 4 flip
left-right; 5 flip up-down; 6 transpose; 7 anti-transpose.
"""

import numpy as np
from numba import njit

SYMMETRIES = 8
INVERSE_SYMMETRY = (0, 3, 2, 1, 4, 5, 6, 7)


@njit(cache=True)
def swaps_sides(symmetry: int) -> bool:
    """True for the symmetries that turn a grid of height x width into width x height."""
    return symmetry == 1 or symmetry == 3 or symmetry >= 6


@njit(cache=True)
def strides(symmetry: int, height: int, width: int, pitch: int) -> tuple[int, int, int]:
    """(base, down, right): cell (r, c) of the moved grid is flat cell base + r*down + c*right.

    The flat cells are those of the grid before it is moved, row-major, ``pitch`` from row to row.
    """
    last_row = (height - 1) * pitch
    last = width - 1
    if symmetry == 0:
        return 0, pitch, 1
    if symmetry == 1:
        return last, -1, pitch
    if symmetry == 2:
        return last_row + last, -pitch, -1
    if symmetry == 3:
        return last_row, 1, -pitch
    if symmetry == 4:
        return last, pitch, -1
    if symmetry == 5:
        return last_row, -pitch, 1
    if symmetry == 6:
        return 0, 1, pitch
    return last_row + last, -1, -pitch


@njit(cache=True)
def transform_into(out: np.ndarray, grid: np.ndarray, symmetry: int, palette: np.ndarray) -> None:
    """Write the grid [h, w], moved by ``symmetry`` and recoloured by ``palette`` [10], into ``out``.

    ``out`` is [h, w], or [w, h] for the symmetries that swap sides.
    """
    flat = grid.ravel()
    base, down, right = strides(symmetry, grid.shape[0], grid.shape[1], grid.shape[1])
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = palette[flat[base + r * down + c * right]]


def _composition_table() -> np.ndarray:
    """table[a, b]: the symmetry that does a, then b; found by moving a probe."""
    probe = np.arange(6, dtype=np.int64).reshape(2, 3)

    def move(grid: np.ndarray, symmetry: int) -> np.ndarray:
        turned = np.rot90(grid, symmetry) if symmetry < 4 else grid
        return (turned, np.fliplr(turned), np.flipud(turned), turned.T, np.rot90(turned, 2).T)[
            max(0, symmetry - 3)
        ]

    moved = [move(probe, symmetry) for symmetry in range(SYMMETRIES)]
    table = np.zeros((SYMMETRIES, SYMMETRIES), np.int64)
    for a in range(SYMMETRIES):
        for b in range(SYMMETRIES):
            both = move(moved[a], b)
            table[a, b] = next(s for s in range(SYMMETRIES) if np.array_equal(moved[s], both))
    return table


COMPOSITIONS = _composition_table()  # int64 [8, 8]
