"""The data-set builder and loader: training + evaluation + concept, or copies of the example tasks."""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import twins
from benchmarks.measure import Measurement, Setting, median_seconds, run_process
from solver.arc.task import Task, load_tasks
from train.dataset import Dataset
from train.dataset.build import folder_bytes
from train.dataset.sources import find_subset

SUBSETS = ("training", "evaluation", "concept")
_MADE = {"training": 400, "evaluation": 400, "concept": 160}  # tasks, without --data
_KINDS = {"challenges": "", "solutions": "_solutions"}
EXAMPLES = Path(__file__).parent.parent / "examples"
_TWIN_TASKS = 6
_BATCH = 768
_BUILDER = str(Path(__file__).parent.parent / "build_dataset.py")


def _source(setting: Setting) -> Path:
    """The folder with the three subsets; the example tasks under many names where there is none."""
    if setting.data is not None:
        return setting.data
    folder = setting.scratch / "tasks"
    folder.mkdir()
    parts = {
        kind: json.loads((EXAMPLES / f"arc1_eval_20{end}.json").read_text()) for kind, end in _KINDS.items()
    }
    for subset, count in _MADE.items():
        for kind, tasks in parts.items():
            names = list(tasks) * (count // len(tasks))
            named = {f"{subset}-{n}": tasks[name] for n, name in enumerate(names)}
            (folder / f"arc-agi_{subset}_{kind}.json").write_text(json.dumps(named))
    return folder


def _build(source: Path, out: Path, num_aug: int, layout: str) -> tuple[float, float]:
    flags = ["--subsets", *SUBSETS, "--test-set", "evaluation", "--num-aug", str(num_aug), "--quiet"]
    arguments = ["arc", "--input", str(source), "--output-dir", str(out), "--layout", layout, "--overwrite"]
    return run_process([sys.executable, _BUILDER, *arguments, *flags])


def _twin_seconds_per_sample(tasks: list[Task]) -> float:
    """Of the naive builder, on a few tasks spread over the subset."""
    chosen = tasks[:: max(len(tasks) // _TWIN_TASKS, 1)][:_TWIN_TASKS]
    generator = np.random.default_rng(0)
    start = time.perf_counter()
    samples = sum(len(twins.build_task(task, 1000, generator)[0]) for task in chosen)
    return (time.perf_counter() - start) / samples


def measure_compact(setting: Setting) -> Iterator[Measurement]:
    """Whole processes with warm caches; the ratio is to the naive builder, extrapolated."""
    source, out = _source(setting), setting.scratch / "compact"
    _build(source, out, 1000, "compact")
    runs = [_build(source, out, 1000, "compact") for _ in range(5)]
    seconds = statistics.median(run[0] for run in runs)
    splits = Dataset.open(out).splits.values()
    samples = sum(int((split.augmentations * split.pairs).sum()) for split in splits)
    twin = _twin_seconds_per_sample(load_tasks(find_subset(str(source), "training"))) * samples
    yield Measurement("compact, 1,000 augmentations: wall", seconds, "s", "at most 8", twin / seconds)
    yield Measurement("compact: peak memory", max(run[1] for run in runs), "MB", "at most 400")
    yield Measurement("compact: on disk", folder_bytes(out) / 1e6, "MB", "at most 40")


def measure_rows(setting: Setting) -> Iterator[Measurement]:
    """Against dd writing as many bytes to the same disk, synced, by turns: a disk may slow down."""
    source, out, plain = _source(setting), setting.scratch / "rows", setting.scratch / "dd"
    num_aug, repeats = (1000, 2) if setting.full else (100, 3)
    ours, memory, copies = [], [], []
    for _ in range(repeats):
        seconds, megabytes = _build(source, out, num_aug, "rows")
        size = folder_bytes(out)
        blocks = f"count={size // (1 << 20)}"
        copies.append(run_process(["dd", "if=/dev/zero", f"of={plain}", "bs=1M", blocks, "conv=fsync"])[0])
        plain.unlink()
        ours.append(seconds)
        memory.append(megabytes)
    wall, copy = statistics.mean(ours), statistics.mean(copies)
    yield Measurement(f"rows, {num_aug} augmentations: wall", wall, "s")
    yield Measurement(f"dd of the same {size / 1e9:.2f} GB: wall", copy, "s")
    yield Measurement("rows: wall / dd", wall / copy, "", "at most 2")
    yield Measurement("rows: peak memory", max(memory), "MB", "at most 1,000")


def measure_loader(setting: Setting) -> Iterator[Measurement]:
    """Training batches of 768 from the compact layout; the twin draws the same samples naively."""
    source, out = _source(setting), setting.scratch / "compact"
    _build(source, out, 1000, "compact")
    dataset = Dataset.open(out)
    for canvas, target in (("full", "at least 150,000"), ("cropped", "")):

        def epoch(canvas: str = canvas) -> int:
            options = {"seed": 0, "epoch": 0, "epochs": 20, "batch_size": _BATCH, "canvas": canvas}
            return sum(1 for _ in dataset.train_batches(**options))

        batches = epoch()
        seconds = median_seconds(epoch, 5) / batches
        ratio = _naive_loader(dataset) / seconds if canvas == "full" else None
        yield Measurement(f"loader, {canvas}: samples a second", _BATCH / seconds, "samples/s", target, ratio)
        yield Measurement(f"loader, {canvas}: batch of {_BATCH}", seconds * 1e3, "ms", "about 5")


def _naive_loader(dataset: Dataset) -> float:
    """Seconds for one batch: every sample augmented, padded and stacked by numpy, one at a time."""
    originals = dataset.splits["train"].originals()
    table = dataset.identifiers
    generator = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(_BATCH):
        grids = originals.grids(int(generator.integers(len(originals.pairs))))
        row = int(generator.integers(len(table.tasks)))
        moved = [twins.turn(table.palettes[row][grid], int(table.symmetries[row])) for grid in grids]
        box = np.max([grid.shape for grid in moved], 0)
        corner = generator.integers(0, 30 - box + 1)
        np.stack([twins.canvas_tokens(grid, 30, 30, *corner) for grid in moved])
    return time.perf_counter() - start
