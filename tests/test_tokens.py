"""Tokens on a canvas and the crop, against recorded results and against naive twins."""

from pathlib import Path

import numpy as np
import pytest

from solver.arc import tokens
from solver.arc.task import as_grid
from tests import naive

FIXTURE = Path(__file__).parent / "fixtures" / "crop.npz"


@pytest.mark.kernel
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


@pytest.mark.kernel
def test_crop_shape_equals_its_twin():
    generator = np.random.default_rng(0)
    for _ in range(100):
        canvas = generator.integers(2, 12, generator.integers(1, 9, 2)).astype(np.uint8)
        holes = generator.random(canvas.shape) < generator.choice([0.0, 0.1, 0.4])
        canvas[holes] = generator.choice([0, 1, 12, 255])
        assert tuple(tokens.crop_shape(canvas)) == naive.crop_shape(canvas)


@pytest.mark.kernel
def test_drawing_equals_its_twin_and_crop_brings_the_grid_back():
    generator = np.random.default_rng(1)
    for _ in range(100):
        grid = as_grid(generator.integers(0, 10, generator.integers(1, 7, 2)))
        spare = generator.integers(0, 4, 2)
        shape = (int(grid.shape[0] + spare[0]), int(grid.shape[1] + spare[1]))
        offset = (int(generator.integers(0, spare[0] + 1)), int(generator.integers(0, spare[1] + 1)))
        drawn = tokens.encode(grid, shape, offset)
        np.testing.assert_array_equal(drawn, naive.draw_tokens(shape, grid, *offset))
        np.testing.assert_array_equal(tokens.crop(tokens.encode(grid, shape)), grid)


def test_border_and_pad_lie_where_the_released_code_puts_them():
    drawn = tokens.encode(as_grid([[3, 4]]), (3, 4), (0, 1))
    np.testing.assert_array_equal(drawn, [[0, 5, 6, 1], [0, 1, 1, 0], [0, 0, 0, 0]])


def test_a_grid_that_does_not_fit_is_refused():
    with pytest.raises(AssertionError):
        tokens.encode(as_grid([[1, 2, 3]]), (3, 3), (0, 1))
