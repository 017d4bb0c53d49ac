"""Augmentations drawn by compiled code: distinct in effect, complete, the same in any order."""

import numba
import numpy as np
import pytest

from benchmarks import twins
from solver.arc.sampling import (
    count_distinct,
    injections,
    pack_grids,
    rank_of,
    sample_table,
    unrank,
)
from solver.arc.symmetry import COMPOSITIONS, transform_into
from solver.arc.task import as_grid
from tests import naive_dataset
from tests.made_tasks import make_task

# Uncompiled (NUMBA_DISABLE_JIT=1), numpy warns of the wrap-around that random bits are made of.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

SYMMETRIC = as_grid(np.array([[1, 0, 1], [0, 2, 0], [1, 0, 1]]))
SWAPPED = as_grid(np.array([[1, 2], [2, 1]]))  # a quarter turn exchanges its colours
LONG = as_grid(np.array([[1, 2, 1]]))
CASES = {
    "random": list(make_task("a", 1, colours=2, train=1, test=1).demonstration_grids()),
    "symmetric": [SYMMETRIC],
    "swapped": [SWAPPED],
    "long": [LONG, SWAPPED],
    "black": [as_grid(np.zeros((2, 3)))],
}


def effects(grids: list, table, task: int = 0) -> list[bytes]:
    rows = range(table.starts[task], table.starts[task + 1])
    return [naive_dataset.effect(grids, int(table.symmetries[r]), table.palettes[r]) for r in rows]


@pytest.mark.parametrize("symmetry", range(8))
def test_transform_is_numpys(symmetry):
    grid = np.random.default_rng(symmetry).integers(0, 10, (3, 5), dtype=np.uint8)
    wanted = twins.turn(grid, symmetry)
    out = np.zeros(wanted.shape, np.uint8)
    transform_into(out, grid, symmetry, np.arange(10, dtype=np.uint8))
    assert np.array_equal(out, wanted)
    for other in range(8):
        both = twins.turn(wanted, other)
        assert np.array_equal(both, twins.turn(grid, int(COMPOSITIONS[symmetry, other])))


@pytest.mark.parametrize("size", [0, 1, 2, 5, 9])
def test_unrank_and_rank_are_inverse(size):
    images = np.empty(size, np.int64)
    for rank in np.unique(np.linspace(0, injections(size) - 1, 60).astype(np.int64)):
        unrank(rank, images)
        assert len(set(images.tolist())) == size and rank_of(images) == rank


@pytest.mark.parametrize("name", CASES)
def test_count_and_complete_sample_against_all_augmentations(name):
    grids = CASES[name]
    wanted = naive_dataset.count_effects(grids)
    packed = pack_grids([grids])
    assert count_distinct(packed).tolist() == [wanted]
    found = effects(grids, sample_table(packed, 10**6, np.array([7])))
    assert len(found) == wanted == len(set(found))


@pytest.mark.parametrize("count", [1, 5, 40, 300])
def test_sample_is_distinct_with_the_identity_first(count):
    grids = make_task("a", 4, colours=6).demonstration_grids()
    table = sample_table(pack_grids([grids]), count, np.array([11]))
    assert len(table.symmetries) == count == len(set(effects(grids, table)))
    assert table.symmetries[0] == 0 and table.palettes[0].tolist() == list(range(10))
    assert (np.sort(table.palettes, 1) == np.arange(10)).all() and (table.palettes[:, 0] == 0).all()


def test_a_task_draws_the_same_in_any_company_and_with_any_number_of_threads():
    groups = [make_task("t", n, colours=1 + n % 5).demonstration_grids() for n in range(12)]
    seeds = np.arange(100, 112)
    before = numba.get_num_threads()
    tables = []
    try:
        for threads in {1, before}:
            numba.set_num_threads(threads)
            tables.append(sample_table(pack_grids(groups), 50, seeds))
            tables.append(sample_table(pack_grids(groups[::-1]), 50, seeds[::-1]))
    finally:
        numba.set_num_threads(before)
    first = tables[0]
    for number, table in enumerate(tables[1:], 1):
        for n in range(12):
            other = 11 - n if number % 2 else n
            mine = slice(first.starts[n], first.starts[n + 1])
            theirs = slice(table.starts[other], table.starts[other + 1])
            assert np.array_equal(first.symmetries[mine], table.symmetries[theirs])
            assert np.array_equal(first.palettes[mine], table.palettes[theirs])


@pytest.mark.parametrize("colours", [1, 2, 3])
def test_never_fewer_than_the_released_builder(colours):
    task = make_task("a", colours, colours=colours, largest=3)
    _, _, wanted = twins.build_task(task, 150, np.random.default_rng(colours))
    grids = [grid for pair in (*task.train, *task.test) for grid in (pair.input, pair.output)]
    table = sample_table(pack_grids([grids]), 151, np.array([1]))
    assert len(table.symmetries) == min(151, naive_dataset.count_effects(grids)) >= wanted


def test_every_augmentation_is_about_equally_likely():
    packed = pack_grids([[LONG]] * 1000)  # 2 turns that differ x 9 x 8 colours
    table = sample_table(packed, 2, np.arange(1000))
    found = [
        naive_dataset.effect([LONG], int(s), p) for s, p in zip(table.symmetries, table.palettes, strict=True)
    ]
    seen: dict[bytes, int] = {}
    for code in found[1::2]:
        seen[code] = seen.get(code, 0) + 1
    wanted = 1000 / 143  # all but the identity
    assert len(seen) == 143
    assert sum((count - wanted) ** 2 / wanted for count in seen.values()) < 143 + 5 * (2 * 143) ** 0.5
