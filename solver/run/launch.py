"""Worker processes: started, spoken to over two pipes, and ended without a trace."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from solver.run.message import Job, WorkerSettings

PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])
_CODE = "import sys; sys.path.insert(0, {folder!r}); from {module} import main; main({receive}, {send})"
_LAST_BYTES = 4000  # of what a dead worker said on stderr


@dataclass(eq=False)
class Worker:
    """A process and its two pipes. ``job``: what it works on; ``heard``: when it last gave a sign."""

    process: subprocess.Popen
    jobs: Connection
    messages: Connection
    said: IO[bytes]
    settings: WorkerSettings
    ready: bool = False
    job: Job | None = None
    began: float = 0.0
    heard: float = field(default=0.0)

    def give(self, job: Job, now: float) -> None:
        """Send it a job. OSError when it is dead."""
        self.job, self.began, self.heard = job, now, now
        self.jobs.send(job)

    def hangs(self, now: float, start_cap: float) -> bool:
        """Past its job's cap, or not ready in time."""
        if self.job is None:
            return not self.ready and now - self.began > start_cap
        since = self.heard if self.job.seconds is None else self.began
        return now - since > self.job.cap

    def end(self, *, patience: float = 0.0) -> str:
        """Kill it unless it ends by itself in so many seconds; how it ended, in a few words."""
        self.jobs.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait()
        self.messages.close()
        self.said.seek(max(0, self.said.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = self.said.read().decode("utf-8", "replace").strip().splitlines()
        self.said.close()
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        return f"{how}: {lines[-1][:200]}" if lines and status >= 0 else how


@dataclass(frozen=True)
class Launcher:
    """How workers are started. ``module``: whose ``main(receive, send)`` they run. ``path``: the folder
    from which it is imported."""

    module: str = "solver.run.worker"
    path: str = PACKAGE_FOLDER
    clock: Callable[[], float] = time.monotonic

    def start(self, settings: WorkerSettings) -> Worker:
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
        worker = Worker(process, jobs, messages, said, settings, began=now, heard=now)
        with suppress(OSError):  # dead at once: the supervisor sees the other pipe end
            jobs.send(settings)
        return worker
