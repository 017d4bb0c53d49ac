"""A worker with faults around the real one: for the fault campaign and the tests of the supervisor.

The environment's ``FAULTS`` holds JSON: ``folder`` (each fault leaves a file there, which counts it) and
``faults``: objects with ``kind``, ``task`` (part of its id; empty: any), ``times`` (0: always) and, for
``memory``, ``tokens``: the largest tuning batch for which memory is feigned to be enough. With a
``checkpoint`` a fault strikes within joint tuning alone, on the way to its checkpoint of that number.
"""

import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from solver.choices import JOINT, NETWORK
from solver.run import worker
from solver.run.message import Job, Message

WRITABLE = 4096  # bytes that a file may still have on a full disk: less than any weights


@dataclass(frozen=True)
class Fault:
    """One fault, as the environment names it. ``checkpoint``: from 1; 0 strikes as a job begins."""

    kind: str
    task: str = ""
    times: int = 1
    tokens: int = 0
    checkpoint: int = 0


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
            _spoil(tuned.network)
        return tuned

    return adapt


def _spoil(network) -> None:
    for parameter in network.parameters():
        parameter.data.fill_(float("nan"))


def _faulty_tuning(real: type, fault: Fault, strikes: Callable[[], bool]) -> type:
    """Joint tuning that is struck on the way to one of its checkpoints."""
    import torch

    class Tuning(real):
        checkpoints = 0

        def run(self, until: float = 1.0) -> None:
            self.checkpoints += 1
            if self.checkpoints == fault.checkpoint and strikes():
                _strike(fault)
                if fault.kind == "memory" and self.settings.tokens > fault.tokens:
                    raise torch.OutOfMemoryError(f"simulated: no memory for {self.settings.tokens} cells")
                if fault.kind == "nan":
                    _spoil(self.network)
            super().run(until)

    return Tuning


def _strike(fault: Fault) -> None:
    """What befalls the process, whatever it is doing."""
    if fault.kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.kind == "hang":
        time.sleep(1e6)
    if fault.kind == "error":
        raise RuntimeError("CUDA error: simulated: an illegal memory access was encountered")
    if fault.kind == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (WRITABLE, resource.RLIM_INFINITY))


def main(receive: int, send: int) -> None:
    """As ``solver.run.worker.main``, with the faults that the environment asks for."""
    wanted = json.loads(os.environ["FAULTS"])
    folder, faults = Path(wanted["folder"]), [Fault(**fault) for fault in wanted["faults"]]
    for fault in faults:
        if fault.kind == "vanish" and list(folder.glob("die-*")):
            from solver.tune import engine

            engine._place = _vanished  # a device that is gone when its worker is started again
    worker.main(receive, send, around=lambda solve: partial(_solve, folder, faults, solve))


def _vanished(name: str) -> None:
    raise ValueError(f"device {name}: simulated as gone")


def _solve(
    folder: Path, faults: list[Fault], solve: worker.Solve, job: Job, beat: Callable[[], None]
) -> Iterator[Message]:
    from solver.tune import job as jobs
    from solver.tune import joint

    adapt, tuning = jobs.adapt, joint.Tuning
    for fault in faults:
        if fault.checkpoint and job.phase == JOINT:
            joint.Tuning = _faulty_tuning(tuning, fault, partial(_strikes, folder, fault, job))
        elsewhere = job.source != NETWORK or fault.kind == "vanish" or fault.checkpoint
        if elsewhere or not _strikes(folder, fault, job):
            continue
        _strike(fault)
        jobs.adapt = _faulty_adapt(adapt, fault)
    try:
        yield from solve(job, beat)
    finally:
        jobs.adapt, joint.Tuning = adapt, tuning
