"""One configuration in several seeds, or in several variants: what their last evaluations say, side by side.

What a small trial decides holds for the small size; the recipes say which of their choices rest on one.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import click

from solver.file import replace_file
from train.checkpoint import LATEST
from train.config import resolve
from train.distributed import World
from train.log import FILE, read_log
from train.loop import train
from train.settings import TrainConfig

SEEDS_FILE = "seeds.json"
Numbers = dict[str, float]


def read_arm(text: str) -> tuple[str, tuple[str, ...]]:
    """``NAME`` or ``NAME: KEY=VALUE KEY=VALUE``, no spaces inside a value."""
    name, _, rest = text.partition(":")
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"arm {text}: wanted NAME: KEY=VALUE ..., the name of letters, digits, _ - .")
    return name, tuple(rest.split())


def train_arms(
    words: tuple[str, ...], arms: tuple[str, ...], world: World, seeds: int, *, quiet: bool
) -> None:
    """Train each arm, ``words`` and its own after them, in its own part of the run's folder."""
    folder = resolve(words).run.folder
    for name, changes in map(read_arm, arms):
        config = resolve([*words, *changes])
        config = replace(config, run=replace(config.run, checkpoint_path=str(folder / name)))
        if world.first:
            click.echo(f"{name}:")
        if not train_seeds(config, world, seeds, quiet=quiet):
            return


def train_seeds(config: TrainConfig, world: World, count: int, *, quiet: bool = False) -> bool:
    """Train with ``count`` seeds from the configuration's own on, each in ``seed_N`` of the run's folder, and
    print mean, least and most of every number. Ended runs go on where they were; finished ones stand. False
    where the run was asked to stop: the same command goes on."""
    folder, found = config.run.folder, []
    for seed in range(config.run.seed, config.run.seed + count):
        own = folder / f"seed_{seed}"
        run = replace(config.run, seed=seed, checkpoint_path=str(own), load_checkpoint=LATEST)
        if train(replace(config, run=run), world, quiet=quiet) is None:
            return False
        if world.first:
            found.append(last_numbers(own / FILE))
    if not world.first:
        return True
    table = summary(found)
    replace_file(
        folder / SEEDS_FILE, (json.dumps({"seeds": count, "numbers": table}, indent=1) + "\n").encode()
    )
    for name, (mean, least, most) in table.items():
        click.echo(f"{name}: mean {mean:.4f}, {least:.4f} to {most:.4f} ({count} seeds)")
    return True


def last_numbers(path: Path) -> Numbers:
    """The numbers of a log's last evaluation, and ``trained``: the mean loss of the last fifth of its lines
    of training."""
    records = read_log(path)
    evaluations = [record for record in records if record["event"] == "eval"]
    last = evaluations[-1] if evaluations else {}
    losses = [record["lm_loss"] for record in records if record["event"] == "train"]
    late = losses[-max(1, len(losses) // 5) :]
    trained = {"trained": sum(late) / len(late)} if late else {}
    skipped = ("time", "mark", "flop", "before", "spent", "evaluation_seconds")
    return {**trained, **{k: v for k, v in last.items() if isinstance(v, float) and k not in skipped}}


def summary(runs: list[Numbers]) -> dict[str, tuple[float, float, float]]:
    """(mean, least, most) of each number that all runs have."""
    names = [name for name in runs[0] if all(name in run for run in runs)]
    columns = {name: [run[name] for run in runs] for name in names}
    return {name: (sum(v) / len(v), min(v), max(v)) for name, v in columns.items()}
