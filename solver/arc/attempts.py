"""A submission as somebody else wrote it: what is valid in it is read, what is not is named.

``solver.arc.submission`` writes and reads valid files only; a scorer must say what became of the
others, attempt by attempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from solver.arc.task import SUBMISSION, Grid, kind_of_file, name_of, parse_grid, read_json

ATTEMPTS = ("attempt_1", "attempt_2")


@dataclass(frozen=True)
class Problem:
    """Something that Kaggle's format does not allow. ``test`` and ``attempt`` (0 or 1): None for all."""

    task_id: str
    test: int | None
    attempt: int | None
    text: str


@dataclass(frozen=True, eq=False)
class Attempts:
    """``grids[id][test]``: both attempts in order; None for one that is missing or invalid."""

    grids: Mapping[str, tuple[tuple[Grid | None, Grid | None], ...]]
    problems: tuple[Problem, ...] = ()

    def of(self, task_id: str, test: int) -> tuple[Grid | None, Grid | None]:
        """Both attempts; (None, None) where the submission has no such entry."""
        entries = self.grids.get(task_id, ())
        return entries[test] if test < len(entries) else (None, None)


def parse_attempts(value: object, where: str) -> Attempts:
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
    return Attempts(grids, tuple(problems))


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


def read_attempts(path: str | Path) -> Attempts:
    """The attempts in a submission file. ValueError when it is no JSON object of tasks."""
    return parse_attempts(read_json(Path(path)), str(path))
