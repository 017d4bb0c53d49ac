"""Short runs: the most learning for little compute, on cropped canvases, resumable from one file.

Every batch is kept for a few loops, one optimiser step each, then replaced; the number of loops
grows over the run. Rates warm up, hold, and fall linearly to zero (warm-up / stable / decay).
The schedule follows the share of the budget that is used, so a resumed run may extend it.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import click
import torch
from torch import nn
from tqdm import tqdm

from solver.arc.task import Task
from solver.arc.vote import grid_key
from solver.model.checkpoint import replace_file, save_weights
from solver.model.config import URMConfig, checked
from solver.model.device import Placement, place
from solver.model.embedding import Memory, build_memory
from solver.model.flops import training_flop
from solver.model.learner import Learner, Rates
from solver.model.optim import Average, warm_stable_decay
from solver.model.urm import URM
from solver.run.batch import build_batch
from train.pool import Mixture, PooledTask, batches, build_pool


@dataclass(frozen=True)
class Stage:
    """From the share ``start`` of the budget on, a batch is kept for ``loops`` loops."""

    start: float
    loops: int


@dataclass(frozen=True)
class ShortRun:
    """One run. ``sources``: challenges files under ``data``. ``extra``: file of generated pairs, or
    empty. ``seconds``: the budget, summed over resumptions. ``max_cells``: largest cropped canvas.
    ``dtype``: of activations, or ``auto``."""

    name: str
    network: dict[str, Any]
    sources: list[str]
    extra: str = ""
    tests: bool = True
    seconds: float = 1800.0
    max_cells: int = 200
    warm_up: float = 0.02
    decay_from: float = 0.5
    average_decay: float = 0.998
    seed: int = 0
    dtype: str = "auto"
    stages: list[Any] = field(default_factory=lambda: [[0.0, 1]])
    rates: dict[str, float] = field(default_factory=dict)
    mixture: dict[str, Any] = field(default_factory=dict)

    def loops_at(self, done: float) -> int:
        return [int(loops) for start, loops in self.stages if start <= done][-1]


def read_run(path: Path) -> ShortRun:
    """A run from its JSON recipe; ValueError naming an unknown key."""
    return ShortRun(**checked(ShortRun, json.loads(path.read_text()), str(path)))


def task_checksum(task: Task) -> str:
    """Eight hex digits over the demonstrations, in order: the same task under any name."""
    total = 0
    for pair in task.train:
        total = crc32(grid_key(pair.output), crc32(grid_key(pair.input), total))
    return f"{total:08x}"


class ShortTrainer:
    """Network, memory, optimisers and where in the run they are."""

    def __init__(self, run: ShortRun, pool: Sequence[PooledTask], placement: Placement) -> None:
        self.run, self.pool, self.placement = run, pool, placement
        self.dtype = placement.dtype if run.dtype == "auto" else getattr(torch, run.dtype)
        generator = torch.Generator().manual_seed(run.seed)
        config = URMConfig.from_dict(run.network, f"recipe {run.name}, network")
        self.network: nn.Module = URM(config, generator)
        self.memory: Memory = build_memory(config, tasks=len(pool) + 1, rows=1, generator=generator)
        self.network.to(placement.device)
        self.memory.to(placement.device)
        self.average = Average(self.network, run.average_decay, warm=True)
        rates = Rates(**run.rates)
        self.learner = Learner(self.network, self.memory, rates, dtype=self.dtype, average=self.average)
        self.step, self.block, self.seconds, self.flop, self.samples = 0, 0, 0.0, 0.0, 0

    def state(self) -> dict[str, Any]:
        learner = self.learner
        optimizers = [learner.optimizer.state_dict()]
        if learner.task_optimizer is not None:
            optimizers.append(learner.task_optimizer.state_dict())
        return {
            "network": self.network.state_dict(),
            "memory": self.memory.state_dict(),
            "average": [self.average.steps, self.average.values],
            "optimizers": optimizers,
            "position": [self.step, self.block, self.seconds, self.flop, self.samples],
        }

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.memory.load_state_dict(state["memory"])
        self.average.steps = state["average"][0]
        for value, kept in zip(self.average.values, state["average"][1], strict=True):
            value.copy_(kept)
        self.learner.optimizer.load_state_dict(state["optimizers"][0])
        if self.learner.task_optimizer is not None:
            self.learner.task_optimizer.load_state_dict(state["optimizers"][1])
        self.step, self.block, self.seconds, self.flop, self.samples = state["position"]

    def train_batch(self, views: Sequence, done: float) -> tuple[float, float]:
        """Keep the views for this stage's loops. Returns (loss a sequence, share right) of the last."""
        batch = build_batch(views).to(self.placement.device)
        states = self.network.initial_states(batch, self.dtype)
        scale = warm_stable_decay(done, self.run.warm_up, self.run.decay_from)
        for _ in range(self.run.loops_at(done)):
            states, terms = self.learner.step(states, batch, scale=scale)
            self.step += 1
            self.flop += len(batch) * training_flop(self.network.config, batch.tokens.shape[1])
        self.samples += len(batch)
        return float(terms.lm) / len(batch), float(terms.correct.float().mean())


def train(run: ShortRun, data: Path, output: Path, placement: Placement, *, quiet: bool = False) -> None:
    """Train until the budget is used; ``output`` holds state, log and the weights at the end."""
    extra = data / run.extra if run.extra else None
    pool = build_pool(
        [data / source for source in run.sources], extra, max_cells=run.max_cells, tests=run.tests
    )
    trainer = ShortTrainer(run, pool, placement)
    output.mkdir(parents=True, exist_ok=True)
    state_file = output / "state.pt"
    if state_file.exists():
        trainer.load(torch.load(state_file, map_location=placement.device, weights_only=True))
    _log(output, {"run": asdict(run), "commit": _commit(), "torch": torch.__version__, "tasks": len(pool)})
    bar = tqdm(total=round(run.seconds), disable=quiet, unit="s", desc=run.name)
    bar.update(round(trainer.seconds))
    clock, saved = time.monotonic(), time.monotonic()
    mixture = Mixture(**run.mixture)
    losses, rights = [], []
    for views in batches(pool, mixture, seed=run.seed, start=trainer.block):
        done = trainer.seconds / run.seconds
        if done >= 1:
            break
        loss, right = trainer.train_batch(views, done)
        losses.append(loss)
        rights.append(right)
        now = time.monotonic()
        trainer.seconds += now - clock
        bar.update(round(trainer.seconds) - bar.n)
        clock = now
        if len(losses) == 100:
            _report(trainer, bar, output, losses, rights)
            losses, rights = [], []
        if now - saved > 60:
            trainer.block += 1  # a resumed run starts with a block that was not begun
            _save(trainer, state_file)
            saved = now
    _save(trainer, state_file)
    export(trainer, output / "weights")


def _report(trainer: ShortTrainer, bar: tqdm, output: Path, losses: list, rights: list) -> None:
    loss, right = sum(losses) / len(losses), sum(rights) / len(rights)
    bar.set_postfix(loss=f"{loss:.3f}", exact=f"{right:.1%}", flop=f"{trainer.flop:.1e}")
    position = {"step": trainer.step, "seconds": round(trainer.seconds, 1), "samples": trainer.samples}
    _log(output, {**position, "flop": trainer.flop, "loss": loss, "exact": right})


def _log(output: Path, record: dict[str, Any]) -> None:
    with open(output / "log.jsonl", "a") as file:
        file.write(json.dumps(record) + "\n")


def _save(trainer: ShortTrainer, path: Path) -> None:
    import io

    buffer = io.BytesIO()
    torch.save(trainer.state(), buffer)
    replace_file(path, buffer.getvalue())


def _commit() -> str:
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    except OSError:
        return ""
    return found.stdout.strip()


def export(trainer: ShortTrainer, folder: Path) -> None:
    """The averaged weights as a set that ``solve`` reads."""
    run = trainer.run
    provenance = {
        "name": run.name,
        "commit": _commit(),
        "data": [*run.sources, *([run.extra] if run.extra else [])],
        "test_pairs_seen": run.tests,
        "steps": trainer.step,
        "samples": trainer.samples,
        "flop": trainer.flop,
        "seconds": round(trainer.seconds),
        "device": trainer.placement.reason,
        "recipe": asdict(run),
        "tasks": sorted({task_checksum(entry.task) for entry in trainer.pool}),
    }
    trainer.average.swap()
    save_weights(folder, trainer.network, trainer.memory.shared_state(), provenance)
    trainer.average.swap()


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--seconds", type=float, help="Another budget than the recipe's; a resumed run may extend it.")
@click.option("--threads", type=int, help="Threads on the CPU.")
@click.option("--device", default="auto")
@click.option("--quiet", is_flag=True)
def main(
    recipe: Path,
    data: Path,
    output: Path,
    seconds: float | None,
    threads: int | None,
    device: str,
    quiet: bool,
) -> None:
    """Train RECIPE on the task files under --data; the weights land in --output/weights."""
    run = read_run(recipe)
    if seconds is not None:
        run = ShortRun(**{**asdict(run), "seconds": seconds})
    if threads:
        torch.set_num_threads(threads)
    train(run, data, output, place(device), quiet=quiet)


if __name__ == "__main__":
    main()
