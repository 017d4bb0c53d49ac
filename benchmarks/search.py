"""How many tasks the program search solves, and the programs that its costs are learned from.

    python -m benchmarks.search TASKS [...] --seconds 10 [--half even] [--every 4] [--jobs N]
    python -m benchmarks.search TASKS [...] --seconds 2 --learn solver/search/programs.json
    python -m benchmarks.search TASKS [...] --seconds 10 --half even --fit

For each file of tasks with known outputs it prints the tasks of which all outputs are right within two
answers, with a 95 % interval over tasks, the outputs, what is right anywhere among the candidates, and the
processor's seconds a task; then the same after 0.1, 1 and 10 seconds, by when candidates were found in this
run; then how many of the answers with a probability of 0.9 and more are right. ``--learn`` adds the programs
of right answers to the file from which costs are learned (``solver.search.costs``); only training tasks
belong there. ``--fit`` prints the two numbers of
``solver.arc.belief`` that make the right answers most probable; no cost may be learned from these tasks.
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
from solver.arc.belief import fit, probabilities
from solver.arc.task import Pair, Task, load_tasks
from solver.search.search import Candidate, best_scores, search
from solver.search.sizes import OUTPUTS, outputs_of

SOLUTIONS_KEPT = 3  # of each task, to learn from
SAMPLES = 10_000  # of the bootstrap
MOMENTS = (0.1, 1.0, 10.0)  # seconds


@dataclass(frozen=True)
class Outcome:
    """One task. ``right``, ``covered``: of each output, within two answers and among all candidates. ``by``:
    whether the candidates found by so many seconds give all outputs. ``ranked``: of each output the scores of
    the different grids, best first, and the place of the right one, -1 where it is missing."""

    right: tuple[bool, ...]
    covered: tuple[bool, ...]
    seconds: float
    by: dict[float, bool]
    ranked: tuple[tuple[tuple[float, ...], int], ...]
    solutions: tuple[tuple[tuple[str, ...], ...], ...]


def measure(task: Task, seconds: float | None, jobs: int | None) -> Outcome:
    """Search one task and compare with its outputs."""
    start = time.process_time()
    candidates = list(
        search(task.without_test_outputs(), seconds=seconds, jobs=jobs, clock=time.process_time)
    )
    spent = time.process_time() - start
    right, covered, ranked = [], [], []
    for test, pair in enumerate(task.test):
        right.append(_right(candidates, test, pair))
        covered.append(any(np.array_equal(c.grids[test], pair.output) for c in candidates))
        best = best_scores(candidates, test)
        places = [n for n, (_, grid) in enumerate(best) if np.array_equal(grid, pair.output)]
        ranked.append((tuple(score for score, _ in best), places[0] if places else -1))
    by = {}
    for moment in MOMENTS:
        early = [candidate for candidate in candidates if candidate.seconds <= moment]
        by[moment] = all(_right(early, test, pair) for test, pair in enumerate(task.test))
    found = solutions(task, candidates)
    return Outcome(tuple(right), tuple(covered), spent, by, tuple(ranked), found)


def _right(candidates: list[Candidate], test: int, pair: Pair) -> bool:
    return any(np.array_equal(grid, pair.output) for _, grid in best_scores(candidates, test)[:2])


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
    probable = [
        (sum(chances[:2]), 0 <= place < 2)
        for outcome in outcomes
        for scores, place in outcome.ranked
        if (chances := probabilities(scores))
    ]
    sure = [hit for chance, hit in probable if chance >= 0.9]
    moments = ", ".join(f"{sum(o.by[m] for o in outcomes)} by {m:g} s" for m in MOMENTS)
    return (
        f"{name}: {int(solved.sum())} of {len(solved)} tasks ({solved.mean():.1%}, {low:.1%} to {high:.1%}), "
        f"{sum(outputs)} of {len(outputs)} outputs, {pool} tasks among the candidates, {seconds:.2f} s a task"
        f"\n  {moments}; of {len(sure)} outputs with probability 0.9 and more {sum(sure)} right; "
        f"{sum(chance for chance, _ in probable):.1f} right expected, {sum(hit for _, hit in probable)} found"
    )


@click.command(help=__doc__.split("\n")[0])
@click.argument("files", nargs=-1, required=True)
@click.option("--seconds", type=float, help="Processor seconds for each task.")
@click.option("--jobs", type=int, help="Transforms of programs to try for each task, the clock unread.")
@click.option("--half", type=click.Choice(HALVES), help="Half of the tasks by the crc32 of their ids.")
@click.option("--every", type=int, default=1, help="Take every N-th task.")
@click.option("--fit", "fits", is_flag=True, help="Fit the two numbers of a probability.")
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
    fits: bool,
) -> None:
    """Measure each file."""
    if seconds is None and jobs is None:
        raise click.UsageError("expected --seconds or --jobs")
    for file in files:
        tasks = [task for task in load_tasks(file) if half is None or half_of(task.id) == half][::every]
        outcomes = {task.id: measure(task, seconds, jobs) for task in tqdm(tasks, desc=Path(file).stem)}
        if fits:
            ranked = [output for outcome in outcomes.values() for output in outcome.ranked]
            click.echo("width {:g}, none {:g}".format(*fit(ranked)))
        click.echo(report(f"{Path(file).stem}{f', {half} half' if half else ''}", list(outcomes.values())))
        if learn is not None:
            known = json.loads(learn.read_text()) if learn.exists() else {outputs: {} for outputs in OUTPUTS}
            for task in tasks:
                if outcomes[task.id].solutions:
                    known[outputs_of(task)][task.id] = outcomes[task.id].solutions
            learn.write_text(json.dumps(known, indent=0) + "\n")


if __name__ == "__main__":
    main()
