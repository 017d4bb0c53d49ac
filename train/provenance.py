"""Where a set of weights comes from: data, steps, scores, and checksums of every task trained on."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from solver.arc.checksum import task_checksum
from solver.arc.task import Pair, Task, as_grid
from solver.file import replace_file
from train.dataset import Dataset
from train.log import commit
from train.pool import PooledTask
from train.settings import Position, TrainConfig


def trained_tasks(dataset: Dataset) -> list[str]:
    """Checksums (``solver.arc.checksum``) of the tasks in the training split, sorted.

    A data set of another builder does not keep where a task's demonstrations end and what was added to them
    begins (test pairs of a training set, additional pairs), so every head of the list counts as the task's
    demonstrations; the true one is among them.
    """
    if dataset.checksums:
        return list(dataset.checksums)
    split = dataset.splits["train"]
    if dataset.metadata.num_puzzle_identifiers == 1:
        return []
    originals, names = split.originals(), split.names
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for number, group in enumerate(originals.groups):
        first, second = originals.grids(number)
        pairs[group].append(Pair(as_grid(first), as_grid(second)))
    heads = (
        Task(names[group], tuple(found[:count]), ())
        for group, found in pairs.items()
        for count in range(1, len(found) + 1)
    )
    return sorted({task_checksum(task) for task in heads})


def of_samples(
    config: TrainConfig, dataset: Dataset, *, step: int, numbers: dict[str, float], parameters: dict[str, int]
) -> dict[str, Any]:
    """What ``config.json`` of a set of weights says under ``provenance``. ``parameters``: of the network, and
    of the task memory, which does not travel."""
    run = config.run
    return {
        "commit": commit(),
        "data": run.data,
        "identifiers": dataset.metadata.num_puzzle_identifiers,
        "groups": dataset.metadata.total_groups,
        "steps": step,
        "sequences": step * run.global_batch_size,
        "config": config.to_dict(),
        "parameters": parameters,
        "scores": numbers,
        "tasks": trained_tasks(dataset),
    }


def of_cells(
    config: TrainConfig, pool: Sequence[PooledTask], at: Position, former: Sequence[str]
) -> dict[str, Any]:
    """The same of a run by cells: what it has seen, and what went into it. ``former``: checksums of tasks
    that it no longer trains on."""
    run = config.run
    spent = ("samples", "tokens", "flop", "before")
    return {
        "name": run.run_name,
        "data": [*(source.file for source in run.sources), *([run.extra] if run.extra else [])],
        "test_pairs_seen": sorted({checksum for entry in pool for checksum in entry.tested}),
        "config": config.to_dict(),
        "tasks": sorted({*former, *(checksum for entry in pool for checksum in entry.checksums)}),
        "steps": at.step,
        **{name: getattr(at, name) for name in spent},
        "seconds": round(at.seconds),
    }


FILE = "identifiers.npz"


def identifiers_checksum(dataset: Dataset) -> str:
    """32 hex digits over every identifier's task, symmetry and palette, in the order of the rows."""
    known = dataset.identifiers
    digest = hashlib.blake2b("\x1f".join(known.ids).encode(), digest_size=16)
    for part in (known.tasks, known.symmetries, known.palettes):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def write_identifiers(folder: Path, dataset: Dataset) -> None:
    """``identifiers.npz`` beside the checkpoints: ``tasks`` [I] (from 1, 0 for the blank), ``symmetries``
    [I], ``palettes`` [I, 10], and ``ids``, that of task t at t - 1."""
    known = dataset.identifiers
    data = BytesIO()
    np.savez_compressed(
        data,
        tasks=known.tasks,
        symmetries=known.symmetries,
        palettes=known.palettes,
        ids=np.array(known.ids, dtype=np.str_),
    )
    replace_file(folder / FILE, data.getvalue())
