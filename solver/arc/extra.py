"""Additional demonstrations of known tasks: lists of pairs in files of their own.

Three forms: ``TASK_ID.json``, a list of ``{"input", "output"}``, as Re-ARC publishes them; lines of
``{"id", "pairs": [{"input", "output"}]}`` in a file ``*.jsonl`` or ``*.jsonl.gz``; and ``NAME.json``, an
object ``{"train", "test", "arc-gen"}``, as ARC-GEN publishes them: the generated pairs belong to the task
with these demonstrations, whatever the file is called.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from solver.arc.checksum import task_checksum
from solver.arc.task import Pair, Task, parse_grid, read_json

GENERATED = "arc-gen"


def load_extra(source: str | Path, tasks: Iterable[Task] = ()) -> dict[str, list[Pair]]:
    """Pairs by task id, from a file, or from all files of a folder. ValueError naming the place.

    ``tasks``: those that the files of ARC-GEN are compared with; without a match the file's name counts.
    """
    path = Path(source)
    ids = {task_checksum(task): task.id for task in tasks}
    if path.is_dir():
        paths = sorted(p for p in path.iterdir() if p.name.endswith((".json", ".jsonl", ".jsonl.gz")))
        if not paths:
            raise ValueError(f"{path}: wanted files *.json, *.jsonl or *.jsonl.gz, found none")
    elif path.exists():
        paths = [path]
    else:
        raise ValueError(f"{path}: no such file or folder of pairs")
    found: dict[str, list[Pair]] = {}
    for file in paths:
        for task_id, pairs in _read_file(file, ids):
            found.setdefault(task_id, []).extend(pairs)
    return found


def _read_file(path: Path, ids: Mapping[str, str]) -> Iterator[tuple[str, list[Pair]]]:
    if path.name.endswith(".json"):
        value = read_json(path)
        if isinstance(value, dict) and GENERATED in value:
            shown = _parse_pairs(value.get("train"), f"{path}, train")
            name = ids.get(task_checksum(Task(path.stem, tuple(shown), ())), path.stem)
            yield name, _parse_pairs(value[GENERATED], f"{path}, {GENERATED}")
            return
        yield path.stem, _parse_pairs(value, str(path))
        return
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _parse_line(line, f"{path}, line {number}")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: not a whole gzip file ({error})") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error


def _parse_line(line: str, where: str) -> tuple[str, list[Pair]]:
    try:
        value = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{where}: not JSON") from error
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or "pairs" not in value:
        raise ValueError(f'{where}: wanted an object with "id" and "pairs"')
    return value["id"], _parse_pairs(value["pairs"], f"{where}, task {value['id']}")


def _parse_pairs(value: object, where: str) -> list[Pair]:
    if not isinstance(value, list) or not value:
        raise ValueError(f'{where}: wanted a list of {{"input", "output"}}')
    pairs = []
    for number, item in enumerate(value):
        place = f"{where}, pair {number}"
        if not isinstance(item, dict) or "input" not in item or "output" not in item:
            raise ValueError(f'{place}: wanted an object with "input" and "output"')
        grids = (parse_grid(item[part], f"{place}, {part}") for part in ("input", "output"))
        pairs.append(Pair(*grids))
    return pairs
