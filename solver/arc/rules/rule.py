"""What a rule is, and the few words on grids that all rules share.

A rule looks at the demonstrations and proposes programs; whoever asks (``guess``) keeps those that
reproduce every demonstration. A program returns None where it has no answer; it never raises.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from solver.arc.task import COLOURS, MAX_SIDE, Grid, Pair

Program = Callable[[Grid], np.ndarray | None]
Demonstrations = tuple[Pair, ...]


@dataclass(frozen=True)
class Rule:
    """``propose(train)``: programs worth trying, most plausible first; none where it does not apply."""

    name: str
    propose: Callable[[Demonstrations], Iterable[Program]]


def plain(name: str, *programs: Program) -> Rule:
    """A rule whose programs need nothing from the demonstrations."""
    return Rule(name, lambda train: programs)


def is_grid(cells: np.ndarray | None) -> bool:
    """True for an array of 1..30 a side; programs produce only colours."""
    return cells is not None and cells.ndim == 2 and all(1 <= side <= MAX_SIDE for side in cells.shape)


def fits(program: Program, train: Demonstrations) -> bool:
    """True when the program turns every demonstration's input into its output."""
    for pair in train:
        made = program(pair.input)
        if made is None or made.shape != pair.output.shape or not (made == pair.output).all():
            return False
    return True


def colour_counts(grid: np.ndarray) -> np.ndarray:
    """Cells of each colour: int [10]."""
    return np.bincount(grid.ravel(), minlength=COLOURS)


def background(grid: np.ndarray) -> int:
    """0 where it occurs, as ARC draws; else the most frequent colour (the least of equals)."""
    counts = colour_counts(grid)
    return 0 if counts[0] else int(counts.argmax())


def frequent_colours(grid: np.ndarray, leave_out: int = -1) -> list[int]:
    """The colours that occur, most frequent first, the least of equals first."""
    counts = colour_counts(grid)
    return [int(c) for c in np.argsort(-counts, kind="stable") if counts[c] and c != leave_out]


def bounds(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """(top, left, bottom, right), ends exclusive, of the True cells; None if there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def cut(grid: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    """The part of the grid in the bounding box of the True cells; None if there are none."""
    box = bounds(mask)
    return None if box is None else grid[box[0] : box[2], box[1] : box[3]]


def same_shape(train: Demonstrations) -> bool:
    """True when every output is as large as its input."""
    return all(pair.input.shape == pair.output.shape for pair in train)


def smaller(train: Demonstrations) -> bool:
    """True when every output fits in its input, and some output is less than its input."""
    pairs = [(pair.output.shape, pair.input.shape) for pair in train]
    return not same_shape(train) and all(out[0] <= into[0] and out[1] <= into[1] for out, into in pairs)


def only_adds(train: Demonstrations) -> bool:
    """True when outputs are as large as their inputs and differ on the inputs' background alone."""
    return same_shape(train) and all(
        (pair.input[pair.input != pair.output] == background(pair.input)).all() for pair in train
    )


def common_ratio(train: Demonstrations) -> tuple[int, int] | None:
    """(rows, columns) of inputs that the output holds, if whole and the same in all demonstrations."""
    ratios = set()
    for pair in train:
        (height, width), (tall, wide) = pair.input.shape, pair.output.shape
        if tall % height or wide % width:
            return None
        ratios.add((tall // height, wide // width))
    return ratios.pop() if len(ratios) == 1 else None


def output_shape(train: Demonstrations) -> tuple[int, int] | None:
    """The shape of every output, if it is always the same."""
    shapes = {pair.output.shape for pair in train}
    return shapes.pop() if len(shapes) == 1 else None


def changed_colours(train: Demonstrations) -> list[int]:
    """The colours that changed cells take in outputs as large as their inputs, most frequent first."""
    counts = np.zeros(COLOURS, np.int64)
    for pair in train:
        if pair.input.shape == pair.output.shape:
            counts += colour_counts(pair.output[pair.input != pair.output])
    return [int(c) for c in np.argsort(-counts, kind="stable") if counts[c]]


def quarter_turns(program: Program) -> Iterator[Program]:
    """The program as it is, then done in the grid turned by 1, 2 and 3 quarters."""
    yield program
    for turns in (1, 2, 3):

        def turned(grid: Grid, turns: int = turns) -> np.ndarray | None:
            made = program(np.rot90(grid, turns))
            return None if made is None else np.rot90(made, -turns)

        yield turned
