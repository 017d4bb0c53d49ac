"""Rules that move cells about: symmetries, shifts, gravity, sorting, scaling."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    colour_counts,
    common_ratio,
    plain,
    quarter_turns,
    same_shape,
)
from solver.arc.task import MAX_SIDE, Grid


def identity(grid: Grid) -> np.ndarray:
    """The input itself."""
    return grid


def anti_transpose(grid: Grid) -> np.ndarray:
    """Mirrored at the diagonal from bottom left to top right."""
    return np.rot90(grid, 2).T


SYMMETRIC: tuple[Program, ...] = (
    np.fliplr,
    np.flipud,
    partial(np.rot90, k=2),
    np.transpose,
    np.rot90,
    partial(np.rot90, k=3),
    anti_transpose,
)


def _shifts(train: Demonstrations) -> Iterator[Program]:
    if not same_shape(train):
        return
    reach = range(-3, 4)
    for down, right in ((r, c) for r in reach for c in reach if r or c):
        yield partial(np.roll, shift=(down, right), axis=(0, 1))
        yield partial(shift, down=down, right=right)


def shift(grid: Grid, down: int, right: int) -> np.ndarray:
    """Everything moved; what leaves the grid is lost, what enters is background."""
    moved = np.full_like(grid, background(grid))
    height, width = grid.shape
    rows = slice(max(down, 0), max(height + min(down, 0), 0))
    columns = slice(max(right, 0), max(width + min(right, 0), 0))
    old_rows = slice(max(-down, 0), max(height - max(down, 0), 0))
    old_columns = slice(max(-right, 0), max(width - max(right, 0), 0))
    moved[rows, columns] = grid[old_rows, old_columns]
    return moved


def fall(grid: Grid) -> np.ndarray:
    """Each cell that is not background falls to the bottom of its column."""
    order = np.argsort(grid != background(grid), axis=0, kind="stable")
    return np.take_along_axis(grid, order, 0)


def sort_rows(grid: Grid) -> np.ndarray:
    """Rows by the number of cells that are not background, fewest first."""
    return grid[np.argsort((grid != background(grid)).sum(1), kind="stable")]


def sort_cells(grid: Grid) -> np.ndarray:
    """The columns' cells sorted by colour, the least at the top."""
    return np.sort(grid, axis=0)


def scale_up(grid: Grid, rows: int, columns: int) -> np.ndarray | None:
    """Each cell a block of rows x columns; None where that is over 30 a side."""
    if grid.shape[0] * rows > MAX_SIDE or grid.shape[1] * columns > MAX_SIDE or not rows or not columns:
        return None
    return np.kron(grid, np.ones((rows, columns), np.uint8))


def _scalings(train: Demonstrations) -> Iterator[Program]:
    ratio = common_ratio(train)
    if ratio and ratio != (1, 1):
        yield partial(scale_up, rows=ratio[0], columns=ratio[1])


def scale_by_colours(grid: Grid) -> np.ndarray | None:
    """Scaled up by the number of colours that are not background."""
    times = int((colour_counts(grid) > 0).sum()) - 1
    return scale_up(grid, times, times)


def scale_by_cells(grid: Grid) -> np.ndarray | None:
    """Scaled up by the number of cells that are not background."""
    times = int((grid != background(grid)).sum())
    return scale_up(grid, times, times)


def scale_down(grid: Grid, rows: int, columns: int) -> np.ndarray | None:
    """Every rows x columns block becomes its first cell; None where the sides do not divide."""
    if grid.shape[0] % rows or grid.shape[1] % columns:
        return None
    return grid[::rows, ::columns]


def shrink_blocks(grid: Grid, rows: int, columns: int) -> np.ndarray | None:
    """Every rows x columns block becomes its greatest colour."""
    if grid.shape[0] % rows or grid.shape[1] % columns:
        return None
    blocks = grid.reshape(grid.shape[0] // rows, rows, grid.shape[1] // columns, columns)
    return blocks.max((1, 3))


def _shrinkings(train: Demonstrations) -> Iterator[Program]:
    pair = train[0]
    (height, width), (short, narrow) = pair.input.shape, pair.output.shape
    if height % short or width % narrow or (height, width) == (short, narrow):
        return
    for shrink in (scale_down, shrink_blocks):
        yield partial(shrink, rows=height // short, columns=width // narrow)


def drop_repeats(grid: Grid) -> np.ndarray:
    """Rows equal to the row above, then columns equal to the column before, are left out."""
    rows = np.append(True, (grid[1:] != grid[:-1]).any(1))
    grid = grid[rows]
    return grid[:, np.append(True, (grid[:, 1:] != grid[:, :-1]).any(0))]


def drop_empty(grid: Grid) -> np.ndarray | None:
    """Rows and columns of background alone are left out."""
    mask = grid != background(grid)
    return grid[mask.any(1)][:, mask.any(0)] if mask.any() else None


def compact(grid: Grid) -> np.ndarray | None:
    """``drop_empty``, then ``drop_repeats``."""
    dense = drop_empty(grid)
    return None if dense is None else drop_repeats(dense)


def shear(grid: Grid) -> np.ndarray:
    """Row r (from the bottom) moved r places to the right, around the edge."""
    return np.stack([np.roll(row, len(grid) - 1 - r) for r, row in enumerate(grid)])


RULES = (
    plain("same as the input", identity),
    plain("symmetry", *SYMMETRIC),
    Rule("scale up", _scalings),
    plain("scale up by the number of colours", scale_by_colours),
    plain("scale up by the number of cells", scale_by_cells),
    Rule("scale down", _shrinkings),
    plain("leave out repeated rows and columns", drop_repeats),
    plain("leave out empty rows and columns", drop_empty),
    plain("leave out empty and repeated rows and columns", compact),
    Rule("shift", _shifts),
    plain("gravity", *quarter_turns(fall)),
    plain("sort rows by count", *quarter_turns(sort_rows)),
    plain("sort cells by colour", *quarter_turns(sort_cells)),
    plain("shear", *quarter_turns(shear)),
)
