"""Rules that complete a pattern: symmetric, periodic, or hidden under a cover of one colour."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    bounds,
    cut,
    output_shape,
    same_shape,
)
from solver.arc.task import COLOURS, Grid

_NEED = 0.5  # of the cells seen under two symmetric views, at least this share must be known


def _mirror(grid: Grid, cover: int, view: str, total: int) -> np.ndarray | None:
    """Covered cells from their mirror images, where cell i mirrors cell total - i; None if it clashes."""
    moved = grid.T if view in ("columns", "transpose") else grid
    if view == "transpose":
        if grid.shape[0] != grid.shape[1]:
            return None
        image = moved
    else:
        height = moved.shape[0]
        rows = total - np.arange(height)
        inside = (rows >= 0) & (rows < height)
        image = np.full_like(moved, cover)
        image[inside] = moved[rows[inside]]
        image = image.T if view == "columns" else image
    known = (grid != cover) & (image != cover)
    if known.sum() < _NEED * (grid != cover).sum() or (grid != image)[known].any():
        return None
    return np.where(grid == cover, image, grid)


def complete_mirrors(grid: Grid, cover: int) -> np.ndarray:
    """All mirror symmetries that nothing uncovered speaks against, used until nothing changes."""
    made = grid
    axes = [("transpose", 0)]
    for view, side in (("rows", grid.shape[0]), ("columns", grid.shape[1])):
        axes += [(view, total) for total in range(side - 1 - side // 4, side + side // 4)]
    found = [axis for axis in axes if _mirror(grid, cover, *axis) is not None]
    for _ in range(4):
        before = made
        for axis in found:
            step = _mirror(made, cover, *axis)
            made = made if step is None else step
        if (made == before).all():
            break
    return made


def complete_period(grid: Grid, cover: int) -> np.ndarray | None:
    """Covered cells from the smallest period in rows and columns that fits what is uncovered."""
    height, width = grid.shape
    open_cells = grid != cover
    for size, rows, columns in sorted(
        (r * c, r, c) for r in range(1, height + 1) for c in range(1, width + 1)
    ):
        if size > height * width // 2:
            return None
        code = (np.arange(height) % rows)[:, None] * columns + np.arange(width) % columns
        table = np.full(size, cover, np.uint8)
        table[code[open_cells]] = grid[open_cells]
        made = table[code]
        if (made == grid)[open_cells].all() and (made != cover).all():
            return made
    return None


def complete_diagonal(grid: Grid, cover: int) -> np.ndarray | None:
    """Covered cells from colours that repeat along r + c or r - c."""
    height, width = grid.shape
    open_cells = grid != cover
    for sign in (1, -1):
        sums = np.arange(height)[:, None] + sign * np.arange(width)
        for period in range(2, min(height, width) + 1):
            table = np.full(period, cover, np.uint8)
            table[(sums % period)[open_cells]] = grid[open_cells]
            made = table[sums % period]
            if (made == grid)[open_cells].all() and (made != cover).all():
                return made
    return None


_COMPLETIONS = (complete_mirrors, complete_period, complete_diagonal)


def _covers(train: Demonstrations) -> Iterator[int]:
    for colour in range(COLOURS):
        if all((pair.input == colour).any() for pair in train):
            yield colour


def _completions(train: Demonstrations) -> Iterator[Program]:
    if same_shape(train):
        for cover in _covers(train):
            # A cover is gone from the outputs, unless the pattern has its colour too.
            if all((pair.output == cover).sum() < (pair.input == cover).sum() for pair in train):
                for complete in _COMPLETIONS:
                    yield partial(complete, cover=cover)


def _patches(train: Demonstrations) -> Iterator[Program]:
    """Only what lay under the cover."""
    for cover in _covers(train):
        boxes = [bounds(pair.input == cover) for pair in train]
        shapes = [(box[2] - box[0], box[3] - box[1]) for box in boxes]
        if all(shape == pair.output.shape for shape, pair in zip(shapes, train, strict=True)):
            for complete in _COMPLETIONS:
                yield partial(patch, complete=complete, cover=cover)


def patch(grid: Grid, complete: Program, cover: int) -> np.ndarray | None:
    """The completed grid in the cover's bounding box."""
    made = complete(grid, cover=cover)
    return None if made is None else cut(made, grid == cover)


def symmetrise(grid: Grid, ways: str) -> np.ndarray | None:
    """Background cells take the colour of their mirror images about the middle of the content."""
    ground = background(grid)
    box = bounds(grid != ground)
    if box is None:
        return None
    part = grid[box[0] : box[2], box[1] : box[3]]
    for way in ways:
        image = {"h": part[:, ::-1], "v": part[::-1], "t": part.T}[way]
        if image.shape != part.shape:
            return None
        part = np.where(part == ground, image, part)
    made = grid.copy()
    made[box[0] : box[2], box[1] : box[3]] = part
    return made


def mirror_grid(grid: Grid, ways: str) -> np.ndarray | None:
    """Background cells take the colour of their mirror images about the middle of the grid."""
    ground = background(grid)
    made = grid
    for way in ways:
        image = {"h": made[:, ::-1], "v": made[::-1], "t": made.T}[way]
        if image.shape != made.shape:
            return None
        made = np.where(made == ground, image, made)
    return made


def _symmetries(train: Demonstrations) -> Iterator[Program]:
    if same_shape(train):
        for ways in ("h", "v", "hv", "t", "hvt"):
            yield partial(mirror_grid, ways=ways)
            yield partial(symmetrise, ways=ways)


def extend_rows(grid: Grid, shape: tuple[int, int]) -> np.ndarray | None:
    """The rows go on with their smallest period, down to ``shape``."""
    height, width = grid.shape
    if width != shape[1]:
        return None
    for period in range(1, height + 1):
        if (grid[period:] == grid[: height - period]).all():
            return grid[np.arange(shape[0]) % period]
    return None


def _extensions(train: Demonstrations) -> Iterator[Program]:
    shape = output_shape(train)
    if shape and not same_shape(train):
        yield partial(extend_rows, shape=shape)
        yield lambda grid: _turned(grid, shape)


def _turned(grid: Grid, shape: tuple[int, int]) -> np.ndarray | None:
    made = extend_rows(grid.T, shape[::-1])
    return None if made is None else made.T


RULES = (
    Rule("complete the pattern", _completions),
    Rule("what the cover hides", _patches),
    Rule("symmetric completion", _symmetries),
    Rule("continue the rows or columns", _extensions),
)
