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
@click.option("--quiet", is_flag=True, help="No progress bar, no messages.")
def main(words: tuple[str, ...], print_config: bool, quiet: bool) -> None:
    """Train a network by a recipe and settings in the released syntax."""
    try:
        config = resolve(words)
        if print_config:
            click.echo(to_yaml(config), nl=False)
            return
        from train.loop import train

        with joined() as world:
            train(config, world, quiet=quiet)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
