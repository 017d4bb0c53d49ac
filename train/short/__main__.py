"""``python -m train.short RECIPE --data DIR --output DIR``."""

import os
from pathlib import Path
from typing import Any

import click

from solver.model.device import place, use_threads
from train.short.recipe import ShortRun, read_run
from train.short.run import Call, train

RECIPES = Path(__file__).resolve().parent / "recipes"


def recipe_path(recipe: str) -> Path:
    """The recipe of that name in this package, or else the file."""
    named = RECIPES / f"{recipe}.json"
    return named if named.is_file() else Path(recipe)


def read_with_budget(
    recipe: str, changes: tuple[str, ...], seconds: float | None, flop: float | None
) -> ShortRun:
    """The recipe, with another budget where one is given."""
    budget: dict[str, Any] = {}
    if seconds is not None or flop is not None:
        budget = {"seconds": seconds or 0.0, "flop": flop or 0.0}
    return read_run(recipe_path(recipe), changes, **budget)


@click.command()
@click.argument("recipe")
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the recipe: a.b=1.")
@click.option("--seconds", type=float, help="Another budget; a resumed run may extend its own.")
@click.option("--flop", type=float, help="Another budget, in floating-point operations.")
@click.option("--seconds-now", type=float, default=0.0, help="End this call after so many, state saved.")
@click.option("--small", is_flag=True, help="A state of 16-bit numbers without optimisers' moments.")
@click.option("--threads", type=int, help="Threads on the CPU.")
@click.option("--device", default="auto", show_default=True)
@click.option("--quiet", is_flag=True)
def main(
    recipe: str,
    data: Path,
    output: Path,
    changes: tuple[str, ...],
    seconds: float | None,
    flop: float | None,
    seconds_now: float,
    small: bool,
    threads: int | None,
    device: str,
    quiet: bool,
) -> None:
    """Train RECIPE (a name in train/short/recipes, or a JSON file) on the task files under --data.

    A run that was stopped, by --seconds-now or by SIGTERM, goes on with the same command from the parts
    under --output/state, each of at most 15 MiB; the weights land in --output/weights when it is done.
    """
    call = Call(seconds=seconds_now, small=small, quiet=quiet)
    try:
        run = read_with_budget(recipe, changes, seconds, flop)
        use_threads(threads)
        finished = train(run, data, output, place(device, quick=True), call)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not quiet:
        where = output / "weights" if finished else f"{output}: to be continued"
        click.echo(os.fspath(where))


if __name__ == "__main__":
    main()
