"""What the supervisor needs from whatever runs its workers: processes of this machine, or a cluster.

``solver.run.launch`` and ``solver.run.cluster`` are the two that exist. Which job goes where and when is
never decided there: an executor starts workers, carries messages both ways and ends what it started.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from solver.run.message import Job, Message, Ready, WorkerSettings

LAST_WORDS = 5.0  # seconds that a process whose pipe has ended gets to end by itself


class NoWorker(ValueError):
    """No device could work; the text is the last reason."""


@dataclass(eq=False, kw_only=True)
class Worker(ABC):
    """One worker. ``job``: what it works on; ``began``: since when; ``heard``: its last sign of life.
    Seconds of its executor's clock."""

    settings: WorkerSettings
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
        since = self.heard if self.job.seconds is None else self.began
        return now - since > self.job.cap

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
    def start(self, settings: WorkerSettings) -> Worker:
        """A new worker. It says ``Ready`` or ``Refused`` when it has loaded the network."""

    @abstractmethod
    def listen(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, Message | None]]:
        """What the workers have said, in each one's order; None for one that has ended.

        Waits so many seconds at most for the first word. NoWorker when none can ever be heard again.
        """

    @abstractmethod
    def places(self, settings: WorkerSettings, ready: Ready, wanted: int | None) -> list[WorkerSettings]:
        """The settings of each worker that there shall be, from what the first has said. ``wanted``: how
        many were asked for; None: one for each device. The first worker counts as the first of them."""
