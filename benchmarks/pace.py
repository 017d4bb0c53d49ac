"""Samples a second of a recipe's steps by cells, in variants that take turns on the same core.

    python -m benchmarks.pace urm_small --data DATA --steps 5 --arm recipe --arm "wide: mixture.tokens=6000"

The first line is the first arm with torch.optim.Muon in the place of ours: torch's iterates in bfloat16
whatever the processor. Each arm takes its own batches of the first block; wall seconds and seconds of the
processor are medians over the steps.
"""

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
import torch

from solver.model.dense import Dense
from solver.model.device import place, use_threads
from train.config import resolve
from train.data import CellData
from train.distributed import World
from train.trainer import Trainer
from train.trials import read_arm

WARM_UP = 2  # steps that are not counted


@dataclass
class Arm:
    """A trainer with its batches, and (samples, wall seconds, processor seconds) of each step."""

    name: str
    trainer: Trainer
    batches: list = field(default_factory=list)
    taken: list[tuple[float, float, float]] = field(default_factory=list)

    def step(self) -> None:
        """Learn the next batch, at a share of the budget where every recurrence runs."""
        trainer, at = self.trainer, self.trainer.at
        at.flop = 0.99 * trainer.budget
        samples, wall, used = at.samples, time.perf_counter(), time.process_time()
        trainer.learn(self.batches.pop(0))
        spent = (time.perf_counter() - wall, time.process_time() - used)
        self.taken.append((at.samples - samples, *spent))

    def rates(self) -> tuple[float, float]:
        """Samples a second of the wall's clock, and of the processor's."""
        counted = self.taken[WARM_UP:]
        return tuple(statistics.median(step[0] / step[n] for step in counted) for n in (1, 2))


def with_torch_muon(trainer: Trainer) -> Trainer:
    """The same trainer, its hidden matrices moved by torch's own Muon."""
    (ours, rate), *rest = trainer.dense
    (group,) = ours.param_groups
    theirs = torch.optim.Muon(
        group["params"], lr=rate, weight_decay=group["weight_decay"], adjust_lr_fn="match_rms_adamw"
    )
    trainer.dense = [Dense(theirs, rate), *rest]
    return trainer


def arms_of(recipe: str, data: Path, texts: tuple[str, ...], steps: int) -> list[Arm]:
    """The recipe with torch's Muon, then each arm, with the batches that they will take."""
    placement = place("cpu", quick=True)

    def trainer(*changes: str) -> Trainer:
        config = resolve([recipe, f"data_path={data}", *changes])
        return Trainer(config, CellData(config, placement).feed, World(), placement)

    read = [read_arm(text) for text in texts]
    arms = [Arm("torch's Muon", with_torch_muon(trainer(*read[0][1])))]
    arms += [Arm(name, trainer(*changes)) for name, changes in read]
    for arm in arms:
        arm.batches = arm.trainer.feed.maker(0)[: WARM_UP + steps]
    return arms


@click.command()
@click.argument("recipe")
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--steps", default=5, show_default=True, help="Counted ones, of each arm.")
@click.option("--arm", "texts", multiple=True, required=True, metavar="NAME: KEY=VALUE ...")
@click.option("--threads", default=1, show_default=True)
def main(recipe: str, data: Path, steps: int, texts: tuple[str, ...], threads: int) -> None:
    """Time RECIPE in its arms, the first with Muon, and print how many times faster each is than torch's."""
    use_threads(threads)
    try:
        arms = arms_of(recipe, data, texts, steps)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for _ in range(WARM_UP + steps):
        for arm in arms:
            arm.step()
    first = arms[0].rates()
    click.echo(f"{'arm':20} {'samples/s':>10} {'ratio':>6} {'samples/s of processor':>23} {'ratio':>6}")
    for arm in arms:
        wall, used = arm.rates()
        click.echo(f"{arm.name:20} {wall:10.2f} {wall / first[0]:5.2f}x {used:23.2f} {used / first[1]:5.2f}x")


if __name__ == "__main__":
    main()
