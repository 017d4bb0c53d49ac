"""``python -m train.short.trial RECIPE --data DIR --output DIR --flop N --arm "NAME: KEY=VALUE ..."``.

Variants of a recipe at equal compute, one after another, judged on test pairs that are kept back. What
a small trial decides holds for the small size; the recipes say which of their choices rest on one.
"""

import re
from pathlib import Path
from typing import Any

import click

from solver.model.device import place, use_threads
from train.log import FILE, read_log
from train.short.__main__ import read_with_budget
from train.short.run import Call, train

COLUMNS = ("loss", "cells", "exact", "pass@2")


def read_arm(text: str) -> tuple[str, tuple[str, ...]]:
    """``NAME`` or ``NAME: KEY=VALUE KEY=VALUE``, no spaces inside a value."""
    name, _, rest = text.partition(":")
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"arm {text}: wanted NAME: KEY=VALUE ..., the name of letters, digits, _ - .")
    return name, tuple(rest.split())


def result_of(folder: Path) -> dict[str, Any]:
    """The last evaluation of a run, with its mean training loss over the last fifth of the compute."""
    records = read_log(folder / FILE)
    train_lines = [record for record in records if record["event"] == "train"]
    found = [record for record in records if record["event"] == "eval"]
    late = [r["loss"] for r in train_lines if r["flop"] >= 0.8 * train_lines[-1]["flop"]]
    last = {"trained": sum(late) / len(late), "steps": train_lines[-1]["step"]}
    return {**last, **(found[-1] if found else {})}


@click.command()
@click.argument("recipe")
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--flop", required=True, type=float, help="Of each arm.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="For every arm.")
@click.option("--arm", "arms", multiple=True, required=True, metavar="NAME: KEY=VALUE ...")
@click.option("--seeds", type=int, default=1, show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--threads", type=int)
def main(
    recipe: str,
    data: Path,
    output: Path,
    flop: float,
    changes: tuple[str, ...],
    arms: tuple[str, ...],
    seeds: int,
    device: str,
    threads: int | None,
) -> None:
    """Train each arm with each seed and print a line for it; arms that are done are not trained again."""
    use_threads(threads)
    click.echo(f"{'arm':24} {'seed':>4} {'steps':>7} {'trained':>8} " + " ".join(f"{c:>7}" for c in COLUMNS))
    try:
        for name, settings in map(read_arm, arms):
            for seed in range(seeds):
                folder = output / f"{name}-{seed}"
                words = (*changes, *settings, f"seed={seed}")
                run = read_with_budget(recipe, words, None, flop)
                if not train(run, data, folder, place(device, quick=True), Call(quiet=True)):
                    raise click.exceptions.Exit(0)  # asked to end; the same command goes on
                found = result_of(folder)
                numbers = " ".join(f"{found.get(column, float('nan')):7.4f}" for column in COLUMNS)
                click.echo(f"{name:24} {seed:4} {found['steps']:7} {found['trained']:8.4f} {numbers}")
    except ValueError as error:
        raise click.UsageError(str(error)) from error


if __name__ == "__main__":
    main()
