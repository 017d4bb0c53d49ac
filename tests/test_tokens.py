"""Tokens on a canvas and the crop, against recorded results and against naive twins."""

from pathlib import Path

import numpy as np
import pytest

from solver.arc import tokens
from solver.arc.task import as_grid

FIXTURE = Path(__file__).parent / "fixtures" / "crop.npz"


def test_crop_equals_the_released_code_on_every_recorded_row():
    with np.load(FIXTURE) as recorded:
        canvases, shapes = recorded["tokens"].reshape(-1, 30, 30), recorded["shape"]
    np.testing.assert_array_equal(tokens.crop_shapes(canvases), shapes)
    for canvas, shape in zip(canvases, shapes, strict=True):
        cropped = tokens.crop(canvas)
        if shape.prod() == 0:
            assert cropped is None
        else:
            np.testing.assert_array_equal(cropped, canvas[: shape[0], : shape[1]] - 2)


def test_crop_brings_every_grid_back():
    generator = np.random.default_rng(1)
    for _ in range(50):
        grid = as_grid(generator.integers(0, 10, generator.integers(1, 31, 2)))
        np.testing.assert_array_equal(tokens.crop(tokens.encode(grid, (30, 30))), grid)
        np.testing.assert_array_equal(tokens.crop(tokens.encode(grid, grid.shape)), grid)


def test_crop_takes_the_largest_rectangle_and_of_equals_the_flattest():
    assert tokens.crop(np.array([[2, 3, 4, 5], [6, 7, 1, 0]])).tolist() == [[0, 1, 2, 3]]
    assert tokens.crop(np.array([[2, 3, 1], [6, 7, 0], [8, 1, 5]])).tolist() == [[0, 1], [4, 5]]
    assert tokens.crop(np.array([[1, 3], [6, 7]])) is None
    assert tokens.crop(np.array([[11, 12], [12, 11]])).tolist() == [[9]]


def test_border_and_pad_lie_where_the_released_code_puts_them():
    drawn = tokens.encode(as_grid([[3, 4]]), (3, 4), (0, 1))
    np.testing.assert_array_equal(drawn, [[0, 5, 6, 1], [0, 1, 1, 0], [0, 0, 0, 0]])


def test_a_grid_that_does_not_fit_is_refused():
    with pytest.raises(AssertionError):
        tokens.encode(as_grid([[1, 2, 3]]), (3, 3), (0, 1))
