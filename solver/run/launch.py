"""Workers: what the supervisor needs of them, and how this machine runs them.

``Launcher`` runs each in a process of its own, ``InProcess`` in this one; ``solver.run.cluster`` runs them on
Ray. Which job goes where and when is never decided here: an executor starts workers, carries messages both
ways and ends what it started.
"""

import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO

from solver.processors import cpu_workers, expected_gpus, expected_kind
from solver.run.events import TaskResult
from solver.run.message import Job, Message, Ready, Refused, RefusedError
from solver.run.settings import Devices, Settings, SolveOptions
from solver.run.worker import Solve, open_source

PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])
_CODE = "import sys; sys.path.insert(0, {folder!r}); from {module} import main; main({receive}, {send})"
_LAST_BYTES = 4000  # of what a dead worker said on stderr
LAST_WORDS = 5.0  # seconds that a process whose pipe has ended gets to end by itself


class UnfinishedError(ValueError):
    """The run could not do all that it should. ``results``: of every task, as they stand."""

    results: tuple[TaskResult, ...] = ()


class NoWorker(UnfinishedError):
    """No device could work; the text is the last reason."""


@dataclass(eq=False, kw_only=True)
class Worker(ABC):
    """One worker. ``job``: what it works on; ``began``: since when; ``heard``: its last sign of life.
    Seconds of its executor's clock."""

    settings: Settings
    began: float
    heard: float
    ready: bool = False
    job: Job | None = None

    def give(self, job: Job, now: float) -> None:
        """Let it work on a job. One that is dead takes it too: its end is heard next."""
        self.job, self.began, self.heard = job, now, now
        self._send(job)

    def hangs(self, now: float, start_cap: float) -> bool:
        """Past its job's cap, or not ready in time."""
        if self.job is None:
            return not self.ready and now - self.began > start_cap
        given = self.job.given
        since = self.heard if given.seconds is None else self.began
        return now - since > given.cap

    @abstractmethod
    def _send(self, job: Job) -> None:
        """Hand over a job without waiting for anything."""

    @abstractmethod
    def end(self, *, patience: float = 0.0) -> str:
        """Kill it unless it ends by itself in so many seconds; how it ended, in a few words."""


class Executor(ABC):
    """Starts workers and hears them."""

    clock: Callable[[], float]

    @abstractmethod
    def devices(self, options: SolveOptions, tasks: int) -> Devices:
        """What the network of a run with so many tasks will most likely work on. It is found out in a
        moment, so that the settings are resolved before any worker exists."""

    def for_plain(self) -> "Executor":
        """What runs the sources that need no device."""
        return self

    @abstractmethod
    def start(self, settings: Settings) -> Worker:
        """A new worker. It says ``Ready`` or ``Refused`` when it has loaded the network."""

    @abstractmethod
    def listen(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, Message | None]]:
        """What the workers have said, in each one's order; None for one that has ended.

        Waits so many seconds at most for the first word. NoWorker when none can ever be heard again.
        """

    @abstractmethod
    def places(self, settings: Settings, ready: Ready, wanted: int | None) -> list[Settings]:
        """The settings of each worker that there shall be, from what the first has said. ``wanted``: how
        many were asked for; None: one for each device. The first worker counts as the first of them."""


@dataclass(eq=False, kw_only=True)
class Process(Worker):
    """A process and its two pipes. ``said``: its stdout and stderr."""

    process: subprocess.Popen
    jobs: Connection
    messages: Connection
    said: IO[bytes]

    def _send(self, job: Job) -> None:
        with suppress(OSError):  # it died idle; the end of its other pipe is heard next
            self.jobs.send(job)

    def hear(self) -> Message | None:
        """Its next message, waited for; None when it has ended."""
        try:
            return self.messages.recv()
        except (EOFError, OSError):
            return None

    def end(self, *, patience: float = 0.0) -> str:
        """Kill it unless it ends by itself in so many seconds; how it ended, in a few words."""
        self.jobs.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        late = self.process.poll() is None
        if late:
            self.process.kill()
        status = self.process.wait()
        self.messages.close()
        self.said.seek(max(0, self.said.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = self.said.read().decode("utf-8", "replace").strip().splitlines()
        self.said.close()
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        # On a busy machine a process that failed may still be on its way out: what it said holds.
        how = "it had to be ended" if late else how
        return f"{how}: {lines[-1][:200]}" if lines and (late or status >= 0) else how


def devices_here(options: SolveOptions, tasks: int) -> Devices:
    """What this machine has for the network of a run with so many tasks."""
    kind = expected_kind(options.device)
    count = options.workers
    if count is None:
        count = expected_gpus() if kind == "cuda" else cpu_workers(tasks)
    return Devices(kind, max(1, count))


@dataclass(frozen=True)
class Launcher(Executor):
    """How processes are started. ``module``: whose ``main(receive, send)`` they run. ``path``: the folder
    from which it is imported."""

    module: str = "solver.run.worker"
    path: str = PACKAGE_FOLDER
    clock: Callable[[], float] = time.monotonic

    def devices(self, options: SolveOptions, tasks: int) -> Devices:
        """This machine's, as far as they can be known without torch."""
        return devices_here(options, tasks)

    def start(self, settings: Settings) -> Process:
        """A new process. It is in a group of its own, so that Ctrl-C reaches the supervisor alone."""
        jobs_out, jobs_in = os.pipe()
        messages_out, messages_in = os.pipe()
        code = _CODE.format(folder=self.path, module=self.module, receive=jobs_out, send=messages_in)
        said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the worker ends)
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=(jobs_out, messages_in),
            process_group=0,
        )
        os.close(jobs_out)
        os.close(messages_in)
        jobs, messages = Connection(jobs_in, readable=False), Connection(messages_out, writable=False)
        now = self.clock()
        worker = Process(
            settings=settings, began=now, heard=now, process=process, jobs=jobs, messages=messages, said=said
        )
        with suppress(OSError):  # dead at once: the supervisor sees the other pipe end
            jobs.send(settings)
        return worker

    def listen(self, workers: Sequence[Process], seconds: float) -> list[tuple[Process, Message | None]]:
        """A message of each worker that has one."""
        by_pipe = {worker.messages: worker for worker in workers}
        heard = [by_pipe[pipe] for pipe in wait(list(by_pipe), seconds)]
        return [(worker, worker.hear()) for worker in heard]

    def places(self, settings: Settings, ready: Ready, wanted: int | None) -> list[Settings]:
        """One for each GPU of this machine, on its CPU as many as share it, or as many as were asked for,
        spread over the devices; of a plain source
        as many as share the processors."""
        if settings.plain:
            return [settings] * settings.share
        devices = (settings.device,) if ":" in settings.device else ready.devices
        count = wanted or (settings.share if ready.kind == "cpu" else len(devices))
        share = count if ready.kind == "cpu" else 1
        names = [devices[number % len(devices)] for number in range(count)]
        return [replace(settings, device=name, share=share) for name in names]


@dataclass(eq=False, kw_only=True)
class Here(Worker):
    """A source in this process. ``solve``: what works on its jobs, None until it is opened. ``work``: the job
    under way."""

    solve: Solve | None = None
    work: Iterator[Message] | None = None

    @property
    def idle(self) -> bool:
        """Whether it has nothing to say."""
        return self.solve is not None and self.work is None

    def next_message(self) -> Message | None:
        """Work until the next message; None where the job has none left."""
        if self.solve is None:
            try:
                self.solve, ready = open_source(self.settings)
            except RefusedError as error:
                return Refused(str(error), error.about)
            return ready
        message = next(self.work, None)
        if message is None:
            self.work = None
        return message

    def hangs(self, now: float, start_cap: float) -> bool:
        """Never: nobody could tell while it works."""
        return False

    def _send(self, job: Job) -> None:
        self.work = self.solve(job, lambda: None)

    def end(self, *, patience: float = 0.0) -> str:
        """Drop the job under way."""
        self.work = None
        return "ended"


@dataclass(frozen=True)
class InProcess(Executor):
    """Sources in this process, one message at a time, the first worker that has work before the others."""

    clock: Callable[[], float] = time.monotonic

    def devices(self, options: SolveOptions, tasks: int) -> Devices:
        """This machine's."""
        return replace(devices_here(options, tasks), count=1)

    def start(self, settings: Settings) -> Here:
        """A source that is opened when it is first heard."""
        now = self.clock()
        return Here(settings=settings, began=now, heard=now)

    def listen(self, workers: Sequence[Here], seconds: float) -> list[tuple[Here, Message | None]]:
        """The next message of the first worker that is at work."""
        for worker in workers:
            if not worker.idle and (message := worker.next_message()) is not None:
                return [(worker, message)]
        return []

    def places(self, settings: Settings, ready: Ready, wanted: int | None) -> list[Settings]:
        """One."""
        return [settings]
