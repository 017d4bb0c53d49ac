"""Augmentations: the eight symmetries, undo, and which of them differ in effect."""

from itertools import permutations

import numpy as np
import pytest

from solver.arc.augment import (
    IDENTITY,
    SYMMETRIES,
    Augmentation,
    count_augmentations,
    sample_augmentations,
    swaps_sides,
    transform,
)
from solver.arc.candidate import grid_key
from solver.arc.task import Pair, Task, as_grid

PLAIN = np.arange(10, dtype=np.uint8)


def random_grid(generator, most=6, colours=10):
    return as_grid(generator.integers(0, colours, generator.integers(1, most + 1, 2)))


def random_palette(generator):
    return (0, *(int(c) for c in generator.permutation(9) + 1))


def task_of(*grids):
    """A task whose demonstration's input and output, and whose test input, are these three grids."""
    first, second, third = (as_grid(np.array(grid)) for grid in grids)
    return Task("t", (Pair(first, second),), (Pair(third),))


def effect(augmentation, task):
    return b"".join(grid_key(augmentation.apply(grid)) for grid in task.demonstration_grids())


@pytest.mark.parametrize(
    ("symmetry", "moved"),
    [
        (0, [[1, 2, 3], [4, 5, 6]]),
        (1, [[3, 6], [2, 5], [1, 4]]),
        (2, [[6, 5, 4], [3, 2, 1]]),
        (3, [[4, 1], [5, 2], [6, 3]]),
        (4, [[3, 2, 1], [6, 5, 4]]),
        (5, [[4, 5, 6], [1, 2, 3]]),
        (6, [[1, 4], [2, 5], [3, 6]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
    ],
)
def test_symmetry_ids_are_those_of_the_released_code(symmetry, moved):
    grid = as_grid([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(transform(grid, symmetry, PLAIN), moved)
    assert swaps_sides(symmetry) == (len(moved) == 3)


def test_undo_and_inverse_bring_every_grid_back():
    generator = np.random.default_rng(1)
    for symmetry in range(SYMMETRIES):
        for _ in range(20):
            augmentation = Augmentation(symmetry, random_palette(generator))
            grid = random_grid(generator)
            np.testing.assert_array_equal(augmentation.undo(augmentation.apply(grid)), grid)
            np.testing.assert_array_equal(augmentation.inverse().apply(augmentation.apply(grid)), grid)
            np.testing.assert_array_equal(augmentation.inverse().undo(grid), augmentation.apply(grid))


def test_a_whole_task_is_augmented_test_outputs_included():
    known = Task(
        "x", (Pair(as_grid([[1, 0]]), as_grid([[2]])),), (Pair(as_grid([[0], [1]]), as_grid([[3]])),)
    )
    augmentation = Augmentation(1, (0, 3, 1, 2, 4, 5, 6, 7, 8, 9))
    moved = augmentation.apply_task(known)
    assert moved.id == "x"
    assert moved.train[0].input.tolist() == [[0], [3]]
    assert moved.train[0].output.tolist() == [[1]]
    assert moved.test[0].input.tolist() == [[0, 3]]
    assert moved.test[0].output.tolist() == [[2]]
    assert augmentation.apply_task(known.without_test_outputs()).test[0].output is None


@pytest.mark.parametrize(
    "choice", [(8,), (-1,), (0, tuple(range(9))), (0, (1, 0, *range(2, 10))), (0, (0, 1, 1, *range(3, 10)))]
)
def test_what_is_no_augmentation_is_refused(choice):
    with pytest.raises(ValueError, match="wanted"):
        Augmentation(*choice)


SMALL = {
    "one colour, no symmetry": task_of([[1, 0]], [[0, 1, 1]], [[1], [0], [0]]),
    "two colours": task_of([[1, 2], [0, 0]], [[2]], [[1, 0, 2]]),
    "symmetric in itself": task_of([[1, 1], [1, 1]], [[1]], [[0]]),
    "symmetric up to colours": task_of([[1, 2]], [[2, 1]], [[1, 0, 2]]),
    "a quarter turn up to colours": task_of([[0, 1], [2, 0]], [[1, 0], [0, 2]], [[0]]),
    "background alone": task_of([[0, 0]], [[0]], [[0]]),
}


@pytest.mark.parametrize("name", SMALL)
def test_sampling_finds_all_that_differ_in_effect(name):
    task = SMALL[name]
    used = sorted({int(c) for grid in task.demonstration_grids() for c in np.unique(grid)} - {0})
    effects = set()
    for symmetry in range(SYMMETRIES):
        for images in permutations(range(1, 10), len(used)):
            others = [c for c in range(1, 10) if c not in used]
            left = [c for c in range(1, 10) if c not in images]
            palette = {0: 0, **dict(zip(used, images, strict=True)), **dict(zip(others, left, strict=True))}
            augmentation = Augmentation(symmetry, tuple(palette[c] for c in range(10)))
            effects.add(effect(augmentation, task))
    assert count_augmentations(task) == len(effects)

    for count in (1, 3, len(effects) - 1, len(effects), len(effects) + 50):
        drawn = sample_augmentations(task, count, np.random.default_rng(3))
        assert len(drawn) == min(count, len(effects))
        found = {effect(augmentation, task) for augmentation in drawn}
        assert len(found) == len(drawn) and found <= effects
        assert not drawn or drawn[0] == IDENTITY


def test_sampling_is_decided_by_its_generator():
    generator = np.random.default_rng(4)
    task = task_of(*(random_grid(generator, 8) for _ in range(3)))
    one, same, other = (sample_augmentations(task, 300, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one == same
    assert one != other
    assert len(set(one)) == len({effect(a, task) for a in one}) == 300


def test_test_outputs_play_no_part():
    task = SMALL["two colours"]
    solved = Task("t", task.train, (Pair(task.test[0].input, as_grid([[9, 8, 7]])),))
    assert count_augmentations(solved) == count_augmentations(task)
    draws = [sample_augmentations(t, 40, np.random.default_rng(0)) for t in (task, solved)]
    assert draws[0] == draws[1]


def test_draws_are_spread_over_symmetries_and_colours():
    generator = np.random.default_rng(7)
    task = task_of(*(as_grid(generator.integers(0, 6, (5, 7))) for _ in range(3)))
    drawn = sample_augmentations(task, 1000, generator)
    symmetries = np.bincount([a.symmetry for a in drawn], minlength=8)
    images = np.bincount([a.palette[1] for a in drawn], minlength=10)
    assert symmetries.min() > 80, symmetries  # 125 expected, standard deviation 10
    assert images[1:].min() > 70, images  # 111 expected
