"""A worker with faults around the real one: for the fault campaign and the tests of the supervisor.

The environment's ``FAULTS`` holds JSON: ``folder`` (each fault leaves a file there, which counts it) and
``faults``: objects with ``kind``, ``task`` (part of its id; empty: any), ``times`` (0: always) and, for
``memory``, ``tokens``: the largest tuning batch for which memory is feigned to be enough.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from solver.run import worker
from solver.run.message import Job, Message

KINDS = ("die", "hang", "memory", "nan", "error", "vanish")


@dataclass(frozen=True)
class Fault:
    """One fault, as the environment names it."""

    kind: str
    task: str = ""
    times: int = 1
    tokens: int = 0


def count_hits(folder: Path, fault: Fault) -> int:
    """How often the fault has struck, in all processes together."""
    return len(list(folder.glob(f"{fault.kind}-{fault.task}-*")))


def _strikes(folder: Path, fault: Fault, job: Job) -> bool:
    if not any(fault.task in task.id for task in job.tasks):
        return False
    hits = count_hits(folder, fault)
    if fault.times and hits >= fault.times:
        return False
    (folder / f"{fault.kind}-{fault.task}-{hits}").touch()
    return True


def _faulty_adapt(real: Callable, fault: Fault) -> Callable:
    """Test-time training in too little memory, or one that ends in numbers that are not finite."""
    import torch

    def adapt(*args, **named):
        settings = named["settings"]
        if fault.kind == "memory" and settings.tokens > fault.tokens:
            raise torch.OutOfMemoryError(f"simulated: out of memory with {settings.tokens} cells")
        tuned = real(*args, **named)
        if fault.kind == "nan":
            for parameter in tuned.network.parameters():
                parameter.data.fill_(float("nan"))
        return tuned

    return adapt


def main(receive: int, send: int) -> None:
    """As ``solver.run.worker.main``, with the faults that the environment asks for."""
    wanted = json.loads(os.environ["FAULTS"])
    folder, faults = Path(wanted["folder"]), [Fault(**fault) for fault in wanted["faults"]]
    for fault in faults:
        if fault.kind == "vanish" and list(folder.glob("die-*")):
            worker._place = _vanished  # a device that is gone when its worker is started again
    worker.main(receive, send, solve=lambda bench, job, beat: _solve(folder, faults, bench, job, beat))


def _vanished(name: str) -> None:
    raise ValueError(f"device {name}: simulated as gone")


def _solve(folder: Path, faults: list[Fault], bench, job: Job, beat) -> Iterator[Message]:
    from solver.run import group

    real = group.adapt
    for fault in faults:
        if fault.kind == "vanish" or not _strikes(folder, fault, job):
            continue
        if fault.kind == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.kind == "hang":
            time.sleep(1e6)
        if fault.kind == "error":
            raise RuntimeError("CUDA error: simulated: an illegal memory access was encountered")
        group.adapt = _faulty_adapt(real, fault)
    try:
        yield from group.solve_job(bench, job, beat)
    finally:
        group.adapt = real
