"""Rules that lay copies of the input beside one another."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from solver.arc.rules.geometry import SYMMETRIC, identity, scale_up
from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    colour_counts,
    common_ratio,
    frequent_colours,
    output_shape,
)
from solver.arc.task import MAX_SIDE, Grid


def empty(grid: Grid) -> np.ndarray:
    """A grid as large, of background alone."""
    return np.full_like(grid, background(grid))


def swap_ground(grid: Grid) -> np.ndarray:
    """Background and the most frequent other colour exchanged."""
    ground = background(grid)
    others = frequent_colours(grid, ground)
    if not others:
        return grid
    return np.where(grid == ground, others[0], np.where(grid == others[0], ground, grid)).astype(np.uint8)


_BLOCKS: tuple[Program, ...] = (identity, *SYMMETRIC, empty, swap_ground)


def _mosaics(train: Demonstrations) -> Iterator[Program]:
    """Copies in rows and columns, each block the first of ``_BLOCKS`` that all demonstrations allow."""
    ratio = common_ratio(train)
    if not ratio or ratio == (1, 1):
        return
    plan = []
    for r in range(ratio[0]):
        for c in range(ratio[1]):
            block = next((block for block in _BLOCKS if _block_fits(train, block, r, c)), None)
            if block is None:
                return
            plan.append(block)
    yield partial(lay_mosaic, plan=tuple(plan), columns=ratio[1])


def _block_fits(train: Demonstrations, block: Program, row: int, column: int) -> bool:
    for pair in train:
        height, width = pair.input.shape
        part = pair.output[row * height : (row + 1) * height, column * width : (column + 1) * width]
        made = block(pair.input)
        if made.shape != part.shape or not (made == part).all():
            return False
    return True


def lay_mosaic(grid: Grid, plan: tuple[Program, ...], columns: int) -> np.ndarray | None:
    """The blocks of ``plan`` in reading order; None where over 30 a side or of unequal shapes."""
    if len(plan) // columns * grid.shape[0] > MAX_SIDE or columns * grid.shape[1] > MAX_SIDE:
        return None
    parts = [block(grid) for block in plan]
    if any(part.shape != grid.shape for part in parts):
        return None
    return np.block([parts[start : start + columns] for start in range(0, len(parts), columns)])


def _tilings(train: Demonstrations) -> Iterator[Program]:
    """Plain copies, cut off at an output shape that need not be a multiple of the input's."""
    shape = output_shape(train)
    if shape:
        yield partial(tile_to, shape=shape)
    yield tile_by_colours


def tile_to(grid: Grid, shape: tuple[int, int]) -> np.ndarray:
    """Copies of the grid from the top-left corner on, cut off at ``shape``."""
    rows, columns = np.arange(shape[0]) % grid.shape[0], np.arange(shape[1]) % grid.shape[1]
    return grid[np.ix_(rows, columns)]


def tile_by_colours(grid: Grid) -> np.ndarray | None:
    """As many copies a side as there are colours beside the background."""
    times = int((colour_counts(grid) > 0).sum()) - 1
    if not times or max(grid.shape) * times > MAX_SIDE:
        return None
    return np.tile(grid, (times, times))


_MASKS: tuple[Callable[[Grid], np.ndarray], ...] = (
    lambda grid: grid != background(grid),
    lambda grid: grid == background(grid),
    lambda grid: grid == frequent_colours(grid)[0],
    lambda grid: grid == frequent_colours(grid)[-1],
)


def _fractals(train: Demonstrations) -> Iterator[Program]:
    for mask in _MASKS:
        for block in (identity, swap_ground):
            yield partial(place_at, mask=mask, block=block)
    for colour in range(10):
        yield partial(place_at, mask=partial(np.equal, colour), block=identity)


def place_at(grid: Grid, mask: Callable[[Grid], np.ndarray], block: Program) -> np.ndarray | None:
    """A copy of ``block(grid)`` in the place of each True cell of ``mask(grid)``, else background."""
    height, width = grid.shape
    if height * height > MAX_SIDE or width * width > MAX_SIDE:
        return None
    ground = background(grid)
    where = np.kron(mask(grid), np.ones((height, width), bool))
    return np.where(where, np.tile(block(grid), (height, width)), np.uint8(ground))


def _fractal_masks(train: Demonstrations) -> Iterator[Program]:
    """Each cell scaled up to the grid's own shape, seen only where the small grid has colour."""
    yield self_masked


def self_masked(grid: Grid) -> np.ndarray | None:
    """Cell (r, c) as a block of the grid's form in the cell's own colour."""
    large = scale_up(grid, *grid.shape)
    if large is None:
        return None
    form = np.tile(grid != background(grid), grid.shape)
    return np.where(form, large, np.uint8(background(grid)))


RULES = (
    Rule("mosaic of mirrored copies", _mosaics),
    Rule("tiling", _tilings),
    Rule("copies in the place of its cells", _fractals),
    Rule("its form in the place of its cells", _fractal_masks),
)
