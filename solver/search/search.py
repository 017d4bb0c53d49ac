"""The search of one task: explore, harvest, assemble, until time, nodes or memory end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Task
from solver.search.assemble import (
    CHOICE,
    COVER,
    MAP,
    PARTIAL,
    PRODUCT,
    PROGRAM,
    RULES,
    TABLE,
    Assembler,
    Found,
)
from solver.search.costs import Costs, default_costs
from solver.search.explore import explore
from solver.search.sizes import outputs_of, sizes_from_inputs, sizes_from_programs
from solver.search.views import PLAIN, View, views_of

MEMORY = 1 << 30
VIEW_PENALTY = 6
SIZE_JOBS = 5000  # after which programs are asked for the outputs' size; then after twice as many
ENOUGH_JOBS = 60_000  # about a second's, after which beliefs were fitted
AFTER = 0.1  # of the seconds, that combining at the end may take more
_PENALTY = {PROGRAM: 0, MAP: 6, TABLE: 16, COVER: 12, RULES: 12, PARTIAL: 80, CHOICE: 16, PRODUCT: 8}


@dataclass(frozen=True, eq=False)
class Candidate:
    """An answer for every test input of a task.

    ``score``: lower is more plausible.
    ``steps``: the names of the transforms of each of its programs.
    ``view``: the renaming of colours that it was found in.
    ``seconds``: after how many it was found.
    ``sizes``: height and width of each test output as the search knew them, 0 where it did not.
    """

    grids: tuple[np.ndarray, ...]
    score: float
    found: Found
    steps: tuple[tuple[str, ...], ...]
    view: str
    seconds: float
    sizes: tuple[tuple[int, int], ...] = ()


def score_of(found: Found) -> float:
    """How implausible an answer is: the cost of its programs and of what was assembled."""
    score = found.cost + _PENALTY[found.kind]
    if found.kind == TABLE:
        score += 1.0 * found.entries + 4.0 * found.single
    elif found.kind == MAP:
        score += 2.0 * found.entries + 3.0 * found.single
    elif found.kind == COVER:
        score += 8.0 * found.entries
    elif found.kind == CHOICE:
        score += 6.0 * found.entries - 2.0 * found.single
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
    enough: Callable[[], bool] | None = None,
) -> Iterator[Candidate]:
    """Candidates as they are found, until ``seconds`` are over, ``jobs`` transforms of programs were tried,
    or ``enough`` says so after the first ENOUGH_JOBS: before, cheap programs are still to come."""
    start = clock()
    costs = costs or default_costs(outputs_of(task))
    views = views_of(task)
    runs = [_ViewSearch(view, costs, memory // len(views), clock, start) for view in views]
    until = float("inf") if seconds is None else start + (1 + AFTER) * seconds
    while open_runs := [run for run in runs if not run.ended]:
        done = sum(run.done for run in runs)
        if enough is not None and done >= ENOUGH_JOBS and enough():
            return
        over = jobs is not None and done >= jobs
        if over or (seconds is not None and clock() - start >= seconds):
            for run in open_runs:
                yield from run.step(last=True, until=until)
            return
        # What the next programs would cost decides, so another view begins when its answers could win.
        run = min(open_runs, key=lambda run: run.exploration.level + run.penalty)
        yield from run.step(last=False, until=until)


class _ViewSearch:
    """The search in one view of a task."""

    def __init__(
        self, view: View, costs: Costs, memory: int, clock: Callable[[], float], start: float
    ) -> None:
        self.view, self.costs, self.memory, self.clock, self.start = view, costs, memory, clock, start
        self.penalty = 0 if view.name == PLAIN else VIEW_PENALTY
        self.done, self.combined, self.ended = 0, 0, False
        self.ask = SIZE_JOBS
        self._begin(sizes_from_inputs(view.task))

    def _begin(self, sizes: np.ndarray) -> None:
        self.exploration = explore(self.view.task, sizes, self.costs, self.memory)
        self.assembler = Assembler(self.view.task, self.memory // 6)
        self.running = self.exploration.run()
        self.before = self.done

    def step(self, *, last: bool, until: float) -> Iterator[Candidate]:
        """One call of compiled code and what comes of it; the ``last`` one explores no more, but combines.

        Combining ends at ``until`` on the clock, between two answers.
        """
        done = None if last else next(self.running, None)
        if done is None:
            self.ended = True
        else:
            self.done = self.before + done
        yield from map(self._made, self.assembler.take(self.exploration.arena))
        if self.ended or self.assembler.count >= 2 * self.combined + 20:
            self.combined = self.assembler.count
            for found in self.assembler.combine(self.exploration.arena):
                yield self._made(found)
                if self.clock() >= until:
                    return
        if not self.ended and not self.exploration.sizes.any() and self.done >= self.ask:
            self.ask = 2 * self.done
            sizes = sizes_from_programs(self.exploration.arena, self.assembler.wanted.shapes)
            if sizes is not None:
                self._begin(sizes)

    def _made(self, found: Found) -> Candidate:
        steps = tuple(self.exploration.steps(program) for program in found.programs)
        score = score_of(found) + self.penalty
        sizes = self.exploration.sizes[len(self.view.task.train) :].tolist()
        return Candidate(
            self.view.real(found.grids), score, found, steps, self.view.name, self.clock() - self.start,
            tuple((height, width) for height, width in sizes),
        )  # fmt: skip


def best_scores(candidates: list[Candidate], test: int) -> list[tuple[float, np.ndarray]]:
    """The different grids for a test input with their best scores, the best first."""
    found: dict[tuple, tuple[float, np.ndarray]] = {}
    for candidate in sorted(candidates, key=lambda c: c.score):
        grid = candidate.grids[test]
        found.setdefault((grid.shape, grid.tobytes()), (candidate.score, grid))
    return list(found.values())
