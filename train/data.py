"""The two kinds of data that a run trains on: what each feeds, when and how it is judged, what it leaves.

``SampleData`` is a data set of ``build_dataset.py``, judged at the end of each stretch of epochs on its
splits (``train.evaluation``). ``CellData`` is a pool of task files, judged at shares of the budget on test
pairs that are kept back (``train.watch``).
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from solver.model.attention import choice_for, engine_for
from solver.model.checkpoint import save_weights, task_vectors
from solver.model.device import Placement
from train.dataset import Dataset
from train.dataset.inspection import check_data
from train.distributed import World
from train.evaluation import asked_splits, averaged, evaluate
from train.evaluators import make_evaluators
from train.feed import CellFeed, SampleFeed, full_side
from train.log import commit
from train.pool import pool_of
from train.provenance import of_cells, of_samples, write_identifiers
from train.settings import Position, TrainConfig
from train.trainer import Trainer
from train.watch import due_mark, sample_of, watch

Interruptible = AbstractContextManager[None]


class SampleData:
    """A data set to train on and one, perhaps the same, to evaluate on."""

    unit = "step"

    def __init__(self, config: TrainConfig, world: World) -> None:
        self.config, run = config, config.run
        self.dataset = Dataset.open(run.data)
        self.test = self.dataset if run.data_test == run.data else Dataset.open(run.data_test)
        check_data(self.dataset.splits, self.test.splits, run.data, leaks=run.allow_leaks)
        self.feed = SampleFeed(config, self.dataset, world)

    def check(self, trainer: Trainer) -> None:
        """ValueError where evaluations could not be made."""
        if "test" in self.test.splits:
            make_evaluators(self.config.run.evaluators, self.test, self.config.run.data_test)

    def described(self, trainer: Trainer) -> dict[str, Any]:
        """For the header of the log."""
        return {}

    def leave(self, folder: Path | None) -> None:
        """What lies beside the checkpoints: who the rows of the puzzle-embedding table are."""
        if folder is not None:
            write_identifiers(folder, self.dataset)

    def exhausted(self, at: Position) -> bool:
        """Whether the epochs are over."""
        return at.block >= self.config.run.epochs

    def mark(self, trainer: Trainer) -> float:
        """Where the run stands, as ``Position.seen`` keeps it."""
        return float(trainer.at.block)

    def due(self, trainer: Trainer) -> float | None:
        """The epoch whose evaluation has not been made yet."""
        at = trainer.at
        fresh = not at.within and at.block > max(at.seen, 0)
        return float(at.block) if fresh else None

    def where(self, at: Position) -> dict[str, Any]:
        """For an evaluation's line of the log."""
        return {"step": at.step, "epoch": at.block}

    def evaluate(
        self, trainer: Trainer, mark: float, interruptible: Interruptible, *, quiet: bool
    ) -> dict[str, float]:
        """Numbers on the splits asked for; none where the data set has none of them."""
        run = self.config.run
        if not asked_splits(run.eval_splits, self.test):
            return {}
        folder = run.folder / "evaluations" / f"step_{trainer.at.step}"
        return evaluate(trainer, self.test, folder, quiet=quiet, interruptible=interruptible)

    def export(self, trainer: Trainer, folder: Path, numbers: dict[str, float]) -> None:
        """The averaged weights with their provenance."""
        sizes = {"network": trainer.parameters, "memory": trainer.memory_parameters}
        with averaged(trainer):
            facts = of_samples(
                self.config, self.dataset, step=trainer.at.step, numbers=numbers, parameters=sizes
            )
            save_weights(folder, trainer.network, trainer.memory.shared_state(), facts)


class CellData:
    """A pool of tasks, and the tasks that evaluations ask."""

    unit = "budget"

    def __init__(self, config: TrainConfig, placement: Placement) -> None:
        self.config = config
        self.feed = CellFeed(config, pool_of(config.run, full_side(config)), placement)
        self.sample = sample_of(config.run, self.feed.pool)

    def check(self, trainer: Trainer) -> None:
        """A module with the released contract has no loops to keep a batch for."""
        if trainer.memory is None:
            raise ValueError(f"arch {self.config.arch.name}: has its own carry, expected data by samples")

    def described(self, trainer: Trainer) -> dict[str, Any]:
        """For the header of the log: how many tasks, and what runs attention, and why."""
        device = trainer.device
        attention = engine_for(device)
        if self.feed.frame is not None and device.type == "cuda":
            choice = choice_for(device.index or 0)
            attention = f"{choice.engine}: {choice.reason}"
        return {"tasks": len(self.feed.pool), "attention": attention}

    def leave(self, folder: Path | None) -> None:
        """Nothing: the task vectors travel with the weights."""

    def exhausted(self, at: Position) -> bool:
        """Never: samples are drawn without end."""
        return False

    def mark(self, trainer: Trainer) -> float:
        """The budget used, as ``Position.seen`` keeps it."""
        return trainer.used

    def due(self, trainer: Trainer) -> float | None:
        """The latest mark that the run has passed since its last evaluation."""
        return due_mark(self.config.run.watch, trainer)

    def where(self, at: Position) -> dict[str, Any]:
        """For an evaluation's line of the log."""
        return {"step": at.step, "flop": at.flop, "before": at.before}

    def evaluate(
        self, trainer: Trainer, mark: float, interruptible: Interruptible, *, quiet: bool
    ) -> dict[str, float]:
        """Votes on test pairs that are kept back."""
        with interruptible:
            return watch(self.config, trainer, self.sample, mark)

    def export(self, trainer: Trainer, folder: Path, numbers: dict[str, float]) -> None:
        """The averaged weights with their provenance and the vectors of the tasks they were trained on."""
        sizes = {"network": trainer.parameters, "memory": trainer.memory_parameters}
        at, where = trainer.at, {"device": trainer.placement.reason, "commit": commit()}
        facts = {**of_cells(self.config, self.feed.pool, at, trainer.former), "parameters": sizes, **where}
        vectors = task_vectors(trainer.memory, [entry.checksums for entry in self.feed.pool])
        save_weights(folder, trainer.averaged(), trainer.memory.shared_state(), facts, vectors=vectors)


def open_data(config: TrainConfig, world: World, placement: Placement) -> SampleData | CellData:
    """The data that the configuration names; ValueError where it leaks or cannot be read."""
    return CellData(config, placement) if config.run.by_cells else SampleData(config, world)
