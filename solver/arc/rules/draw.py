"""Rules that draw on the input: fill, outline, rays, connections, clean-up. All keep the shape."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from solver.arc.rules.objects import enclosed, find_things, labels_of
from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    changed_colours,
    colour_counts,
    frequent_colours,
    only_adds,
    same_shape,
)
from solver.arc.task import Grid


def _coloured(paint: Callable[..., np.ndarray | None], adds: bool, **choices: tuple) -> Callable:
    """A proposer: ``paint`` with each colour that changed cells take, then with None.

    ``adds``: it paints on background alone, so it is not worth trying where anything else changes.
    """

    def propose(train: Demonstrations) -> Iterator[Program]:
        if not (only_adds(train) if adds else same_shape(train)):
            return
        combinations: list[dict] = [{}]
        for key, values in choices.items():
            combinations = [{**made, key: value} for made in combinations for value in values]
        for colour in [*changed_colours(train)[:2], None]:
            for combination in combinations:
                yield partial(paint, colour=colour, **combination)

    return propose


def fill_enclosed(grid: Grid, colour: int | None, diagonal: bool) -> np.ndarray:
    """Background that the edge cannot reach is filled: with the colour, or its surroundings' (None)."""
    ground = background(grid)
    holes = enclosed(grid, ground, diagonal)
    made = grid.copy()
    if colour is not None:
        made[holes] = colour
        return made
    labels, count = labels_of(holes.astype(np.uint8), 0, diagonal, True)
    for number in range(1, count + 1):
        hole = labels == number
        around = _grown(hole, False) & ~hole & (grid != ground)
        found = frequent_colours(grid[around][None]) if around.any() else [ground]
        made[hole] = found[0]
    return made


def _grown(mask: np.ndarray, diagonal: bool) -> np.ndarray:
    """The mask with every neighbour of its True cells."""
    padded = np.pad(mask, 1)
    tall = padded[:-2] | padded[1:-1] | padded[2:]  # [h, w + 2]
    if diagonal:
        return tall[:, :-2] | tall[:, 1:-1] | tall[:, 2:]
    return tall[:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]


def outline(grid: Grid, colour: int | None, diagonal: bool) -> np.ndarray:
    """Background beside a coloured cell takes the colour, or the cell's own (None, greatest wins)."""
    ground = background(grid)
    made = grid.copy()
    if colour is not None:
        made[_grown(grid != ground, diagonal) & (grid == ground)] = colour
        return made
    for own in frequent_colours(grid, ground):
        made[_grown(grid == own, diagonal) & (grid == ground)] = own
    return made


def frame(grid: Grid, colour: int | None) -> np.ndarray | None:
    """The grid's outermost cells in the colour; None: in the most frequent beside background."""
    if colour is None:
        others = frequent_colours(grid, background(grid))
        if not others:
            return None
        colour = others[0]
    made = grid.copy()
    made[[0, -1]] = colour
    made[:, [0, -1]] = colour
    return made


def fill_boxes(grid: Grid, colour: int | None, diagonal: bool, inner: bool) -> np.ndarray:
    """Background in each object's bounding box filled: with the colour or the object's (None)."""
    made = grid.copy()
    for thing in find_things(grid, diagonal, True):
        height, width = thing.mask.shape
        edge = 1 if inner else 0
        rows = slice(thing.top + edge, thing.top + height - edge)
        columns = slice(thing.left + edge, thing.left + width - edge)
        part = made[rows, columns]
        part[grid[rows, columns] == thing.background] = thing.colour if colour is None else colour
    return made


def hollow(grid: Grid, colour: int | None) -> np.ndarray:
    """Cells whose eight neighbours are of their own colour: in the colour, or background (None)."""
    ground = background(grid)
    padded = np.pad(grid.astype(np.int16), 1, constant_values=-1)
    height, width = grid.shape
    inner = grid != ground
    for r in range(3):
        for c in range(3):
            inner &= padded[r : r + height, c : c + width] == grid
    made = grid.copy()
    made[inner] = ground if colour is None else colour
    return made


_WAYS = {
    "across": ((0, 1), (0, -1)),
    "down": ((1, 0), (-1, 0)),
    "both": ((0, 1), (0, -1), (1, 0), (-1, 0)),
    "diagonals": ((1, 1), (1, -1), (-1, 1), (-1, -1)),
    "all": ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)),
    "right": ((0, 1),),
    "left": ((0, -1),),
    "below": ((1, 0),),
    "above": ((-1, 0),),
}


def connect(grid: Grid, colour: int | None, way: str) -> np.ndarray:
    """Background between two cells of one colour in a line is filled: with the colour or theirs."""
    ground = background(grid)
    made = grid.copy()
    height, width = grid.shape
    for r, c in zip(*np.nonzero(grid != ground), strict=True):
        for dr, dc in _WAYS[way]:
            y, x = r + dr, c + dc
            while 0 <= y < height and 0 <= x < width and grid[y, x] == ground:
                y, x = y + dr, x + dc
            if 0 <= y < height and 0 <= x < width and grid[y, x] == grid[r, c]:
                steps = max(abs(y - r), abs(x - c))
                for step in range(1, steps):
                    made[r + dr * step, c + dc * step] = grid[r, c] if colour is None else colour
    return made


def rays(grid: Grid, colour: int | None, way: str, source: int | None, stop: bool) -> np.ndarray:
    """Lines from cells of the source colour (None: any) to the edge, or to the first obstacle.

    In the colour, or in the cell's own (None); they cover background alone.
    """
    ground = background(grid)
    made = grid.copy()
    height, width = grid.shape
    starts = grid != ground if source is None else grid == source
    for r, c in zip(*np.nonzero(starts), strict=True):
        for dr, dc in _WAYS[way]:
            y, x = r + dr, c + dc
            while 0 <= y < height and 0 <= x < width and not (stop and grid[y, x] != ground):
                if grid[y, x] == ground:
                    made[y, x] = grid[r, c] if colour is None else colour
                y, x = y + dr, x + dc
    return made


def _ray_proposals(train: Demonstrations) -> Iterator[Program]:
    if not only_adds(train):
        return
    pair = train[0]
    ground = background(pair.input)
    if (pair.input != ground).mean() > 0.4:
        return  # lines on a crowded grid are never the rule, and cost most
    changed = changed_colours(train)
    for way in _WAYS:
        for stop in (False, True):
            for colour in [None, *changed[:1]]:
                for source in [None, *frequent_colours(pair.input, ground)[-3:]]:
                    yield partial(rays, colour=colour, way=way, source=source, stop=stop)


def remove_small(grid: Grid, colour: int | None, size: int, diagonal: bool) -> np.ndarray:
    """Objects of at most ``size`` cells become background, or take the colour."""
    made = grid.copy()
    for thing in find_things(grid, diagonal, True):
        if thing.area <= size:
            height, width = thing.mask.shape
            part = made[thing.top : thing.top + height, thing.left : thing.left + width]
            part[thing.mask] = thing.background if colour is None else colour
    return made


def smooth(grid: Grid, colour: int | None) -> np.ndarray:
    """Each cell without a neighbour of its own colour takes its neighbours' most frequent one."""
    padded = np.pad(grid, 1, mode="edge")
    made = grid.copy()
    labels, count = labels_of(grid, -1, True, True)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    for r, c in zip(*np.nonzero(sizes[labels] == 1), strict=True):
        around = colour_counts(padded[r : r + 3, c : c + 3])
        around[grid[r, c]] = 0
        if around.any():
            made[r, c] = around.argmax()
    return made if colour is None else np.where(made != grid, np.uint8(colour), grid)


def stripes(grid: Grid, colour: int | None, across: bool) -> np.ndarray:
    """Rows (or columns) that are all background are filled with the colour; None: the most frequent."""
    ground = background(grid)
    others = frequent_colours(grid, ground)
    paint = colour if colour is not None else (others or [ground])[0]
    empty = (grid == ground).all(1 if across else 0)
    made = grid.copy()
    if across:
        made[empty] = paint
    else:
        made[:, empty] = paint
    return made


_BOTH = (False, True)
RULES = (
    Rule("fill what is enclosed", _coloured(fill_enclosed, True, diagonal=_BOTH)),
    Rule("outline", _coloured(outline, True, diagonal=_BOTH)),
    Rule("frame", _coloured(frame, False)),
    Rule("hollow out", _coloured(hollow, False)),
    Rule("fill the objects' boxes", _coloured(fill_boxes, True, diagonal=_BOTH, inner=_BOTH)),
    Rule(
        "connect cells of one colour",
        _coloured(connect, True, way=("across", "down", "both", "diagonals", "all")),
    ),
    Rule("rays", _ray_proposals),
    Rule("remove noise", _coloured(remove_small, False, size=(1, 2, 3), diagonal=_BOTH)),
    Rule("smooth", _coloured(smooth, False)),
    Rule("fill empty rows or columns", _coloured(stripes, True, across=_BOTH)),
)
