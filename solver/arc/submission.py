"""Kaggle's submission file: ``{id: [{"attempt_1": grid, "attempt_2": grid}, ...]}``.

Every task of the set, one entry for each test input in order, both attempts always. What is written
is validated first, replaces the old file in one step and is read back.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from solver.arc.task import Grid, Task, parse_grid, parse_lists, read_json
from solver.arc.vote import same_grid
from solver.file import replace_file

try:
    import orjson
except ImportError:  # Kaggle's image may lack it; the standard library writes the same bytes
    orjson = None

ATTEMPTS = ("attempt_1", "attempt_2")

Attempts = tuple[Grid, Grid]  # the two answers to one test input
Attempted = Mapping[str, Sequence[Attempts]]  # task id -> one pair for each test input, in order


def build_submission(attempts: Attempted, tasks: Iterable[Task]) -> dict[str, list[dict[str, list]]]:
    """Kaggle's value in the order of the tasks. ValueError, naming task and test, for what is missing."""
    value = {}
    for task in tasks:
        pairs = attempts.get(task.id)
        if pairs is None:
            raise ValueError(f"submission, task {task.id}: wanted its answers, found none")
        for number, pair in enumerate(pairs):
            if len(pair) != len(ATTEMPTS):
                raise ValueError(
                    f"submission, task {task.id}, test {number}: wanted two attempts, found {len(pair)}"
                )
        value[task.id] = [
            {name: np.asarray(grid).tolist() for name, grid in zip(ATTEMPTS, pair, strict=True)}
            for pair in pairs
        ]
    unknown = sorted(set(attempts) - set(value))
    if unknown:
        raise ValueError(f"submission, task {unknown[0]}: wanted only tasks of the set, found this one too")
    return value


def validate_submission(value: object, tasks: Iterable[Task], where: str = "submission") -> None:
    """ValueError naming task, test and attempt unless the value is a whole submission for the tasks."""
    parsed = parse_submission(value, where)
    wanted = {task.id: len(task.test) for task in tasks}
    for task_id, count in wanted.items():
        if task_id not in parsed:
            raise ValueError(f"{where}, task {task_id}: wanted its answers, found none")
        if len(parsed[task_id]) != count:
            raise ValueError(
                f"{where}, task {task_id}: wanted {count} entries, one for each test input, "
                f"found {len(parsed[task_id])}"
            )
    for task_id in parsed:
        if task_id not in wanted:
            raise ValueError(f"{where}, task {task_id}: wanted only tasks of the set, found this one too")


def parse_submission(value: object, where: str) -> dict[str, list[Attempts]]:
    """The grids of Kaggle's value; ValueError naming the place for anything else."""
    return parse_lists(value, where, "tasks", "a list with an entry for each test input", _parse_entry)


def _parse_entry(entry: object, where: str) -> Attempts:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: wanted an object with {' and '.join(ATTEMPTS)}, found none")
    unknown = sorted(set(entry) - set(ATTEMPTS))
    if unknown:
        raise ValueError(f"{where}: wanted {' and '.join(ATTEMPTS)} alone, found {unknown[0]!r} too")
    for name in ATTEMPTS:
        if name not in entry:
            raise ValueError(f"{where}, {name}: wanted a grid, found none")
    first, second = (parse_grid(entry[name], f"{where}, {name}") for name in ATTEMPTS)
    return first, second


def encode_submission(value: object) -> bytes:
    """Compact UTF-8 JSON and a line's end; the same bytes with orjson and without."""
    if orjson is not None:
        return orjson.dumps(value) + b"\n"
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def write_submission(path: str | Path, attempts: Attempted, tasks: Sequence[Task]) -> None:
    """Replace the file by a valid submission in one step, and read it back.

    ValueError for answers that are not a whole submission and for a path that cannot be written; a
    file that stood there is then untouched.
    """
    path = Path(path)
    value = build_submission(attempts, tasks)
    validate_submission(value, tasks)
    replace_file(path, encode_submission(value))
    written = read_submission(path)
    for task in tasks:
        for number, (new, old) in enumerate(zip(written[task.id], attempts[task.id], strict=True)):
            for name, a, b in zip(ATTEMPTS, new, old, strict=True):
                if not same_grid(a, np.asarray(b)):
                    raise ValueError(f"{path}, task {task.id}, test {number}, {name}: not as it was written")


def read_submission(path: str | Path) -> dict[str, list[Attempts]]:
    """{id: [(first, second), ...]}; ValueError naming the place for what is no submission."""
    path = Path(path)
    return parse_submission(read_json(path), str(path))
