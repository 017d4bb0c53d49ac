"""A run from start to end: data, steps, evaluations, checkpoints, the log, and the weights it leaves."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from solver.model.checkpoint import save_weights
from solver.model.device import Placement, place
from train.checkpoint import (
    better,
    checkpoints,
    find_checkpoint,
    load,
    read_best,
    save_checkpoint,
    write_best,
)
from train.config import TrainConfig, to_yaml
from train.dataset import Dataset, Samples
from train.dataset.inspection import check_data
from train.distributed import World
from train.evaluation import asked_splits, averaged, evaluate
from train.evaluators import make_evaluators
from train.feed import read, split_batch
from train.fit import check_memory
from train.log import RunLog
from train.progress import Progress
from train.provenance import provenance, write_identifiers
from train.trainer import Interrupted, NotANumber, Trainer


class Run:
    """One process's part of a run. ``epoch``, ``done``: position in the data, as the first epoch of the
    current interval and the steps taken in it. ``last``: the newest checkpoint."""

    def __init__(self, config: TrainConfig, world: World, *, quiet: bool = False) -> None:
        self.config, self.world, self.quiet = config, world, quiet
        self.folder = config.run.folder
        self.dataset = Dataset.open(config.run.data)
        test = config.run.data_test
        self.test = self.dataset if test == config.run.data else Dataset.open(test)
        check_data(self.dataset.splits, self.test.splits, config.run.data, leaks=config.run.allow_leaks)
        placement = local_placement(config.run.device, world)
        self.trainer = Trainer(config, self.dataset, world, placement)
        self.epoch, self.done = 0, 0
        self.until = config.run.eval_interval  # the epoch of the next evaluation
        self.breakable = False  # whether a signal may end what is being done at once
        self.last: Path | None = None
        self.asked_to_stop = False  # this process; ``stopping`` is what all of them agreed on
        self.stopping = False
        if "test" in self.test.splits:
            make_evaluators(config.run.evaluators, self.test, config.run.data_test)  # refused now or never
        notes = self._load()
        memory = self._check_memory()
        # Opened last: a run that is refused leaves no trace.
        title = config.run.project_name or "arc-urm-solver"
        self.log = RunLog(self.folder if world.first else None, config.run.tracker, title)
        if world.first:
            write_identifiers(self.folder, self.dataset)
        self.log.header(
            config=config.to_dict(),
            device=placement.reason,
            processes=world.size,
            parameters=self.trainer.parameters,
            memory_parameters=self.trainer.memory_parameters,
            memory=memory,
            total_steps=self.trainer.total_steps,
            from_checkpoint=str(self.last or ""),
            from_step=self.trainer.step,
            not_taken=notes,
        )
        if world.first and not quiet:
            sizes = (
                f"{self.trainer.parameters:,} parameters, {self.trainer.memory_parameters:,} of task memory"
            )
            tqdm.write(f"{config.arch.name}: {sizes}, {placement.reason}")
            tqdm.write(memory)
            if self.last is not None:
                tqdm.write(f"from step {self.trainer.step} of {self.last}")
            for note in notes:
                tqdm.write(f"checkpoint: {note}")

    def _load(self) -> list[str]:
        """Take in the checkpoint that the configuration names; lines on what was not taken."""
        name = self.config.run.load_checkpoint
        if not name:
            there = checkpoints(self.folder)
            if there:
                raise ValueError(
                    f"checkpoint_path: {self.folder} holds {there[-1].name} of an earlier run, wanted "
                    f"load_checkpoint=latest to go on with it, or another folder"
                )
            return []
        # One process looks: on a network's file system the others may see another state of the folder.
        found = self.world.tell(find_checkpoint(name, self.folder) if self.world.first else None)
        if found is None:
            return []
        (self.epoch, self.done), interval, notes = load(self.trainer, found)
        self.until = self.epoch + interval
        self.last = found
        return notes

    def _check_memory(self) -> str:
        """A line on the memory of a step; ValueError where a first batch could not fit."""
        run = self.config.run
        samples = next(read(self.config, self.dataset, self.world, epoch=0, epochs=self.until, done=0), None)
        if samples is None:
            return "no full batch before the first evaluation"
        return check_memory(self.trainer, split_batch(self.trainer.batch(samples), run.grad_accum_steps)[0])

    def go(self) -> dict[str, float] | None:
        """Train to the end: the last evaluation's numbers, or None where the run was asked to stop before.
        ValueError where the loss is no number."""
        run, trainer = self.config.run, self.trainer
        total = trainer.total_steps
        numbers: dict[str, float] = {}
        with Progress(total, "step", done=trainer.step, show=self.world.first and not self.quiet) as bar:
            try:
                while trainer.step < total and self.epoch < run.epochs and not self.stopping:
                    self._interval(bar)
                    if self.stopping:
                        break
                    numbers = self._evaluate()
                    self.epoch, self.done = self.until, 0
                    self.until += run.eval_interval
                    best = self._is_best(numbers)
                    at_end = trainer.step >= total or self.epoch >= run.epochs
                    if run.checkpoint_every_eval or at_end or best:
                        self.save()
                    if best:
                        self._keep_best(numbers)
            except Interrupted:
                self.stopping = True
                self.save()
        kept = run.keep_best and read_best(self.folder) is not None
        if not self.stopping and not kept and (numbers or not (self.folder / "weights").exists()):
            self._export(numbers)
        self._say_goodbye()
        return None if self.stopping else numbers

    def _say_goodbye(self) -> None:
        """Where the run stands and what there is of it; ``total_steps`` is what the data allow on average."""
        if self.quiet or not self.world.first:
            return
        if self.stopping:
            tqdm.write(
                f"Stopped after {self.trainer.step} steps; load_checkpoint=latest goes on from {self.last}"
            )
        else:
            weights = self.folder / "weights"
            tqdm.write(f"Done after {self.trainer.step} steps: {weights if weights.exists() else self.last}")

    def _is_best(self, numbers: dict[str, float]) -> bool:
        """Whether ``keep_best`` names a number that is better than any before it. ValueError for one that
        the evaluations do not give."""
        metric = self.config.run.keep_best
        if not metric or not numbers:
            return False
        # The first process alone has the numbers of the evaluators.
        value = self.world.tell(numbers.get(metric) if self.world.first else None)
        if value is None:
            known = self.world.tell(", ".join(numbers) if self.world.first else None)
            raise ValueError(f"keep_best: got {metric}, expected one of {known}")
        best = self.world.tell(read_best(self.folder) if self.world.first else None)
        return best is None or best["metric"] != metric or better(metric, value, best["value"])

    def _keep_best(self, numbers: dict[str, float]) -> None:
        """Name the checkpoint just written as the best, and let ``weights`` be its."""
        metric = self.config.run.keep_best
        if self.world.first:
            write_best(self.folder, metric, numbers[metric], self.trainer.step)
        self._export(numbers)

    def _interval(self, bar: Progress) -> None:
        """The epochs up to the next evaluation, from where the data stands."""
        run, trainer = self.config.run, self.trainer
        for samples in self._batches():
            numbers = self._step(samples)
            self.done += 1
            self.log.write("train", step=trainer.step, epoch=self.epoch, **numbers)
            bar.advance(loss=f"{numbers['loss']:.3f}")
            if trainer.step >= trainer.total_steps:
                return
            if run.checkpoint_interval and trainer.step % run.checkpoint_interval == 0:
                self.save()
            if self._agree_to_stop():
                self.save()
                return

    def _batches(self) -> Iterable[Samples]:
        """What each step up to the next evaluation learns from."""
        epochs = min(self.until, self.config.run.epochs) - self.epoch
        return read(self.config, self.dataset, self.world, epoch=self.epoch, epochs=epochs, done=self.done)

    def _agree_to_stop(self) -> bool:
        """True on every process, after the same step, once any was asked to stop."""
        flag = torch.tensor(float(self.asked_to_stop), device=self.trainer.device)
        self.stopping = bool(self.world.sum(flag) > 0)
        return self.stopping

    def _step(self, samples: Samples) -> dict[str, float]:
        trainer = self.trainer
        before = trainer.skipped
        try:
            numbers = trainer.train_step(samples, self._interruptible())
        except NotANumber as error:
            names = trainer.names(error.tasks)
            tasks = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
            self.log.write("nan", step=error.step + 1, tasks=names)
            raise ValueError(
                f"{error} (counted from 0); tasks in the batch: {tasks or 'none (a set without tasks)'}; "
                f"last good checkpoint: {self.last or 'none'}; "
                f"on_nan=skip leaves such steps out and counts them"
            ) from error
        if trainer.skipped > before:
            self.log.write("skip", step=trainer.step, skipped=trainer.skipped)
        return numbers

    def _evaluate(self) -> dict[str, float]:
        """Numbers on the splits asked for, logged; none where the data set has none of them."""
        if not asked_splits(self.config.run.eval_splits, self.test):
            return {}
        folder = self.folder / "evaluations" / f"step_{self.trainer.step}"
        numbers = evaluate(
            self.trainer, self.test, folder, quiet=self.quiet, interruptible=self._interruptible()
        )
        self.log.write("eval", step=self.trainer.step, epoch=self.epoch, **numbers)
        if self.world.first and not self.quiet:
            shown = " ".join(f"{name} {value:.4f}" for name, value in numbers.items())
            tqdm.write(f"step {self.trainer.step}: {shown}")
        return numbers

    def save(self) -> None:
        """A checkpoint of this moment."""
        trainer = self.trainer
        state = {
            **trainer.state(),
            "config": self.config.to_dict(),
            "position": (self.epoch, self.done),
            "interval": self.until - self.epoch,
            "processes": self.world.size,
        }
        self.last = save_checkpoint(
            self.folder,
            step=trainer.step,
            state=state,
            own=trainer.own_state(),
            config_text=to_yaml(self.config),
            world=self.world,
            keep=self.config.run.keep_checkpoints,
        )

    def _export(self, numbers: dict[str, float]) -> None:
        """The averaged weights as a set that ``solve`` reads: ``weights`` in the run's folder."""
        trainer = self.trainer
        if not self.world.first or trainer.memory is None:
            return
        with averaged(trainer):
            sizes = {"network": trainer.parameters, "memory": trainer.memory_parameters}
            facts = provenance(
                self.config, self.dataset, step=trainer.step, numbers=numbers, parameters=sizes
            )
            save_weights(self.folder / "weights", trainer.network, trainer.memory.shared_state(), facts)

    def stop_soon(self, *_: Any) -> None:
        """What a job scheduler's SIGTERM asks for: a checkpoint, and the end. One process leaves the step or
        the evaluation it is in, which a resumed run repeats; several agree after their step."""
        self.asked_to_stop = True
        if self.breakable:
            self.breakable = False
            raise Interrupted

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """What may end at once when the process is asked to stop."""
        self.breakable = self.world.size == 1
        try:
            if self.breakable and self.asked_to_stop:
                raise Interrupted
            yield
        finally:
            self.breakable = False


def local_placement(name: str, world: World) -> Placement:
    """The placement of this process: with several, each has the GPU of its local rank."""
    if name in ("auto", "cuda") and torch.cuda.is_available() and world.size > 1:
        name = f"cuda:{world.local_rank}"
    return place(name)


def train(config: TrainConfig, world: World, *, quiet: bool = False) -> dict[str, float] | None:
    """Run a configuration to its end: the last evaluation's numbers, or None where it was asked to stop."""
    run = Run(config, world, quiet=quiet)
    before = signal.signal(signal.SIGTERM, run.stop_soon)
    try:
        return run.go()
    finally:
        signal.signal(signal.SIGTERM, before)
        run.log.close()
