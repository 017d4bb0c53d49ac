"""Fallbacks: valid answers to any task, before any source has begun."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.arc.candidate import grid_key
from solver.arc.fallback import fallbacks, predict_shape, usual_map
from solver.arc.task import Pair, Task, as_grid


def grid_of(text):
    return as_grid(np.array([[int(cell) for cell in row] for row in text.split("/")]))


def pair_of(text):
    before, after = text.split(" -> ")
    return Pair(grid_of(before), grid_of(after))


def task_of(*texts):
    """Pairs as "12/34 -> 1"; the last is the test pair."""
    pairs = [pair_of(text) for text in texts]
    return Task("t", tuple(pairs[:-1]), (pairs[-1],))


def test_the_test_outputs_are_never_looked_at():
    for texts in (("12 -> 21", "34 -> 43", "56 -> 65"), ("12/34 -> 1", "56/78 -> 5", "11/22 -> 1")):
        task = task_of(*texts)
        (known,), (hidden,) = fallbacks(task), fallbacks(task.without_test_outputs())
        seen = [[(c.explanation, grid_key(c.grid)) for c in made] for made in (known, hidden)]
        assert seen[0] == seen[1]


@st.composite
def grids(draw, most=30):
    """A valid grid, often with few colours."""
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    colours = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return as_grid(generator.choice(colours, (height, width)))


@settings(max_examples=150, database=None)
@given(data=st.data())
def test_any_valid_task_gets_two_valid_answers(data):
    train = tuple(
        Pair(grid, data.draw(st.one_of(grids(), st.just(grid), st.just(as_grid(grid[:1])))))
        for grid in data.draw(st.lists(grids(), min_size=1, max_size=4))
    )
    task = Task("t", train, tuple(map(Pair, data.draw(st.lists(grids(), min_size=1, max_size=2)))))
    made = fallbacks(task)
    assert len(made) == len(task.test)
    for candidates in made:
        assert len({grid_key(candidate.grid) for candidate in candidates}) >= 2
        for candidate in candidates:
            grid = candidate.grid
            assert grid.dtype == np.uint8 and grid.ndim == 2 and grid.max() <= 9 and not grid.flags.writeable
            assert all(1 <= side <= 30 for side in grid.shape)
            assert candidate.explanation and not candidate.known.fits


def test_shapes_are_predicted():
    assert predict_shape(task_of("12 -> 34", "1 -> 1").train, grid_of("123/456")) == (2, 3)
    assert predict_shape(task_of("12 -> 3/4", "1 -> 1/2", "1 -> 1").train, grid_of("123/456")) == (2, 1)
    assert predict_shape(task_of("12 -> 1212", "1 -> 11", "1 -> 1").train, grid_of("123/456")) == (2, 6)
    wide = as_grid(np.zeros((9, 20)))
    assert predict_shape(task_of("1 -> 1111", "2 -> 22", "1 -> 1").train, wide) == (9, 30)


def test_the_usual_map_takes_the_majority():
    table = usual_map(task_of("1112 -> 3342", "1 -> 1").train)
    assert table[1] == 3 and table[2] == 2 and table[7] == 7
