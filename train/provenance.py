"""Where a set of weights comes from: data, steps, scores, and checksums of every task trained on."""

from collections import defaultdict
from typing import Any

from solver.arc.checksum import task_checksum
from solver.arc.task import Pair, Task, as_grid
from train.config import TrainConfig
from train.dataset import Dataset
from train.log import commit


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


def provenance(
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
