"""Rules on inputs made of equal parts, side by side or between separating lines."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import permutations

import numpy as np

from solver.arc.rules.rule import (
    Demonstrations,
    Program,
    Rule,
    background,
    colour_counts,
    frequent_colours,
    output_shape,
    plain,
)
from solver.arc.task import Grid

Split = Callable[[Grid], list[np.ndarray]]  # equal parts in reading order; [] where it does not apply
_UNSEEN = 255


def between_lines(grid: Grid) -> list[np.ndarray]:
    """The parts between whole lines of one colour; [] unless two or more parts of equal shape."""
    cells = np.ascontiguousarray(grid, np.uint8)
    rows, columns = _line_spans(cells.shape, cells.tobytes())
    return [grid[top:bottom, left:right] for top, bottom in rows for left, right in columns]


@lru_cache(maxsize=512)
def _line_spans(shape: tuple[int, int], cells: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Spans of rows and of columns between the lines; many rules ask for those of the same grids."""
    grid = np.frombuffer(cells, np.uint8).reshape(shape)
    for colour in frequent_colours(grid):
        rows, columns = (_spans((grid == colour).all(axis)) for axis in (1, 0))
        heights, widths = ({end - start for start, end in spans} for spans in (rows, columns))
        if len(rows) * len(columns) > 1 and len(heights) == len(widths) == 1:
            return rows, columns
    return [], []


def _spans(line: np.ndarray) -> list[tuple[int, int]]:
    """(start, end) of each run of False."""
    edges = np.flatnonzero(np.diff(np.concatenate([[1], line.astype(np.int8), [1]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def evenly(grid: Grid, rows: int, columns: int) -> list[np.ndarray]:
    """rows x columns equal parts; [] where the sides do not divide."""
    if grid.shape[0] % rows or grid.shape[1] % columns:
        return []
    return [part for band in np.split(grid, rows) for part in np.split(band, columns, axis=1)]


def _splits(train: Demonstrations) -> Iterator[Split]:
    """The ways to split that give every demonstration parts as large as its output."""
    pair = train[0]
    (height, width), (short, narrow) = pair.input.shape, pair.output.shape
    choices: list[Split] = [between_lines]
    if height % short == 0 and width % narrow == 0 and (height, width) != (short, narrow):
        choices.append(partial(evenly, rows=height // short, columns=width // narrow))
    for split in choices:
        parts = [split(pair.input) for pair in train]
        if all(some and some[0].shape == p.output.shape for some, p in zip(parts, train, strict=True)):
            yield split


def _numbered(train: Demonstrations) -> Iterator[Program]:
    for split in _splits(train):
        for number in range(min(len(split(pair.input)) for pair in train)):
            yield lambda grid, split=split, number=number: _pick(split(grid), number)
        yield lambda grid, split=split: _pick(split(grid), -1)
    for count in (2, 3):
        for number in range(count):
            yield partial(part_of_longer_side, count=count, number=number)


def part_of_longer_side(grid: Grid, count: int, number: int) -> np.ndarray | None:
    """One of ``count`` equal parts along the longer side."""
    tall = grid.shape[0] >= grid.shape[1]
    return _pick(evenly(grid, count if tall else 1, 1 if tall else count), number)


def _pick(parts: list[np.ndarray], number: int) -> np.ndarray | None:
    return parts[number] if -len(parts) <= number < len(parts) else None


def _filled(part: np.ndarray) -> int:
    return int((part != background(part)).sum())


def _mirrored(part: np.ndarray) -> int:
    return int((part == part[:, ::-1]).all()) + int((part == part[::-1]).all())


_MEASURES: tuple[Callable[[np.ndarray], int], ...] = (
    lambda part: int((part != 0).sum()),
    _filled,
    lambda part: int((colour_counts(part) > 0).sum()),
    _mirrored,
    lambda part: int(part.max()),
)


def _measured(train: Demonstrations) -> Iterator[Program]:
    for split in _splits(train):
        for odd in (True, False):
            yield partial(part_by_copies, split=split, odd=odd)
        for measure in _MEASURES:
            for sign in (1, -1):
                yield partial(part_by_measure, split=split, measure=measure, sign=sign)


def part_by_measure(grid: Grid, split: Split, measure: Callable, sign: int) -> np.ndarray | None:
    """The part with the greatest (sign 1) or least (-1) value; None where it is not alone."""
    parts = split(grid)
    values = [sign * measure(part) for part in parts]
    if not values or values.count(max(values)) != 1:
        return None
    return parts[values.index(max(values))]


def part_by_copies(grid: Grid, split: Split, odd: bool) -> np.ndarray | None:
    """The part that stands once among the others (``odd``), or the one that stands most often."""
    parts = split(grid)
    if len(parts) < 3:
        return None
    counts = Counter(part.tobytes() for part in parts)
    wanted = 1 if odd else max(counts.values())
    chosen = [key for key, count in counts.items() if count == wanted]
    return next(part for part in parts if part.tobytes() == chosen[0]) if len(chosen) == 1 else None


def _tables(train: Demonstrations) -> Iterator[Program]:
    """and, or, xor and all others: the output cell depends on the parts' cells in its place alone."""
    for split in _splits(train):
        counts = {len(split(pair.input)) for pair in train}
        if len(counts) != 1 or not 2 <= (count := counts.pop()) <= 4:
            continue
        table = np.full(10**count, _UNSEEN, np.uint8)
        for pair in train:
            table[_codes(split(pair.input))] = pair.output
        yield partial(look_up, split=split, table=table, count=count)


def _codes(parts: list[np.ndarray]) -> np.ndarray:
    codes = np.zeros(parts[0].shape, np.int64)
    for part in parts:
        codes = codes * 10 + part
    return codes


def look_up(grid: Grid, split: Split, table: np.ndarray, count: int) -> np.ndarray | None:
    """The table's colour for the parts' cells in each place; None for a combination never seen."""
    parts = split(grid)
    if len(parts) != count:
        return None
    made = table[_codes(parts)]
    return None if (made == _UNSEEN).any() else made


def _overlays(train: Demonstrations) -> Iterator[Program]:
    for split in _splits(train):
        counts = {len(split(pair.input)) for pair in train}
        if len(counts) == 1 and 2 <= (count := counts.pop()) <= 4:
            for order in permutations(range(count)):
                yield partial(overlay, split=split, order=order)


def overlay(grid: Grid, split: Split, order: tuple[int, ...]) -> np.ndarray | None:
    """The parts laid on one another, the first of ``order`` on top; colour 0 is clear."""
    parts = split(grid)
    if len(parts) != len(order):
        return None
    made = np.zeros_like(parts[0])
    for number in reversed(order):
        made = np.where(parts[number] != 0, parts[number], made)
    return made


def _summaries(train: Demonstrations) -> Iterator[Program]:
    shape = output_shape(train)
    if not shape:
        return
    for split in (between_lines, partial(evenly, rows=shape[0], columns=shape[1])):
        yield partial(summarise, split=split, shape=shape)


def summarise(grid: Grid, split: Split, shape: tuple[int, int]) -> np.ndarray | None:
    """One cell for each part: the part's most frequent colour beside its background."""
    parts = split(grid)
    if len(parts) != shape[0] * shape[1]:
        return None
    colours = []
    for part in parts:
        found = frequent_colours(part, 0)
        colours.append(found[0] if found else 0)
    return np.array(colours, np.uint8).reshape(shape)


def mark_fullest(grid: Grid) -> np.ndarray | None:
    """Between lines: the parts with most coloured cells become solid, all others empty."""
    return _mark(grid, 1)


def _mark(grid: Grid, sign: int) -> np.ndarray | None:
    parts = between_lines(grid)
    counts = [sign * int((part != 0).sum()) for part in parts]
    if not parts or min(counts) == max(counts):
        return None
    made = grid.copy()
    views = between_lines(made)  # views into the copy: writing on them writes on it
    colours = frequent_colours(np.concatenate([part.ravel() for part in parts])[None], 0)
    for view, count in zip(views, counts, strict=True):
        own = frequent_colours(view, 0)
        view[:] = (own or colours)[0] if count == max(counts) else 0
    return made


RULES = (
    Rule("one part of several", _numbered),
    Rule("parts combined cell by cell", _tables),
    Rule("parts laid on one another", _overlays),
    Rule("the part that stands out", _measured),
    Rule("one cell for each part", _summaries),
    plain("the fullest part made solid", mark_fullest),
)
