"""The record of a run: one JSON object a line.

The first line of every start is the header (``event`` is ``header``): configuration, commit, versions,
device, number of parameters. Then ``train`` and ``eval`` lines with their ``step``. A run that goes on
from a checkpoint repeats the steps since: for each step the last line counts.
"""

import json
import math
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from solver.file import append_record, cut_torn_line

FILE = "log.jsonl"


def commit(folder: Path = Path(__file__).parent) -> str:
    """The source's commit, with ``+`` where it was changed; ``unknown`` outside a checkout."""
    try:
        words = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


class RunLog:
    """Appends to ``log.jsonl`` in the run's folder; ``write`` does nothing where ``folder`` is None."""

    def __init__(
        self,
        folder: Path | None,
        tracker: str = "none",
        title: str = "run",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.path: Path | None = None
        self.tracker = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.path = folder / FILE
            cut_torn_line(self.path)
            self.tracker = open_tracker(tracker, folder, title)

    def header(self, **values: Any) -> None:
        """The line that says what runs here."""
        versions = {"python": platform.python_version(), "torch": torch.__version__}
        machine = {"host": platform.node(), "cpus": os.cpu_count()}
        self.write("header", commit=commit(), versions=versions, machine=machine, **values)

    def write(self, event: str, **values: Any) -> None:
        """One line, on disk at once; numbers that JSON does not have are written as strings."""
        if self.path is None:
            return
        record = {"event": event, "time": round(self.clock(), 3), **values}
        append_record(self.path, _plain(record))
        if self.tracker is not None and "step" in values:
            numbers = {k: v for k, v in values.items() if isinstance(v, float)}
            self.tracker.write(event, values["step"], numbers)

    def close(self) -> None:
        """Nothing more will be written: what a tracker still holds goes out."""
        if self.tracker is not None:
            self.tracker.close()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a run, the last of those with the same event and step; headers all.

    ValueError naming the line for what is no record.
    """
    found: dict[tuple, dict[str, Any]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            key = (record["event"], record["step"]) if "step" in record else (record["event"], number, "line")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}, line {number}: wanted a record of a run, found {line[:40]!r}"
            ) from error
        found.pop(key, None)
        found[key] = record
    return list(found.values())


class Tracker(Protocol):
    """Where the numbers of the log go too."""

    def write(self, event: str, step: int, values: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in ``tensorboard`` below the run's folder."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard"))

    def write(self, event: str, step: int, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            self.writer.add_scalar(f"{event}/{key}", value, step)

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases:
    """A run in ``wandb`` below the run's folder; WANDB_MODE=online in the environment sends it."""

    def __init__(self, folder: Path, project: str, name: str) -> None:
        import wandb

        mode = os.environ.get("WANDB_MODE", "offline")
        self.run = wandb.init(project=project, name=name, dir=str(folder), mode=mode)

    def write(self, event: str, step: int, values: Mapping[str, float]) -> None:
        self.run.log({f"{event}/{key}": value for key, value in values.items()}, step=step)

    def close(self) -> None:
        self.run.finish()


def open_tracker(name: str, folder: Path, project: str) -> Tracker | None:
    """``tensorboard``, ``wandb`` or ``none``; ValueError where the package is missing."""
    if name == "none":
        return None
    try:
        return (
            TensorBoard(folder) if name == "tensorboard" else WeightsAndBiases(folder, project, folder.name)
        )
    except ImportError as error:
        raise ValueError(f'tracker {name}: not installed: pip install "arc-urm-solver[track]"') from error
