"""One configuration with several seeds, and what their last evaluations say together."""

import json
from dataclasses import replace
from pathlib import Path

import click

from solver.file import replace_file
from train.checkpoint import LATEST
from train.config import TrainConfig
from train.distributed import World
from train.log import FILE, read_log
from train.loop import train

SEEDS_FILE = "seeds.json"
Numbers = dict[str, float]


def train_seeds(config: TrainConfig, world: World, count: int, *, quiet: bool = False) -> None:
    """Train with ``count`` seeds from the configuration's own on, each in ``seed_N`` of the run's folder, and
    print mean, least and most of every number. Ended runs go on where they were; finished ones stand."""
    folder, found = config.run.folder, []
    for seed in range(config.run.seed, config.run.seed + count):
        own = folder / f"seed_{seed}"
        run = replace(config.run, seed=seed, checkpoint_path=str(own), load_checkpoint=LATEST)
        if train(replace(config, run=run), world, quiet=quiet) is None:
            return  # asked to stop: the same command goes on
        if world.first:
            found.append(last_evaluation(own / FILE))
    if not world.first:
        return
    table = summary(found)
    replace_file(
        folder / SEEDS_FILE, (json.dumps({"seeds": count, "numbers": table}, indent=1) + "\n").encode()
    )
    for name, (mean, least, most) in table.items():
        click.echo(f"{name}: mean {mean:.4f}, {least:.4f} to {most:.4f} ({count} seeds)")


def last_evaluation(path: Path) -> Numbers:
    """The numbers of a log's last evaluation; none where it has none."""
    evaluations = [record for record in read_log(path) if record["event"] == "eval"]
    last = evaluations[-1] if evaluations else {}
    return {k: v for k, v in last.items() if isinstance(v, float) and k != "time"}


def summary(runs: list[Numbers]) -> dict[str, tuple[float, float, float]]:
    """(mean, least, most) of each number that all runs have."""
    names = [name for name in runs[0] if all(name in run for run in runs)]
    columns = {name: [run[name] for run in runs] for name in names}
    return {name: (sum(v) / len(v), min(v), max(v)) for name, v in columns.items()}
