"""Guesses: answers from cheap rules, each accepted only if it reproduces every demonstration.

They cost milliseconds, so that every task has two valid, different attempts before any network has
run. What fits comes first, the simplest rule first; then follow fallbacks that fit nothing but are
valid grids of the most likely shape.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from solver.arc.rules import cells, colour, count, crop, draw, geometry, parts, pattern, tile
from solver.arc.rules.fallback import FALLBACKS
from solver.arc.rules.rule import Demonstrations, Program, Rule, fits, is_grid
from solver.arc.task import Grid, Pair, Task, as_grid
from solver.arc.vote import GUESS, Answer, Candidate, grid_key
from solver.budget import Budget


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
    """Candidates from every rule that reproduces all demonstrations, the most plausible first, as a source
    does (``solver.run.sources``): the index of a test input, and a candidate with the rule's name."""
    for name, program in fitting_programs(task.train):
        for test, pair in enumerate(task.test):
            made = program(pair.input)
            if is_grid(made):
                yield test, Candidate(as_grid(made), source=GUESS, rule=name)


def fallbacks(task: Task, test_index: int) -> list[Answer]:
    """Different answers to one test input that fit nothing: at least two valid grids of a likely shape,
    within a millisecond. They have no votes."""
    found: dict[bytes, Answer] = {}
    for name, made_by in FALLBACKS:
        for made in made_by(task.train, task.test[test_index].input):
            grid = as_grid(made)
            found.setdefault(grid_key(grid), Answer(grid, 0, 0.0, GUESS, name))
    return list(found.values())


def guesses(task: Task, test_index: int) -> list[Answer]:
    """Different answers to one test input, most plausible first: at least two, all valid grids.

    ``votes``: how many programs gave this grid; 0 for a fallback, which fits no demonstration.
    ``rule``: the name of the first that did. Only demonstrations and the test input are looked at.
    """
    made = [candidate for test, candidate in propose(task, Budget(steps=1), 0) if test == test_index]
    return with_fallbacks(made, fallbacks(task, test_index))


def with_fallbacks(proposed: Iterable[Candidate], others: Sequence[Answer]) -> list[Answer]:
    """What was proposed, equal grids counted, in the order in which they came; then the other answers."""
    found: dict[bytes, Answer] = {}
    for made in proposed:
        first = found.get(grid_key(made.grid)) or Answer(made.grid, 0, 0.0, made.source, made.rule)
        found[grid_key(made.grid)] = replace(first, votes=first.votes + 1)
    return [*found.values(), *(answer for answer in others if grid_key(answer.grid) not in found)]


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
