"""What supervisor and worker say to each other: frozen records, pickled over a pair of pipes."""

from dataclasses import dataclass

from solver.arc.journal import Candidates
from solver.arc.task import Task
from solver.choices import Arm, Tune
from solver.run.schedule import HOLD_SECONDS, HOLD_SHARE, HOLD_STEPS


@dataclass(frozen=True)
class WorkerSettings:
    """``device``: as ``solver.model.device.place`` takes it. ``share``: the processor's threads are
    divided among so many workers. ``augmentations``: views of a task that are tuned on. ``tune``: what
    moves where a job does not say. ``votes``: views that are asked at most, 0 for the same.
    ``replay``: a file of public tasks for joint tuning, or an empty string.
    ``hold_share``: as ``TuneSettings`` has it; None: by the time that a job has for each task.
    ``free_rows``: as ``TuneSettings`` has it. ``entry``: the function that opens the source, as
    "module:function"."""

    weights: str
    device: str
    share: int
    augmentations: int
    tune: Tune
    votes: int = 0
    replay: str = ""
    hold_share: float | None = None
    free_rows: bool = True
    entry: str = "solver.tune.job:open_network"


@dataclass(frozen=True, eq=False)
class Job:
    """One phase of one group of tasks. ``steps``: tuning steps, the clock unread, else ``seconds`` for
    all of it. ``cap``: seconds after which its worker is taken to hang. ``attempt`` counts from 0.
    ``arm``: what moves, None for the worker's setting. ``joint``: where jointly tuned weights are
    written, or read from to start with; empty for the base weights. ``known``: the folder of the weights
    that know its one task, empty for other jobs: tuning starts from its trained vector, or, ``untuned``,
    the vector stands instead of tuning."""

    number: int
    group: int
    phase: str
    tasks: tuple[Task, ...]
    seed: int
    steps: int | None
    seconds: float | None
    cap: float
    attempt: int = 0
    arm: Arm | None = None
    joint: str = ""
    known: str = ""
    untuned: bool = False

    @property
    def hold_share(self) -> float:
        """HOLD_SHARE where each task has the time for it, else 0: no demonstration is held back."""
        per_task = (self.seconds or 0.0) / len(self.tasks), (self.steps or 0) / len(self.tasks)
        return HOLD_SHARE if per_task[0] >= HOLD_SECONDS or per_task[1] >= HOLD_STEPS else 0.0


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


class RefusedError(ValueError):
    """What ``Refused`` says, raised in the worker. ``about``: "weights" or "device"."""

    def __init__(self, text: str, about: str) -> None:
        super().__init__(text)
        self.about = about


@dataclass(frozen=True)
class Beat:
    """A sign of life from inside a job."""

    job: int


@dataclass(frozen=True, eq=False)
class Answered:
    """One task of a job. ``candidates[test]``: of each test input, in the order in which they came.
    ``note``: why the network was not asked, or an empty string. ``held_out``: how often a demonstration
    that was held back from tuning came out, 0..1; None where none was."""

    job: int
    task_id: str
    candidates: Candidates
    reproduced: int
    steps: int
    seconds: float
    note: str = ""
    held_out: float | None = None


@dataclass(frozen=True)
class Done:
    """The whole job is done. ``reduced``: what a lack of memory made smaller, or an empty string.
    ``doubted``: the task was not answered from what the weights know of it; it waits like any other."""

    job: int
    seconds: float
    reduced: str = ""
    doubted: bool = False


@dataclass(frozen=True)
class Failed:
    """The job failed in a way that its worker understood; the worker ends after saying so."""

    job: int
    reason: str


Message = Ready | Refused | Beat | Answered | Done | Failed
