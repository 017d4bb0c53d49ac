"""Canvas sizes: the rectangle of cells that a pair is drawn on, and what to choose for a test input.

A cropped canvas is the box of input and output plus one row and one column for the border, never
more than ``MAX_SIDE``. The output's size is unknown for a test input: it follows from how the
demonstrations' sizes relate, with a margin where they do not.
"""

from collections.abc import Callable, Sequence

from solver.arc.task import MAX_SIDE, Grid, Pair

Shape = tuple[int, int]

MARGIN = 4  # rows and columns beyond the largest seen, where no rule predicts the output's size


def box(grids: Sequence[Grid], extra: int = 1) -> Shape:
    """(height, width) that holds every grid plus ``extra`` rows and columns, at most MAX_SIDE."""
    height = max(grid.shape[0] for grid in grids) + extra
    width = max(grid.shape[1] for grid in grids) + extra
    return min(MAX_SIDE, height), min(MAX_SIDE, width)


def pair_canvas(pair: Pair) -> Shape:
    """The cropped canvas of a pair whose output is known."""
    return box([pair.input] if pair.output is None else [pair.input, pair.output])


def predict_shape(train: Sequence[Pair], test_input: Grid) -> Shape | None:
    """The output's (height, width) by the demonstrations' size relation; None when none fits all.

    Each axis on its own: the input's, a constant, its square, or an integer multiple or part of it.
    """
    sizes = []
    for axis in (0, 1):
        before = [pair.input.shape[axis] for pair in train]
        after = [pair.output.shape[axis] for pair in train]
        rule = _relation(before, after)
        size = rule(test_input.shape[axis]) if rule else None
        if size is None or not 1 <= size <= MAX_SIDE:
            return None
        sizes.append(size)
    return sizes[0], sizes[1]


def _relation(before: list[int], after: list[int]) -> Callable[[int], int | None] | None:
    if before == after:
        return lambda size: size
    if len(set(after)) == 1:
        return lambda size: after[0]
    if all(a == b * b for a, b in zip(after, before, strict=True)):
        return lambda size: size * size  # a grid of copies of itself
    factor = after[0] // before[0]
    if factor > 1 and all(a == factor * b for a, b in zip(after, before, strict=True)):
        return lambda size: factor * size
    part = before[0] // after[0]
    if part > 1 and all(b == part * a for a, b in zip(after, before, strict=True)):
        return lambda size: size // part if size % part == 0 else None
    return None


def test_canvas(train: Sequence[Pair], test_input: Grid) -> Shape:
    """The canvas to predict a test input's output on."""
    shape = predict_shape(train, test_input)
    height, width = box([test_input])
    if shape is not None:
        return max(height, min(MAX_SIDE, shape[0] + 1)), max(width, min(MAX_SIDE, shape[1] + 1))
    tall, wide = box([pair.output for pair in train], 1 + MARGIN)
    return max(height, tall), max(width, wide)


def larger_canvas(shape: Shape) -> Shape:
    """The next canvas to try when a prediction reached the edge of this one; MAX_SIDE ends it."""
    return min(MAX_SIDE, shape[0] + shape[0] // 2 + 1), min(MAX_SIDE, shape[1] + shape[1] // 2 + 1)
