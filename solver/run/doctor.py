"""What is here and what it can do: devices, weights, mounts, memory, disk, pace; needs no torch itself."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from solver.model.folder import available_weights
from solver.run.cost import CostModel, features, list_schedule, size_of
from solver.run.launch import PACKAGE_FOLDER
from solver.run.probe import SIDES, made_up_task

HIDDEN_TASKS = 240
AUGMENTATIONS = 64
_LIBRARIES = ("torch", "numpy", "numba", "tqdm", "click", "orjson", "safetensors", "jinja2")
_CODE = "import sys; sys.path.insert(0, {root!r}); from solver.run.probe import main; main({wanted!r})"
_START_SECONDS = 300.0  # for torch to load and devices to answer


def diagnose(
    weights: str,
    device: str = "auto",
    *,
    seconds: float = 60.0,
    hours: float = 11.25,
    output: Path = Path("."),
) -> Iterator[str]:
    """Lines for people. ``seconds``: how long the pace is measured; 0 for not at all. ``hours``: of the run
    that is projected."""
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    yield f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield f"libraries: {libraries}"
    yield f"memory: {_memory()}"
    for name, folder in (("output", output), ("scratch", Path(tempfile.gettempdir()))):
        yield f"{name}: {folder.resolve()}, {_disk(folder)}"
    yield f"shipped weights: {', '.join(available_weights()) or 'none'}"
    model, devices, problem = CostModel(), 1, ""
    for found in _probe(weights, device, seconds):
        if "devices" in found:
            yield from found["devices"]
            working = [line for line in found["devices"] if line.startswith("cuda:") and "fails" not in line]
            devices = max(1, len(working))
        elif "error" in found:
            problem = str(found["error"])
        elif "placement" in found:
            yield f"weights: {found['weights']}, on {found['placement']}"
        else:
            model.update(np.array(found["row"]), float(found["seconds"]))
    if problem:
        yield f"problem: {problem}"
    elif model.finished:
        yield from projection(model, devices, hours)


def projection(model: CostModel, devices: int, hours: float) -> Iterator[str]:
    """What the measured pace means for 240 tasks of the made-up sizes in turn."""
    sizes = [size_of(made_up_task(side)) for side in SIDES]
    every = [sizes[number % len(sizes)] for number in range(HIDDEN_TASKS)]

    def cost(steps: int) -> list[float]:
        rows = [features([size], steps=steps, seconds=None, views=AUGMENTATIONS) for size in every]
        return sorted((model.predict(row) for row in rows), reverse=True)

    base, hundred = sum(cost(0)) / HIDDEN_TASKS, sum(cost(100)) / HIDDEN_TASKS
    step = max(1e-6, (hundred - base) / 100)
    affordable = max(0.0, (hours * 3600 * devices / HIDDEN_TASKS - base) / step)
    finish = list_schedule(cost(100), [0.0] * devices)
    yield f"pace: {step:.3g} s a tuning step, {base:.3g} s to predict under {AUGMENTATIONS} augmentations"
    yield (
        f"{HIDDEN_TASKS} tasks on {devices} device{'s' if devices > 1 else ''}: {finish / 3600:.2f} h with "
        f"100 steps each; {hours:g} h allow {affordable:.0f} steps each"
    )


def _probe(weights: str, device: str, seconds: float) -> Iterator[dict]:
    """What the measuring process prints, or one error."""
    wanted = json.dumps({"weights": weights, "device": device, "seconds": seconds})
    code = _CODE.format(root=PACKAGE_FOLDER, wanted=wanted)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS + 4 * seconds,
            check=False,
        )
        lines, said = done.stdout.splitlines(), done.stderr.strip().splitlines()
        failed = f"the measuring process ended with status {done.returncode}: {said[-1] if said else ''}"
        yield from (json.loads(line) for line in lines if line.startswith("{"))
        if done.returncode:
            yield {"error": failed}
    except subprocess.TimeoutExpired:
        yield {"error": "the measuring process gave no answer in time"}


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
