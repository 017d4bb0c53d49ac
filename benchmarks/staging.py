"""What a run of the fault campaign is to be: its settings, and where and how often its fault strikes."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.promises import IN_JOINT, MARK, WORKER_FAULTS, Pace, Stage, tiny_tasks

if TYPE_CHECKING:
    from benchmarks.ray_nodes import RayNodes


def set_stage(
    scenario: str,
    generator: np.random.Generator,
    weights: Path,
    folder: Path,
    pace: Pace,
    nodes: "RayNodes | None",
) -> Stage:
    """The run's folder, settings and environment. An empty scenario: no fault."""
    cut = scenario == "truncated weights"
    settings = {
        "weights": str(_truncated(weights, folder, generator) if cut else weights),
        "output": "/proc/submission.json" if scenario == "read-only output" else str(folder / "s.json"),
        "journal": str(folder / "journal"),
        "workers": int(generator.integers(1, 3)),
        "budget": float(generator.uniform(0.1, 2 * pace.clean)) if scenario == "clock near its end" else None,
        "full_after": int(generator.integers(1, 4)) if scenario == "disk full" else 0,
        "killed_after": 0,
        "spare": int(generator.integers(0, 2000)),
        "patience": pace.patience,
        "resume": False,
        "cluster": nodes.address if nodes else "",
        "tune": "full",
        "steps": 2,
    }
    joint = scenario.startswith(IN_JOINT)
    faults = _joint_faults(scenario, generator) if joint else _faults(scenario, generator)
    if joint:
        settings |= _joint_settings(scenario, generator, pace)
    stage = Stage(scenario, folder, settings, {}, pace, nodes)
    stage.hits.mkdir(parents=True)
    mark = {MARK: f"{os.getpid()}-{folder.name}", "TMPDIR": str(folder)}
    mark["FAULTS"] = json.dumps({"folder": str(stage.hits), "faults": faults})
    return replace(stage, environment={**os.environ, **mark})


def _faults(scenario: str, generator: np.random.Generator) -> list[dict[str, object]]:
    if scenario not in WORKER_FAULTS:
        return []
    task = str(generator.choice(["", *(task.id for task in tiny_tasks())]))
    times = int(generator.integers(1, 4))
    if scenario == "vanish":
        return [{"kind": "die", "task": task, "times": times}, {"kind": "vanish"}]
    if scenario == "memory":
        return [{"kind": "memory", "task": task, "times": 0, "tokens": int(generator.integers(0, 768))}]
    return [{"kind": scenario, "task": task, "times": min(times, 2) if scenario == "hang" else times}]


def _joint_faults(scenario: str, generator: np.random.Generator) -> list[dict[str, object]]:
    """A worker is struck twice at most, so that its device is not given up before tasks are finished."""
    kind = scenario.removeprefix(IN_JOINT)
    checkpoint, times = map(int, generator.integers(1, [4, 3]))
    fault: dict[str, object] = {"kind": kind, "checkpoint": checkpoint, "times": times}
    if kind == "supervisor killed":
        return []
    if kind == "memory":
        return [fault | {"times": 0, "tokens": int(generator.integers(64, 768))}]  # 64: the last rung
    return [fault | {"kind": "full", "times": 1} if kind == "disk full" else fault]


def _joint_settings(scenario: str, generator: np.random.Generator, pace: Pace) -> dict[str, object]:
    """By steps or by a clock, with time enough for the phase; the first results are those of checkpoints."""
    settings: dict[str, object] = {"tune": "joint", "steps": 4}
    after = int(generator.integers(1, 7))  # results: of the first two checkpoints of three tasks
    if scenario == IN_JOINT + "disk full":
        settings["full_after"] = after
    elif scenario == IN_JOINT + "supervisor killed":
        settings["killed_after"] = after
    if generator.random() < 1 / 3:
        settings["budget"] = 2 * pace.clean
    return settings


def _truncated(weights: Path, folder: Path, generator: np.random.Generator) -> Path:
    broken = folder / "broken"
    broken.mkdir(parents=True)
    for path in weights.iterdir():
        data = path.read_bytes()
        keep = int(generator.integers(0, len(data))) if path.suffix == ".safetensors" else len(data)
        (broken / path.name).write_bytes(data[:keep])
    return broken
