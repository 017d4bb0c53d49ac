"""A submission with all that is known beside it, read once for the score, the report and a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from solver.arc.journal import Contents, read_journal
from solver.arc.pool import (
    PASS_AT,
    PoolScore,
    Ranking,
    find_answer,
    measure_pool,
    rank_journal,
    seen_labels,
)
from solver.arc.score import (
    Score,
    choose_tasks,
    outputs_of,
    read_expected,
    repeated_attempts,
    score_attempts,
)
from solver.arc.submission import Submission, read_attempts
from solver.arc.task import Grid, Task, load_tasks
from solver.choices import VoteRule
from solver.words import counted

Source = str | Path


@dataclass(frozen=True, eq=False)
class Result:
    """``expected`` is empty where no solutions were given, ``contents`` None without a journal.

    ``solutions``: the name of what was scored against, or ''.
    ``ranking``: the answers of each output, as the journal's run ranked them. ``labels``: see
    ``TaskScore``.
    """

    name: str
    attempts: Submission
    tasks: Sequence[Task]
    expected: Mapping[str, Sequence[Grid]]
    contents: Contents | None
    ranking: Ranking
    labels: Mapping[str, str]
    score: Score | None
    pool: PoolScore | None
    solutions: str = ""


def read_result(
    submission: Source,
    solutions: Source | None = None,
    tasks: Source | None = None,
    journal: Source | None = None,
) -> Result:
    """Read the files that were named; ValueError, saying which and why, for one that is not valid.

    With ``tasks``, exactly these tasks are scored, and their own outputs serve as solutions when
    every one is known and no other solutions are given.
    """
    attempts = read_attempts(submission)
    wanted = load_tasks(tasks) if tasks is not None else []
    expected: Mapping[str, Sequence[Grid]] = {}
    if solutions is not None:
        expected, known = read_expected(solutions)
        if tasks is not None:
            expected = choose_tasks(expected, wanted, str(solutions))
        wanted = wanted or known
    elif wanted and all(task.solved_publicly for task in wanted):
        expected = outputs_of(wanted, str(tasks))
    contents = read_journal(journal) if journal is not None else None
    result = build_result(str(submission), attempts, wanted, expected, contents)
    if contents:
        refuse_other_run(result, str(journal))
    return replace(result, solutions=str(solutions if solutions is not None else tasks or ""))


def refuse_other_run(result: Result, journal: str) -> None:
    """ValueError where another run wrote the journal: it has none of the submission's tasks, or most answers
    to those that it has are no candidates of it."""
    grids, events = result.attempts.grids, result.contents.events
    places = [(name, test) for name in grids if name in events for test in range(len(grids[name]))]
    found = sum(
        any(find_answer(grid, result.ranking.get(place, ())) for grid in result.attempts.of(*place))
        for place in places
    )
    if not places or 2 * found < len(places):
        got = f"one with {found} of its {counted(len(places), 'answer')}" if places else "one of other tasks"
        raise ValueError(f"{journal}: expected the journal of {result.name}, got {got}")


def build_result(
    name: str,
    attempts: Submission,
    tasks: Sequence[Task],
    expected: Mapping[str, Sequence[Grid]],
    contents: Contents | None,
) -> Result:
    """The score and the pool's measures, as far as solutions and journal allow."""
    labels = seen_labels(contents, tasks)
    score = score_attempts(expected, attempts, labels) if expected else None
    ranking = rank_journal(contents) if contents else {}
    pool = measure_pool(expected, contents, attempts, score, ranking) if contents and score else None
    return Result(name, attempts, tasks, expected, contents, ranking, labels, score, pool)


def summarise(result: Result) -> dict[str, object]:
    """The score as JSON values: what ``solve score --json`` prints. Shares are 0..1.

    ``pool`` is None without a journal; ``labelled`` is empty where no task has a label.
    """
    score = result.score
    assert score is not None, "a summary needs solutions"
    repeated = repeated_attempts(result.attempts)
    return {
        "submission": result.name,
        "solutions": result.solutions,
        **scores(score),
        "status": score.counts,
        "invalid_attempts": score.invalid_attempts,
        "repeated_second_attempts": [[task_id, test] for task_id, test in repeated],
        "missing": list(score.missing),
        "extra": list(score.extra),
        "problems": [problem.text for problem in score.problems],
        "labelled": _labelled(score),
        "per_task": {
            task.id: {
                "status": task.status,
                "score": task.score,
                "right": [list(output.right) for output in task.outputs],
                "wrong_cells": [list(output.wrong_cells) for output in task.outputs],
                "label": task.label,
            }
            for task in score.tasks
        },
        "pool": _pool(result.pool, result.contents.vote) if result.pool and result.contents else None,
    }


def scores(score: Score) -> dict[str, object]:
    """Both scores, 0..1, and what they are counted from."""
    return {
        "score_per_task": score.per_task,
        "chance": score.chance,
        "score_per_output": score.per_output,
        "tasks": len(score.tasks),
        "outputs": score.outputs,
        "right_outputs": score.right_outputs,
    }


def _labelled(score: Score) -> dict[str, dict[str, object]]:
    """The score of each label's tasks, and of those without one under ""; empty where none has one."""
    labels = list(dict.fromkeys(task.label for task in score.tasks))
    if labels in ([""], []):
        return {}
    return {
        label: scores(score.subset(task.id for task in score.tasks if task.label == label))
        for label in sorted(labels)
    }


def _pool(pool: PoolScore, vote: VoteRule) -> dict[str, object]:
    return {
        "vote": vote,
        "outputs_with_candidates": len(pool.outputs),
        "candidates": sum(output.candidates for output in pool.outputs.values()),
        "pass_at": {str(k): pool.pass_at(k) for k in PASS_AT},
        "coverage": pool.coverage(),
        "coverage_by_source": {source: pool.coverage(source) for source in pool.sources},
        "right_by_source": dict(pool.right_by_source),
        "not_chosen": [[task_id, test] for task_id, test in pool.not_chosen],
    }
