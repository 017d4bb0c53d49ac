"""``solve merge``: several submissions or journals into one submission."""

from pathlib import Path

import click

from solver.choices import VOTE_RULES
from solver.words import counted

EXAMPLES = """\b
Examples:
  solve merge a.json b.json -o both.json
  solve merge a.journal b.journal -o both.json --by votes --tasks tasks.json
"""


@click.command(
    "merge",
    short_help="Merge submissions or journals into one.",
    epilog=EXAMPLES,
)
@click.argument(
    "files", nargs=-1, required=True, metavar="A B [...]", type=click.Path(exists=True, dir_okay=False)
)
@click.option("-o", "--output", required=True, type=click.Path(), help="The merged submission.")
@click.option(
    "--by",
    type=click.Choice(["order", "votes"]),
    default="order",
    show_default=True,
    help="order: all first attempts, file by file, before all second ones; votes: as a run ranks candidates.",
)
@click.option(
    "--vote",
    type=click.Choice(VOTE_RULES),
    help="What ranks with --by votes; else what the journals' runs had, if they had the same.",
)
@click.option("--tasks", help="Exactly these tasks, filled by fallbacks where no file has two attempts.")
@click.option(
    "--overwrite", is_flag=True, help="Replace a file that is there; it is kept with .bak behind its name."
)
def merge(
    files: tuple[str, ...], output: str, by: str, vote: str | None, tasks: str | None, overwrite: bool
) -> None:
    """Merge submissions or journals A B ... into one valid submission with distinct attempts.

    By order, the first attempt of A stays the first and the first of B becomes the second, unless
    they are equal. By votes, a journal's candidates and a submission's attempts each count one; journals
    of runs with different rules are ranked by confidence, and this is said.
    """
    from solver.arc.merge import VOTES, merge_sources, outline, read_source
    from solver.arc.submission import write_submission
    from solver.arc.task import files_of, load_tasks
    from solver.file import backup_of, keep_copy, refuse_inputs

    if len(files) < 2:
        raise ValueError(f"{click.format_filename(files[0])}: wanted two or more files to merge, found one")
    if vote is not None and by != VOTES:
        raise click.UsageError("--vote ranks votes: wanted --by votes beside it")
    refuse_inputs([output], [*map(Path, files), *(files_of(tasks) if tasks is not None else [])])
    if Path(output).exists() and Path(output).stat().st_size and not overwrite:
        raise ValueError(
            f"{output}: a file is here already; --overwrite replaces it and keeps it as "
            f"{backup_of(Path(output)).name}"
        )
    known = load_tasks(tasks) if tasks is not None else []
    merged = merge_sources([read_source(path) for path in files], known, by=by, vote=vote)
    if not merged.answers:
        raise ValueError(f"{' and '.join(files)}: expected answers to at least one task, got none")
    keep_copy(output)
    write_submission(output, merged.answers, known or outline(merged.answers))
    outputs = sum(map(len, merged.answers.values()))
    ruling = merged.ruling
    how = f"{by}, ranked by {ruling.rule}" if ruling else by
    sizes = f"{counted(len(merged.answers), 'task')}, {counted(outputs, 'output')}"
    click.echo(f"wrote {click.format_filename(output)}: {sizes} by {how}")
    if ruling and ruling.reason:
        click.echo(f"ranked by {ruling.rule}: {ruling.reason}")
    for count, noun, what in (
        (merged.filled, "attempt", "filled in, which no file has"),
        (merged.invalid, "invalid attempt", "left out"),
        (len(merged.dropped), "id", "left out, not among the tasks"),
        (0 if known else merged.incomplete, "task", "not in every file"),
    ):
        if count:
            click.echo(f"{counted(count, noun)} {what}")
