"""What lies under Kaggle's input folder: tasks, public tasks and weights, in both of its layouts.

Newer: ``competitions/<slug>/`` and ``datasets/<owner>/<name>/``; older: ``<slug>/`` and ``<name>/``.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TASKS = "arc-agi_test_challenges.json"
EVALUATION = "arc-agi_evaluation_challenges.json"
_PUBLIC = "arc-agi_*_challenges.json"
_DEPTH = 6  # of models/<owner>/<model>/<framework>/<variation>/<version>


@dataclass(frozen=True)
class Mounts:
    """``tasks``, ``evaluation``: challenges files, None where there is none. ``public``: all challenges files
    but the hidden one, each name once. ``weights``: folders with config.json and model.safetensors.
    ``folders``: everything that is mounted."""

    root: Path
    tasks: Path | None
    evaluation: Path | None
    public: tuple[Path, ...]
    weights: tuple[Path, ...]
    folders: tuple[Path, ...]

    def describe(self) -> str:
        """The mounts in one sentence, for a log."""
        names = ", ".join(str(path) for path in self.folders) or "nothing"
        return f"Under {self.root} there is: {names}."


def find_mounts(root: Path) -> Mounts:
    """Look through the input folder, the competition's own folders first."""
    folders = sorted(_walk(root, _DEPTH), key=lambda path: ("competitions" not in path.parts, path))
    tasks = [path / TASKS for path in folders if (path / TASKS).is_file()]
    evaluation = [path / EVALUATION for path in folders if (path / EVALUATION).is_file()]
    weights = [
        path
        for path in folders
        if (path / "config.json").is_file() and (path / "model.safetensors").is_file()
    ]
    public = {path.name: path for folder in reversed(folders) for path in folder.glob(_PUBLIC)}
    public.pop(TASKS, None)
    others = tuple(public[name] for name in sorted(public))
    leaves = tuple(path for path in folders if any(item.is_file() for item in path.iterdir()))
    first, known = next(iter(tasks), None), next(iter(evaluation), None)
    return Mounts(root, first, known, others, tuple(weights), leaves)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """The folder and those below it, ``depth`` levels deep; what cannot be read is left out."""
    try:
        inside = sorted(item for item in folder.iterdir() if item.is_dir())
    except OSError:
        return
    yield folder
    if depth:
        for item in inside:
            yield from _walk(item, depth - 1)


def input_root() -> Path:
    """``KAGGLE_INPUT``, or where Kaggle mounts its input."""
    return Path(os.environ.get("KAGGLE_INPUT", "/kaggle/input"))


def output_folder() -> Path:
    """``KAGGLE_OUTPUT``, or Kaggle's folder for output, or the current one."""
    working = Path("/kaggle/working")
    return Path(os.environ.get("KAGGLE_OUTPUT", working if working.is_dir() else "."))


def process_age() -> float:
    """Seconds since this process was started; 0 where the system does not tell."""
    try:
        with open("/proc/self/stat") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        started = ticks / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, ValueError, AttributeError):
        return 0.0
