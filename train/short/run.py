"""A short run from start to end, or as far as this call gets: log, evaluations, states, weights."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

import torch
from tqdm import tqdm

from solver.model.attention import choice_for, engine_for
from solver.model.checkpoint import save_weights, task_vectors
from solver.model.device import Placement
from train.log import RunLog, commit
from train.short.feed import Item, blocks
from train.short.pace import Pace, matmul_peak
from train.short.pool import PooledTask, build_pool, unseen
from train.short.recipe import ShortRun, provenance
from train.short.state import has_state, read_state, small, write_state
from train.short.trainer import ShortTrainer
from train.short.watch import Sample, due, evaluate, kept_back, sample_of

REPORT_EVERY = 100  # batches
SAVE_EVERY = 120.0  # seconds
BAR = "{desc}: {percentage:.1f}%|{bar}| {elapsed} gone, {remaining} left{postfix}"


@dataclass
class Call:
    """This call of a run. ``seconds``: after so many it ends with a saved state; 0 for no limit.
    ``small``: the state is to be small. ``stopped``: somebody asked it to end.
    ``evaluation``: seconds of its longest."""

    seconds: float = 0.0
    small: bool = False
    quiet: bool = False
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False
    evaluation: float = 0.0

    def left(self) -> float:
        """Seconds until this call is to end."""
        if self.stopped:
            return 0.0
        return self.began + self.seconds - time.monotonic() if self.seconds else float("inf")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """SIGTERM ends the call as its time limit would."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.stopped = True

        before = signal.signal(signal.SIGTERM, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def pool_of(run: ShortRun, data: Path) -> list[PooledTask]:
    """What the run trains on: never a test pair that is held out or that an evaluation asks."""
    held_out, exclude = [data / path for path in run.held_out], [data / path for path in run.exclude]
    return build_pool(
        data,
        run.files,
        extra=run.extra,
        side=run.side,
        max_cells=run.max_cells,
        never=unseen(held_out, exclude, kept_back(run, data)),
        augmentations=run.drawn.augmentations,
        seed=run.seed,
    )


def train(run: ShortRun, data: Path, output: Path, placement: Placement, call: Call | None = None) -> bool:
    """Train until the budget is used, or this call is over: then the result is False, and the same call
    goes on. ``output`` holds ``state/``, ``log.jsonl`` and, at the end, ``weights/``."""
    call = call or Call()
    with call.listening():
        trainer = ShortTrainer(run, pool_of(run, data), placement)
        log = RunLog(output)
        if has_state(output / "state"):
            trainer.load(read_state(output / "state", placement.device))
        pace = Pace(matmul_peak(placement, trainer.dtype), _mark(trainer))
        log.header(
            run=asdict(run),
            tasks=len(trainer.pool),
            device=placement.reason,
            attention=_attention(trainer),
            peak=pace.peak,
        )
        sample = sample_of(run, data, trainer)
        first = min(1.0, trainer.done)
        # disable=None: no bar where stderr is not a terminal, so that a log has only whole lines.
        hidden = True if call.quiet else None
        with tqdm(total=1.0, initial=first, disable=hidden, desc=run.name, bar_format=BAR) as bar:
            _run(trainer, sample, output, call, log, pace, bar)
        write(trainer, output, call)
    if trainer.done < 1 or due(run, trainer) is not None:
        return False
    export(trainer, output / "weights")
    return True


def _attention(trainer: ShortTrainer) -> str:
    """What runs attention, and why."""
    device = trainer.placement.device
    if trainer.maker.frame is None or device.type != "cuda":
        return engine_for(device)
    choice = choice_for(device.index or 0)
    return f"{choice.engine}: {choice.reason}"


def _mark(trainer: ShortTrainer) -> tuple[float, int, float]:
    return trainer.at.seconds, trainer.at.tokens, trainer.at.flop


def _run(
    trainer: ShortTrainer, sample: Sample, output: Path, call: Call, log: RunLog, pace: Pace, bar: tqdm
) -> None:
    """Batches until the budget or the call is used up; evaluations where they are due."""
    at, looked = trainer.at, Look(trainer, log, pace, bar)
    feed = blocks(trainer.maker, start=at.block, workers=trainer.run.workers)
    clock = saved = time.monotonic()
    try:
        while trainer.done < 1 and call.left() > 0:
            for item in _next(feed, call)[at.within :]:
                looked.take(trainer.learn(item))
                at.within += 1
                at.seconds += time.monotonic() - clock
                watched(trainer, sample, call, log)
                clock = time.monotonic()
                if trainer.done >= 1 or call.left() <= 0:
                    break
            else:
                if call.stopped:
                    break
                at.block, at.within = at.block + 1, 0
            if clock - saved > SAVE_EVERY:
                write(trainer, output, call)
                clock = saved = time.monotonic()
        looked.report()
        watched(trainer, sample, call, log)
    finally:
        feed.close()


def _next(feed: Iterator[list[Item]], call: Call) -> list[Item]:
    """The next block; an empty one where the processes that draw were told to end as this one was."""
    try:
        return next(feed)
    except BrokenProcessPool:
        if not call.stopped:
            raise
        return []


class Look:
    """Sums of what batches gave, written down from time to time; only then the host waits for them."""

    def __init__(self, trainer: ShortTrainer, log: RunLog, pace: Pace, bar: tqdm) -> None:
        self.trainer, self.log, self.pace, self.bar = trainer, log, pace, bar
        self.sums, self.count = torch.zeros(3, device=trainer.placement.device), 0

    def take(self, numbers: torch.Tensor) -> None:
        """One batch more."""
        self.sums += numbers
        self.count += 1
        if self.count == REPORT_EVERY:
            self.report()

    def report(self) -> None:
        """A line in the log and a new state of the bar."""
        if not self.count:
            return
        at, (loss, right, size) = self.trainer.at, self.sums.tolist()
        self.sums, self.count = torch.zeros_like(self.sums), 0
        rates = self.pace.look(at)
        shown = {"loss": f"{loss / size:.3f}", "exact": f"{right / size:.1%}", "flop": f"{at.flop:.1e}"}
        self.bar.set_postfix(**shown, tflops=f"{rates['tflop_per_second']:.3g}")
        self.bar.update(min(1.0, self.trainer.done) - self.bar.n)
        position = {"step": at.step, "seconds": round(at.seconds, 1), "samples": at.samples, "flop": at.flop}
        self.log.write("train", **position, loss=loss / size, exact_accuracy=right / size, **rates)


def watched(trainer: ShortTrainer, sample: Sample, call: Call, log: RunLog) -> None:
    """Evaluate where a mark is passed, unless the call may have no time left for it: then the next does."""
    mark = due(trainer.run, trainer)
    if mark is None or call.left() <= call.evaluation:
        return
    began = time.monotonic()
    numbers = evaluate(trainer.run, trainer, sample, mark)
    trainer.at.seen = trainer.used
    took = time.monotonic() - began
    call.evaluation = max(call.evaluation, took)
    at = trainer.at
    position = {"step": at.step, "flop": at.flop, "before": at.before}
    log.write("eval", **position, **numbers, evaluation_seconds=round(took, 2))


def write(trainer: ShortTrainer, output: Path, call: Call) -> None:
    """The run's state, as small as the call wants it."""
    state = trainer.state()
    write_state(output / "state", small(state) if call.small else state)


def export(trainer: ShortTrainer, folder: Path) -> None:
    """The averaged weights as a set that ``solve`` reads, with the vectors of the tasks it was trained on."""
    at = trainer.at
    spent = {
        "steps": at.step, "samples": at.samples, "tokens": at.tokens, "flop": at.flop, "before": at.before
    }  # fmt: skip
    sizes = {
        name: sum(p.numel() for p in part.state_dict().values())
        for name, part in (("network", trainer.network), ("memory", trainer.memory))
    }
    where = {
        "parameters": sizes,
        "seconds": round(at.seconds),
        "device": trainer.placement.reason,
        "commit": commit(),
    }
    seen = provenance(trainer.run, trainer.pool)
    network, shared = trainer.averaged(), trainer.memory.shared_state()
    vectors = task_vectors(trainer.memory, [entry.checksums for entry in trainer.pool])
    save_weights(folder, network, shared, {**seen, **spent, **where}, vectors=vectors)
