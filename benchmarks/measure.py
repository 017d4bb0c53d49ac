"""How benchmarks measure and report."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """``data``: a folder with ``arc-agi_*_challenges.json``, or None for the example tasks.

    ``scratch``: an empty folder on the disk to measure; ``full``: the sizes of the published data
    set, which take minutes and 15 GB of disk.
    """

    data: Path | None
    scratch: Path
    full: bool


@dataclass(frozen=True)
class Measurement:
    """``value`` in ``unit``; ``target`` in words; ``ratio``: how many times better than the twin."""

    name: str
    value: float
    unit: str
    target: str = ""
    ratio: float | None = None

    def line(self) -> str:
        """One line of the report."""
        ratio = "" if self.ratio is None else f"{self.ratio:,.1f}x"
        return f"{self.name:<44}{self.value:>14,.2f} {self.unit:<14}{ratio:>12}  {self.target}"


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall seconds of ``repeats`` calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def interleaved_medians(works: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median wall seconds of each work, taken in turns, so that a busy minute falls on all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, seconds in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in times]


def run_process(arguments: list[str]) -> tuple[float, float]:
    """(wall seconds, peak resident MB) of a process that must succeed; its output is dropped."""
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"{' '.join(arguments)}: ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024
