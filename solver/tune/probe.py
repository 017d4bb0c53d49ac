"""What a machine can do, found out in a process of its own: devices, then the pace on made-up tasks."""

import json
import sys
import time

from solver.arc.made_up import SIDES, made_up_task
from solver.run.message import Job, WorkerSettings

VIEWS = 4


def main(text: str) -> None:
    """``text``: JSON with weights, device and seconds. Prints one JSON object a line."""
    wanted = json.loads(text)
    _say({"devices": _devices()})
    try:
        engine = _open(wanted["weights"], wanted["device"])
    except ValueError as error:
        _say({"error": str(error)})
        return
    workers = _share_processors(engine)
    _say({"weights": engine.weights.name, "placement": engine.placement.reason, "workers": workers})
    until = time.monotonic() + wanted["seconds"]
    _measure(engine, SIDES[0], 1)  # the first job also warms up: kernels are compiled
    rounds = [(steps, side) for steps in (0, 2, 8, 32) for side in SIDES]
    least = [(0, SIDES[1]), (4, SIDES[0])] if wanted["seconds"] > 0 else []  # what a projection needs
    for steps, side in [*least, *rounds]:
        if least or time.monotonic() < until:
            _say(_measure(engine, side, steps))
            least = least[1:]


def _say(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _devices() -> list[str]:
    """A line for each device, with a kernel tried on it."""
    import torch

    from solver.model.device import cpu_precision, cuda_failure, place
    from solver.processors import counted_threads

    lines = [f"cpu: {counted_threads()}, {cpu_precision()[1]}"]
    if not torch.cuda.is_available():
        return [*lines, f"cuda: none that torch {torch.__version__} can use"]
    for index in range(torch.cuda.device_count()):
        failure = cuda_failure(index)
        if failure:
            lines.append(f"cuda:{index}: {torch.cuda.get_device_name(index)}, fails: {failure}")
            continue
        free, total = torch.cuda.mem_get_info(index)
        placed = place(f"cuda:{index}").reason
        lines.append(f"cuda:{index}: {placed}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    return lines


def _open(weights: str, device: str):
    from solver.model.checkpoint import load_weights
    from solver.model.device import place
    from solver.tune.engine import Engine

    placement = place(device, quick=True)
    return Engine(load_weights(weights), placement, WorkerSettings(weights, device, 1, VIEWS, "full"))


def _share_processors(engine) -> int:
    """The threads of one worker of a run, as many as there would be on a CPU; 0 on another device."""
    from solver.model.device import use_threads
    from solver.processors import available_cpus, cpu_workers

    if engine.placement.device.type != "cpu":
        return 0
    workers = cpu_workers(available_cpus())
    use_threads(max(1, available_cpus() // workers))
    return workers


def _measure(engine, side: int, steps: int) -> dict[str, object]:
    """One job of so many steps on one made-up task: its size and its seconds."""
    from solver.tune.job import solve_job

    task = made_up_task(side)
    job = Job(1, 0, "tune", (task,), 0, steps, None, 0.0)
    began = time.monotonic()
    for _ in solve_job(engine, job, lambda: None):
        pass
    return {"side": side, "steps": steps, "views": VIEWS, "seconds": time.monotonic() - began}
