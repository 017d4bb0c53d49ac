"""A run from start to end, or as far as this call gets: data, steps, evaluations, checkpoints, log,
weights."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from solver.model.device import Placement, place, use_threads
from train.checkpoint import better, checkpoints, find_checkpoint, read_best, save_checkpoint, write_best
from train.config import to_yaml
from train.data import CellData, SampleData, open_data
from train.distributed import World
from train.feed import Item
from train.fit import check_memory, check_table
from train.log import RunLog
from train.progress import Pace, Progress, matmul_peak, say
from train.resume import begin, load
from train.settings import Position, TrainConfig
from train.trainer import LOSS, MEASURES, Interrupted, NotANumber, Trainer, metrics


@dataclass
class Call:
    """This call of a run. ``seconds``: after so many it ends with a checkpoint; 0 for no limit. ``stopped``:
    somebody asked it to end. ``evaluation``: seconds of its longest."""

    seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False
    evaluation: float = 0.0

    def left(self) -> float:
        """Seconds until this call is to end."""
        if self.stopped:
            return 0.0
        return self.began + self.seconds - time.monotonic() if self.seconds else float("inf")


class Run:
    """One process's part of a run. ``last``: the newest checkpoint; ``stopping``: what all processes agreed
    on after one of them was asked to end."""

    def __init__(
        self, config: TrainConfig, world: World, *, quiet: bool = False, call: Call | None = None
    ) -> None:
        self.config, self.world, self.quiet = config, world, quiet
        self.folder, self.call = config.run.folder, call or Call(config.run.seconds_now)
        placement = local_placement(config.run.device, world)
        self.data: SampleData | CellData = open_data(config, world, placement)
        check_table(config, self.data.feed, placement.device)
        self.trainer = Trainer(config, self.data.feed, world, placement)
        self.breakable = False  # whether a signal may end what is being done at once
        self.stopping = False
        self.last: Path | None = None
        self.numbers: dict[str, float] = {}
        # What batches measured since the last line of the log, and how many they are.
        self.sums, self.count = torch.zeros(MEASURES, dtype=torch.float64, device=placement.device), 0
        self.saved, self.saved_at = time.monotonic(), Position()  # when the last checkpoint was, and where
        self.data.check(self.trainer)  # refused now or never
        notes = self._load()
        memory = check_memory(self.trainer)
        self._open_log(placement, notes, memory)

    def _load(self) -> list[str]:
        """Take in the checkpoint that the configuration names; lines on what was not taken."""
        run = self.config.run
        found = None
        if run.load_checkpoint:
            # One process looks: on a network's file system the others may see another state of the folder.
            found = find_checkpoint(run.load_checkpoint, self.folder) if self.world.first else None
            found = self.world.tell(found)
        elif there := checkpoints(self.folder):
            raise ValueError(
                f"checkpoint_path: {self.folder} holds {there[-1].name} of an earlier run, wanted "
                f"load_checkpoint=latest to go on with it, or another folder"
            )
        if found is None:
            if run.start:
                begin(self.trainer, run.start)
            return []
        self.last = found
        notes = load(self.trainer, found)
        self.saved_at = replace(self.trainer.at)
        return notes

    def _open_log(self, placement: Placement, notes: list[str], memory: str) -> None:
        """The header, for the log and for people; opened last, so a run that is refused leaves no trace."""
        config, trainer, first = self.config, self.trainer, self.world.first
        title = config.run.project_name or "arc-urm-solver"
        self.log = RunLog(self.folder if first else None, config.run.tracker, title)
        self.data.leave(self.folder if first else None)
        peak = matmul_peak(placement, trainer.dtype) if trainer.kept else 0.0
        self.pace = Pace(peak, trainer.at)
        self.log.header(
            config=config.to_dict(),
            device=placement.reason,
            dtype=str(trainer.dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            processes=self.world.size,
            parameters=trainer.parameters,
            memory_parameters=trainer.memory_parameters,
            memory=memory,
            total_steps=trainer.step_total,
            **self.data.described(trainer),
            peak=peak,
            from_checkpoint=str(self.last or ""),
            from_step=trainer.at.step,
            not_taken=notes,
        )
        sizes = f"{trainer.parameters:,} parameters, {trainer.memory_parameters:,} of task memory"
        self._say(f"{config.arch.name}: {sizes}, {placement.reason}")
        self._say(memory)
        if self.last is not None:
            self._say(f"from step {trainer.at.step} of {self.last}")
        for note in notes:
            self._say(f"checkpoint: {note}")

    def go(self) -> dict[str, float] | None:
        """Train to the end: the last evaluation's numbers, or None where the call ended before. ValueError
        where the loss is no number."""
        trainer = self.trainer
        show = self.world.first and not self.quiet
        with Progress(trainer.budget, self.data.unit, done=trainer.used, show=show) as bar:
            try:
                self._watch()
                while not self._over() and not self._ends():
                    self._block(bar)
                    self._watch()
            except Interrupted:
                self.stopping = True
            finally:
                self._report(bar)
                trainer.feed.close()
        self.stopping = self.stopping or not self._over() or self._due() is not None
        if trainer.at != self.saved_at:
            self.save()
        best = self.config.run.keep_best and read_best(self.folder) is not None
        fresh = self.numbers or trainer.kept or not (self.folder / "weights").exists()
        if not self.stopping and not best and fresh:
            self._export()
        self._say_goodbye()
        return None if self.stopping else self.numbers

    def _block(self, bar: Progress) -> None:
        """The batches of a block, from where the run stands in it."""
        run, trainer = self.config.run, self.trainer
        clock = time.monotonic()
        for item in self._items():
            self.sums += self._step(item)
            self.count += 1
            trainer.at.within += 1
            trainer.at.seconds += time.monotonic() - clock
            if self.count >= run.log_interval:
                self._report(bar)
            if trainer.kept:
                self._watch()
            if self._over() or self._ends():
                break
            clock = time.monotonic()
            steps_due = run.checkpoint_interval and trainer.at.step % run.checkpoint_interval == 0
            if steps_due or (run.checkpoint_seconds and clock - self.saved > run.checkpoint_seconds):
                self.save()
                clock = time.monotonic()
        else:
            if not (trainer.kept and self.call.stopped):
                trainer.feed.next(trainer.at)
        if not trainer.kept and self._over() and trainer.at.within:
            trainer.feed.next(trainer.at)

    def _items(self) -> Iterator[Item]:
        """The block's batches; none where the processes that draw were told to end as this one was."""
        try:
            yield from self.trainer.feed.block(self.trainer.at)
        except BrokenProcessPool:
            if not self.call.stopped:
                raise

    def _over(self) -> bool:
        """Whether the budget is used."""
        return self.trainer.done >= 1 or self.data.exhausted(self.trainer.at)

    def _ends(self) -> bool:
        """True on every process, after the same step, once the call of any is over."""
        flag = torch.tensor(float(self.call.left() <= 0), device=self.trainer.device)
        self.stopping = bool(self.world.sum(flag) > 0)
        return self.stopping

    def _step(self, item: Item) -> torch.Tensor:
        trainer, before = self.trainer, self.trainer.skipped
        try:
            measured = trainer.learn(item, None if trainer.kept else self._interruptible())
        except NotANumber as error:
            self._blame(error)
        if trainer.skipped > before:
            self.log.write("skip", step=trainer.at.step, skipped=trainer.skipped)
        return measured

    def _blame(self, error: NotANumber) -> None:
        """End the run where its loss is no number: which step, which tasks, and where to go on from."""
        names = self.trainer.feed.names(error.tasks)
        tasks = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        self.log.write("nan", step=error.step + 1, tasks=names)
        raise ValueError(
            f"{error} (counted from 0); tasks in the batch: {tasks or 'none (a set without tasks)'}; "
            f"last good checkpoint: {self.last or 'none'}; "
            f"on_nan=skip leaves such steps out and counts them"
        ) from error

    def _report(self, bar: Progress) -> None:
        """A line of the log on the batches since the last one, for which alone the host waits by cells."""
        if not self.count:
            return
        trainer = self.trainer
        at, sums = trainer.at, self.sums
        numbers = metrics(sums)
        self.sums, self.count = torch.zeros_like(sums), 0
        if trainer.kept and not bool(sums[LOSS].isfinite()):
            self._blame(NotANumber(at.step, []))
        rates = {"lr": self.config.run.lr * trainer.last_factor, **trainer.watch.take()}
        where = {"step": at.step, "epoch": at.block}
        if trainer.kept:
            where = {"step": at.step, "seconds": round(at.seconds, 1), "samples": at.samples, "flop": at.flop}
            rates |= self.pace.look(at)
        self.log.write("train", **where, **numbers, **rates)
        shown = {"loss": f"{numbers['lm_loss' if trainer.kept else 'loss']:.3f}"}
        if "exact_accuracy" in numbers:
            shown["exact"] = f"{numbers['exact_accuracy']:.1%}"
        bar.advance(min(trainer.budget, trainer.used), **shown)

    def _due(self) -> float | None:
        """The mark whose evaluation is due."""
        return self.data.due(self.trainer)

    def _watch(self) -> None:
        """Evaluate where it is due, unless the call may have no time left for it: then the next one does."""
        mark, trainer, run = self._due(), self.trainer, self.config.run
        if mark is None or self.stopping or (trainer.kept and self.call.left() <= self.call.evaluation):
            return
        began = time.monotonic()
        numbers = self.data.evaluate(trainer, mark, self._interruptible(), quiet=self.quiet)
        took = time.monotonic() - began
        self.call.evaluation = max(self.call.evaluation, took)
        trainer.at.seen = self.data.mark(trainer)
        if not numbers:
            return
        self.numbers = numbers
        self.log.write("eval", **self.data.where(trainer.at), **numbers, evaluation_seconds=round(took, 2))
        shown = " ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in numbers.items())
        self._say(f"step {trainer.at.step}: {shown}")
        best = self._is_best(numbers)
        if run.checkpoint_every_eval or best:
            self.save()
        if best:
            if self.world.first:
                write_best(self.folder, run.keep_best, numbers[run.keep_best], trainer.at.step)
            self._export()

    def _is_best(self, numbers: dict[str, float]) -> bool:
        """Whether ``keep_best`` names a number that is better than any before it. ValueError for one that
        the evaluations do not give."""
        metric = self.config.run.keep_best
        if not metric:
            return False
        # The first process alone has the numbers of the evaluators.
        value = self.world.tell(numbers.get(metric) if self.world.first else None)
        if value is None:
            known = self.world.tell(", ".join(numbers) if self.world.first else None)
            raise ValueError(f"keep_best: got {metric}, expected one of {known}")
        best = self.world.tell(read_best(self.folder) if self.world.first else None)
        return best is None or best["metric"] != metric or better(metric, value, best["value"])

    def save(self) -> None:
        """A checkpoint of this moment."""
        self.last = save_checkpoint(
            self.folder,
            step=self.trainer.at.step,
            state=self.trainer.state(),
            own=self.trainer.own_state(),
            config_text=to_yaml(self.config),
            world=self.world,
            keep=self.config.run.keep_checkpoints,
            small=self.config.run.small_state,
        )
        self.saved, self.saved_at = time.monotonic(), replace(self.trainer.at)

    def _export(self) -> None:
        """The averaged weights as a set that ``solve`` reads: ``weights`` in the run's folder."""
        if self.world.first and self.trainer.memory is not None:
            self.data.export(self.trainer, self.folder / "weights", self.numbers)

    def _say(self, text: str) -> None:
        if self.world.first and not self.quiet:
            say(text)

    def _say_goodbye(self) -> None:
        """Where the run stands and what there is of it; by samples the budget is what the data allow on
        average."""
        weights, step = self.folder / "weights", self.trainer.at.step
        if self.stopping:
            self._say(f"Stopped after {step} steps; load_checkpoint=latest goes on from {self.last}")
        else:
            self._say(f"Done after {step} steps: {weights if weights.exists() else self.last}")

    def stop_soon(self, *_: Any) -> None:
        """What a job scheduler's SIGTERM asks for: a checkpoint, and the end. One process leaves the step or
        the evaluation it is in, which a resumed run repeats; several agree after their step."""
        self.call.stopped = True
        if self.breakable:
            self.breakable = False
            raise Interrupted

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """What may end at once when the process is asked to stop."""
        self.breakable = self.world.size == 1
        try:
            if self.breakable and self.call.stopped:
                raise Interrupted
            yield
        finally:
            self.breakable = False


def local_placement(name: str, world: World) -> Placement:
    """The placement of this process: with several, each has the GPU of its local rank."""
    if name in ("auto", "cuda") and torch.cuda.is_available() and world.size > 1:
        name = f"cuda:{world.local_rank}"
    return place(name, quick=True)


def train(
    config: TrainConfig, world: World, *, quiet: bool = False, call: Call | None = None
) -> dict[str, float] | None:
    """Run a configuration to its end: the last evaluation's numbers, or None where the call ended before."""
    if config.run.threads:
        use_threads(config.run.threads)
    run = Run(config, world, quiet=quiet, call=call)
    before = signal.signal(signal.SIGTERM, run.stop_soon)
    try:
        return run.go()
    finally:
        signal.signal(signal.SIGTERM, before)
        run.log.close()
