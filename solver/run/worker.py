"""A worker: a process of its own with one device, which takes jobs from a pipe until the pipe ends.

Started as ``python -c`` with the folder of the package, so that it needs neither an installed package
nor the caller's main module. It reads jobs on a thread: when the supervisor is gone, whatever is being
computed, the process ends at once.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from solver.run.message import Beat, Failed, Job, Message, Ready, Refused, WorkerSettings

if TYPE_CHECKING:
    from solver.model.device import Placement

BEAT_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
GIVEN_UP = 3  # exit status after a job that failed: the supervisor starts another process

Solve = Callable[["object", Job, Callable[[], None]], Iterator[Message]]


def main(receive: int, send: int, solve: Solve | None = None) -> None:
    """Work until the pipe ends. ``receive``, ``send``: file descriptors. ``solve``: the job's own code,
    ``solver.run.group.solve_job`` unless a test puts a fault around it."""
    _die_with_parent()
    jobs, supervisor = Connection(receive, writable=False), Connection(send, readable=False)
    arrived: queue.SimpleQueue[Job] = queue.SimpleQueue()
    settings: WorkerSettings = jobs.recv()
    threading.Thread(target=_read, args=(jobs, arrived), daemon=True).start()
    bench = _prepare(settings, supervisor)
    if bench is None:
        sys.exit(GIVEN_UP)
    if solve is None:
        from solver.run.group import solve_job as solve
    while True:
        job = arrived.get()
        for message in solve(bench, job, _heartbeat(supervisor, job)):
            supervisor.send(message)
            if isinstance(message, Failed):
                sys.exit(GIVEN_UP)


def _die_with_parent() -> None:
    """Ask Linux to end this process with its parent: a thread that waits could not while C code runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _read(jobs: Connection, arrived: "queue.SimpleQueue[Job]") -> None:
    try:
        while True:
            arrived.put(jobs.recv())
    except (EOFError, OSError):  # the supervisor is gone; nobody is left to answer
        os._exit(0)


def _prepare(settings: WorkerSettings, supervisor: Connection) -> object | None:
    """The network on its device, said to the supervisor; None where that is impossible."""
    import torch

    from solver.model.checkpoint import load_weights
    from solver.model.device import cpu_precision, use_threads
    from solver.model.processors import available_cpus, counted_threads
    from solver.run.group import Bench
    from solver.run.kernels import compile_kernels

    threads = use_threads(max(1, available_cpus() // settings.share))
    about = "device"
    try:
        placement = _place(settings.device)
        about = "weights"
        weights = load_weights(settings.weights)
    except ValueError as error:
        supervisor.send(Refused(str(error), about))
        return None
    kind = placement.device.type
    own = str(placement.device)
    others = [f"cuda:{n}" for n in range(torch.cuda.device_count())] if kind == "cuda" else []
    devices = (own, *(name for name in others if name != own))
    if kind != "cpu":  # the processors serve the devices, not so many workers
        threads = use_threads(max(1, available_cpus() // len(devices)))
    reason = placement.reason
    if kind == "cpu":
        reason = f"CPU, {counted_threads(threads)} each, {cpu_precision()[1]}"
    compile_kernels()
    supervisor.send(Ready(kind, reason, weights.name, devices))
    return Bench(weights, placement, settings)


def _place(name: str) -> "Placement":
    """As ``place``, but ``auto`` passes over a GPU on which no kernel runs and takes the next."""
    import torch

    from solver.model.device import cuda_failure, place

    if name == "auto" and torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            if not cuda_failure(index):
                return place(f"cuda:{index}")
        return place("cpu", quick=True)
    return place(name, quick=True)


def _heartbeat(supervisor: Connection, job: Job) -> Callable[[], None]:
    """A sign of life at most once a second."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= BEAT_SECONDS:
            last = now
            supervisor.send(Beat(job.number))

    return beat
