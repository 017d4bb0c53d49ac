"""What is here and what it can do: devices, weights, mounts, memory, disk, pace; needs no torch itself."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from solver.arc.made_up import SIDES, made_up_task
from solver.run.cost import TUNED, CostModel, Size, features, list_schedule, size_of
from solver.run.launch import PACKAGE_FOLDER
from solver.weights_card import available_weights
from solver.words import counted

HIDDEN_TASKS = 240
AUGMENTATIONS = 64
LEAST_JOBS = 6  # measured, before anything is projected from them
AGREE = 1.3  # how far two halves of the measured jobs may project apart for the whole to be within a fifth
_LIBRARIES = ("torch", "numpy", "numba", "tqdm", "click", "orjson", "safetensors", "jinja2")
_CODE = "import sys; sys.path.insert(0, {root!r}); from solver.tune.probe import main; main({wanted!r})"
START_SECONDS = 300.0  # for torch to load and devices to answer


def diagnose(
    weights: str,
    device: str = "auto",
    *,
    seconds: float = 60.0,
    hours: float = 11.25,
    output: Path = Path("."),
    start_seconds: float = START_SECONDS,
) -> Iterator[str]:
    """Lines for people, the last of them at most ``start_seconds`` + twice ``seconds`` from now.

    ``seconds``: how long the pace is measured; 0 for next to nothing. ``hours``: of the run that is
    projected. ``start_seconds``: for torch to load and for the devices to answer.
    """
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    yield f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield f"libraries: {libraries}"
    yield f"memory: {_memory()}"
    for name, folder in (("output", output), ("scratch", Path(tempfile.gettempdir()))):
        yield f"{name}: {folder.resolve()}, {_disk(folder)}"
    yield f"shipped weights: {', '.join(available_weights()) or 'none'}"
    devices, problem, late, ready = 1, "", 0.0, False
    jobs: list[tuple[np.ndarray, float]] = []
    for found in _probe(weights, device, seconds, start_seconds + 2 * seconds):
        if "devices" in found:
            yield from found["devices"]
            working = [line for line in found["devices"] if line.startswith("cuda:") and "fails" not in line]
            devices = max(1, len(working))
        elif "error" in found:
            problem = str(found["error"])
        elif "late" in found:
            late = float(found["late"])
        elif "placement" in found:
            ready = True
            yield f"weights: {found['weights']}, on {found['placement']}"
            devices = found["workers"] or devices
        else:
            sizes = [size_of(made_up_task(found["side"]))]
            row = features(sizes, steps=found["steps"], seconds=None, views=found["views"])
            jobs.append((row, float(found["seconds"])))
    if late and not ready:
        problem = f"the devices and the weights were not ready after {late:.0f} s"
    if problem:
        yield f"problem: {problem}"
    elif any(row[TUNED] > 0 for row, _ in jobs):
        yield from projection(jobs, devices, hours)
    elif late:
        yield f"pace: not measured within {late:.0f} s on this busy machine; a run goes on without it"


def projection(jobs: Sequence[tuple[np.ndarray, float]], devices: int, hours: float) -> Iterator[str]:
    """What the pace of the measured jobs, each a row of ``cost.features`` and its seconds, means for 240
    tasks of the made-up sizes in turn; or that it cannot be told, where two halves of the jobs disagree."""
    sizes = [size_of(made_up_task(side)) for side in SIDES]
    every = [sizes[number % len(sizes)] for number in range(HIDDEN_TASKS)]
    parts = [jobs[first::2] for first in (0, 1)] if len(jobs) >= LEAST_JOBS else []
    halves = [_finish(_fitted(part), every, devices) for part in parts]
    model = _fitted(jobs)
    base, hundred = (sum(_costs(model, every, steps)) / HIDDEN_TASKS for steps in (0, 100))
    step = (hundred - base) / 100
    if not halves or max(halves) > AGREE * min(halves) or step < 1e-3 * base / 100:
        found = " and ".join(f"{seconds / 3600:.2f} h" for seconds in halves) or "too few"
        yield f"pace: {counted(len(jobs), 'job')} cannot tell ({found} for 240 tasks); measure for longer"
        return
    affordable = max(0.0, (hours * 3600 * devices / HIDDEN_TASKS - base) / step)
    finish = _finish(model, every, devices)
    yield f"pace: {step:.3g} s a tuning step, {base:.3g} s to predict under {AUGMENTATIONS} augmentations"
    yield (
        f"{HIDDEN_TASKS} tasks on {counted(devices, 'device')}: {finish / 3600:.2f} h with 100 steps each; "
        f"{hours:.4g} h allow {affordable:.0f} steps each"
    )


def _fitted(jobs: Sequence[tuple[np.ndarray, float]]) -> CostModel:
    model = CostModel()
    for row, seconds in jobs:
        model.update(row, seconds)
    return model


def _costs(model: CostModel, sizes: Sequence[Size], steps: int) -> list[float]:
    """Seconds of each task, the most expensive first."""
    rows = [features([size], steps=steps, seconds=None, views=AUGMENTATIONS) for size in sizes]
    return sorted((model.predict(row) for row in rows), reverse=True)


def _finish(model: CostModel, sizes: Sequence[Size], devices: int) -> float:
    """Seconds until tasks of these sizes are done with 100 steps each."""
    return list_schedule(_costs(model, sizes, 100), [0.0] * devices)


def _probe(weights: str, device: str, seconds: float, limit: float) -> Iterator[dict]:
    """What the measuring process prints, when it does; then one error, or ``late``, where it was ended after
    ``limit`` seconds."""
    wanted = json.dumps({"weights": weights, "device": device, "seconds": seconds})
    code = _CODE.format(root=PACKAGE_FOLDER, wanted=wanted)
    late = threading.Event()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        timer = threading.Timer(limit, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            assert process.stdout is not None
            whole = (line for line in process.stdout if line.startswith("{") and line.endswith("}\n"))
            yield from map(json.loads, whole)
            process.wait()
        finally:
            timer.cancel()
            process.kill()
        said.seek(0)
        last = "".join(said.read().strip().splitlines()[-1:])
    if late.is_set():
        yield {"late": limit}
    elif process.returncode:
        yield {"error": f"the measuring process ended with status {process.returncode}: {last}"}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _memory() -> str:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        free, total = os.sysconf("SC_AVPHYS_PAGES") * page, os.sysconf("SC_PHYS_PAGES") * page
    except (OSError, ValueError):
        return "unknown"
    return f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"


def _disk(folder: Path) -> str:
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    writable = "writable" if os.access(folder, os.W_OK) else "not writable"
    return f"{usage.free / 2**30:.1f} GiB free, {writable}"
