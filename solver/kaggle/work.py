"""The kernel's working process: the whole test file, or the dry run on a few evaluation tasks."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from solver.arc.submission import validate_submission, write_submission
from solver.arc.task import Grid, Task, as_grid, load_tasks, read_json
from solver.arc.vote import same_grid
from solver.kaggle.salvage import BLANK, read_leniently
from solver.run.doctor import diagnose
from solver.run.ledger import Ledger
from solver.run.options import DEFAULT_WEIGHTS, Listener, SolveOptions, TaskResult
from solver.run.pipeline import solve

_DOCTOR_SECONDS = 60.0
DRY_TASKS, DRY_SECONDS = 8, 300.0
HIDDEN_TASKS = 240
_SAID_EVERY = 60.0  # seconds between two projections in the log


def say(text: str) -> None:
    """One line for the watching process, which logs it."""
    print(text, flush=True)


def main(text: str) -> None:
    """``text``: the settings as JSON (``solver.kaggle.kernel``)."""
    settings = json.loads(text)
    output = Path(settings["output"])
    try:
        tasks = read_leniently(Path(settings["tasks"]), say)
        say(f"{settings['tasks']}: {len(tasks)} tasks, {sum(len(task.test) for task in tasks)} outputs.")
        if settings["start"] == 0:
            write_submission(output, skeleton(tasks), tasks)  # even the guesses take some seconds
        (_dry_run if settings["dry"] else _full_run)(settings, tasks, output)
        validate_submission(read_json(output), tasks)
    except ValueError as error:  # said, not raised: starting again would meet the same
        say(f"Error: {error}")
        sys.exit(0)


def skeleton(tasks: list[Task]) -> dict[str, list[tuple[Grid, Grid]]]:
    """The cheapest valid answers: each test input as it is, and one blank cell."""
    return {task.id: [(pair.input, other_than(pair.input)) for pair in task.test] for task in tasks}


def other_than(grid: Grid) -> Grid:
    """A single cell that is not this grid."""
    return as_grid(np.ones((1, 1))) if same_grid(grid, BLANK) else BLANK


def _options(settings: dict, **budget: float) -> SolveOptions:
    chosen = {name: settings[name] for name in ("steps", "augmentations", "seed", "workers", "weights")}
    if chosen["steps"] is None:
        chosen |= budget
    # The dry run shows what unseen tasks take, so it tunes those that the weights know as well.
    return SolveOptions(**chosen, lenient=True, tune_known=settings["dry"])


def _full_run(settings: dict, tasks: list[Task], output: Path) -> None:
    """Every task until the deadline; a process that is started again goes on with its journal."""
    left = max(1.0, settings["deadline"] - time.monotonic())
    teller = Teller(len(tasks))
    solve(
        tasks,
        output=output,
        options=_options(settings, budget_seconds=left),
        listener=Listener(say, teller.result, teller.projected, say),
        journal=output.with_suffix(".journal"),
        resume=settings["start"] > 0,
    )


class Teller:
    """Lines for the log: one for each result, and now and then how long the rest will take."""

    def __init__(self, total: int) -> None:
        self.total, self.count, self.said = total, 0, time.monotonic()

    def result(self, result: TaskResult) -> None:
        """Where the first attempt of each output came from."""
        self.count += 1
        sources = ", ".join(f"{pair[0].source} ({pair[0].votes} votes)" for pair in result.attempts)
        text = f"{result.phase} {self.count}: {result.task.id}: {sources}; {result.reproduced} of "
        label = result.label and f"; {result.label}"
        text = f"{text}{result.demonstrations} demonstrations, {result.steps} steps, {result.seconds:.1f} s"
        say(f"{text}{label}")

    def projected(self, seconds: float) -> None:
        """At most once a minute."""
        now = time.monotonic()
        if now - self.said >= _SAID_EVERY:
            self.said = now
            say(f"Projected: {seconds / 60:.0f} minutes left.")


def _dry_run(settings: dict, tasks: list[Task], output: Path) -> None:
    """Guesses for the placeholder; then a few evaluation tasks with their score, and what 240 would take."""
    Ledger(tasks, output, say).write(first=True)
    say("This is not the scored run: the submission holds guesses. --full solves the test file here too.")
    known = load_tasks(settings["evaluation"]) if settings["evaluation"] else tasks
    few = known[:: max(1, len(known) // DRY_TASKS)][:DRY_TASKS]
    weights = settings["weights"] or DEFAULT_WEIGHTS
    for line in diagnose(weights, seconds=_DOCTOR_SECONDS, output=output.parent):
        say(line)
    began = time.monotonic()
    results = solve(
        few,
        output=Path(settings["scratch"]) / "dry.json",
        options=_options(settings, budget_seconds=DRY_SECONDS),
        listener=Listener(say, Teller(len(few)).result, say=say),
    )
    took = time.monotonic() - began
    solved = [_share(result) for result in results if result.task.solved_publicly]
    if solved:
        seen = Counter(result.label for result in results if result.label)
        labels = "".join(f"; {label}: {count}" for label, count in seen.items())
        say(f"Score of the dry run: {sum(solved):g} of {len(solved)} evaluation tasks{labels}.")
    steps = sum(result.steps for result in results) / max(1e-9, sum(result.seconds for result in results))
    left = settings["deadline"] - time.monotonic()
    each = took / len(few)
    say(
        f"{steps:.1f} tuning steps a second and task; {HIDDEN_TASKS} tasks at this pace take "
        f"{HIDDEN_TASKS * each / 60:.0f} minutes; the scored run gives each {left / HIDDEN_TASKS:.0f} s "
        f"of the machine and ends in {left / 3600:.1f} h."
    )


def _share(result: TaskResult) -> float:
    """Share of the task's outputs that one of the two attempts gets right."""
    right = [
        any(same_grid(answer.grid, pair.output) for answer in answers)
        for pair, answers in zip(result.task.test, result.attempts, strict=True)
    ]
    return sum(right) / len(right)
