"""Rules that only recolour: fixed maps, maps by frequency, colours of whole objects."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from solver.arc.rules.crop import MEASURES, choose
from solver.arc.rules.objects import Thing, find_things
from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    changed_colours,
    frequent_colours,
    plain,
    same_shape,
)
from solver.arc.task import COLOURS, Grid


def colour_map(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray | None:
    """Table [10] that turns each first grid into the second, cell by cell; None if none does.

    Colours that never occur stay as they are.
    """
    table = np.arange(COLOURS, dtype=np.uint8)
    known = np.zeros(COLOURS, bool)
    for before, after in pairs:
        if before.shape != after.shape:
            return None
        codes = np.flatnonzero(np.bincount((before * np.int64(COLOURS) + after).ravel(), minlength=100))
        for old, new in zip(codes // COLOURS, codes % COLOURS, strict=True):
            if known[old] and table[old] != new:
                return None
            table[old], known[old] = new, True
    return table


def _maps(train: Demonstrations) -> Iterator[Program]:
    table = colour_map((pair.input, pair.output) for pair in train)
    if table is not None:
        yield partial(np.take, table)


def exchange(grid: Grid) -> np.ndarray | None:
    """The two most frequent colours exchanged."""
    colours = frequent_colours(grid)
    return None if len(colours) < 2 else _exchanged(grid, colours[0], colours[1])


def exchange_others(grid: Grid) -> np.ndarray | None:
    """The two most frequent colours beside the background exchanged."""
    colours = frequent_colours(grid, background(grid))
    return None if len(colours) < 2 else _exchanged(grid, colours[0], colours[1])


def _exchanged(grid: Grid, one: int, other: int) -> np.ndarray:
    table = np.arange(COLOURS, dtype=np.uint8)
    table[[one, other]] = other, one
    return table[grid]


def all_one_colour(grid: Grid, place: int) -> np.ndarray | None:
    """All that is not background takes the colour at ``place`` of the frequencies."""
    ground = background(grid)
    colours = frequent_colours(grid, ground)
    if not -len(colours) <= place < len(colours):
        return None
    return np.where(grid == ground, np.uint8(ground), np.uint8(colours[place]))


def _ranked(train: Demonstrations) -> Iterator[Program]:
    """Each colour's place in the frequencies decides its new colour."""
    if not same_shape(train):
        return
    table: dict[int, int] = {}
    for pair in train:
        for place, colour in enumerate(frequent_colours(pair.input)):
            found = np.unique(pair.output[pair.input == colour])
            if len(found) > 1 or table.setdefault(place, int(found[0])) != found[0]:
                return
    yield partial(recolour_ranked, table=table)


def recolour_ranked(grid: Grid, table: dict[int, int]) -> np.ndarray | None:
    """``table``: place in the frequencies to new colour; None for a place never seen."""
    colours = frequent_colours(grid)
    if len(colours) > len(table):
        return None
    made = np.empty_like(grid)
    for place, colour in enumerate(colours):
        made[grid == colour] = table[place]
    return made


def keep_colour(grid: Grid, place: int) -> np.ndarray | None:
    """Only the colour at ``place`` of the frequencies stays; the rest becomes background."""
    ground = background(grid)
    colours = frequent_colours(grid, ground)
    if not -len(colours) <= place < len(colours):
        return None
    return np.where(grid == colours[place], grid, np.uint8(ground))


_KINDS = ((True, True), (False, True), (True, False))  # diagonal, one_colour


def _chosen(train: Demonstrations) -> Iterator[Program]:
    """One object that stands out is recoloured, or kept alone, or taken away."""
    if not same_shape(train):
        return
    colours = [*changed_colours(train)[:2], None]
    for kind in _KINDS:
        for measure in MEASURES:
            for sign in (1, -1):
                for colour in colours:
                    yield partial(recolour_chosen, measure=measure, sign=sign, kind=kind, colour=colour)
                yield partial(keep_chosen, measure=measure, sign=sign, kind=kind)


def recolour_chosen(
    grid: Grid, measure: str, sign: int, kind: tuple[bool, bool], colour: int | None
) -> np.ndarray | None:
    """The chosen object in ``colour``; None takes it away."""
    thing = choose(find_things(grid, *kind), measure, sign)
    if thing is None:
        return None
    made = grid.copy()
    _box(made, thing)[thing.mask] = thing.background if colour is None else colour
    return made


def keep_chosen(grid: Grid, measure: str, sign: int, kind: tuple[bool, bool]) -> np.ndarray | None:
    """The chosen object alone on the background."""
    thing = choose(find_things(grid, *kind), measure, sign)
    if thing is None:
        return None
    made = np.full_like(grid, thing.background)
    _box(made, thing)[thing.mask] = thing.cells[thing.mask]
    return made


def _box(grid: np.ndarray, thing: Thing) -> np.ndarray:
    height, width = thing.mask.shape
    return grid[thing.top : thing.top + height, thing.left : thing.left + width]


def _marked(train: Demonstrations) -> Iterator[Program]:
    """A whole object takes the colour of its rarest, or the grid's rarest, cells."""
    if same_shape(train):
        for kind in ((True, False), (False, False)):
            for place in (-1, 0):
                yield partial(recolour_by_cells, kind=kind, place=place)


def recolour_by_cells(grid: Grid, kind: tuple[bool, bool], place: int) -> np.ndarray:
    """Each object of several colours takes the colour at ``place`` of its own frequencies."""
    made = grid.copy()
    for thing in find_things(grid, *kind):
        own = frequent_colours(thing.cells[thing.mask][None])
        _box(made, thing)[thing.mask] = own[place]
    return made


def _by_value(train: Demonstrations) -> Iterator[Program]:
    """The value of a measure decides an object's colour (a table learnt from the demonstrations)."""
    if not same_shape(train):
        return
    keys: tuple[Callable[[Thing], object], ...] = (*MEASURES.values(), lambda thing: thing.outline)
    for kind in _KINDS:
        for key in keys:
            table = _value_table(train, kind, key)
            if table:
                yield partial(recolour_by_value, kind=kind, key=key, table=table)


def _value_table(train: Demonstrations, kind: tuple[bool, bool], key: Callable) -> dict | None:
    table: dict[object, int] = {}
    for pair in train:
        for thing in find_things(pair.input, *kind):
            after = _box(pair.output, thing)[thing.mask]
            if (after != after[0]).any() or table.setdefault(key(thing), int(after[0])) != after[0]:
                return None
    return table


def recolour_by_value(grid: Grid, kind: tuple[bool, bool], key: Callable, table: dict) -> np.ndarray | None:
    """Each object in the table's colour for its value; None for a value never seen."""
    made = grid.copy()
    for thing in find_things(grid, *kind):
        colour = table.get(key(thing))
        if colour is None:
            return None
        _box(made, thing)[thing.mask] = colour
    return made


RULES = (
    Rule("colour map", _maps),
    plain("exchange two colours", exchange, exchange_others),
    plain("all in one colour", *(partial(all_one_colour, place=p) for p in (0, -1))),
    plain("keep one colour", *(partial(keep_colour, place=p) for p in (0, -1))),
    Rule("colours by frequency", _ranked),
    Rule("object that stands out", _chosen),
    Rule("objects in the colour of their cells", _marked),
    Rule("objects coloured by a measure", _by_value),
)
