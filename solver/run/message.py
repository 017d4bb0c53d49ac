"""What supervisor and worker say to each other: frozen records, pickled over a pair of pipes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from solver.arc.record import View
from solver.arc.task import Task

if TYPE_CHECKING:
    from solver.run.adapt import Arm


@dataclass(frozen=True)
class WorkerSettings:
    """``device``: as ``solver.model.device.place`` takes it. ``share``: the processor's threads are
    divided among so many workers."""

    weights: str
    device: str
    share: int
    augmentations: int
    tune: "Arm"


@dataclass(frozen=True, eq=False)
class Job:
    """One phase of one group of tasks. ``steps``: tuning steps, the clock unread, else ``seconds`` for
    all of it. ``cap``: seconds after which its worker is taken to hang. ``attempt`` counts from 0."""

    number: int
    group: int
    phase: str
    tasks: tuple[Task, ...]
    seed: int
    steps: int | None
    seconds: float | None
    cap: float
    attempt: int = 0


@dataclass(frozen=True)
class Ready:
    """The worker can take jobs. ``kind``: cpu, cuda or mps. ``devices``: its own name, then those of
    the workers that could be started beside it. ``weights``: their name."""

    kind: str
    reason: str
    weights: str
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """The worker cannot work at all: weights or device, in one sentence, as for a user's ValueError."""

    text: str
    about: str  # "weights" or "device"


@dataclass(frozen=True)
class Beat:
    """A sign of life from inside a job."""

    job: int


@dataclass(frozen=True, eq=False)
class Answered:
    """One task of a job. ``views[test]``: the candidates with their augmentations, in their order.
    ``note``: why the network was not asked, or an empty string."""

    job: int
    task_id: str
    views: tuple[tuple[View, ...], ...]
    reproduced: int
    steps: int
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class Done:
    """The whole job is done. ``reduced``: what a lack of memory made smaller, or an empty string."""

    job: int
    seconds: float
    reduced: str = ""


@dataclass(frozen=True)
class Failed:
    """The job failed in a way that its worker understood; the worker ends after saying so."""

    job: int
    reason: str


Message = Ready | Refused | Beat | Answered | Done | Failed
