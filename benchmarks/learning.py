"""Learning per compute: full against cropped canvases, 1-D against 2-D rotary positions, same wall time.

    python -m benchmarks.learning --data DIR --seconds 240 --output FOLDER [--size nano] [--arm NAME ...]

Four arms train the same network on the same samples in the same batches, as many as each gets through.
Held out are the test pairs of the training tasks: the tasks are seen, their test pairs are not, and no
pair that equals one of them is trained on. They are predicted unaugmented with the averaged weights, the
cropped arms on the canvas that ``predict`` would choose from the demonstrations. Clock: training only,
data included, evaluation not. Each arm resumes from its own folder; one figure shows them all.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import torch
from tqdm import tqdm

from solver.arc.canvas import larger_canvas, test_canvas
from solver.arc.seed import derive_generator
from solver.arc.task import MAX_SIDE
from solver.arc.tokens import FIRST_COLOUR, crop_shape
from solver.file import replace_file
from solver.model.batch import Batch
from solver.model.device import Placement, place, use_threads
from solver.model.learner import run_loops
from solver.model.loss import log_stablemax
from solver.processors import available_cpus
from solver.tune.views import View, build_batch
from train.cells import BLOCK, Deck
from train.checkpoint import LATEST, find_checkpoint, save_checkpoint
from train.config import from_dict, to_yaml
from train.distributed import World
from train.feed import CellFeed
from train.pool import PooledTask, build_pool, unseen
from train.resume import load
from train.settings import Mixture, Source, TrainConfig
from train.trainer import Trainer

SOURCE = "arc-agi_training_challenges.json"
POINTS = 6  # evaluations after the first
PAIRS = 24  # held-out pairs of an evaluation
LOOPS = 2  # of an evaluation, and of the second half of the training
WHOLE = (MAX_SIDE, MAX_SIDE)

# Each kind of position with the base it is used with: 1-D as released, over 900 cells; 2-D over 30 a side.
ARMS: dict[str, dict[str, Any]] = {
    f"{canvas}-{positions}": {"canvas": canvas, "pos_encodings": positions, "rope_theta": theta}
    for canvas in ("full", "cropped")
    for positions, theta in (("rope", 10000.0), ("rope2d", 100.0))
}
_COMMON = {"loops": 4, "memory": "cose"}
_NANO = {"hidden_size": 128, "num_heads": 4, "num_layers": 3, "expansion": 3.0, "puzzle_emb_ndim": 128}
_WIDE = {"hidden_size": 512, "num_heads": 8, "num_layers": 4, "puzzle_emb_ndim": 512}
# Network; samples of a batch; learning rates.
SIZES: dict[str, tuple[dict[str, Any], int, dict[str, float]]] = {
    "nano": (
        {**_COMMON, **_NANO, "H_cycles": 1, "L_cycles": 2},
        8,
        {"lr": 1e-3, "task_lr": 3e-3},
    ),
    "512": ({**_COMMON, **_WIDE, "H_cycles": 2, "L_cycles": 2}, 128, {"lr": 2.5e-4, "task_lr": 3e-3}),
}


@dataclass(frozen=True)
class Study:
    """What the arms share. ``seconds`` of training each; ``tasks`` that are drawn; ``seed`` of all."""

    size: str
    seconds: float
    tasks: int
    seed: int

    def run(self, arm: str) -> TrainConfig:
        """The arm as a run by cells."""
        network, _, rates = SIZES[self.size]
        return from_dict(
            {
                "run_name": arm,
                "arch": {"name": "urm", **network, **ARMS[arm]},
                "sources": [{"file": SOURCE, "tests": False}],
                "held_out": [SOURCE],
                "seconds": self.seconds,
                "seed": self.seed,
                "stages": [[0.0, 1], [0.5, LOOPS]],
                "warm_up": 0.02,
                "decay_from": 0.5,
                "ema": True,
                "ema_rate": 0.998,
                "ema_warm": True,
                **rates,
            }
        )

    def pool(self, data: Path) -> list[PooledTask]:
        """The tasks with their demonstrations; all held-out pairs left out wherever they stand."""
        never = unseen([data / SOURCE], [])
        pool = build_pool(data, [Source(SOURCE, tests=False)], never=never)
        pool = [entry for entry in pool if entry.task.solved_publicly]
        chosen = derive_generator(self.seed, "tasks").permutation(len(pool))[: self.tasks]
        return [pool[number] for number in sorted(chosen)]


def batches(pool: Sequence[PooledTask], study: Study, canvas: str, start: int) -> Iterator[Batch]:
    """Endless batches from number ``start`` on: similar canvases together, the same views for each arm."""
    size = SIZES[study.size][1]
    each = BLOCK // size
    deck = Deck(pool, Mixture(plain_share=0.4), study.seed)
    while True:
        block = start // each
        drawn = deck.draw(derive_generator(study.seed, "block", block), BLOCK)
        views = sorted(drawn, key=lambda view: _cells(view.canvas))
        order = derive_generator(study.seed, "order", block).permutation(each)
        for number in order[start % each :]:
            part = views[number * size : (number + 1) * size]
            yield build_batch([_whole(view) for view in part] if canvas == "full" else part)
            start += 1


def _cells(canvas: tuple[int, int]) -> int:
    return canvas[0] * canvas[1]


def _whole(view: View) -> View:
    return View(view.pair, WHOLE, view.task, view.row, view.augmentation)


def held_out(pool: Sequence[PooledTask], study: Study, canvas: str) -> list[View]:
    """The first test pair of ``PAIRS`` of the tasks, those of similar canvases together."""
    chosen = derive_generator(study.seed, "held out").permutation(len(pool))[:PAIRS]
    views = []
    for number in chosen:
        pair = pool[number].task.test[0]
        shape = test_canvas(pool[number].task.train, pair.input)
        # Where the output does not fit, its prediction reaches the edge, and ``predict`` asks again.
        while pair.output.shape[0] > shape[0] or pair.output.shape[1] > shape[1]:
            shape = larger_canvas(shape)
        views.append(View(pair, WHOLE if canvas == "full" else shape, int(number) + 1))
    return sorted(views, key=lambda view: _cells(view.canvas))


def evaluate(trainer: Trainer, views: Sequence[View], size: int) -> dict[str, float]:
    """Means over the held-out pairs: ``loss``, nats a cell of the output; ``cells``, share of them that are
    right; ``exact``, share of outputs that come out whole, size included."""
    sums = torch.zeros(3, dtype=torch.float64)
    network = trainer.averaged()
    for first in range(0, len(views), size):
        part = views[first : first + size]
        batch = _placed(build_batch(part), trainer)
        logits, _ = run_loops(network, trainer.memory, batch, loops=LOOPS, dtype=trainer.dtype)
        asked = batch.labels >= FIRST_COLOUR  # the output's cells, without border and padding
        wanted = batch.labels.clamp_min(0)
        log_p = log_stablemax(logits).gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
        found = logits.argmax(-1)
        counts = asked.sum(-1)
        sums[0] += float((-(log_p * asked).sum(-1) / counts).sum())
        sums[1] += float((((found == wanted) & asked).sum(-1) / counts).sum())
        sums[2] += sum(_comes_out(cells, view) for cells, view in zip(found, part, strict=True))
    return dict(zip(("loss", "cells", "exact"), (sums / len(views)).tolist(), strict=True))


def _comes_out(cells: torch.Tensor, view: View) -> bool:
    output = view.pair.output
    grid = cells[: _cells(view.canvas)].reshape(view.canvas).to("cpu", torch.uint8).numpy()
    if tuple(crop_shape(grid)) != output.shape:
        return False
    return bool((grid[: output.shape[0], : output.shape[1]] - FIRST_COLOUR == output).all())


def _placed(batch: Batch, trainer: Trainer) -> Batch:
    """On the device; packed on a GPU, where sequences without padding are worth it."""
    if trainer.placement.device.type == "cuda":
        batch = batch.packed(trainer.feed.network.prefix_len)
    return batch.to(trainer.placement.device)


def run_arm(study: Study, arm: str, data: Path, folder: Path, placement: Placement, *, quiet: bool) -> None:
    """Train the arm to the end of its seconds, from where it stands; a line of curve.jsonl each point."""
    pool, canvas, size = study.pool(data), ARMS[arm]["canvas"], SIZES[study.size][1]
    config = study.run(arm)
    trainer = Trainer(config, CellFeed(config, pool, placement), World(), placement)
    own, curve = folder / arm, folder / arm / "curve.jsonl"
    own.mkdir(parents=True, exist_ok=True)
    header = {**asdict(study), "arm": arm, "device": placement.reason}
    known = _known(curve, header)
    if (state := find_checkpoint(LATEST, own)) is not None:
        load(trainer, state)
        # A point that was written after the last state is made again.
        known = [record for record in known if record["samples"] <= trainer.at.samples]
    views = held_out(pool, study, canvas)
    feed = batches(pool, study, canvas, trainer.at.samples // size)
    with tqdm(total=POINTS, desc=arm, disable=quiet) as bar:
        for point in range(POINTS + 1):
            _train_until(trainer, feed, study.seconds * point / POINTS)
            if not known or known[-1]["samples"] < trainer.at.samples:  # a batch may last longer than a point
                position = {"seconds": trainer.at.seconds, "samples": trainer.at.samples}
                record = {**position, "steps": trainer.at.step, "flop": trainer.at.flop}
                known.append({**record, **evaluate(trainer, views, size)})
                save_checkpoint(
                    own,
                    step=trainer.at.step,
                    state=trainer.state(),
                    own=trainer.own_state(),
                    config_text=to_yaml(config),
                    world=World(),
                    keep=1,
                )
                _write(curve, header, known)
            bar.set_postfix(loss=f"{known[-1]['loss']:.3f}", cells=f"{known[-1]['cells']:.1%}")
            bar.update(point > 0)


def _train_until(trainer: Trainer, feed: Iterator[Batch], seconds: float) -> None:
    while trainer.at.seconds < seconds:
        start = time.monotonic()
        batch = next(feed)
        if trainer.placement.device.type == "cuda":
            trainer.learn(batch.packed(trainer.feed.network.prefix_len))
            torch.cuda.synchronize(trainer.placement.device)  # or the clock would stop before the work
        else:
            trainer.learn(batch)
        trainer.at.seconds += time.monotonic() - start


def _known(curve: Path, header: dict[str, Any]) -> list[dict[str, Any]]:
    """The points that are there. ValueError where they are of another study."""
    if not curve.exists():
        return []
    first, *records = [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()]
    other = [key for key in header if key != "device" and first.get(key) != header[key]]
    if other:
        found = ", ".join(f"{key} {first.get(key)!r} (now {header[key]!r})" for key in other)
        raise ValueError(f"{curve}: of another study, {found}; wanted another --output or the same options")
    return records


def _write(curve: Path, header: dict[str, Any], records: Sequence[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(record) + "\n" for record in (header, *records))
    replace_file(curve, lines.encode())


def draw(folder: Path, target: Path) -> int:
    """The arms that have a curve in ``folder`` as one figure; their number."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ValueError("the figure needs matplotlib: pip install matplotlib") from error
    found = [arm for arm in ARMS if (folder / arm / "curve.jsonl").exists()]
    figure = Figure(figsize=(11, 4), dpi=120, layout="constrained")
    panels = (("loss", "held-out loss, nats a cell"), ("cells", "held-out cells right"))
    for axes, (key, title) in zip(figure.subplots(1, 2), panels, strict=True):
        for arm in found:
            lines = (folder / arm / "curve.jsonl").read_text(encoding="utf-8").splitlines()
            header, *records = [json.loads(line) for line in lines]
            xs, ys = [r["seconds"] for r in records], [r[key] for r in records]
            style = "-" if arm.startswith("cropped") else "--"
            colour = "tab:blue" if arm.endswith("2d") else "tab:orange"
            label = f"{arm}: {records[-1]['samples']:,} samples"
            axes.plot(xs, ys, style, color=colour, marker=".", label=label)
            figure.suptitle(f"{header['size']}, {header['tasks']} tasks, {header['device']}", fontsize=10)
        axes.set_xlabel("seconds of training")
        axes.set_title(title)
        axes.legend(fontsize=8)
    FigureCanvasAgg(figure).print_png(target)
    return len(found)


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seconds", default=240.0, show_default=True, help="Of training, for each arm.")
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--size", type=click.Choice(list(SIZES)), default="nano", show_default=True)
@click.option("--arm", "arms", multiple=True, type=click.Choice(list(ARMS)), help="All four by default.")
@click.option("--tasks", default=100, show_default=True, help="Training tasks that are drawn.")
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--threads", default=0, help="On the CPU; all it may use by default.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="OUTPUT/learning.png")
@click.option("--quiet", is_flag=True)
def main(
    data: Path,
    seconds: float,
    output: Path,
    size: str,
    arms: tuple[str, ...],
    tasks: int,
    seed: int,
    device: str,
    threads: int,
    figure: Path | None,
    quiet: bool,
) -> None:
    """Train the arms on ARC-AGI-1 training tasks of --data (a folder with arc-agi_training_*.json)."""
    try:
        placement = place(device)
        use_threads(threads or available_cpus())
        for arm in arms or ARMS:
            run_arm(Study(size, seconds, tasks, seed), arm, data, output, placement, quiet=quiet)
        target = figure or output / "learning.png"
        drawn = draw(output, target)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{drawn} arms, {placement.reason}: {target}")


if __name__ == "__main__":
    main()
