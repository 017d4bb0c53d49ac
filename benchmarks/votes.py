"""Which rule of the vote is best, by tasks with known solutions.

    python -m benchmarks.votes JOURNAL [...] --tasks TASKS
    python -m benchmarks.votes JOURNAL --tasks TASKS --solve 8 --half odd --limit 100

The first reads the journals of runs. The second makes the journal first, or goes on with it: so many
seconds for each of the chosen tasks, in this process; every task is tuned, known or not. For each rule
it prints the test outputs that the network alone has right within one and two answers, beside what its
pool covers, and for two rules their difference with a bootstrap interval over tasks and the sign test (exact
binomial). Tasks that the weights have seen in training are counted apart as well.

A rule is to be chosen by public training tasks: what is chosen by test outputs is no longer measured by
them, so no file whose name says evaluation is taken without ``--evaluation``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import click
from tqdm import tqdm

from benchmarks.ablation import HALVES, chosen, half_of
from solver.arc.candidate import Candidate, View, same_grid
from solver.arc.journal import Contents, read_journal
from solver.arc.policy import Policy, rank_views
from solver.arc.pool import seen_labels
from solver.arc.seed import derive_generator
from solver.arc.task import Grid, Task, load_tasks
from solver.choices import NETWORK, VOTE_RULES, VoteRule
from solver.report.compare import LEVEL, bootstrap_interval, mcnemar_p

ANSWERS = (1, 2)  # within so many answers
SAMPLES = 10_000  # of the bootstrap
Hits = dict[VoteRule, tuple[bool, bool]]  # by rule: right within one answer, within two


@dataclass(frozen=True)
class Output:
    """One test output. ``seen``: its task's demonstrations were trained on. ``covered``: the right grid is
    among the candidates."""

    task_id: str
    seen: bool
    covered: bool
    hits: Hits


def pools(contents: Contents) -> dict[tuple[str, int], list[Candidate]]:
    """The views that vote on each test input at the end of the run."""
    policy = Policy.of(contents)
    return {
        (task_id, test): [c for c in policy.voters(events, test) if isinstance(c.known, View)]
        for task_id, events in contents.events.items()
        for test in range(contents.tests[task_id])
    }


def judge(candidates: Sequence[Candidate], expected: Grid) -> Hits:
    """What each rule makes of one pool."""
    hits: Hits = {}
    for rule in VOTE_RULES:
        right = [same_grid(answer.grid, expected) for answer in rank_views(candidates, rule)[:2]]
        hits[rule] = (any(right[:1]), any(right))
    return hits


def judged(paths: Sequence[Path], tasks: Mapping[str, Task]) -> Iterator[Output]:
    """Every test output with a known solution that a journal has a network's candidates for."""
    for path in paths:
        contents = read_journal(path)
        seen = seen_labels(contents, list(tasks.values()))
        for (task_id, test), candidates in pools(contents).items():
            task = tasks.get(task_id)
            if task is None or test >= len(task.test):
                raise ValueError(f"{path}: task {task_id}, test {test} is not among the tasks given")
            expected = task.test[test].output
            if expected is None:
                raise ValueError(f"{path}: the solution of task {task_id} is not known; wanted one beside it")
            if candidates:
                covered = any(same_grid(candidate.grid, expected) for candidate in candidates)
                yield Output(task_id, task_id in seen, covered, judge(candidates, expected))


def counts(title: str, outputs: Sequence[Output]) -> Iterator[str]:
    """The rules' lines: right within one and two answers, and what the pool covers."""
    tasks = len({output.task_id for output in outputs})
    yield f"{title}: {len(outputs)} test outputs of {tasks} tasks with candidates of the network"
    yield f"{'rule':<14}{'first':>8}{'first two':>11}{'pool':>8}"
    covered = sum(output.covered for output in outputs)
    for rule in VOTE_RULES:
        first, two = (sum(output.hits[rule][k] for output in outputs) for k in (0, 1))
        yield f"{rule:<14}{first:>8}{two:>11}{covered:>8}"


def differences(outputs: Sequence[Output], one: VoteRule, other: VoteRule, answers: int) -> list[float]:
    """For each task, its score by ``other`` minus that by ``one``, -1..1. Tasks, not outputs, are
    independent of each other."""
    by_task: dict[str, list[float]] = defaultdict(list)
    for output in outputs:
        right = [output.hits[rule][answers - 1] for rule in (one, other)]
        by_task[output.task_id].append(float(right[1]) - float(right[0]))
    return [sum(values) / len(values) for values in by_task.values()]


def comparisons(outputs: Sequence[Output]) -> Iterator[str]:
    """A line for every two rules and number of answers."""
    for (one, other), answers in ((pair, n) for n in ANSWERS for pair in combinations(VOTE_RULES, 2)):
        found = differences(outputs, one, other, answers)
        better, worse = sum(value > 0 for value in found), sum(value < 0 for value in found)
        generator = derive_generator(0, "votes", one, other, answers)
        low, high = (100 * end for end in bootstrap_interval(found, SAMPLES, generator))
        p = mcnemar_p(worse, better)
        mean = 100 * sum(found) / len(found)
        known = "beyond chance" if p < LEVEL else "no more than chance"
        yield (
            f"within {answers}: {other} against {one}: better on {better} tasks, worse on {worse}; "
            f"{mean:+.2f} points (95% {low:+.2f} to {high:+.2f}), sign test p = {p:.3f}: {known}"
        )


def make_journal(path: Path, tasks: Sequence[Task], weights: str, seconds: float, augmentations: int) -> None:
    """Solve the tasks into the journal, or go on with it."""
    from solver.run.events import Listener
    from solver.run.pipeline import solve
    from solver.run.settings import SolveOptions

    options = SolveOptions(
        sources=(NETWORK,),
        weights=weights,
        seconds_per_task=seconds,
        augmentations=augmentations,
        tune_known=True,
    )
    with tqdm(total=len(tasks), desc="solve", disable=None) as bar:
        listener = Listener(result=lambda result: bar.update())
        solve(tasks, options=options, journal=path, resume=True, listener=listener)


@click.command()
@click.argument("journals", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--tasks", required=True, help="The tasks of the runs, with their solutions.")
@click.option("--solve", "seconds", type=float, help="Make the journal: seconds for each task.")
@click.option("--half", type=click.Choice([*HALVES]), default="odd", show_default=True, help="By crc32.")
@click.option("--side", default=12, show_default=True, help="Only tasks whose grids fit.")
@click.option("--limit", default=0, help="Only the first so many tasks of the half by id; 0 for all.")
@click.option("--weights", default="urm-nano", show_default=True)
@click.option("--augmentations", default=16, show_default=True)
@click.option("--evaluation", is_flag=True, help="Take evaluation tasks: to measure, not to choose.")
def main(
    journals: tuple[Path, ...], tasks: str, seconds: float | None, evaluation: bool, **chosen_by
) -> None:
    """Compare the rules on JOURNALS."""
    if "evaluation" in Path(tasks).name and not evaluation:
        raise click.UsageError(f"{tasks}: a rule is chosen by training tasks; --evaluation only measures")
    try:
        known = load_tasks(tasks)
        if seconds is not None:
            _solve_into(journals, known, seconds, **chosen_by)
        outputs = list(judged(journals, {task.id: task for task in known}))
        for line in lines(outputs, Path(tasks).name, evaluation):
            click.echo(line)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _solve_into(
    journals: Sequence[Path],
    known: Sequence[Task],
    seconds: float,
    *,
    half: str,
    side: int,
    limit: int,
    weights: str,
    augmentations: int,
) -> None:
    if len(journals) != 1:
        raise ValueError(f"--solve makes one journal, found {len(journals)} named")
    selected = chosen(known, half, side, limit)
    if not selected:
        raise ValueError(f"no task of the {half} half has known solutions and fits {side} x {side}")
    make_journal(journals[0], selected, weights, seconds, augmentations)
    click.echo(
        f"{len(selected)} tasks, {half} half, grids up to {side} x {side}, {seconds:g} s each, {weights}"
    )


def lines(outputs: Sequence[Output], name: str, evaluation: bool) -> Iterator[str]:
    """All that is said of the outputs of the tasks' file ``name``."""
    ids = {output.task_id for output in outputs}
    halves = ", ".join(f"{sum(half_of(i) == half for i in ids)} tasks {half}" for half in HALVES)
    yield f"split: {name}, {halves}" + ("; measured only, no rule is chosen by them" if evaluation else "")
    if not outputs:
        yield "no candidates of a network"
        return
    yield from counts("all", outputs)
    for seen, title in ((True, "seen in training by the weights"), (False, "not seen by the weights")):
        part = [output for output in outputs if output.seen == seen]
        if part and len(part) < len(outputs):
            yield from counts(title, part)
        elif part:
            yield f"all of them {title}"
    yield from comparisons(outputs)


if __name__ == "__main__":
    main()
