"""Answers of cheap rules, each accepted only if it reproduces every demonstration: the source ``rules``."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np

from solver.arc.candidate import Candidate, grid_key
from solver.arc.candidate import Program as Known
from solver.arc.rules import cells, colour, count, crop, draw, geometry, parts, pattern, tile
from solver.arc.rules.rule import Demonstrations, Program, Rule, fits, is_grid
from solver.arc.task import Grid, Pair, Task, as_grid
from solver.budget import Budget
from solver.choices import RULES as SOURCE


def _object(measure: str, sign: int, one_colour: bool = False) -> Program:
    return partial(crop.crop_chosen, measure=measure, sign=sign, kind=(True, one_colour), alone=False)


# Most plausible first: what fits by accident least often. The last one waits for pairs of rules too.
RULES: tuple[Rule, ...] = (
    *geometry.RULES,
    *colour.RULES[:1],
    *tile.RULES,
    *parts.RULES,
    *crop.RULES,
    *pattern.RULES,
    *colour.RULES[1:],
    *draw.RULES,
    *count.RULES,
    *cells.RULES,
)
_QUICK: tuple[Rule, ...] = (
    *geometry.RULES[:9],
    *colour.RULES[:5],
    *tile.RULES,
    *parts.RULES[:2],
    *pattern.RULES[2:3],
)
_PREPARATIONS: tuple[tuple[str, Program], ...] = (
    ("content", crop.content),
    ("content off the most frequent colour", crop.off_frequent),
    ("without empty lines", geometry.drop_empty),
    ("without repeats", geometry.drop_repeats),
    ("without noise", partial(draw.remove_small, colour=None, size=1, diagonal=True)),
    ("largest object", _object("area", 1)),
    ("smallest object", _object("area", -1)),
    ("largest object of one colour", _object("area", 1, one_colour=True)),
    ("object of most colours", _object("colours", 1)),
)
_RECOLOURED: tuple[Rule, ...] = (
    *geometry.RULES[1:],
    *tile.RULES,
    *parts.RULES[:1],
    *parts.RULES[3:],
    *crop.RULES,
    *pattern.RULES[3:],
)
_MOST_FITS = 40  # of one rule: a table over many facts may fit in hundreds of ways


def propose(task: Task, budget: Budget, seed: int) -> Iterator[tuple[int, Candidate]]:
    """The grids that fitting programs make, the most plausible program first, as a source does
    (``solver.run.sources``): the index of a test input, and a candidate with the program's name.

    A program's cost is its place among those that fit. Only demonstrations and test inputs are looked at.
    """
    for cost, (name, program) in enumerate(fitting_programs(task.train)):
        known = Known(cost, len(task.train), len(task.train))
        for test, pair in enumerate(task.test):
            grid = program(pair.input)
            if is_grid(grid):
                yield test, Candidate(as_grid(grid), SOURCE, known, name)


def guesses(task: Task) -> tuple[tuple[Candidate, ...], ...]:
    """For each test input all that ``propose`` finds, in its order."""
    made: list[list[Candidate]] = [[] for _ in task.test]
    for test, candidate in propose(task, Budget(steps=1), 0):
        made[test].append(candidate)
    return tuple(map(tuple, made))


def fitting_programs(train: Demonstrations) -> Iterator[tuple[str, Program]]:
    """(name, program) of all that reproduce every demonstration: rules, then pairs of rules."""
    yield from _alone(RULES[:-1], train)
    yield from _recoloured(train)
    yield from _prepared(train)
    yield from _alone(RULES[-1:], train)


def _alone(rules: tuple[Rule, ...], train: Demonstrations) -> Iterator[tuple[str, Program]]:
    for rule in rules:
        for program in fitting(rule, train):
            yield rule.name, program


def fitting(rule: Rule, train: Demonstrations) -> Iterator[Program]:
    """The rule's programs that reproduce every demonstration, ``_MOST_FITS`` at most."""
    return islice((program for program in rule.propose(train) if fits(program, train)), _MOST_FITS)


def _recoloured(train: Demonstrations) -> Iterator[tuple[str, Program]]:
    """A rule's answer, then one colour map."""
    for rule in _RECOLOURED:
        for program in rule.propose(train):
            table = _map_after(program, train)
            if table is not None:
                yield f"{rule.name}, recoloured", partial(_then_map, first=program, table=table)


def _map_after(program: Program, train: Demonstrations) -> np.ndarray | None:
    pairs = []
    for pair in train:
        made = program(pair.input)
        if made is None or made.shape != pair.output.shape:
            return None
        pairs.append((made, pair.output))
    return colour.colour_map(pairs)


def _then_map(grid: Grid, first: Program, table: np.ndarray) -> np.ndarray | None:
    made = first(grid)
    return None if made is None else table[made]


def _prepared(train: Demonstrations) -> Iterator[tuple[str, Program]]:
    """A crop or a clean-up, then a quick rule fitted on what is left."""
    tried = {b"".join(grid_key(pair.input) for pair in train)}
    for name, prepare in _PREPARATIONS:
        made = [prepare(pair.input) for pair in train]
        if not all(is_grid(grid) for grid in made):
            continue
        key = b"".join(map(grid_key, made))
        if key in tried:
            continue
        tried.add(key)
        rest = tuple(Pair(as_grid(grid), pair.output) for grid, pair in zip(made, train, strict=True))
        for rule in _QUICK:
            for program in fitting(rule, rest):
                yield f"{name}, then {rule.name}", partial(_then, first=prepare, second=program)


def _then(grid: Grid, first: Program, second: Program) -> np.ndarray | None:
    made = first(grid)
    return second(made) if is_grid(made) else None
