"""The program search: what it finds, its limits, and that it takes any valid task."""

import configparser
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from solver.arc.task import Pair, Task, as_grid
from solver.budget import Budget
from solver.search import best_scores, search
from solver.search.assemble import COVER, MAP, RULES, TABLE
from solver.search.costs import NEVER, default_costs, possible, uniform
from solver.search.program import parse, program_of
from solver.search.sizes import LARGER, OUTPUTS, SAME, SMALLER, outputs_of, sizes_from_inputs
from solver.search.source import propose
from solver.search.text import describe
from solver.search.views import GROUND, LATTICE, PLAIN, VARYING, views_of
from tests.test_search_program import panels

JOBS = 3000


def task_of(program, inputs, test, name: str = "made") -> Task:
    """A task whose outputs are a program's."""
    train = tuple(Pair(as_grid(grid), as_grid(program(grid))) for grid in inputs)
    return Task(name, train, (Pair(as_grid(test)),))


def random_grids(
    seed: int, count: int, height: int = 6, width: int = 5, colours: int = 4
) -> list[np.ndarray]:
    """Random grids of one size."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, colours, (height, width)).astype(np.uint8) for _ in range(count)]


def first_answer(task: Task, jobs: int = JOBS) -> np.ndarray:
    """The best grid for the first test input."""
    return best_scores(list(search(task, jobs=jobs)), 0)[0][1]


@pytest.mark.parametrize(
    "program",
    [
        lambda grid: np.rot90(grid),
        lambda grid: np.hstack([grid, grid[:, ::-1]]),
        lambda grid: grid.repeat(2, 0).repeat(2, 1),
        lambda grid: np.where(grid == 2, 7, grid),
        lambda grid: np.array([0, 3, 1, 2])[grid],
        lambda grid: grid[::-1][: grid.shape[0] // 2],
    ],
    ids=["turn", "mirror", "enlarge", "recolour", "colour map", "flip and halve"],
)
def test_simple_programs_are_found(program):
    *inputs, test = random_grids(1, 4)
    assert np.array_equal(first_answer(task_of(program, inputs, test)), program(test))


def test_two_pieces_decide_a_cell_together():
    def program(grid):
        return (grid[:, :5] != 0).astype(np.uint8) * 2 + ((grid[:, 5:] != 0) & (grid[:, :5] == 0)) * 3

    *inputs, test = random_grids(2, 5, 5, 10, 3)
    found = list(search(task_of(program, inputs, test), jobs=JOBS))
    assert any(
        c.found.kind in (TABLE, COVER, RULES) and np.array_equal(c.grids[0], program(test)) for c in found
    )


def test_same_jobs_same_candidates():
    *inputs, test = random_grids(3, 4)
    task = task_of(lambda grid: np.fliplr(grid), inputs, test)
    one, two = (list(search(task, jobs=JOBS)) for _ in range(2))
    assert [(c.score, c.steps, c.view) for c in one] == [(c.score, c.steps, c.view) for c in two]
    assert all(np.array_equal(a.grids[0], b.grids[0]) for a, b in zip(one, two, strict=True))


def test_the_clock_is_kept():
    *inputs, test = random_grids(4, 4, 30, 30, 9)
    task = Task(
        "noise",
        tuple(Pair(as_grid(g), as_grid(h)) for g, h in zip(inputs, inputs[1:] + inputs[:1], strict=True)),
        (Pair(as_grid(test)),),
    )
    list(search(task, jobs=100))  # compiles
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.01
        return ticks[0]

    calls = 0
    for _ in search(task, seconds=1.0, clock=clock):
        calls += 1
    assert ticks[0] < 2.5, (ticks[0], calls)


def test_enough_is_asked_when_cheap_programs_were_tried(monkeypatch):
    *inputs, test = random_grids(4, 4)
    task, asked = task_of(np.fliplr, inputs, test), []

    def enough() -> bool:
        asked.append(True)
        return True

    assert list(search(task, jobs=JOBS, enough=enough)) and not asked
    monkeypatch.setattr(sys.modules["solver.search.search"], "ENOUGH_JOBS", JOBS // 2)
    some = list(search(task, jobs=JOBS, enough=enough))
    assert len(asked) == 1 and 0 < len(some) < len(list(search(task, jobs=JOBS)))


def test_memory_ends_the_search_and_nothing_else():
    *inputs, test = random_grids(5, 3, 12, 12, 5)
    task = task_of(np.flipud, inputs, test)
    found = list(search(task, jobs=10**9, memory=1 << 22))
    assert np.array_equal(best_scores(found, 0)[0][1], np.flipud(test))


GRIDS = st.tuples(st.integers(1, 30), st.integers(1, 30)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 9), fill=st.just(0))
)


@st.composite
def valid_tasks(draw) -> Task:
    """Any valid task: 1 to 10 demonstrations, 1 to 10 test inputs, of any sizes and colours."""
    train = tuple(Pair(as_grid(draw(GRIDS)), as_grid(draw(GRIDS))) for _ in range(draw(st.integers(1, 10))))
    return Task("any", train, tuple(Pair(as_grid(draw(GRIDS))) for _ in range(draw(st.integers(1, 10)))))


@hypothesis_settings(max_examples=25)
@given(valid_tasks())
def test_any_valid_task_gives_valid_grids(task):
    for candidate in search(task, jobs=300, memory=1 << 24):
        assert len(candidate.grids) == len(task.test)
        for grid in candidate.grids:
            assert grid.dtype == np.uint8 and grid.ndim == 2, grid
            assert min(grid.shape) >= 1 and max(grid.shape) <= 30 and grid.max() <= 9, grid.shape


def test_views_rename_and_undo():
    rng = np.random.default_rng(6)
    inputs = [np.where(rng.random((6, 6)) < 0.5, colour, 0).astype(np.uint8) for colour in (3, 5, 8, 2)]
    for grid, other in zip(inputs, (1, 4, 6, 9), strict=True):
        grid[0, 0] = other
    task = task_of(np.flipud, inputs[:3], inputs[3])
    views = views_of(task)
    assert [view.name for view in views[:2]] == [PLAIN, VARYING]
    assert np.array_equal(views[1].real((views[1].task.test[0].input,))[0], task.test[0].input)
    assert (
        len(set(np.unique(views[1].task.train[0].input)) & set(np.unique(views[1].task.train[1].input))) == 3
    )


def test_the_most_frequent_colour_is_empty():
    inputs = [np.full((4, 5), ground, np.uint8) for ground in (3, 5, 0, 2)]
    for n, grid in enumerate(inputs):
        grid[0, n] = 7
    view = next(view for view in views_of(task_of(np.flipud, inputs[:3], inputs[3])) if view.name == GROUND)
    assert all(
        (pair.input[1:] == 0).all() and 7 in pair.input for pair in (*view.task.train, *view.task.test)
    )
    assert np.array_equal(view.real((view.task.test[0].input,))[0], inputs[3])
    noise = random_grids(6, 4, 4, 5, 9)
    assert GROUND not in [view.name for view in views_of(task_of(np.flipud, noise[:3], noise[3]))]


def test_a_lattice_is_seen_as_its_panels():
    small = random_grids(7, 4, 3, 4, 5)
    large = [panels(grid, 5 + n) for n, grid in enumerate(small)]
    pairs = [
        Pair(as_grid(g), as_grid(panels(np.fliplr(s), 5 + n)))
        for n, (g, s) in enumerate(zip(large, small, strict=True))
    ]
    task = Task("lattice", tuple(pairs[:3]), (Pair(pairs[3].input),))
    view = next(view for view in views_of(task) if view.name == LATTICE)
    assert np.array_equal(view.task.train[1].output, np.fliplr(small[1]))
    assert np.array_equal(view.real((np.fliplr(small[3]),))[0], pairs[3].output)
    assert np.array_equal(first_answer(task, 6000), pairs[3].output)
    cropped = Task("cropped", tuple(Pair(p.input, as_grid(p.input[:2])) for p in pairs[:3]), task.test)
    view = next(view for view in views_of(cropped) if view.name == LATTICE)
    assert view.task.train[0].output.shape == (2, 11) and not view.lattices
    large[0][0, 0] = 9  # no panel of one colour
    broken = Task("broken", (Pair(as_grid(large[0]), pairs[0].output), *pairs[1:3]), task.test)
    assert LATTICE not in [view.name for view in views_of(broken)]


def test_costs_know_lists_from_images():
    for costs in (uniform(), *map(default_costs, OUTPUTS)):
        assert ((costs.table == NEVER) == ~possible()).all()
        assert costs.table.min() >= 1


def test_sizes_from_inputs():
    *inputs, test = random_grids(7, 4, 6, 4)
    assert (sizes_from_inputs(task_of(lambda g: g[:3], inputs, test)) == (3, 4)).all()
    assert (sizes_from_inputs(task_of(lambda g: g, inputs, test)) == (6, 4)).all()
    assert (sizes_from_inputs(task_of(lambda g: g.T[:, :6], inputs, test)) == (4, 6)).all()
    assert outputs_of(task_of(lambda g: g, inputs, test)) == SAME
    assert outputs_of(task_of(lambda g: g[:3], inputs, test)) == SMALLER
    assert outputs_of(task_of(lambda g: np.tile(g, 2), inputs, test)) == LARGER
    odd = Task(
        "odd",
        tuple(Pair(as_grid(g), as_grid(g[: n + 1])) for n, g in enumerate(inputs)),
        (Pair(as_grid(test)),),
    )
    assert (sizes_from_inputs(odd) == 0).all()


def test_answers_are_explained():
    *inputs, test = random_grids(8, 4)
    found = next(iter(search(task_of(np.fliplr, inputs, test), jobs=JOBS)))
    assert describe(program_of(found)) == "mirror left-right"
    mapped = list(search(task_of(lambda g: np.array([0, 1, 7, 3], np.uint8)[g], inputs, test), jobs=JOBS))
    best = min((c for c in mapped if c.found.kind == MAP), key=lambda c: c.score)
    assert describe(program_of(best)) == "recolour by the map 2->7"


def test_torch_is_never_imported():
    script = (
        "import sys, numpy as np; from solver.arc.task import *; from solver.search import search; "
        "g = as_grid(np.eye(3)); t = Task('t', (Pair(g, g),), (Pair(g),)); next(iter(search(t, jobs=10))); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=600)


def test_the_document_is_true(root, monkeypatch):
    monkeypatch.chdir(root)
    text = (root / "docs" / "SEARCH.md").read_text()
    found: dict = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, found)
    assert (
        found["candidates"] and found["grids"] and found["answer"].shape == found["task"].test[0].input.shape
    )
    assert all((root / "solver/search" / name).exists() for name in re.findall(r"`(\w+\.py)`", text))


def test_as_a_source_it_knows_a_demonstration_again():
    pairs = (
        Pair(as_grid(np.array([[1, 2], [3, 4]])), as_grid(np.array([[9]]))),
        Pair(as_grid(np.array([[5]])), as_grid(np.array([[5, 5]]))),
    )
    task = Task("36", pairs, (Pair(pairs[0].input),))
    test, candidate = next(propose(task, Budget(steps=1), 0))
    assert test == 0 and candidate.grid.tolist() == [[9]] and candidate.known.probability > 0.5
    made = list(
        propose(task_of(np.fliplr, random_grids(9, 3), random_grids(10, 1)[0]), Budget(steps=3000), 0)
    )
    assert made[0][1].explanation == "mirror left-right" and made[0][1].known.fits
    assert parse(made[0][1].known.text).programs == (("turn_4",),)


def test_the_wheel_carries_the_learned_programs(root):
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg")
    assert "programs.json" in config["options.package_data"]["solver.search"].split()


def test_an_output_is_chosen_by_a_number():
    """One of two outputs, by how many cells the input has."""
    rng = np.random.default_rng(5)
    answers = {2: np.array([[1, 0], [0, 1]]), 3: np.array([[4, 4], [0, 4]])}

    def grid(cells: int) -> np.ndarray:
        made = np.zeros(30, np.uint8)
        made[rng.choice(30, cells, replace=False)] = rng.integers(1, 6)
        return made.reshape(5, 6)

    train = tuple(Pair(as_grid(grid(n)), as_grid(answers[n])) for n in (2, 3, 2, 3, 3))
    for cells in (2, 3):
        task = Task("number", train, (Pair(as_grid(grid(cells))),))
        found = best_scores(list(search(task, jobs=20_000)), 0)
        assert np.array_equal(found[0][1], answers[cells])


@pytest.mark.parametrize(
    "product",
    [
        lambda grid: np.kron(grid != 0, grid[::-1]),
        lambda grid: np.kron(grid == 0, grid.T),
        lambda grid: np.kron(grid, grid[:, ::-1] != 0),
    ],
    ids=["coloured cells", "empty cells", "in their colour"],
)
def test_products_of_two_images_are_found(product):
    inputs = [grid[:, :3] * (grid[:, :3] > 1) for grid in random_grids(8, 4, 3, 4)]
    task = task_of(product, inputs[:3], inputs[3])
    assert np.array_equal(first_answer(task, 6000), product(inputs[3]))


def test_pairs_are_turned_alike():
    """All cells fall to the wall, which lies at another side in each pair."""

    def fallen(grid: np.ndarray) -> np.ndarray:
        made = np.zeros_like(grid)
        for column in range(grid.shape[1]):
            cells = grid[:-1, column][grid[:-1, column] > 0]
            made[len(grid) - 1 - len(cells) : -1, column] = cells
        made[-1] = grid[-1]
        return made

    rng = np.random.default_rng(3)
    pairs = []
    for turn in (0, 1, 3, 2):
        grid = np.where(rng.random((6, 6)) < 0.3, rng.integers(1, 4, (6, 6)), 0).astype(np.uint8)
        grid[-1] = 5
        grid[0] = 0
        pairs.append(Pair(as_grid(np.rot90(grid, turn)), as_grid(np.rot90(fallen(grid), turn))))
    task = Task("wall", tuple(pairs[:3]), (Pair(pairs[3].input),))
    assert np.array_equal(first_answer(task, 20_000), pairs[3].output)
