"""``solve bundle``: everything that Kaggle's own command needs to submit."""

from pathlib import Path

import click

HIDDEN_TASKS, DEVICES = 240, 4  # of the scored run, on the machine that the metadata asks for

EXAMPLES = """\b
Examples:
  solve bundle -o dist --user NAME
  solve bundle -o dist --user NAME --weights runs/mine/weights
"""


@click.command(
    "bundle",
    epilog=EXAMPLES,
)
@click.option("-o", "--output", default="dist", show_default=True, metavar="DIR", help="Where it goes.")
@click.option(
    "--user",
    required=True,
    envvar="KAGGLE_USERNAME",
    show_envvar=True,
    metavar="NAME",
    help="Your Kaggle user name, as in your profile's address.",
)
@click.option(
    "--competition",
    default="arc-prize-2026-arc-agi-2",
    show_default=True,
    metavar="SLUG",
    help="The competition's name as in its address.",
)
@click.option(
    "--weights", metavar="NAME|DIR", help="The network; without it the shipped set meant for Kaggle or a GPU."
)
def bundle(output: str, user: str, competition: str, weights: str | None) -> None:
    """Write the Kaggle kernel and its weights.

    DIR/kernel holds the solver as one file that needs nothing but Kaggle's image, also as a notebook;
    DIR/weights holds the network as a data set.
    """
    from solver.bundle import KERNEL_TITLE, WEIGHTS_TITLE, resource_id, write_bundle
    from solver.kaggle.kernel import LIMIT_SECONDS, RESERVE_SECONDS
    from solver.run.schedule import shares_for

    hours = (LIMIT_SECONDS - RESERVE_SECONDS) / 3600
    shares = shares_for("cuda", hours, HIDDEN_TASKS / DEVICES, joint=True)
    plan = f"The kernel's plan for {HIDDEN_TASKS} tasks on {DEVICES} GPUs in {hours:g} h: {shares}."
    made = write_bundle(Path(output), user=user, competition=competition, weights=weights, plan=plan)
    for path, size in made.sizes.items():
        click.echo(f"{size / 1e3:10.1f} kB  {path}")
    weights_id, kernel_id = (resource_id(user, title) for title in (WEIGHTS_TITLE, KERNEL_TITLE))
    click.echo(f"\n{plan}")
    click.echo(
        f"\nkaggle datasets create -p {made.weights}\n"
        f"kaggle datasets status {weights_id}\n"
        f"kaggle kernels push -p {made.kernel}\n"
        f"kaggle kernels status {kernel_id}\n"
        f"kaggle competitions submit {competition} -k {kernel_id} -v VERSION -f submission.json -m MESSAGE"
    )
