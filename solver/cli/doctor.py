"""``solve doctor``: what is here, what works, and how fast."""

import click

EXAMPLES = """\b
Examples:
  solve doctor
  solve doctor --device cpu --seconds 10
"""


@click.command(
    "doctor",
    epilog=EXAMPLES,
)
@click.option(
    "--weights", metavar="NAME|DIR", help="The network; without it the shipped set meant for the device."
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda|cuda:N|mps",
    help="Where the pace is measured.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="S",
    help="How long the pace is measured; 0 measures next to nothing.",
)
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    default=11.25,
    show_default=True,
    metavar="H",
    help="Length of the run that is projected.",
)
@click.pass_context
def doctor(context: click.Context, weights: str | None, device: str, seconds: float, hours: float) -> None:
    """Say which devices work, and how long 240 tasks take.

    Tries a kernel on each device, loads the weights, looks at memory, disk and Kaggle's mounts, and
    measures the pace on made-up tasks of evaluation size. Exit code 1 where something does not work.
    """
    from solver.kaggle.mounts import find_mounts, input_root
    from solver.processors import expected_kind
    from solver.run.doctor import diagnose
    from solver.weights_card import default_weights

    root = input_root()
    if root.is_dir():  # on Kaggle, or where KAGGLE_INPUT says so
        click.echo(f"mounts: {find_mounts(root).describe()}")
    sound = True
    for line in diagnose(
        weights or default_weights(expected_kind(device)), device, seconds=seconds, hours=hours
    ):
        click.echo(line)
        sound = sound and not line.startswith("problem")
    click.echo(
        "verdict: all of this works" if sound else "verdict: something does not work, see the problem above"
    )
    context.exit(0 if sound else 1)
