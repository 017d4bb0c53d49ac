"""The search as a source of answers (``solver.run.sources``)."""

from collections.abc import Iterator

import numpy as np

from solver.arc.belief import SETTLED, probabilities
from solver.arc.candidate import Candidate, Program, grid_key
from solver.arc.task import Task, as_grid
from solver.budget import Budget
from solver.search.prepare import prepare
from solver.search.program import program_of, serialise
from solver.search.search import search
from solver.search.text import describe

__all__ = ["SOURCE", "prepare", "propose"]

SOURCE = "search"
KEPT = 20  # different grids for a test input, the most plausible ones, that are proposed
SAME_INPUT = 0.95  # probability of the output of a demonstration whose input is the test input


def propose(task: Task, budget: Budget, seed: int) -> Iterator[tuple[int, Candidate]]:
    """The grids that programs make, as they are found: the index of a test input, and a candidate.

    A candidate's cost is the search's score; its explanation says what the program does. A grid is proposed
    when it is among the KEPT most plausible ones so far. The search ends early where one of two answers to
    every test input is almost surely right. ``seed`` is not used: the search draws nothing.
    """
    yield from _known(task)
    best: list[dict[bytes, float]] = [{} for _ in task.test]

    def enough() -> bool:
        return all(map(_settled, best))

    for found in search(task, seconds=budget.seconds, jobs=budget.steps, clock=budget.clock, enough=enough):
        budget.done(0)
        known, text = None, ""
        for test, grid in enumerate(found.grids):
            scores, key = best[test], grid_key(grid)
            if found.score >= scores.get(key, np.inf):
                continue
            if len(scores) >= KEPT and found.score >= sorted(scores.values())[KEPT - 1]:
                continue
            scores[key] = found.score
            if known is None:
                program = program_of(found)
                text = describe(program)
                known = Program(found.score, found.found.reproduced, len(task.train), text=serialise(program))
            yield test, Candidate(as_grid(grid), SOURCE, known, text)


def _settled(scores: dict[bytes, float]) -> bool:
    """Whether one of the two best grids is almost surely right."""
    return bool(scores) and sum(probabilities(sorted(scores.values()))[:2]) >= SETTLED


def _known(task: Task) -> Iterator[tuple[int, Candidate]]:
    """The output of a demonstration whose input is the test input."""
    for test, pair in enumerate(task.test):
        for place, shown in enumerate(task.train, 1):
            if np.array_equal(shown.input, pair.input):
                program = Program(0, len(task.train), len(task.train), probability=SAME_INPUT)
                yield test, Candidate(shown.output, SOURCE, program, f"the output of demonstration {place}")
