"""Reading tasks leniently: whatever is wrong with one, it keeps its place and its number of entries."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from solver.arc.task import Pair, Task, as_grid, parse_grid, parse_task, read_json

BLANK = as_grid(np.zeros((1, 1)))


def read_leniently(path: Path, say: Callable[[str], None]) -> list[Task]:
    """Every task of the file. What is malformed is left out of its task and said in one sentence.

    ValueError only where the file holds no object of tasks at all.
    """
    value = read_json(path)
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{path}: wanted an object of tasks, found none")
    tasks = []
    for task_id, task in value.items():
        try:
            tasks.append(parse_task(task_id, task, str(path)))
        except ValueError as error:
            tasks.append(salvage_task(task_id, task))
            kept = tasks[-1]
            say(f"{error}; went on with {len(kept.train)} demonstrations, {len(kept.test)} test inputs")
    return tasks


def salvage_task(task_id: str, value: object) -> Task:
    """The valid part of a task: demonstrations that are whole, a blank grid for each bad test input.

    Without one valid demonstration a blank one stands in, so that the guesses have something to read.
    """
    parts = value if isinstance(value, dict) else {}
    train = [pair for pair in map(_demonstration, _items(parts.get("train"))) if pair is not None]
    inputs = [_grid(item, "input") for item in _tests(parts)]
    test = tuple(Pair(BLANK if grid is None else grid) for grid in inputs)
    return Task(task_id, tuple(train) or (Pair(BLANK, BLANK),), test)


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _tests(parts: dict) -> list[object]:
    """One entry at least: a submission without any is not valid."""
    return _items(parts.get("test")) or [None]


def _grid(item: object, side: str) -> np.ndarray | None:
    try:
        return parse_grid(item.get(side) if isinstance(item, dict) else None, side)
    except ValueError:
        return None


def _demonstration(item: object) -> Pair | None:
    before, after = _grid(item, "input"), _grid(item, "output")
    return None if before is None or after is None else Pair(before, after)
