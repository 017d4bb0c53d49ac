"""Every compiled kernel of solver/arc against its slow, obvious twin, on random inputs.

These run once more without compilation (NUMBA_DISABLE_JIT=1), where a wrong index is an error.
"""

import numpy as np

from solver.arc import tokens
from solver.arc.augment import transform
from solver.arc.task import as_grid
from tests import naive


def random_cells(generator, most, colours=10):
    return generator.integers(0, colours, generator.integers(1, most + 1, 2)).astype(np.uint8)


def test_transform():
    generator = np.random.default_rng(0)
    for number in range(200):
        grid, symmetry = as_grid(random_cells(generator, 6)), number % 8
        palette = np.array([0, *(generator.permutation(9) + 1)], np.uint8)
        moved = transform(grid, symmetry, palette)
        np.testing.assert_array_equal(moved, naive.transform(grid, symmetry, palette))
        assert moved.dtype == np.uint8 and not moved.flags.writeable


def test_crop_shape():
    generator = np.random.default_rng(1)
    for _ in range(100):
        canvas = random_cells(generator, 8) + np.uint8(2)
        holes = generator.random(canvas.shape) < generator.choice([0.0, 0.1, 0.4])
        canvas[holes] = generator.choice([0, 1, 12, 255])
        assert tuple(tokens.crop_shape(canvas)) == naive.crop_shape(canvas)
        assert tuple(tokens.crop_shapes(canvas[None])[0]) == naive.crop_shape(canvas)


def test_draw_tokens():
    generator = np.random.default_rng(2)
    for _ in range(100):
        grid = as_grid(random_cells(generator, 6))
        spare = generator.integers(0, 4, 2)
        shape = (int(grid.shape[0] + spare[0]), int(grid.shape[1] + spare[1]))
        offset = (int(generator.integers(0, spare[0] + 1)), int(generator.integers(0, spare[1] + 1)))
        drawn = tokens.encode(grid, shape, offset)
        np.testing.assert_array_equal(drawn, naive.draw_tokens(shape, grid, *offset))
