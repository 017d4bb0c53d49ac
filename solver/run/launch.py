"""Workers as processes of this machine: started, spoken to over two pipes, and ended without a trace."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO

from solver.run.executor import Executor, Worker
from solver.run.message import Job, Message, Ready, WorkerSettings

PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])
_CODE = "import sys; sys.path.insert(0, {folder!r}); from {module} import main; main({receive}, {send})"
_LAST_BYTES = 4000  # of what a dead worker said on stderr


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


@dataclass(frozen=True)
class Launcher(Executor):
    """How processes are started. ``module``: whose ``main(receive, send)`` they run. ``path``: the folder
    from which it is imported."""

    module: str = "solver.run.worker"
    path: str = PACKAGE_FOLDER
    clock: Callable[[], float] = time.monotonic

    def start(self, settings: WorkerSettings) -> Process:
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

    def places(self, settings: WorkerSettings, ready: Ready, wanted: int | None) -> list[WorkerSettings]:
        """One for each GPU of this machine, on its CPU as many as share it, or as many as were asked for,
        dealt over the devices."""
        devices = (settings.device,) if ":" in settings.device else ready.devices
        count = wanted or (settings.share if ready.kind == "cpu" else len(devices))
        share = count if ready.kind == "cpu" else 1
        names = [devices[number % len(devices)] for number in range(count)]
        return [replace(settings, device=name, share=share) for name in names]
