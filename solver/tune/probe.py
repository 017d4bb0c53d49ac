"""What a machine can do, found out in a process of its own: devices, then the pace on made-up tasks."""

import json
import sys
import time

from solver.arc.made_up import SIDES, made_up_task
from solver.choices import NETWORK, TUNE
from solver.processors import available_cpus, counted_threads, cpu_workers
from solver.run.message import Given, Job, RefusedError
from solver.run.settings import Settings, SolveOptions
from solver.run.sources import SOURCES
from solver.run.worker import Solve, open_source

VIEWS = 4


def main(text: str) -> None:
    """``text``: JSON with weights, device and seconds. Prints one JSON object a line."""
    wanted = json.loads(text)
    _say({"devices": _devices()})
    workers = cpu_workers(available_cpus())
    options = SolveOptions(augmentations=VIEWS, tune="full")
    entry, device = SOURCES[NETWORK].entry, wanted["device"]
    settings = Settings(options, weights=wanted["weights"], entry=entry, device=device, share=workers)
    try:
        solve, ready = open_source(settings)
    except RefusedError as error:
        _say({"error": str(error)})
        return
    told = {"weights": ready.weights, "placement": ready.reason}
    _say({**told, "workers": workers if ready.kind == "cpu" else 0})
    until = time.monotonic() + wanted["seconds"]
    _measure(solve, SIDES[0], 1)  # the first job also warms up: kernels are compiled
    rounds = [(steps, side) for steps in (0, 2, 8, 32) for side in SIDES]
    least = [(0, SIDES[1]), (4, SIDES[0])] if wanted["seconds"] > 0 else []  # what a projection needs
    for steps, side in [*least, *rounds]:
        if least or time.monotonic() < until:
            _say(_measure(solve, side, steps))
            least = least[1:]


def _say(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _devices() -> list[str]:
    """A line for each device, with a kernel tried on it."""
    import torch

    from solver.model.device import cpu_precision, cuda_failure, place

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


def _measure(solve: Solve, side: int, steps: int) -> dict[str, object]:
    """One job of so many steps on one made-up task: its size and its seconds."""
    task = made_up_task(side)
    job = Job(1, 0, (task,), NETWORK, TUNE, Given(steps))
    began = time.monotonic()
    for _ in solve(job, lambda: None):
        pass
    return {"side": side, "steps": steps, "views": VIEWS, "seconds": time.monotonic() - began}
