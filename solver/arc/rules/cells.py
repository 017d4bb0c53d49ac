"""Rules that learn a table: what a cell becomes depends on its colour and one or two facts about it.

Small decision tables over facts such as "is enclosed", "size of its object", "colour of its mirror
image" cover many tasks that nobody wrote a rule for. A table counts only if the demonstrations
never contradict it, and answers only where it has seen every combination that the input holds.
"""

from collections.abc import Iterator
from functools import lru_cache, partial

import numpy as np
from numba import njit

from solver.arc.rules.objects import enclosed, find_things, labels_of
from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    colour_counts,
    frequent_colours,
    same_shape,
)
from solver.arc.task import COLOURS, Grid

_SPAN = 32  # facts are 0..31
_UNSEEN = 255


def facts_of(grid: Grid) -> np.ndarray:
    """Facts about each cell: int32 [facts, cells], 0..31, simplest first. Do not write on it."""
    cells = np.ascontiguousarray(grid, np.uint8)
    return _facts(cells.shape, cells.tobytes())


@lru_cache(maxsize=64)
def _facts(shape: tuple[int, int], cells: bytes) -> np.ndarray:
    grid = np.frombuffer(cells, np.uint8).reshape(shape)
    facts = [*_object_facts(grid), *_place_facts(grid), *_line_facts(grid), *_mirror_facts(grid)]
    return np.stack([np.clip(fact, 0, _SPAN - 1).astype(np.int32).ravel() for fact in facts])


def _object_facts(grid: np.ndarray) -> Iterator[np.ndarray]:
    ground = background(grid)
    yield enclosed(grid, ground)
    yield enclosed(grid, ground, diagonal=True)
    for diagonal, one_colour in ((True, True), (False, True), (True, False)):
        labels, count = labels_of(grid, ground, diagonal, one_colour)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sizes[0] = 0
        things = find_things(grid, diagonal, one_colour)
        ranks = {size: place for place, size in enumerate(sorted(set(sizes[1:].tolist()), reverse=True))}
        values = {
            "size": sizes[1:],
            "rank": [ranks[int(size)] for size in sizes[1:]],
            "least": [int(size == sizes[1:].min()) for size in sizes[1:]],
            "height": [thing.mask.shape[0] for thing in things],
            "width": [thing.mask.shape[1] for thing in things],
            "holes": [thing.holes for thing in things],
            "common": [frequent_colours(thing.cells[thing.mask][None])[0] for thing in things],
            "rare": [frequent_colours(thing.cells[thing.mask][None])[-1] for thing in things],
        }
        for value in values.values():
            yield np.concatenate([[0], np.minimum(value, _SPAN - 2) + 1]).astype(np.int32)[labels]
    holes = labels_of(grid, -1, False, True)[0]
    yield np.bincount(holes.ravel())[holes]


def _place_facts(grid: np.ndarray) -> Iterator[np.ndarray]:
    height, width = grid.shape
    rows, columns = np.indices(grid.shape)
    yield np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    yield np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)) == 0
    for fact in (rows, columns, height - 1 - rows, width - 1 - columns):
        yield fact
    for period in (2, 3):
        for fact in (rows, columns, rows + columns):
            yield fact % period


def _line_facts(grid: np.ndarray) -> Iterator[np.ndarray]:
    ground = background(grid)
    mask = grid != ground
    padded = np.pad(mask.astype(np.int32), 1)
    same = np.pad(grid.astype(np.int32), 1, constant_values=-1)
    height, width = grid.shape
    sides = [(0, 1), (1, 0), (1, 2), (2, 1)]
    corners = [(0, 0), (0, 2), (2, 0), (2, 2)]
    for steps in (sides, corners, sides + corners):
        yield sum(padded[r : r + height, c : c + width] for r, c in steps)
        yield sum(same[r : r + height, c : c + width] == grid for r, c in steps)
    for axis in (0, 1):
        yield np.broadcast_to(mask.any(axis, keepdims=True), grid.shape)
        yield np.broadcast_to(mask.sum(axis, keepdims=True), grid.shape)
        common = [frequent_colours(line[None], ground) for line in (grid.T if axis == 0 else grid)]
        first = np.array([found[0] if found else ground for found in common])
        yield np.broadcast_to(first[None] if axis == 0 else first[:, None], grid.shape)
    # Where the first coloured cell of its column, then of its row, lies; 31 where there is none.
    for axis in (0, 1):
        first = np.where(mask.any(axis), mask.argmax(axis), _SPAN - 1)
        yield np.broadcast_to(first[None] if axis == 0 else first[:, None], grid.shape)
    yield from _seen(grid, ground)


def _seen(grid: np.ndarray, ground: int) -> Iterator[np.ndarray]:
    """The first colour beside background in each of four directions, and whether opposites agree."""
    found = []
    for turns in range(4):
        turned = np.rot90(grid, turns)
        seen = np.full(turned.shape, ground, np.uint8)
        for column in range(1, turned.shape[1]):
            before = turned[:, column - 1]
            seen[:, column] = np.where(before != ground, before, seen[:, column - 1])
        found.append(np.rot90(seen, -turns))
    yield from found
    across, down = (np.where(found[i] == found[i + 2], found[i], ground) for i in (0, 1))
    yield across
    yield down
    yield np.where(across != ground, across, down)
    yield sum((seen != ground).astype(np.int32) for seen in found)


def _mirror_facts(grid: np.ndarray) -> Iterator[np.ndarray]:
    yield grid[:, ::-1]
    yield grid[::-1]
    yield grid[::-1, ::-1]
    if grid.shape[0] == grid.shape[1]:
        yield grid.T
        yield grid[::-1, ::-1].T
    else:
        yield from (np.zeros_like(grid), np.zeros_like(grid))
    for place in (0, -1):
        colours = frequent_colours(grid, background(grid)) or [background(grid)]
        yield np.full(grid.shape, colours[place])
    yield np.full(grid.shape, int((colour_counts(grid) > 0).sum()))


def _tables(train: Demonstrations) -> Iterator[Program]:
    if not same_shape(train):
        return
    facts = np.concatenate([facts_of(pair.input) for pair in train], axis=1)
    colours = np.concatenate([pair.input.ravel() for pair in train]).astype(np.int32)
    wanted = np.concatenate([pair.output.ravel() for pair in train]).astype(np.int32)
    agreeing = np.zeros((len(facts), len(facts)), bool)
    mark_agreeing(agreeing, facts, colours, wanted)
    pairs = [(int(i), int(j)) for i, j in zip(*np.nonzero(agreeing), strict=True)]
    for chosen in [*((number,) for number in range(len(facts))), *pairs]:
        codes = _codes(facts, colours, chosen)
        table = np.full(COLOURS * _SPAN ** len(chosen), _UNSEEN, np.uint8)
        table[codes] = wanted
        if (table[codes] == wanted).all():
            yield partial(apply_table, table=table, chosen=chosen)


@njit(cache=True)
def mark_agreeing(agreeing: np.ndarray, facts: np.ndarray, colours: np.ndarray, wanted: np.ndarray) -> None:
    """agreeing[i, j] = whether colour, fact i and fact j of a cell always decide what is wanted.

    ``agreeing`` bool [facts, facts], written for i < j; ``facts`` int32 [facts, cells] of 0..31;
    ``colours`` and ``wanted`` int32 [cells] of 0..9.
    """
    seen = np.zeros(COLOURS * _SPAN * _SPAN, np.int64)  # pair number * 16 + the colour wanted there
    number = 0
    for i in range(facts.shape[0]):
        for j in range(i + 1, facts.shape[0]):
            number += 1
            agreeing[i, j] = True
            for cell in range(facts.shape[1]):
                code = (colours[cell] * _SPAN + facts[i, cell]) * _SPAN + facts[j, cell]
                mark = number * 16 + wanted[cell]
                if seen[code] // 16 == number and seen[code] != mark:
                    agreeing[i, j] = False
                    break
                seen[code] = mark


def _codes(facts: np.ndarray, colours: np.ndarray, chosen: tuple[int, ...]) -> np.ndarray:
    codes = colours
    for number in chosen:
        codes = codes * _SPAN + facts[number]
    return codes


def apply_table(grid: Grid, table: np.ndarray, chosen: tuple[int, ...]) -> np.ndarray | None:
    """Each cell's colour by the table of the chosen facts; None for a combination never seen."""
    made = table[_codes(facts_of(grid), grid.ravel().astype(np.int32), chosen)]
    return None if (made == _UNSEEN).any() else made.reshape(grid.shape)


def _neighbourhoods(train: Demonstrations) -> Iterator[Program]:
    """A cell becomes what the demonstrations made of the same 3 x 3, or plus-shaped, surroundings."""
    if not same_shape(train):
        return
    for steps in (_PLUS, _SQUARE):
        seen: dict[bytes, int] = {}
        agreed = True
        for pair in train:
            rows = surroundings(pair.input, steps)
            for row, cell in zip(rows, pair.output.ravel(), strict=True):
                agreed = agreed and seen.setdefault(row.tobytes(), int(cell)) == cell
            if not agreed:
                break
        if agreed:
            yield partial(by_surroundings, steps=steps, seen=seen)


_PLUS = ((0, 1), (1, 0), (1, 1), (1, 2), (2, 1))
_SQUARE = tuple((r, c) for r in range(3) for c in range(3))


def surroundings(grid: Grid, steps: tuple[tuple[int, int], ...]) -> np.ndarray:
    """The colours around each cell: uint8 [cells, steps]; outside the grid 10."""
    height, width = grid.shape
    padded = np.pad(grid, 1, constant_values=COLOURS)
    views = [padded[r : r + height, c : c + width].ravel() for r, c in steps]
    return np.ascontiguousarray(np.stack(views, 1))


def by_surroundings(grid: Grid, steps: tuple[tuple[int, int], ...], seen: dict[bytes, int]) -> np.ndarray:
    """Cells as seen; a cell in surroundings never seen stays as it is."""
    rows = surroundings(grid, steps)
    cells = [seen.get(row.tobytes(), int(cell)) for row, cell in zip(rows, grid.ravel(), strict=True)]
    return np.array(cells, np.uint8).reshape(grid.shape)


RULES = (
    Rule("table of facts about a cell", _tables),
    Rule("table of a cell's surroundings", _neighbourhoods),
)
