"""The vocabulary, grids as tokens on a canvas, and the way back (Universal Reasoning Model, data).

A canvas is a rectangle of cells in row-major order. A grid lies on it at an offset; the border
token fills the row under the grid and the column right of it where these fall inside the canvas
(the corner cell stays pad); all other cells are pad.
"""

import numpy as np
from numba import njit

from solver.arc.task import Grid

PAD = 0
BORDER = 1
FIRST_COLOUR = 2  # colour c is token c + 2
VOCABULARY = 12


@njit(cache=True)
def draw_tokens(canvas: np.ndarray, grid: np.ndarray, row: int, column: int) -> None:
    """Write ``grid`` [h, w] and its border into ``canvas`` [H, W] at (row, column), in place.

    The rest of the canvas is set to pad. The grid must fit; its border may fall outside.
    """
    height, width = grid.shape
    canvas[:, :] = PAD
    for r in range(height):
        for c in range(width):
            canvas[row + r, column + c] = grid[r, c] + FIRST_COLOUR
    if row + height < canvas.shape[0]:
        for c in range(width):
            canvas[row + height, column + c] = BORDER
    if column + width < canvas.shape[1]:
        for r in range(height):
            canvas[row + r, column + width] = BORDER


@njit(cache=True)
def crop_shape(canvas: np.ndarray) -> tuple[int, int]:
    """(rows, columns) of the largest rectangle at the top-left corner that holds only colours.

    ``canvas`` [H, W] tokens; of equally large rectangles the one with fewest rows; (0, 0) if none.
    """
    best_rows, best_columns = 0, 0
    width = canvas.shape[1]
    for r in range(canvas.shape[0]):
        c = 0
        while c < width and FIRST_COLOUR <= canvas[r, c] < VOCABULARY:
            c += 1
        width = c
        if width == 0:
            break
        if (r + 1) * width > best_rows * best_columns:
            best_rows, best_columns = r + 1, width
    return best_rows, best_columns


@njit(cache=True)
def crop_shapes(canvases: np.ndarray) -> np.ndarray:
    """``crop_shape`` of each canvas of [N, H, W] tokens: int64 [N, 2]."""
    shapes = np.zeros((canvases.shape[0], 2), np.int64)
    for n in range(canvases.shape[0]):
        rows, columns = crop_shape(canvases[n])
        shapes[n, 0] = rows
        shapes[n, 1] = columns
    return shapes


def encode(grid: Grid, shape: tuple[int, int], offset: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Tokens uint8 [H, W] of a grid on a canvas of ``shape`` at ``offset``; it must fit."""
    assert offset[0] + grid.shape[0] <= shape[0], (grid.shape, shape, offset)
    assert offset[1] + grid.shape[1] <= shape[1], (grid.shape, shape, offset)
    canvas = np.empty(shape, np.uint8)
    draw_tokens(canvas, grid, *offset)
    return canvas


def crop(canvas: np.ndarray) -> np.ndarray | None:
    """Colours uint8 [h, w] of the cropped canvas [H, W]; None where nothing is left."""
    rows, columns = crop_shape(canvas)
    if rows == 0:
        return None
    return (canvas[:rows, :columns] - FIRST_COLOUR).astype(np.uint8)
