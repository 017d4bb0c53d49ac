"""``python -m train.short RECIPE --data DIR --output DIR``."""

from pathlib import Path

import click
import torch

from solver.model.device import place
from train.short.recipe import read_run
from train.short.trainer import train

RECIPES = Path(__file__).resolve().parent / "recipes"


@click.command()
@click.argument("recipe")
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--seconds", type=float, help="Another budget; a resumed run may extend its own.")
@click.option("--flop", type=float, help="Another budget, in floating-point operations.")
@click.option("--threads", type=int, help="Threads on the CPU.")
@click.option("--device", default="auto", show_default=True)
@click.option("--quiet", is_flag=True)
def main(
    recipe: str,
    data: Path,
    output: Path,
    seconds: float | None,
    flop: float | None,
    threads: int | None,
    device: str,
    quiet: bool,
) -> None:
    """Train RECIPE (a name in train/short/recipes, or a JSON file) on the task files under --data.

    A run that was stopped goes on from --output/state.pt; the weights land in --output/weights.
    """
    changes: dict[str, float] = {}
    if seconds is not None or flop is not None:
        changes = {"seconds": seconds or 0.0, "flop": flop or 0.0}
    named = RECIPES / f"{recipe}.json"
    try:
        run = read_run(named if named.is_file() else Path(recipe), **changes)
        if threads:
            torch.set_num_threads(threads)
        train(run, data, output, place(device), quiet=quiet)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


if __name__ == "__main__":
    main()
