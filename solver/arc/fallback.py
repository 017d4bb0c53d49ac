"""What to answer when no source does: valid grids of the shape that the demonstrations suggest.

They take milliseconds and fit no demonstration. Each test input has at least two that differ, so that a
submission is valid before any source has begun.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from solver.arc.candidate import Candidate, Program, grid_key
from solver.arc.task import COLOURS, MAX_SIDE, Grid, Pair, Task, as_grid

Demonstrations = tuple[Pair, ...]
Fallback = Callable[[Demonstrations, Grid], Iterator[np.ndarray]]


def same_shape(train: Demonstrations) -> bool:
    """True when every output is as large as its input."""
    return all(pair.input.shape == pair.output.shape for pair in train)


def output_shape(train: Demonstrations) -> tuple[int, int] | None:
    """The shape of every output, if it is always the same."""
    shapes = {pair.output.shape for pair in train}
    return shapes.pop() if len(shapes) == 1 else None


def tile_to(grid: Grid, shape: tuple[int, int]) -> np.ndarray:
    """Copies of the grid from the top-left corner on, cut off at ``shape``."""
    rows, columns = np.arange(shape[0]) % grid.shape[0], np.arange(shape[1]) % grid.shape[1]
    return grid[np.ix_(rows, columns)]


def predict_shape(train: Demonstrations, grid: Grid) -> tuple[int, int]:
    """The output's likely shape: as the input's, constant, a whole multiple or part, or by the mean ratio."""
    if same_shape(train):
        return grid.shape
    shape = output_shape(train)
    if shape:
        return shape
    sides = []
    for axis in (0, 1):
        ratios = {pair.output.shape[axis] / pair.input.shape[axis] for pair in train}
        ratio = sum(ratios) / len(ratios)
        sides.append(min(max(round(grid.shape[axis] * ratio), 1), MAX_SIDE))
    return sides[0], sides[1]


def _nearest_outputs(train: Demonstrations, grid: Grid) -> Iterator[np.ndarray]:
    """Outputs of the predicted shape, that of the most similar input first."""
    shape = predict_shape(train, grid)
    order = sorted(range(len(train)), key=lambda n: -_likeness(train[n].input, grid))
    for number in order:
        if train[number].output.shape == shape:
            yield train[number].output


def _likeness(a: Grid, b: Grid) -> float:
    """Share of equal cells where the two overlap from the top-left corner."""
    height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
    return int((a[:height, :width] == b[:height, :width]).sum()) / max(a.size, b.size)


def _input_itself(train: Demonstrations, grid: Grid) -> Iterator[np.ndarray]:
    if same_shape(train):
        yield usual_map(train)[grid]
        yield grid


def usual_map(train: Demonstrations) -> np.ndarray:
    """Table [10]: what most cells of each colour become, where input and output are equally large."""
    counts = np.eye(COLOURS, dtype=np.int64)  # a colour never seen stays as it is
    for pair in train:
        if pair.input.shape == pair.output.shape:
            np.add.at(counts, (pair.input.ravel(), pair.output.ravel()), 2)
    return counts.argmax(1).astype(np.uint8)


def _resized(train: Demonstrations, grid: Grid) -> Iterator[np.ndarray]:
    """The input cut off or repeated to the predicted shape."""
    if not same_shape(train):
        yield tile_to(grid, predict_shape(train, grid))


def _usual_cells(train: Demonstrations, grid: Grid) -> Iterator[np.ndarray]:
    """In each cell the outputs' most frequent colour there, if all have the predicted shape."""
    shape = output_shape(train)
    if shape:
        counts = sum((np.arange(COLOURS)[:, None, None] == pair.output) for pair in train[1:])
        counts = counts + (np.arange(COLOURS)[:, None, None] == train[0].output)
        yield counts.argmax(0).astype(np.uint8)


def _solid(train: Demonstrations, grid: Grid) -> Iterator[np.ndarray]:
    """The predicted shape in one colour, the outputs' most frequent two: always two different grids."""
    counts = np.bincount(np.concatenate([pair.output.ravel() for pair in train]), minlength=COLOURS)
    for colour in np.argsort(-counts, kind="stable")[:2]:
        yield np.full(predict_shape(train, grid), colour, np.uint8)


FALLBACKS: tuple[tuple[str, Fallback], ...] = (
    ("the input", _input_itself),
    ("the usual cells", _usual_cells),
    ("an output shown", _nearest_outputs),
    ("the input resized", _resized),
    ("solid", _solid),
)
SOURCE = "fallback"  # the name of this source


def first_answers(task: Task) -> list[tuple[Grid, Grid]]:
    """For each test input the first two different grids of ``fallbacks``: an answer at once, before anything
    is ranked."""
    pairs = []
    for pair in task.test:
        first, second = islice(_different(task.train, pair.input), 2)
        pairs.append((first, second))
    return pairs


def _different(train: Demonstrations, grid: Grid) -> Iterator[Grid]:
    seen: set[bytes] = set()
    for _, propose in FALLBACKS:
        for cells in propose(train, grid):
            made = as_grid(cells)
            if (key := grid_key(made)) not in seen:
                seen.add(key)
                yield made


def fallbacks(task: Task) -> tuple[tuple[Candidate, ...], ...]:
    """For each test input at least two different grids, the most plausible first."""
    made = []
    for pair in task.test:
        grids = ((name, grid) for name, propose in FALLBACKS for grid in propose(task.train, pair.input))
        candidates = [
            Candidate(as_grid(grid), SOURCE, Program(cost, 0, len(task.train)), name)
            for cost, (name, grid) in enumerate(grids)
        ]
        made.append(tuple(candidates))
    return tuple(made)
