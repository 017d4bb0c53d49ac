"""Guesses: every rule on an example made by hand, and all of them on tasks that nobody made."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.arc.candidate import grid_key
from solver.arc.guess import RULES, fitting, fitting_programs, guesses
from solver.arc.policy import join, rank_programs
from solver.arc.rules.fallback import fallbacks, predict_shape, usual_map
from solver.arc.rules.objects import enclosed, find_things
from solver.arc.rules.rule import is_grid
from solver.arc.task import Pair, Task, as_grid

EXAMPLES = json.loads((Path(__file__).parent / "rule_examples.json").read_text("utf-8"))
BY_NAME = {rule.name: rule for rule in RULES}


def grid_of(text):
    return as_grid(np.array([[int(cell) for cell in row] for row in text.split("/")]))


def pair_of(text):
    before, after = text.split(" -> ")
    return Pair(grid_of(before), grid_of(after))


def task_of(*texts):
    """Pairs as "12/34 -> 1"; the last is the test pair."""
    pairs = [pair_of(text) for text in texts]
    return Task("t", tuple(pairs[:-1]), (pairs[-1],))


def test_every_rule_has_an_example_and_a_name_of_its_own():
    assert len(BY_NAME) == len(RULES) >= 25
    assert set(EXAMPLES) == set(BY_NAME)


@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name in EXAMPLES for n in range(len(EXAMPLES[name]))]
)
def test_a_rule_solves_its_example(name, number):
    task = task_of(*EXAMPLES[name][number])
    test = task.test[0]
    made = [program(test.input) for program in fitting(BY_NAME[name], task.train)]
    made = [grid for grid in made if is_grid(grid)]
    assert made, "no program fits the demonstrations and answers"
    assert made[0].tolist() == test.output.tolist()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_that_contradicts_a_demonstration_is_not_accepted(name):
    """An output changed in one cell is reproduced only by rules that look at that output itself."""
    task = task_of(*EXAMPLES[name][0])
    spoilt = task.train[0].output.copy()
    spoilt[-1, -1] = (spoilt[-1, -1] + 5) % 10
    pairs = (*task.train, Pair(task.train[0].input, as_grid(spoilt)))
    assert not list(fitting(BY_NAME[name], pairs))


def test_the_simplest_rule_comes_first_and_names_itself():
    task = task_of("12/34 -> 21/43", "55/61 -> 55/16", "78/90 -> 87/09")
    (made,) = guesses(task)
    assert all(candidate.known.fits for candidate in made)
    first, *_ = rank_programs(made)
    assert (first.grid.tolist(), first.explanation, first.source) == ([[8, 7], [0, 9]], "symmetry", "rules")
    assert first.programs >= 2  # the table of facts says the same
    (spare,) = fallbacks(task)
    *_, last = join([rank_programs(spare), rank_programs(made)])
    assert (last.source, last.explanation, last.programs, last.belief) == ("fallback", "solid", 0, 0.0)


def test_pairs_of_rules_are_found():
    cropped = task_of(
        "000/012/000 -> 21", "3400/5000 -> 43/05", "0/9/8 -> 9/8", "00987 -> 789", "0000/0056/0070 -> 65/07"
    )
    (made,) = guesses(cropped)
    assert (made[0].grid.tolist(), made[0].explanation) == ([[6, 5], [0, 7]], "content, then symmetry")
    coloured = task_of("10/00 -> 02/00", "01/11 -> 20/22", "00/10 -> 00/02")
    programs = [
        program for name, program in fitting_programs(coloured.train) if name == "symmetry, recoloured"
    ]
    assert programs[0](coloured.test[0].input).tolist() == [[0, 0], [0, 2]]


def test_the_test_outputs_are_never_looked_at():
    for examples in EXAMPLES.values():
        task = task_of(*examples[0])
        for propose in (guesses, fallbacks):
            (known,), (hidden,) = propose(task), propose(task.without_test_outputs())
            seen = [[(c.explanation, grid_key(c.grid)) for c in made] for made in (known, hidden)]
            assert seen[0] == seen[1]


def check_valid(task):
    rules, spare = guesses(task), fallbacks(task)
    assert len(rules) == len(spare) == len(task.test)
    for made, others in zip(rules, spare, strict=True):
        assert len({grid_key(candidate.grid) for candidate in others}) >= 2
        for candidate in (*made, *others):
            grid = candidate.grid
            assert grid.dtype == np.uint8 and grid.ndim == 2 and grid.max() <= 9 and not grid.flags.writeable
            assert all(1 <= side <= 30 for side in grid.shape)
            assert candidate.explanation and candidate.known.fits == (candidate.source == "rules")


@st.composite
def grids(draw, most=8):
    """A valid grid; few colours and repeated cells, so that rules apply."""
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    colours = draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    seed, weight = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0.0, 0.5, 0.9]))
    generator = np.random.default_rng(seed)
    cells = generator.choice(colours, (height, width))
    return np.where(generator.random((height, width)) < weight, colours[0], cells).astype(np.uint8)


OUTPUTS = (
    lambda grid, other: grid,
    lambda grid, other: other,
    lambda grid, other: grid[::-1],
    lambda grid, other: grid[:1, :1],
    lambda grid, other: np.tile(grid, (2, 2)),
    lambda grid, other: np.where(grid == grid[0, 0], np.uint8(5), grid),
    lambda grid, other: grid[: len(grid) // 2 + 1],
    lambda grid, other: np.full((2, 1), grid.max(), np.uint8),
    lambda grid, other: np.where(grid == 0, grid.max(), grid),
)


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_any_valid_task_gets_two_valid_answers(data):
    change = data.draw(st.sampled_from(OUTPUTS))
    other = data.draw(grids())
    inputs = [data.draw(grids()) for _ in range(data.draw(st.integers(1, 3)))]
    train = tuple(Pair(as_grid(grid), as_grid(change(grid, other))) for grid in inputs)
    check_valid(Task("t", train, (Pair(as_grid(data.draw(grids()))),)))


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(data=st.data())
def test_no_program_raises_on_a_grid_unlike_the_demonstrations(data):
    """Programs fitted to one example meet any other grid, the largest and the smallest included."""
    examples = [example for group in EXAMPLES.values() for example in group]
    task = task_of(*data.draw(st.sampled_from(examples)))
    strange = data.draw(
        st.one_of(grids(), grids(30), st.sampled_from([(1, 30), (30, 1), (1, 1)]).map(np.ones))
    )
    check_valid(Task("t", task.train, (Pair(as_grid(strange)), Pair(as_grid(np.zeros((30, 30)))))))


def test_every_rule_alone_survives_every_other_rules_example():
    tasks = [task_of(*example) for group in EXAMPLES.values() for example in group]
    inputs = [task.test[0].input for task in tasks[::4]]
    for rule in RULES:
        for task in tasks:
            for program in fitting(rule, task.train):
                for grid in inputs:
                    made = program(grid)
                    assert made is None or made.dtype in (np.uint8, np.int64), rule.name


def test_shapes_are_predicted():
    assert predict_shape(task_of("12 -> 34", "1 -> 1").train, grid_of("123/456")) == (2, 3)
    assert predict_shape(task_of("12 -> 3/4", "1 -> 1/2", "1 -> 1").train, grid_of("123/456")) == (2, 1)
    assert predict_shape(task_of("12 -> 1212", "1 -> 11", "1 -> 1").train, grid_of("123/456")) == (2, 6)
    assert predict_shape(task_of("1 -> 1111", "2 -> 22", "1 -> 1").train, as_grid(np.zeros((9, 20)))) == (
        9,
        30,
    )


def test_the_usual_map_takes_the_majority():
    table = usual_map(task_of("1112 -> 3342", "1 -> 1").train)
    assert table[1] == 3 and table[2] == 2 and table[7] == 7


def test_objects_are_what_they_are_called():
    grid = grid_of("1100/1000/0020/0003")
    assert [thing.area for thing in find_things(grid, True, True)] == [3, 1, 1]
    together = find_things(grid, True, False)
    assert [(thing.top, thing.left, thing.area) for thing in together] == [(0, 0, 3), (2, 2, 2)]
    assert together[1].alone.tolist() == [[2, 0], [0, 3]] and together[1].colour == 2
    ring = find_things(grid_of("1111/1021/1111"), False, True)[0]
    assert ring.holes == 1 and ring.area == 10
    assert enclosed(grid_of("111/101/111"), 0).tolist() == [[False] * 3, [False, True, False], [False] * 3]
