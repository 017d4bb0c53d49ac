"""Rules whose output says how many, or which: counts, colours in order, one of a few outputs."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from solver.arc.rules.crop import MEASURES, choose
from solver.arc.rules.objects import find_things, label_into
from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    colour_counts,
    frequent_colours,
    output_shape,
)
from solver.arc.task import COLOURS, MAX_SIDE, Grid

Number = Callable[[Grid], int]
_KINDS = ((True, True), (False, True), (True, False))


def _things(grid: Grid, kind: tuple[bool, bool]) -> int:
    return len(find_things(grid, *kind))


def _things_of(grid: Grid, colour: int) -> int:
    cells = np.where(grid == colour, np.uint8(1), np.uint8(0))
    return label_into(np.empty(grid.shape, np.int16), cells, 0, False, True)


def squares(grid: Grid, colour: int) -> int:
    """How many 2 x 2 blocks are of one colour."""
    mask = grid == colour
    return int((mask[1:, 1:] & mask[:-1, 1:] & mask[1:, :-1] & mask[:-1, :-1]).sum())


def _has(name: str) -> Number:
    turns = {"lr": np.fliplr, "ud": np.flipud, "half": partial(np.rot90, k=2), "diagonal": np.transpose}

    def test(grid: Grid) -> int:
        turned = turns[name](grid)
        return int(turned.shape == grid.shape and (turned == grid).all())

    return test


def _numbers(train: Demonstrations) -> Iterator[Number]:
    """The counts that an output may say, most plausible first."""
    yield lambda grid: int((grid != background(grid)).sum())
    yield lambda grid: len(frequent_colours(grid, background(grid)))
    yield lambda grid: len(frequent_colours(grid))
    for kind in _KINDS:
        yield partial(_things, kind=kind)
    for colour in range(COLOURS):
        if any((pair.input == colour).any() for pair in train):
            yield lambda grid, colour=colour: int((grid == colour).sum())
            yield partial(_things_of, colour=colour)
            yield partial(squares, colour=colour)


def _bars(train: Demonstrations) -> Iterator[Program]:
    """n cells of one colour in a row, a column or a diagonal; in a fixed shape, in reading order."""
    shape = output_shape(train)
    colours = [frequent_colours(pair.output, 0) for pair in train]
    if any(len(found) > 1 for found in colours):
        return
    fixed = {found[0] for found in colours if found}
    for number in _numbers(train):
        for colour in [None] if len(fixed) != 1 else [next(iter(fixed)), None]:
            for layout in ("row", "column", "diagonal", *(("reading", "snake") if shape else ())):
                yield partial(draw_count, number=number, colour=colour, layout=layout, shape=shape)


def draw_count(
    grid: Grid, number: Number, colour: int | None, layout: str, shape: tuple[int, int] | None
) -> np.ndarray | None:
    """``number(grid)`` cells of the colour (None: the input's most frequent beside background)."""
    count = number(grid)
    others = frequent_colours(grid, background(grid))
    if colour is None and not others:
        return None
    paint = others[0] if colour is None else colour
    if layout in ("reading", "snake"):
        if count > shape[0] * shape[1]:
            return None
        made = np.zeros(shape, np.uint8)
        made.ravel()[:count] = paint
        if layout == "snake":
            made[1::2] = made[1::2, ::-1].copy()
        return made
    if not 1 <= count <= MAX_SIDE:
        return None
    if layout == "diagonal":
        return (np.eye(count) * paint).astype(np.uint8)
    return np.full((1, count) if layout == "row" else (count, 1), paint, np.uint8)


def _single_colours(train: Demonstrations) -> Iterator[Program]:
    """A solid output whose colour the input decides."""
    shape = output_shape(train)
    if not shape or any((pair.output != pair.output[0, 0]).any() for pair in train):
        return
    for place in (0, -1, 1):
        for ground in (False, True):
            yield partial(solid_by_frequency, shape=shape, place=place, ground=ground)
    for kind in _KINDS:
        for measure in MEASURES:
            for sign in (1, -1):
                yield partial(solid_by_object, shape=shape, measure=measure, sign=sign, kind=kind)
    yield partial(solid_by_objects, shape=shape)


def solid_by_frequency(grid: Grid, shape: tuple[int, int], place: int, ground: bool) -> np.ndarray | None:
    """Solid in the colour at ``place`` of the frequencies; the background counts if ``ground``."""
    colours = frequent_colours(grid, -1 if ground else background(grid))
    if not -len(colours) <= place < len(colours):
        return None
    return np.full(shape, colours[place], np.uint8)


def solid_by_object(
    grid: Grid, shape: tuple[int, int], measure: str, sign: int, kind: tuple[bool, bool]
) -> np.ndarray | None:
    """Solid in the colour of the object that stands out."""
    thing = choose(find_things(grid, *kind), measure, sign)
    return None if thing is None else np.full(shape, thing.colour, np.uint8)


def solid_by_objects(grid: Grid, shape: tuple[int, int]) -> np.ndarray | None:
    """Solid in the colour that has most objects."""
    counts = np.bincount([thing.colour for thing in find_things(grid)], minlength=COLOURS)
    return np.full(shape, counts.argmax(), np.uint8) if counts.any() else None


def _lists(train: Demonstrations) -> Iterator[Program]:
    for column in (True, False):
        for reverse in (False, True):
            yield partial(list_colours, column=column, reverse=reverse)
            yield partial(histogram, column=column, reverse=reverse)


def list_colours(grid: Grid, column: bool, reverse: bool) -> np.ndarray | None:
    """The colours beside the background, most frequent first, in a column or a row."""
    colours = frequent_colours(grid, background(grid))[:: -1 if reverse else 1]
    if not colours:
        return None
    return np.array(colours, np.uint8).reshape((-1, 1) if column else (1, -1))


def histogram(grid: Grid, column: bool, reverse: bool) -> np.ndarray | None:
    """One bar for each colour beside the background, as long as it has cells, longest first."""
    ground = background(grid)
    counts = colour_counts(grid)
    colours = frequent_colours(grid, ground)[:: -1 if reverse else 1]
    if not colours or max(counts[colours]) > MAX_SIDE:
        return None
    made = np.full((len(colours), int(max(counts[colours]))), ground, np.uint8)
    for row, colour in enumerate(colours):
        made[row, : counts[colour]] = colour
    return made.T if column else made


def _same_output(train: Demonstrations) -> Iterator[Program]:
    yield lambda grid: train[0].output


def _classified(train: Demonstrations) -> Iterator[Program]:
    """One of the demonstrations' outputs, chosen by a count or a symmetry of the input."""
    outputs = {(pair.output.shape, pair.output.tobytes()) for pair in train}
    if not 1 < len(outputs) < len(train):
        return
    numbers = [_has(name) for name in ("lr", "ud", "half", "diagonal")]
    for number in [*numbers, *_numbers(train)]:
        yield partial(by_number, number=number, table={number(pair.input): pair.output for pair in train})


def by_number(grid: Grid, number: Number, table: dict[int, Grid]) -> np.ndarray | None:
    """The output that belongs to the input's number; None for a number never seen."""
    return table.get(number(grid))


RULES = (
    Rule("the same output always", _same_output),
    Rule("solid in a colour of the input", _single_colours),
    Rule("one of the outputs by a number", _classified),
    Rule("as many cells as counted", _bars),
    Rule("list of colours or bars", _lists),
)
