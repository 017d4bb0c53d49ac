"""Rules that cut a part out of the input: content, colours, objects."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np

from solver.arc.rules.objects import Thing, find_things
from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    colour_counts,
    cut,
    frequent_colours,
    output_shape,
    plain,
    smaller,
)
from solver.arc.task import COLOURS, Grid


def content(grid: Grid) -> np.ndarray | None:
    """The bounding box of what is not background."""
    return cut(grid, grid != background(grid))


def off_frequent(grid: Grid) -> np.ndarray | None:
    """The bounding box of what is not of the most frequent colour."""
    return cut(grid, grid != frequent_colours(grid)[0])


def by_frequency(grid: Grid, place: int) -> np.ndarray | None:
    """The bounding box of the colour at ``place`` of the frequencies, background left out."""
    colours = frequent_colours(grid, background(grid))
    return cut(grid, grid == colours[place]) if -len(colours) <= place < len(colours) else None


def by_colour(grid: Grid, colour: int) -> np.ndarray | None:
    """The bounding box of one colour."""
    return cut(grid, grid == colour)


def inside(grid: Grid | None) -> np.ndarray | None:
    """Without the outermost cells; None where nothing would be left."""
    if grid is None or min(grid.shape) < 3:
        return None
    return grid[1:-1, 1:-1]


def _colours(train: Demonstrations) -> Iterator[Program]:
    if not smaller(train):
        return
    for colour in range(COLOURS):
        if all((pair.input == colour).any() for pair in train):
            yield partial(by_colour, colour=colour)
            yield lambda grid, colour=colour: inside(by_colour(grid, colour))


def _own_colours(thing: Thing) -> int:
    return int((colour_counts(thing.cells) > 0).sum())


def _rare_cells(thing: Thing) -> int:
    return int((thing.cells != thing.colour).sum())


def _is_symmetric(thing: Thing) -> int:
    cells = thing.alone
    return max(int((cells == turned).all()) for turned in (cells[::-1], cells[:, ::-1]))


# What sets the wanted object apart: it alone has the greatest value of one of these.
MEASURES: dict[str, Callable[[Thing], float]] = {
    "area": lambda thing: thing.area,
    "box": lambda thing: thing.cells.size,
    "colours": _own_colours,
    "other cells": _rare_cells,
    "holes": lambda thing: thing.holes,
    "symmetry": _is_symmetric,
    "density": lambda thing: thing.area / thing.mask.size,
    "height": lambda thing: thing.mask.shape[0],
    "width": lambda thing: thing.mask.shape[1],
    "top": lambda thing: thing.top,
    "left": lambda thing: thing.left,
}
_KINDS = ((True, False), (True, True), (False, True))  # diagonal, one_colour


@lru_cache(maxsize=4096)
def choose(things: tuple[Thing, ...], measure: str, sign: int) -> Thing | None:
    """The one object with the greatest (sign 1) or least (-1) value; None where it is not alone."""
    if not things:
        return None
    values = [sign * MEASURES[measure](thing) for thing in things]
    best = max(values)
    return things[values.index(best)] if values.count(best) == 1 else None


def crop_chosen(
    grid: Grid, measure: str, sign: int, kind: tuple[bool, bool], alone: bool
) -> np.ndarray | None:
    """The bounding box of the chosen object, with what else lies in it unless ``alone``."""
    thing = choose(find_things(grid, *kind), measure, sign)
    if thing is None:
        return None
    return thing.alone if alone else thing.cells


def _chosen(train: Demonstrations) -> Iterator[Program]:
    if not smaller(train):
        return
    for kind in _KINDS:
        for measure in MEASURES:
            for sign in (1, -1):
                for alone in (False, True):
                    yield partial(crop_chosen, measure=measure, sign=sign, kind=kind, alone=alone)


def crop_by_copies(
    grid: Grid, key: Callable[[Thing], object], odd: bool, kind: tuple[bool, bool]
) -> np.ndarray | None:
    """The object whose key no other has (``odd``), or the one whose key most others share."""
    things = find_things(grid, *kind)
    if len(things) < 2:
        return None
    counts = Counter(key(thing) for thing in things)
    wanted = 1 if odd else max(counts.values())
    keys = [value for value, count in counts.items() if count == wanted]
    if len(keys) != 1:
        return None
    return next(thing.alone for thing in things if key(thing) == keys[0])


def _look(thing: Thing) -> tuple:
    return *thing.mask.shape, thing.alone.tobytes()


def _copies(train: Demonstrations) -> Iterator[Program]:
    if not smaller(train):
        return
    for kind in _KINDS:
        for key in (_look, lambda thing: thing.outline, lambda thing: thing.colour):
            for odd in (True, False):
                yield partial(crop_by_copies, key=key, odd=odd, kind=kind)


def _corners(train: Demonstrations) -> Iterator[Program]:
    shape = output_shape(train)
    if shape:
        for bottom in (False, True):
            for right in (False, True):
                yield partial(corner, shape=shape, bottom=bottom, right=right)


def corner(grid: Grid, shape: tuple[int, int], bottom: bool, right: bool) -> np.ndarray | None:
    """The part of the given shape in one corner."""
    (height, width), (tall, wide) = grid.shape, shape
    if tall > height or wide > width:
        return None
    top, left = (height - tall) * bottom, (width - wide) * right
    return grid[top : top + tall, left : left + wide]


RULES = (
    plain("crop to the content", content, off_frequent),
    plain("crop to a colour by frequency", *(partial(by_frequency, place=p) for p in (0, -1, 1))),
    plain("crop inside the content", lambda grid: inside(content(grid))),
    Rule("crop to a colour", _colours),
    Rule("crop to an object that stands out", _chosen),
    Rule("crop to the odd or common object", _copies),
    Rule("crop to a corner", _corners),
)
