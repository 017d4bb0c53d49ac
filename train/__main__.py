"""``python -m train [RECIPE] data_path=... [key=value ...]``: train a network (docs/TRAINING.md)."""

import sys

import click

from train.config import recipe_names, resolve, to_yaml
from train.distributed import joined


@click.command(
    epilog=f"Recipes: {', '.join(recipe_names())}. Several processes: torchrun --nproc-per-node 8 -m train",
)
@click.argument("words", nargs=-1, metavar="[RECIPE] [KEY=VALUE]...")
@click.option("--print-config", is_flag=True, help="Show the whole resolved configuration and stop.")
@click.option("--seeds", type=click.IntRange(1), help="Train with so many seeds; mean and range at the end.")
@click.option("--arm", "arms", multiple=True, metavar="'NAME: KEY=VALUE ...'", help="A variant; repeat.")
@click.option("--quiet", is_flag=True, help="No progress bar, no messages.")
def main(
    words: tuple[str, ...], print_config: bool, seeds: int | None, arms: tuple[str, ...], quiet: bool
) -> None:
    """Train a network by a recipe and settings in the released syntax."""
    try:
        config = resolve(words)
        if print_config:
            click.echo(to_yaml(config), nl=False)
            return
        from train.loop import train
        from train.trials import train_arms, train_seeds

        with joined() as world:
            if arms:
                train_arms(words, arms, world, seeds or 1, quiet=quiet)
            elif seeds:
                train_seeds(config, world, seeds, quiet=quiet)
            else:
                train(config, world, quiet=quiet)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        where = error.filename or config.run.folder
        raise click.UsageError(f"{where}: cannot be written ({error.strerror or error})") from error


if __name__ == "__main__":
    sys.exit(main())
