"""``solve bundle``: everything that Kaggle's own command needs to submit."""

from pathlib import Path

import click


@click.command("bundle")
@click.option("-o", "--output", default="dist", show_default=True, metavar="DIR", help="Where it goes.")
@click.option("--user", required=True, help="Your Kaggle user name.")
@click.option(
    "--competition", default="arc-prize-2026-arc-agi-2", show_default=True, help="As in its address."
)
@click.option(
    "--weights", metavar="NAME|DIR", help="The network; without it the shipped set meant for Kaggle or a GPU."
)
def bundle(output: str, user: str, competition: str, weights: str | None) -> None:
    """Write the Kaggle kernel and its weights.

    DIR/kernel holds the solver as one file that needs nothing but Kaggle's image, also as a notebook;
    DIR/weights holds the network as a data set.
    """
    from solver.bundle import write_bundle

    made = write_bundle(Path(output), user=user, competition=competition, weights=weights)
    for path, size in made.sizes.items():
        click.echo(f"{size / 1e3:10.1f} kB  {path}")
    click.echo(f"\nkaggle datasets create -p {made.weights}\nkaggle kernels push -p {made.kernel}")
