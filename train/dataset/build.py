"""The three things build_dataset.py does, without its command line: build ARC, build puzzles, summarise."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solver.arc.checksum import task_checksum
from solver.arc.task import Task
from solver.words import counted
from train.dataset.arc import ArcBuild, build_arc
from train.dataset.compact import write_arc, write_build, write_puzzles
from train.dataset.folder import check_room, check_target, leftovers, replacing
from train.dataset.inspection import find_leaks
from train.dataset.puzzle import download, make_split, read_puzzles, subsample
from train.dataset.rows import write_split
from train.dataset.sources import load_extras, load_subsets
from train.dataset.tables import ArcTasks, Split

COMPACT = "compact"
ROWS = "rows"
_NAMES = 20_000  # identifier names formatted at a time

Progress = Callable[[int, int], Callable[[int], object]]  # (samples in all, bytes in all) -> told of samples


@dataclass(frozen=True)
class Options:
    """What both builders are asked. ``output``: the folder to make; ``layout``: compact or rows."""

    output: Path
    layout: str
    num_aug: int
    seed: int
    overwrite: bool


def build_arc_dataset(
    options: Options,
    source: str,
    names: Sequence[str],
    test_sets: Sequence[str],
    extra: Sequence[str],
    extra_pairs: int | None,
    drop_leaks: bool,
    progress: Progress,
) -> list[str]:
    """Build and store an ARC data set; the lines of the closing summary. ValueError for bad input."""
    start = time.perf_counter()
    check_target(options.output, options.overwrite)
    subsets = load_subsets(source, names)
    known = [subset.name for subset in subsets]
    missing = [name for name in test_sets if name not in known]
    if missing:
        raise ValueError(f"test set {missing[0]}: wanted one of the subsets {', '.join(known)}")
    additional = load_extras(extra, extra_pairs, [task for subset in subsets for task in subset.tasks])
    built = build_arc(subsets, test_sets, additional, options.num_aug, options.seed, drop_leaks)
    if extra and len(built.unused) == len(additional):
        raise ValueError(f"extra {' '.join(extra)}: no task of theirs is in the subsets {', '.join(known)}")
    build = {
        "kind": "arc",
        "seed": options.seed,
        "num_aug": options.num_aug,
        "test_sets": list(test_sets),
        "extra": list(extra),
        "subsets": {subset.name: [task.id for task in subset.tasks] for subset in subsets},
        "splits": list(built.splits),
        "tasks": built.tasks.ids,
        "checksums": sorted({task_checksum(task) for subset in subsets for task in subset.tasks}),
    }

    def write_tables(folder: Path) -> None:
        if options.layout == COMPACT:
            write_arc(folder, built.tasks, built.splits)
            return
        _write_names(folder / "identifiers.json", built.tasks)
        tested = [task for subset in subsets if subset.name in test_sets for task in subset.tasks]
        puzzles = {task.id: _puzzle(task) for task in tested}
        (folder / "test_puzzles.json").write_text(json.dumps(puzzles))

    size = _store(options, build, built.splits, write_tables, progress)
    return _arc_summary(options, built, size, time.perf_counter() - start)


def build_puzzle_dataset(
    kind: str,
    options: Options,
    source: Path | None,
    subsample_size: int | None,
    min_difficulty: int | None,
    progress: Progress,
) -> list[str]:
    """Build and store Sudoku or mazes from a folder with train.csv and test.csv, or the hub's."""
    start = time.perf_counter()
    check_target(options.output, options.overwrite)
    splits = {}
    for name in ("train", "test"):
        path = download(kind, f"{name}.csv") if source is None else source / f"{name}.csv"
        rows = read_puzzles(kind, path, min_difficulty)
        kept = subsample(rows, subsample_size if name == "train" else None, options.seed)
        copies = 1 + (options.num_aug if name == "train" else 0)
        splits[name] = make_split(kind, kept, copies, options.seed, str(path))
    cells = [split.metadata.seq_len for split in splits.values()]
    if cells[0] != cells[1]:
        raise ValueError(f"{source}: puzzles of {cells[0]} cells to train on, of {cells[1]} to test")
    build = {
        "kind": kind,
        "seed": options.seed,
        "num_aug": options.num_aug,
        "min_difficulty": min_difficulty,
        "splits": list(splits),
    }

    def write_tables(folder: Path) -> None:
        if options.layout == COMPACT:
            write_puzzles(folder, splits)
        else:
            (folder / "identifiers.json").write_text(json.dumps(["<blank>"]))

    size = _store(options, build, splits, write_tables, progress)
    counts = ", ".join(f"{len(split.questions):,} in {name}" for name, split in splits.items())
    samples = sum(split.metadata.total_puzzles for split in splits.values())
    return [
        f"{options.output}: {options.layout}, puzzles {counts}, {samples:,} samples, "
        f"{size:,} bytes, {time.perf_counter() - start:.1f} s",
        *_leaks(splits),
    ]


def sample_count(split: Split) -> int:
    """How many samples a split holds: pairs under every augmentation."""
    return int((split.augmentations * split.pairs).sum())


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _store(
    options: Options,
    build: dict[str, object],
    splits: dict[str, Split],
    write_tables: Callable[[Path], None],
    progress: Progress,
) -> int:
    """Write the data set into a new folder; bytes written."""
    samples = sum(map(sample_count, splits.values())) if options.layout == ROWS else 0
    wanted = sum(2 * sample_count(split) * split.metadata.seq_len for split in splits.values())
    if options.layout == ROWS:
        check_room(options.output, wanted)
    with replacing(options.output, options.overwrite) as folder:
        write_tables(folder)
        write_build(folder, options.layout, build)
        if options.layout == ROWS:
            told = progress(samples, wanted)
            for name, split in splits.items():
                write_split(folder / name, split, told)
        return folder_bytes(folder)


def _write_names(path: Path, tasks: ArcTasks) -> None:
    """``identifiers.json``, a part at a time."""
    total = len(tasks.table.symmetries) + 1
    with open(path, "w", encoding="utf-8") as file:
        for start in range(0, total, _NAMES):
            part = json.dumps(tasks.names(start, min(start + _NAMES, total)))
            file.write(("[" if start == 0 else ", ") + part[1:-1])
        file.write("]")


def _puzzle(task: Task) -> dict[str, list[dict[str, list]]]:
    """A task as ``test_puzzles.json`` holds it; [[0]] for an unknown output, as the released builder."""

    def cells(grid: np.ndarray | None) -> list:
        return [[0]] if grid is None else grid.tolist()

    parts = {"train": task.train, "test": task.test}
    return {
        name: [{"input": cells(pair.input), "output": cells(pair.output)} for pair in pairs]
        for name, pairs in parts.items()
    }


def _arc_summary(options: Options, built: ArcBuild, size: int, seconds: float) -> list[str]:
    train, test = built.splits["train"], built.splits.get("test")
    tested = "no test set" if test is None else f"{int(test.pairs.sum()):,} test pairs"
    lines = [
        f"{options.output}: {options.layout}, {len(built.tasks.ids):,} tasks, "
        f"{int(train.pairs.sum()):,} training pairs, {tested}, "
        f"{train.metadata.num_puzzle_identifiers:,} identifiers (blank included), "
        f"{sum(map(sample_count, built.splits.values())):,} samples, {size:,} bytes, {seconds:.1f} s"
    ]
    if built.shared:
        lines.append(f"{len(built.shared)} tasks are in more than one subset: {_some(built.shared)}")
    if built.skipped:
        lines.append(f"{built.skipped} test pairs without an output are not trained on")
    if built.unused:
        lines.append(f"{len(built.unused)} tasks of --extra are in no subset: {_some(built.unused)}")
    if built.dropped:
        lines.append(f"{built.dropped} training pairs that are test pairs were left out")
    lines += _leaks(built.splits, " (see --drop-leaks)")
    old = leftovers(options.output)
    if old:
        lines.append(f"left by builds that were killed, delete at will: {_some(list(map(str, old)))}")
    return lines


def _leaks(splits: Mapping[str, Split], advice: str = "") -> list[str]:
    """A line on test pairs among the training pairs, where there are any."""
    found = find_leaks(splits["train"], splits["test"]) if "test" in splits else []
    if not found:
        return []
    count = counted(len(found), "test pair")
    return [f"LEAK: {count} among the training pairs{advice}: {_some(list(map(str, found)))}"]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
