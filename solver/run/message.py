"""What supervisor and worker say to each other: frozen records, pickled over a pair of pipes."""

from dataclasses import dataclass

from solver.arc.journal import Candidates
from solver.arc.task import Task
from solver.run.schedule import HOLD_SECONDS, HOLD_SHARE, HOLD_STEPS


@dataclass(frozen=True)
class Base:
    """A job that starts from the run's weights."""


@dataclass(frozen=True)
class Known:
    """A job of one task whose trained vector the weights in ``folder`` carry: tuning starts from that vector,
    or, ``untuned``, the vector is used as it is."""

    folder: str
    untuned: bool = False


@dataclass(frozen=True)
class Joint:
    """A job whose jointly tuned weights lie in the file ``path``: written by joint tuning, read by what
    finishes its tasks."""

    path: str


Start = Base | Known | Joint


@dataclass(frozen=True)
class Given:
    """What a job may take: ``steps`` without looking at the clock, or ``seconds``. ``cap``: seconds after
    which its worker is taken to hang."""

    steps: int | None = None
    seconds: float | None = None
    cap: float = 0.0


@dataclass(frozen=True, eq=False)
class Job:
    """One phase of one group of tasks.

    ``number``: of the job. ``group``: of its group in the plan.
    ``source``: who works on it. ``phase``: as ``solver.choices`` names them.
    ``given``: its budget. ``seed``: of what it draws. ``start``: what it starts from.
    ``attempt``: from 0.
    """

    number: int
    group: int
    tasks: tuple[Task, ...]
    source: str
    phase: str
    given: Given
    seed: int = 0
    start: Start = Base()
    attempt: int = 0

    @property
    def untuned(self) -> bool:
        """Whether a known task is answered by its trained vector as it is."""
        return isinstance(self.start, Known) and self.start.untuned

    @property
    def joint(self) -> str:
        """The file of jointly tuned weights, or ''."""
        return self.start.path if isinstance(self.start, Joint) else ""

    @property
    def hold_share(self) -> float:
        """HOLD_SHARE where each task has the time for it, else 0: no demonstration is held back."""
        count = len(self.tasks)
        enough = (self.given.seconds or 0.0) / count >= HOLD_SECONDS
        return HOLD_SHARE if enough or (self.given.steps or 0) / count >= HOLD_STEPS else 0.0


@dataclass(frozen=True)
class Ready:
    """The worker can take jobs. ``kind``: plain, cpu, cuda or mps. ``reason``: the device, for people.
    ``weights``: their name. ``devices``: its own name, then those of the workers that could be started beside
    it."""

    kind: str
    reason: str
    weights: str
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """The worker cannot work at all: ``about`` "weights", "device" or "source", in one sentence, as for a
    user's ValueError."""

    text: str
    about: str


class RefusedError(ValueError):
    """What ``Refused`` says, raised in the worker."""

    def __init__(self, text: str, about: str) -> None:
        super().__init__(text)
        self.about = about


@dataclass(frozen=True)
class Said:
    """A sentence for people, while the worker makes itself ready."""

    text: str


@dataclass(frozen=True)
class Beat:
    """A sign of life from inside a job."""

    job: int


@dataclass(frozen=True, eq=False)
class Answered:
    """One task of a job.

    ``candidates[test]``: of each test input, in the order in which they came.
    ``reproduced``: demonstrations that come out. ``steps``, ``seconds``: spent.
    ``note``: why there are no candidates, or ''.
    ``held_out``: how often a demonstration that was held back from tuning came out, 0..1; None where none
    was.
    ``partial``: the job's last answer to the task is still to come.
    """

    job: int
    task_id: str
    candidates: Candidates
    reproduced: int
    steps: int
    seconds: float
    note: str = ""
    held_out: float | None = None
    partial: bool = False


@dataclass(frozen=True)
class Done:
    """The whole job is done. ``reduced``: what a lack of memory made smaller, or ''. ``doubted``: the trained
    vector of a known task was not enough; the task waits for tuning like any other."""

    job: int
    seconds: float
    reduced: str = ""
    doubted: bool = False


@dataclass(frozen=True)
class Failed:
    """The job failed in a way that its worker understood; the worker ends after saying so."""

    job: int
    reason: str


Message = Said | Ready | Refused | Beat | Answered | Done | Failed
