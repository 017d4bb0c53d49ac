"""A worker: a process of its own with one source, which takes jobs from a pipe until the pipe ends.

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
from dataclasses import replace
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection

from solver.arc.candidate import Candidate
from solver.arc.seed import derive_seed
from solver.arc.task import Task
from solver.budget import Budget
from solver.run.message import Answered, Beat, Done, Failed, Job, Message, Ready, Refused, RefusedError, Said
from solver.run.settings import Settings

BEAT_SECONDS = 1.0
SAY_SECONDS = 2.0  # between two messages of a plain source about one task
_PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
# What a fault in a source raises: it costs the source this task, wherever it works.
FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
GIVEN_UP = 3  # exit status after a job that failed: the supervisor starts another process

Solve = Callable[[Job, Callable[[], None]], Iterator[Message]]


def main(receive: int, send: int, around: Callable[[Solve], Solve] = lambda solve: solve) -> None:
    """Work until the pipe ends. ``receive``, ``send``: file descriptors. ``around``: what a test puts around
    the source's own ``solve``."""
    _die_with_parent()
    jobs, supervisor = Connection(receive, writable=False), Connection(send, readable=False)
    arrived: queue.SimpleQueue[Job] = queue.SimpleQueue()
    settings: Settings = jobs.recv()
    threading.Thread(target=_read, args=(jobs, arrived), daemon=True).start()
    try:
        solve, ready = open_source(settings, lambda text: supervisor.send(Said(text)))
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


def open_source(settings: Settings, say: Callable[[str], None] = lambda text: None) -> tuple[Solve, Ready]:
    """What works on the source's jobs in this process, and its device. ``say`` is told what takes its time.
    RefusedError where it cannot work."""
    module, _, function = settings.entry.partition(":")
    try:
        entry = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise RefusedError(f"source {settings.entry}: cannot be imported ({error})", "source") from error
    if settings.plain:
        prepare = getattr(sys.modules[module], "prepare", None)
        if prepare is not None:
            prepare(say)
        return partial(propose_all, entry), Ready("plain", "a plain process", "", ("cpu",))
    return entry(settings)


def propose_all(
    propose: Callable[[Task, Budget, int], Iterator[tuple[int, Candidate]]],
    job: Job,
    beat: Callable[[], None],
) -> Iterator[Message]:
    """The jobs of a plain source: what it has found so far, at most once in SAY_SECONDS, and at the end. Its
    candidates get its name."""
    started = time.monotonic()
    given = job.given
    for task in job.tasks:
        if given.steps is not None:
            budget = Budget(steps=given.steps, beat=beat)
        else:
            seconds = float("inf") if given.seconds is None else given.seconds / len(job.tasks)
            budget = Budget(seconds=seconds, start=time.monotonic(), beat=beat)
        found: list[list[Candidate]] = [[] for _ in task.test]
        said, began = time.monotonic(), time.monotonic()
        try:
            for test, candidate in propose(task, budget, derive_seed(job.seed, task.id)):
                found[test].append(replace(candidate, source=job.source))
                if given.steps is None and (now := time.monotonic()) - said >= SAY_SECONDS:
                    said = now
                    yield _answered(job, task, found, now - began, partial=True)
        except FAULTS as error:
            yield Failed(job.number, f"{type(error).__name__}: {error}")
            return
        yield _answered(job, task, found, time.monotonic() - began)
    yield Done(job.number, time.monotonic() - started)


def _answered(
    job: Job, task: Task, found: list[list[Candidate]], seconds: float, *, partial: bool = False
) -> Answered:
    return Answered(job.number, task.id, tuple(map(tuple, found)), 0, 0, seconds, partial=partial)


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
