"""Which rule of the vote is best: ``python -m benchmarks.votes JOURNAL [...] --tasks TASKS``.

The journals of runs on tasks with known solutions, best of training tasks: what is chosen by test
outputs is no longer measured by them. For each rule, the test outputs right within one and two answers
of the network alone, and how often two rules part.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import click

from solver.arc.journal import Contents, read_journal
from solver.arc.record import Candidates
from solver.arc.task import Grid, Task, load_tasks
from solver.arc.vote import NETWORK, VOTE_RULES, Candidate, VoteRule, rank, same_grid
from solver.run.message import JOINT, QUICK, REFINE, TUNE

Hits = dict[VoteRule, tuple[bool, bool]]  # by rule: right within one answer, within two


def pools(contents: Contents) -> dict[tuple[str, int], list[Candidate]]:
    """The candidates that vote on each test input at the end of the run: those of tuning and refinement,
    or where a task got no further, of the latest phase before."""
    by_phase: dict[tuple[str, int], dict[str, list[Candidate]]] = {}
    for record in contents.records:
        if isinstance(record, Candidates):
            made = [v.candidate for v in record.views if v.candidate.source == NETWORK]
            by_phase.setdefault((record.task_id, record.test), {})[record.phase] = made
    found = {}
    for place, phases in by_phase.items():
        last = phases.get(TUNE, []) + phases.get(REFINE, [])
        found[place] = last or phases.get(JOINT) or phases.get(QUICK) or []
    return found


def judge(candidates: Sequence[Candidate], expected: Grid) -> Hits:
    """What each rule makes of one pool."""
    hits: Hits = {}
    for rule in VOTE_RULES:
        right = [same_grid(answer.grid, expected) for answer in rank(candidates, rule)[:2]]
        hits[rule] = (any(right[:1]), any(right))
    return hits


def judged(paths: Sequence[Path], tasks: Mapping[str, Task]) -> Iterator[Hits]:
    """Every test output with a known solution that a journal has a network's candidates for."""
    for path in paths:
        for (task_id, test), candidates in pools(read_journal(path)).items():
            task = tasks.get(task_id)
            if task is None or test >= len(task.test):
                raise ValueError(f"{path}: task {task_id}, test {test} is not among the tasks given")
            expected = task.test[test].output
            if expected is None:
                raise ValueError(f"{path}: the solution of task {task_id} is not known; wanted one beside it")
            if candidates:
                yield judge(candidates, expected)


@click.command()
@click.argument("journals", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--tasks", required=True, help="The tasks of the runs, with their solutions.")
def main(journals: tuple[Path, ...], tasks: str) -> None:
    """Compare the rules on JOURNALS."""
    try:
        rows = list(judged(journals, {task.id: task for task in load_tasks(tasks)}))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{len(rows)} test outputs with candidates of the network")
    click.echo(f"{'rule':<14}{'first':>8}{'first two':>11}")
    for rule in VOTE_RULES:
        first, two = (sum(row[rule][k] for row in rows) for k in (0, 1))
        click.echo(f"{rule:<14}{first:>8}{two:>11}")
    for one, other in combinations(VOTE_RULES, 2):
        only_one = sum(row[one][1] and not row[other][1] for row in rows)
        only_other = sum(row[other][1] and not row[one][1] for row in rows)
        click.echo(f"right by {one} only {only_one}, by {other} only {only_other}")


if __name__ == "__main__":
    main()
