"""Slow, obvious twins of the compiled kernels, written from their documentation alone."""

import numpy as np

SYMMETRIES = (
    lambda grid: grid,
    lambda grid: np.rot90(grid, 1),
    lambda grid: np.rot90(grid, 2),
    lambda grid: np.rot90(grid, 3),
    np.fliplr,
    np.flipud,
    np.transpose,
    lambda grid: np.rot90(np.transpose(grid), 2),
)


def transform(grid, symmetry, palette):
    """A grid moved by one of numpy's own symmetries, then each cell looked up in the palette."""
    return np.asarray(palette, np.uint8)[SYMMETRIES[symmetry](grid)]


def draw_tokens(shape, grid, row, column):
    """The canvas as a dictionary of cells: colours first, border where it falls inside, the rest pad."""
    height, width = grid.shape
    cells = {(row + r, column + c): int(grid[r, c]) + 2 for r in range(height) for c in range(width)}
    for c in range(width):
        cells.setdefault((row + height, column + c), 1)
    for r in range(height):
        cells.setdefault((row + r, column + width), 1)
    return np.array([[cells.get((r, c), 0) for c in range(shape[1])] for r in range(shape[0])], np.uint8)


def crop_shape(canvas):
    """Every rectangle at the top-left corner tried; the largest of colours alone, fewest rows first."""
    best = (0, 0)
    for rows in range(1, canvas.shape[0] + 1):
        for columns in range(1, canvas.shape[1] + 1):
            part = canvas[:rows, :columns]
            if ((part >= 2) & (part < 12)).all() and rows * columns > best[0] * best[1]:
                best = (rows, columns)
    return best
