"""The most learning for little compute: cropped canvases, growing loops, resumable from one file.

Every batch is kept for a few loops, one optimiser step each, then replaced; the number of loops
grows over the run. Rates warm up, hold, and fall linearly to zero (warm-up / stable / decay). The
schedule follows the share of the budget that is used, so a resumed run may extend it.
"""

import io
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from solver.file import replace_file
from solver.model.batch import Batch
from solver.model.checkpoint import save_weights
from solver.model.config import URMConfig
from solver.model.device import Placement
from solver.model.embedding import Memory, build_memory
from solver.model.flops import training_flop
from solver.model.learner import Learner, Rates
from solver.model.optim import Average, warm_stable_decay
from solver.model.urm import URM
from train.short.feed import blocks
from train.short.pool import Mixture, PooledTask, build_pool
from train.short.recipe import ShortRun, provenance

REPORT_EVERY = 100  # batches
SAVE_EVERY = 60.0  # seconds
BAR = "{desc}: {percentage:.1f}%|{bar}| {elapsed} gone, {remaining} left{postfix}"


class ShortTrainer:
    """Network, memory, optimisers and where in the run they are."""

    def __init__(self, run: ShortRun, pool: Sequence[PooledTask], placement: Placement) -> None:
        self.run, self.pool, self.placement = run, pool, placement
        self.dtype = placement.dtype if run.dtype == "auto" else getattr(torch, run.dtype)
        generator = torch.Generator().manual_seed(run.seed)
        self.config = URMConfig.from_dict(run.network, f"recipe {run.name}, network")
        self.network: nn.Module = URM(self.config, generator).to(placement.device)
        memory = build_memory(self.config, tasks=len(pool) + 1, rows=1, generator=generator)
        self.memory: Memory = memory.to(placement.device)
        self.average = Average(self.network, run.average_decay, warm=True)
        rates = Rates(**run.rates)
        self.learner = Learner(self.network, self.memory, rates, dtype=self.dtype, average=self.average)
        if run.compile:
            self.network.compile(dynamic=True)
        self.step, self.block, self.samples = 0, 0, 0
        self.seconds, self.flop = 0.0, 0.0

    @property
    def done(self) -> float:
        """The share of the budget that is used."""
        return self.flop / self.run.flop if self.run.flop else self.seconds / self.run.seconds

    def state(self) -> dict[str, Any]:
        optimizers = [optimizer.state_dict() for optimizer, _ in self.learner.optimizers]
        if self.learner.task_optimizer is not None:
            optimizers.append(self.learner.task_optimizer.state_dict())
        return {
            "network": self.network.state_dict(),
            "memory": self.memory.state_dict(),
            "average": [self.average.steps, self.average.values],
            "optimizers": optimizers,
            "position": [self.step, self.block, self.samples, self.seconds, self.flop],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from ``state``; optimisers may be missing (a small file): their moments start anew."""
        self.network.load_state_dict(state["network"])
        self.memory.load_state_dict(state["memory"])
        self.average.steps = state["average"][0]
        for value, kept in zip(self.average.values, state["average"][1], strict=True):
            value.copy_(kept)
        holders = [optimizer for optimizer, _ in self.learner.optimizers]
        if self.learner.task_optimizer is not None:
            holders.append(self.learner.task_optimizer)
        for optimizer, kept in zip(holders, state["optimizers"] or [None] * len(holders), strict=True):
            if kept is not None:
                optimizer.load_state_dict(kept)
        self.step, self.block, self.samples, self.seconds, self.flop = state["position"]

    def train_batch(self, batch: Batch) -> torch.Tensor:
        """Keep the batch for this stage's loops, one step each.

        Returns [3] float32 on the device: loss and right sequences of the last loop, sequences.
        """
        cells = batch.lengths.tolist()
        batch = batch.to(self.placement.device)
        states = self.network.initial_states(batch, self.dtype)
        scale = warm_stable_decay(self.done, self.run.warm_up, self.run.decay_from)
        loops = self.run.loops_at(self.done)
        for _ in range(loops):
            states, terms = self.learner.step(states, batch, scale=scale)
        self.step += loops
        self.samples += len(cells)
        self.flop += loops * sum(training_flop(self.config, count) for count in cells)
        right = terms.correct.sum().float()
        return torch.stack([terms.lm.float(), right, torch.full_like(right, len(cells))]).detach()


def train(run: ShortRun, data: Path, output: Path, placement: Placement, *, quiet: bool = False) -> None:
    """Train until the budget is used; ``output`` holds state, log and the weights at the end."""
    extra = data / run.extra if run.extra else None
    sources = [data / source for source in run.sources]
    held_out = [data / path for path in run.held_out]
    pool = build_pool(sources, extra, max_cells=run.max_cells, tests=run.tests, held_out=held_out)
    trainer = ShortTrainer(run, pool, placement)
    output.mkdir(parents=True, exist_ok=True)
    state_file = output / "state.pt"
    if state_file.exists():
        trainer.load(torch.load(state_file, map_location=placement.device, weights_only=True))
    header = {"run": asdict(run), "commit": commit(), "torch": torch.__version__, "tasks": len(pool)}
    log(output, {**header, "device": placement.reason})
    prefix = trainer.config.prefix_len if placement.device.type == "cuda" else -1
    feed = blocks(
        pool,
        Mixture(**run.mixture),
        seed=run.seed,
        start=trainer.block,
        packed_prefix=prefix,
        workers=run.workers,
    )
    first = min(1.0, trainer.done)
    with tqdm(total=1.0, initial=first, disable=quiet, desc=run.name, bar_format=BAR) as bar:
        _run(trainer, feed, output, bar)
    save(trainer, state_file)
    export(trainer, output / "weights")


def _run(trainer: ShortTrainer, feed: Any, output: Path, bar: tqdm) -> None:
    device = trainer.placement.device
    clock, saved = time.monotonic(), time.monotonic()
    sums, count = torch.zeros(3, device=device), 0
    for block in feed:
        for batch in block:
            if trainer.done >= 1:
                feed.close()
                return
            sums += trainer.train_batch(batch)
            count += 1
            now = time.monotonic()
            trainer.seconds += now - clock
            clock = now
            if count == REPORT_EVERY:
                _report(trainer, bar, output, sums)
                sums, count = torch.zeros(3, device=device), 0
        trainer.block += 1
        if time.monotonic() - saved > SAVE_EVERY:
            save(trainer, output / "state.pt")
            saved = time.monotonic()


def _report(trainer: ShortTrainer, bar: tqdm, output: Path, sums: torch.Tensor) -> None:
    loss, right, size = sums.tolist()
    bar.set_postfix(loss=f"{loss / size:.3f}", exact=f"{right / size:.1%}", flop=f"{trainer.flop:.1e}")
    bar.update(min(1.0, trainer.done) - bar.n)
    position = {"step": trainer.step, "seconds": round(trainer.seconds, 1), "samples": trainer.samples}
    log(output, {**position, "flop": trainer.flop, "loss": loss / size, "exact": right / size})


def log(output: Path, record: dict[str, Any]) -> None:
    """One JSON line more."""
    with open(output / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def save(trainer: ShortTrainer, path: Path) -> None:
    """The whole state, replaced atomically."""
    buffer = io.BytesIO()
    torch.save(trainer.state(), buffer)
    replace_file(path, buffer.getvalue())


def commit() -> str:
    """The checkout's commit, or an empty string outside one."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=folder
        )
    except OSError:
        return ""
    return found.stdout.strip()


def export(trainer: ShortTrainer, folder: Path) -> None:
    """The averaged weights as a set that ``solve`` reads."""
    seen = provenance(trainer.run, trainer.pool)
    spent = {"steps": trainer.step, "samples": trainer.samples, "flop": trainer.flop}
    where = {"seconds": round(trainer.seconds), "device": trainer.placement.reason, "commit": commit()}
    trainer.average.swap()
    save_weights(folder, trainer.network, trainer.memory.shared_state(), {**seen, **spent, **where})
    trainer.average.swap()
