"""The search of one task: explore, harvest, assemble, until time, nodes or memory end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Task
from solver.search.assemble import COVER, MAP, PARTIAL, PROGRAM, RULES, TABLE, Assembler, Found
from solver.search.costs import Costs, default_costs
from solver.search.explore import explore
from solver.search.views import PLAIN, View, views_of

MEMORY = 1 << 30
VIEW_PENALTY = 6
_PENALTY = {PROGRAM: 0, MAP: 6, TABLE: 16, COVER: 12, RULES: 12, PARTIAL: 80}


@dataclass(frozen=True, eq=False)
class Candidate:
    """An answer for every test input of a task. ``score``: lower is more plausible. ``steps``: the names of the
    transforms of each of its programs. ``view``: the renaming of colours that it was found in. ``seconds``: after how many it was found."""

    grids: tuple[np.ndarray, ...]
    score: float
    found: Found
    steps: tuple[tuple[str, ...], ...]
    view: str
    seconds: float


def score_of(found: Found) -> float:
    """How implausible an answer is: the cost of its programs and of what was assembled."""
    score = found.cost + _PENALTY[found.kind]
    if found.kind == TABLE:
        score += 1.0 * found.entries + 4.0 * found.single
    elif found.kind == MAP:
        score += 2.0 * found.entries + 3.0 * found.single
    elif found.kind == COVER:
        score += 8.0 * found.entries
    elif found.kind == RULES:
        score += 8.0 * found.entries + 6.0 * found.single
    return score


def search(
    task: Task,
    *,
    seconds: float | None = None,
    jobs: int | None = None,
    costs: Costs | None = None,
    memory: int = MEMORY,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Candidate]:
    """Candidates as they are found, until ``seconds`` are over or ``jobs`` transforms of programs were tried."""
    start = clock()
    costs = costs or default_costs()
    views = views_of(task)
    runs = [_ViewSearch(view, costs, memory // len(views), clock, start) for view in views]
    jobs_each = None if jobs is None else jobs // len(runs)
    while open_runs := [run for run in runs if not run.ended]:
        run = min(open_runs, key=lambda run: run.done)
        ends = jobs_each is not None and run.done >= jobs_each
        yield from run.step(last=ends)
        if seconds is not None and clock() - start >= seconds:
            for run in runs:
                if not run.ended:
                    yield from run.step(last=True)
            return


class _ViewSearch:
    """The search in one view of a task."""

    def __init__(self, view: View, costs: Costs, memory: int, clock: Callable[[], float], start: float) -> None:
        self.view, self.clock, self.start = view, clock, start
        self.exploration = explore(view.task, deduce_sizes(view.task), costs, memory)
        self.assembler = Assembler(view.task, memory // 6)
        self.running = self.exploration.run()
        self.done, self.combined, self.ended = 0, 0, False

    def step(self, *, last: bool) -> Iterator[Candidate]:
        """One call of compiled code and what comes of it; the ``last`` one explores no more, but combines."""
        done = None if last else next(self.running, None)
        if done is None:
            self.ended = True
        else:
            self.done = done
        yield from map(self._made, self.assembler.take(self.exploration.arena))
        if self.ended or self.assembler.count >= 2 * self.combined + 20:
            self.combined = self.assembler.count
            yield from map(self._made, self.assembler.combine())

    def _made(self, found: Found) -> Candidate:
        steps = tuple(self.exploration.steps(program) for program in found.programs)
        score = score_of(found) + (0 if self.view.name == PLAIN else VIEW_PENALTY)
        return Candidate(self.view.real(found.grids), score, found, steps, self.view.name, self.clock() - self.start)


def deduce_sizes(task: Task) -> np.ndarray:
    """int64 [pairs, 2]: the outputs' sizes; those of test inputs by a rule that all demonstrations follow, else 0."""
    shapes = np.array([pair.output.shape for pair in task.train], np.int64)
    inputs = np.array([pair.input.shape for pair in (*task.train, *task.test)], np.int64)
    sizes = np.zeros((len(inputs), 2), np.int64)
    demos = len(shapes)
    sizes[:demos] = shapes
    guess = None
    if (shapes == inputs[:demos]).all():
        guess = inputs
    elif (shapes == shapes[0]).all():
        guess = np.broadcast_to(shapes[0], inputs.shape)
    else:
        for up in range(1, 6):
            for down in range(1, 6):
                if (shapes * down == inputs[:demos] * up).all() and guess is None:
                    guess = inputs * up // down
    if guess is not None and (guess[demos:] <= 30).all() and (guess[demos:] > 0).all():
        sizes[demos:] = guess[demos:]
        return sizes
    return np.zeros_like(sizes)


def answers(candidates: list[Candidate], test: int, most: int = 2) -> list[np.ndarray]:
    """The best different grids for a test input."""
    chosen: list[np.ndarray] = []
    for candidate in sorted(candidates, key=lambda c: c.score):
        grid = candidate.grids[test]
        if not any(np.array_equal(grid, other) for other in chosen):
            chosen.append(grid)
            if len(chosen) == most:
                break
    return chosen
