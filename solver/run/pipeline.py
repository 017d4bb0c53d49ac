"""Solving a set of tasks, from guesses to a submission, on one screen."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from solver.arc.guess import guesses
from solver.arc.submission import write_submission
from solver.arc.task import Grid, Task
from solver.arc.vote import Answer, Candidate, rank, two_attempts
from solver.model.checkpoint import Weights, load_weights
from solver.model.device import Placement, place
from solver.run.adapt import Arm, Tuned, TuneSettings, adapt, fits
from solver.run.budget import Budget, seconds_from_now
from solver.run.predict import PredictSettings, predict

DEFAULT_WEIGHTS = "urm-nano"
DEFAULT_SECONDS = {"cpu": 10.0, "mps": 20.0, "cuda": 30.0}  # a task, where no budget is given
TUNING_SHARE = 0.75  # of a task's seconds; the rest predicts


@dataclass(frozen=True)
class SolveOptions:
    """What ``solve`` may be told; at most one of ``steps``, ``seconds_per_task``, ``budget_seconds``.

    ``weights``: a shipped set's name or a folder. ``steps``: tuning steps a task, the clock unread.
    ``augmentations``: views of each test input that vote. ``tune``: what moves at test time.
    """

    weights: str | None = None
    steps: int | None = None
    seconds_per_task: float | None = None
    budget_seconds: float | None = None
    augmentations: int = 64
    seed: int = 0
    device: str = "auto"
    tune: Arm = "full"

    def __post_init__(self) -> None:
        given = [self.steps, self.seconds_per_task, self.budget_seconds]
        if sum(value is not None for value in given) > 1:
            raise ValueError("wanted at most one of steps, seconds per task and budget")
        if any(value is not None and value < 0 for value in given):
            raise ValueError("wanted a budget of 0 or more")
        if self.augmentations < 1:
            raise ValueError(f"augmentations is {self.augmentations}, wanted at least 1")


@dataclass(frozen=True, eq=False)
class TaskResult:
    """One finished task. ``attempts``: two answers for each test input. ``reproduced`` of
    ``demonstrations`` come out exactly after tuning. ``steps`` and ``seconds`` spent.
    ``note``: why the network was not asked, or an empty string."""

    task: Task
    attempts: tuple[tuple[Answer, Answer], ...]
    reproduced: int
    demonstrations: int
    steps: int
    seconds: float
    note: str = ""


def solve(
    tasks: Sequence[Task],
    *,
    output: Path | None = None,
    options: SolveOptions = SolveOptions(),
    on_start: Callable[[str], None] | None = None,
    on_result: Callable[[TaskResult], None] | None = None,
) -> list[TaskResult]:
    """Guesses for every task first, then the network on one task after another.

    ``output`` holds a valid submission from the first moment on and is replaced after each task.
    Test outputs, where ``tasks`` hold them, are taken away before anything reads them.
    """
    hidden = [task.without_test_outputs() for task in tasks]
    weights, placement = load_weights(options.weights or DEFAULT_WEIGHTS), place(options.device)
    fallback = {task.id: [guesses(task, n) for n in range(len(task.test))] for task in hidden}
    attempts = {task.id: tuple(two_attempts([], g) for g in fallback[task.id]) for task in hidden}
    write_attempts(output, attempts, hidden)
    if on_start:
        on_start(f"{weights.name} on {placement.reason}")
    started, results = time.monotonic(), []
    for number, task in enumerate(hidden):
        spent = time.monotonic() - started
        budget = task_budget(options, placement, spent=spent, tasks_left=len(hidden) - number)
        result = solve_task(task, fallback[task.id], weights, placement, options, budget)
        attempts[task.id] = result.attempts
        write_attempts(output, attempts, hidden)
        results.append(replace(result, task=tasks[number]))
        if on_result:
            on_result(results[-1])
    return results


def solve_task(
    task: Task,
    fallback: Sequence[Sequence[Answer]],
    weights: Weights,
    placement: Placement,
    options: SolveOptions,
    budget: Budget,
) -> TaskResult:
    """Tune on the demonstrations, predict every test input under augmentations, vote."""
    started = time.monotonic()
    if not fits(task, weights.config):
        side = weights.config.canvas_side
        attempts = tuple(two_attempts([], answers) for answers in fallback)
        note = f"larger than the network's {side} x {side} canvas"
        return TaskResult(task, attempts, 0, len(task.train), 0, time.monotonic() - started, note)
    settings = TuneSettings(arm=options.tune, augmentations=options.augmentations)
    tuned = adapt(
        weights,
        [task],
        settings=settings,
        budget=budget.part(TUNING_SHARE),
        placement=placement,
        seed=options.seed,
    )
    attempts = []
    for index, answers in enumerate(fallback):
        left = len(fallback) - index
        candidates = collect(tuned, index, weights, placement, prediction_budget(budget, left))
        attempts.append(two_attempts(rank(candidates), answers))
    return TaskResult(
        task, tuple(attempts), tuned.reproduced[0], len(task.train), tuned.steps, time.monotonic() - started
    )


def collect(
    tuned: Tuned, index: int, weights: Weights, placement: Placement, budget: Budget | None
) -> list[Candidate]:
    """Every candidate for test input ``index`` of a single tuned task."""
    config = weights.config
    settings = PredictSettings(tokens=8192, loops=config.loops)
    return list(
        predict(
            tuned,
            0,
            index,
            tuned.augmentations[0],
            config=config,
            settings=settings,
            placement=placement,
            budget=budget,
        )
    )


def task_budget(options: SolveOptions, placement: Placement, *, spent: float, tasks_left: int) -> Budget:
    """The next task's budget: steps, its seconds, or its share of what is left of the whole."""
    if options.steps is not None:
        return Budget(steps=options.steps)
    if options.budget_seconds is not None:
        return seconds_from_now(max(0.0, options.budget_seconds - spent) / tasks_left)
    if options.seconds_per_task is not None:
        return seconds_from_now(options.seconds_per_task)
    return seconds_from_now(DEFAULT_SECONDS[placement.device.type])


def prediction_budget(budget: Budget, tests_left: int) -> Budget | None:
    """An even share of a task's remaining seconds for its next test input; None without a clock."""
    if budget.seconds is None:
        return None
    left = budget.start + budget.seconds - budget.clock()
    return seconds_from_now(max(0.0, left) / tests_left, budget.clock)


def write_attempts(
    output: Path | None, attempts: dict[str, tuple[tuple[Answer, Answer], ...]], tasks: Sequence[Task]
) -> None:
    """Replace the submission by the attempts as they stand."""
    if output is None:
        return
    grids: dict[str, list[tuple[Grid, Grid]]] = {
        task_id: [(first.grid, second.grid) for first, second in pairs] for task_id, pairs in attempts.items()
    }
    write_submission(output, grids, tasks)
