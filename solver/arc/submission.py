"""Kaggle's submission file: ``{id: [{"attempt_1": grid, "attempt_2": grid}, ...]}``.

Every task of the set, one entry for each test input in order, both attempts always. What is written
is validated first, replaces the old file in one step and is read back. A file of somebody else is read as far
as it is valid, and each problem is named: a scorer must say what became of every attempt.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from solver.arc.task import (
    COLOURS,
    MAX_SIDE,
    SUBMISSION,
    Grid,
    Task,
    kind_of_file,
    name_of,
    parse_grid,
    read_json,
)
from solver.file import replace_file

try:
    import orjson
except ImportError:  # Kaggle's image may lack it; the standard library writes the same bytes
    orjson = None

ATTEMPTS = ("attempt_1", "attempt_2")

Attempts = tuple[Grid, Grid]  # the two answers to one test input
Attempted = Mapping[str, Sequence[Attempts]]  # task id -> one pair for each test input, in order


@dataclass(frozen=True)
class Problem:
    """Something that Kaggle's format does not allow. ``test`` and ``attempt`` (0 or 1): None for all."""

    task_id: str
    test: int | None
    attempt: int | None
    text: str


@dataclass(frozen=True, eq=False)
class Submission:
    """A file as read. ``grids[id][test]``: both attempts in order; None for one that is missing or
    invalid."""

    grids: Mapping[str, tuple[tuple[Grid | None, Grid | None], ...]]
    problems: tuple[Problem, ...] = ()

    def of(self, task_id: str, test: int) -> tuple[Grid | None, Grid | None]:
        """Both attempts; (None, None) where the submission has no such entry."""
        entries = self.grids.get(task_id, ())
        return entries[test] if test < len(entries) else (None, None)


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
    """The grids of Kaggle's value; ValueError, the first problem of ``parse_attempts``, for anything else."""
    parsed = parse_attempts(value, where)
    if parsed.problems:
        raise ValueError(parsed.problems[0].text)
    return {task_id: list(entries) for task_id, entries in parsed.grids.items()}


def parse_attempts(value: object, where: str) -> Submission:
    """The attempts in a submission's JSON value. ValueError only where it is no object of tasks at all."""
    if not isinstance(value, dict):
        kind = "nothing" if value is None else f"a {type(value).__name__}"
        raise ValueError(f"{where}: wanted a submission (an object of tasks), found {kind}")
    if (other := kind_of_file(value)) and other != SUBMISSION:
        raise ValueError(f"{where}: wanted a submission, found {other}")
    problems: list[Problem] = []
    grids = {}
    for task_id, entries in value.items():
        place = f"{where}, task {name_of(task_id)}"
        if not isinstance(entries, list) or not entries:
            text = f"{place}: wanted a list with an entry for each test input, found {_found(entries)}"
            problems.append(Problem(task_id, None, None, text))
            entries = []
        grids[task_id] = tuple(
            _parse_entry(entry, task_id, test, f"{place}, test {test}", problems)
            for test, entry in enumerate(entries)
        )
    return Submission(grids, tuple(problems))


def _found(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__} of JSON, {str(value)[:30]!r}"


def _parse_entry(
    entry: object, task_id: str, test: int, where: str, problems: list[Problem]
) -> tuple[Grid | None, Grid | None]:
    if not isinstance(entry, dict):
        text = f"{where}: wanted an object with attempt_1 and attempt_2, found {_found(entry)}"
        problems.extend(Problem(task_id, test, attempt, text) for attempt in (0, 1))
        return None, None
    for key in entry.keys() - set(ATTEMPTS):
        text = f"{where}: wanted attempt_1 and attempt_2 only, found the key {name_of(key)} too"
        problems.append(Problem(task_id, test, None, text))
    grids: list[Grid | None] = []
    for attempt, key in enumerate(ATTEMPTS):
        try:
            grids.append(parse_grid(entry.get(key), f"{where}, {key}"))
        except ValueError as error:
            problems.append(Problem(task_id, test, attempt, str(error)))
            grids.append(None)
    return grids[0], grids[1]


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
    build_submission(attempts, tasks)  # no task too many, none missing
    file = SubmissionFile(path, tasks)
    for task in tasks:
        file.put(task, attempts[task.id])
    file.write()


def _is_grid(grid: object) -> bool:
    """Whether it is a grid as every record of this project has it, which needs no look at its JSON."""
    if not isinstance(grid, np.ndarray) or grid.dtype != np.uint8 or grid.ndim != 2 or not grid.size:
        return False
    return max(grid.shape) <= MAX_SIDE and int(grid.max()) < COLOURS


class SubmissionFile:
    """A submission that is written again whenever some of its answers change: only those are encoded and
    validated anew.

    ``entries``: by task id, in the order of the tasks, its key and value as JSON; empty before its answers.
    ``size``: bytes that were written last.
    """

    size = 0

    def __init__(self, path: str | Path, tasks: Iterable[Task]) -> None:
        self.path = Path(path)
        self.entries = dict.fromkeys((task.id for task in tasks), b"")

    def put(self, task: Task, pairs: Sequence[Attempts]) -> None:
        """The task's answers from now on. ValueError where they are not two valid grids for each test
        input."""
        try:
            entry = encode_submission(build_submission({task.id: pairs}, [task]))[1:-2]
        except (TypeError, UnicodeEncodeError) as error:
            place = f"submission, task {name_of(task.id)}"
            raise ValueError(f"{place}: expected an id that is UTF-8 text") from error
        if len(pairs) != len(task.test) or not all(map(_is_grid, chain.from_iterable(pairs))):
            validate_submission(json.loads(b"{" + entry + b"}"), [task])  # which names what is wrong
        self.entries[task.id] = entry

    def write(self) -> None:
        """Replace the file and read it back. ValueError where the place cannot be written."""
        missing = next((name for name, entry in self.entries.items() if not entry), None)
        assert missing is None, f"task {missing} has no answers"
        data = b"{" + b",".join(self.entries.values()) + b"}\n"
        replace_file(self.path, data)
        try:
            written = self.path.read_bytes()
        except OSError as error:
            raise ValueError(f"{self.path}: cannot be read back ({error.strerror})") from error
        if written != data:
            raise ValueError(f"{self.path}: not as it was written")
        self.size = len(data)


def read_submission(path: str | Path) -> dict[str, list[Attempts]]:
    """{id: [(first, second), ...]}; ValueError naming the place for what is no submission."""
    path = Path(path)
    return parse_submission(read_json(path), str(path))


def read_attempts(path: str | Path) -> Submission:
    """The attempts in a submission file, as far as they are valid. ValueError when it is no JSON object of
    tasks."""
    return parse_attempts(read_json(Path(path)), str(path))
