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
from importlib import import_module
from multiprocessing.connection import Connection

from solver.run.message import Beat, Failed, Job, Message, Ready, Refused, RefusedError, WorkerSettings

BEAT_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
GIVEN_UP = 3  # exit status after a job that failed: the supervisor starts another process

Solve = Callable[[Job, Callable[[], None]], Iterator[Message]]


def main(receive: int, send: int, around: Callable[[Solve], Solve] = lambda solve: solve) -> None:
    """Work until the pipe ends. ``receive``, ``send``: file descriptors. ``around``: what a test puts around
    the source's own ``solve``."""
    _die_with_parent()
    jobs, supervisor = Connection(receive, writable=False), Connection(send, readable=False)
    arrived: queue.SimpleQueue[Job] = queue.SimpleQueue()
    settings: WorkerSettings = jobs.recv()
    threading.Thread(target=_read, args=(jobs, arrived), daemon=True).start()
    try:
        solve, ready = open_source(settings)
    except RefusedError as error:
        supervisor.send(Refused(str(error), error.about))
        sys.exit(GIVEN_UP)
    supervisor.send(ready)
    solve = around(solve)
    while True:
        job = arrived.get()
        for message in solve(job, _heartbeat(supervisor, job)):
            supervisor.send(message)
            if isinstance(message, Failed):
                sys.exit(GIVEN_UP)


def open_source(settings: WorkerSettings) -> tuple[Solve, Ready]:
    """What works on the source's jobs in this process, and what it says of its device. RefusedError where it
    cannot work."""
    module, _, function = settings.entry.partition(":")
    return getattr(import_module(module), function)(settings)


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
