"""How many tasks the program search solves, and the programs that its costs are learned from.

    python -m benchmarks.search TASKS [...] --seconds 1 [--half even] [--every 4] [--jobs N]
    python -m benchmarks.search TASKS [...] --seconds 2 --learn solver/search/programs.json

For each file of tasks with known outputs it prints the tasks of which all outputs are right within two
answers,
with a 95 % interval over tasks, the outputs, what is right anywhere among the candidates, and the processor's
seconds a task. ``--learn`` adds the programs of right answers to the file from which costs are learned
(``solver.search.costs``); only training tasks belong there.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from benchmarks.ablation import HALVES, half_of
from solver.arc.task import Task, load_tasks
from solver.search.search import Candidate, best_grids, search

SOLUTIONS_KEPT = 3  # of each task, to learn from
SAMPLES = 10_000  # of the bootstrap


@dataclass(frozen=True)
class Outcome:
    """One task. ``right``, ``covered``: of each output, within two answers and among all candidates."""

    right: tuple[bool, ...]
    covered: tuple[bool, ...]
    seconds: float
    solutions: tuple[tuple[tuple[str, ...], ...], ...]


def measure(task: Task, seconds: float | None, jobs: int | None) -> Outcome:
    """Search one task and compare with its outputs."""
    start = time.process_time()
    candidates = list(
        search(task.without_test_outputs(), seconds=seconds, jobs=jobs, clock=time.process_time)
    )
    spent = time.process_time() - start
    right, covered = [], []
    for test, pair in enumerate(task.test):
        right.append(any(np.array_equal(grid, pair.output) for grid in best_grids(candidates, test)))
        covered.append(any(np.array_equal(c.grids[test], pair.output) for c in candidates))
    return Outcome(tuple(right), tuple(covered), spent, solutions(task, candidates))


def solutions(task: Task, candidates: Sequence[Candidate]) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """The steps of the most plausible candidates that are right on all test inputs."""
    good = [
        candidate
        for candidate in sorted(candidates, key=lambda candidate: candidate.score)
        if all(
            np.array_equal(grid, pair.output) for grid, pair in zip(candidate.grids, task.test, strict=True)
        )
    ]
    return tuple(candidate.steps for candidate in good[:SOLUTIONS_KEPT])


def report(name: str, outcomes: Sequence[Outcome]) -> str:
    """One line of figures."""
    solved = np.array([all(outcome.right) for outcome in outcomes], float)
    draws = np.random.default_rng(0).choice(solved, (SAMPLES, len(solved))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    outputs = [hit for outcome in outcomes for hit in outcome.right]
    pool = sum(all(outcome.covered) for outcome in outcomes)
    seconds = np.mean([outcome.seconds for outcome in outcomes])
    return (
        f"{name}: {int(solved.sum())} of {len(solved)} tasks ({solved.mean():.1%}, {low:.1%} to {high:.1%}), "
        f"{sum(outputs)} of {len(outputs)} outputs, {pool} tasks among the candidates, {seconds:.2f} s a task"
    )


@click.command(help=__doc__.split("\n")[0])
@click.argument("files", nargs=-1, required=True)
@click.option("--seconds", type=float, help="Processor seconds for each task.")
@click.option("--jobs", type=int, help="Transforms of programs to try for each task, the clock unread.")
@click.option("--half", type=click.Choice(HALVES), help="Half of the tasks by the crc32 of their ids.")
@click.option("--every", type=int, default=1, help="Take every N-th task.")
@click.option(
    "--learn", type=click.Path(path_type=Path), help="Add the programs of right answers to this file."
)
def main(
    files: tuple[str, ...],
    seconds: float | None,
    jobs: int | None,
    half: str | None,
    every: int,
    learn: Path | None,
) -> None:
    """Measure each file."""
    if seconds is None and jobs is None:
        raise click.UsageError("expected --seconds or --jobs")
    for file in files:
        tasks = [task for task in load_tasks(file) if half is None or half_of(task.id) == half][::every]
        outcomes = {task.id: measure(task, seconds, jobs) for task in tqdm(tasks, desc=Path(file).stem)}
        click.echo(report(f"{Path(file).stem}{f', {half} half' if half else ''}", list(outcomes.values())))
        if learn is not None:
            known = json.loads(learn.read_text()) if learn.exists() else {}
            known |= {
                task_id: outcome.solutions for task_id, outcome in outcomes.items() if outcome.solutions
            }
            learn.write_text(json.dumps(known, indent=0) + "\n")


if __name__ == "__main__":
    main()
