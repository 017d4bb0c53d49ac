"""``solve pack NAME|DIR -o DIR``: the same weights in fewer bytes, and what that changes."""

from pathlib import Path

import click

from solver.weights_card import DEVICES

DTYPES = ("int8", "bfloat16", "float32")
SHIPPED_BYTES = 15e6  # a set that travels with the program is no larger


EXAMPLES = """\b
Examples:
  solve pack urm-nano -o weights/urm-nano-int8
  solve pack runs/mine/weights -o weights/mine --device cuda
"""


@click.command(
    "pack",
    short_help="Store weights in fewer bytes, and say what that changes.",
    epilog=EXAMPLES,
)
@click.argument("weights", metavar="NAME|DIR")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the smaller set; it must not hold weights already.",
)
@click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    default="int8",
    show_default=True,
    help="int8: matrices in 8-bit rows with a scale each.",
)
@click.option("--tasks", metavar="TASKS", help="Compare the outputs on these tasks instead of made-up ones.")
@click.option(
    "--device",
    "devices",
    multiple=True,
    type=click.Choice(DEVICES),
    help="Make the set the default there; may be given several times.",
)
def pack(weights: str, output: Path, dtype: str, tasks: str | None, devices: tuple[str, ...]) -> None:
    """Store a set of weights in fewer bytes, and say how its outputs change.

    Vectors of known tasks go along, always in 8-bit rows. The tasks' demonstrations are shown to both sets
    as they stand, without tuning.
    """
    import torch

    from solver.arc.made_up import SIDES, made_up_task
    from solver.arc.task import load_tasks
    from solver.model.checkpoint import load_weights, save_weights
    from solver.tune.repack import compare_outputs
    from solver.weights_card import find_weights, read_card

    if (output / "config.json").exists():
        raise click.UsageError(f"{output}: holds a set of weights already, wanted a new folder")
    shown = load_tasks(tasks) if tasks else [made_up_task(side) for side in SIDES]
    source = find_weights(weights)
    before = load_weights(str(source))
    chosen = devices or read_card(source).devices
    more = {"vectors": before.vectors, "devices": chosen}
    save_weights(output, before.network, before.memory, before.provenance, getattr(torch, dtype), **more)
    difference = compare_outputs(before, load_weights(str(output)), shown)
    for name, folder in (("before", source), ("after", output)):
        click.echo(f"{name}: {_sizes(folder)}")
    click.echo("\n".join(difference.lines()))
    if (total := _total(output)) > SHIPPED_BYTES:
        click.echo(
            f"{output}: {total / 1e6:.2f} MB, more than the {SHIPPED_BYTES / 1e6:.0f} MB of a set that ships"
        )


def _sizes(folder: Path) -> str:
    """``2.51 MB (config.json 0.04, model.safetensors 2.47)``."""
    sizes = {path.name: path.stat().st_size / 1e6 for path in sorted(folder.iterdir()) if path.is_file()}
    parts = ", ".join(f"{name} {size:.2f}" for name, size in sizes.items())
    return f"{_total(folder) / 1e6:.2f} MB ({parts})"


def _total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
