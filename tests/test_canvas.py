"""Canvas sizes: boxes, what demonstrations say of an output's size, and growing."""

import numpy as np
import pytest

from solver.arc.canvas import MARGIN, box, larger_canvas, pair_canvas, predict_shape, test_canvas
from solver.arc.task import Pair, as_grid

test_canvas.__test__ = False  # a function of the solver, not a test


def grid(height: int, width: int) -> np.ndarray:
    return as_grid(np.zeros((height, width)))


def pairs(*sizes: tuple[tuple[int, int], tuple[int, int]]) -> list[Pair]:
    return [Pair(grid(*before), grid(*after)) for before, after in sizes]


def test_boxes_hold_both_grids_and_the_border() -> None:
    (pair,) = pairs(((3, 7), (5, 2)))
    assert pair_canvas(pair) == (6, 8)
    assert pair_canvas(Pair(pair.input)) == (4, 8)
    assert box([grid(30, 4)]) == (30, 5)


@pytest.mark.parametrize(
    ("sizes", "test", "wanted"),
    [
        ([((3, 4), (3, 4)), ((5, 6), (5, 6))], (7, 8), (7, 8)),  # the same
        ([((3, 4), (2, 9)), ((5, 6), (2, 9))], (7, 8), (2, 9)),  # a constant
        ([((3, 4), (6, 4)), ((5, 6), (10, 6))], (7, 8), (14, 8)),  # twice, one axis
        ([((3, 4), (1, 2)), ((6, 8), (2, 4))], (9, 12), (3, 6)),  # a part
        ([((3, 4), (1, 2)), ((6, 8), (2, 4))], (10, 12), None),  # which must divide
        ([((2, 2), (4, 4)), ((3, 3), (9, 9))], (5, 5), (25, 25)),  # copies of itself
        ([((2, 2), (4, 4)), ((3, 3), (9, 9))], (6, 6), None),  # never beyond 30
        ([((3, 4), (5, 5)), ((5, 6), (6, 7))], (7, 8), None),
    ],
)
def test_size_relations(sizes: list, test: tuple, wanted: tuple | None) -> None:
    assert predict_shape(pairs(*sizes), grid(*test)) == wanted


def test_the_canvas_of_a_test_input_holds_input_and_expected_output() -> None:
    assert test_canvas(pairs(((3, 4), (6, 4)), ((5, 6), (10, 6))), grid(7, 8)) == (15, 9)
    assert test_canvas(pairs(((9, 9), (1, 1)), ((8, 9), (1, 1))), grid(7, 8)) == (8, 9)
    unknown = pairs(((3, 4), (5, 5)), ((5, 6), (6, 7)))
    assert test_canvas(unknown, grid(7, 8)) == (6 + 1 + MARGIN, 7 + 1 + MARGIN)
    assert test_canvas(unknown, grid(29, 30)) == (30, 30)


def test_growing_ends_at_the_full_canvas() -> None:
    shape, steps = (2, 3), 0
    while shape != (30, 30):
        shape, before = larger_canvas(shape), shape
        assert all(a > b or a == 30 for a, b in zip(shape, before, strict=True))
        steps += 1
    assert steps < 10
    assert larger_canvas((30, 30)) == (30, 30)
