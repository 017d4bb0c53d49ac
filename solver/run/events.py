"""What a run tells while it works: one listener, one event for each thing that happens."""

from collections.abc import Callable
from dataclasses import dataclass

from solver.arc.policy import Attempts
from solver.arc.task import Task
from solver.choices import NETWORK, TUNE


@dataclass(frozen=True, eq=False)
class TaskResult:
    """One task as it stands after a phase.

    ``attempts``: two answers for each test input.
    ``reproduced`` of ``demonstrations`` come out exactly after tuning.
    ``steps``, ``seconds``: spent on it.
    ``note``: why the network gave no answer, or ''.
    ``held_out``: how often a demonstration that was held back from tuning came out, None where none was.
    ``label``: what a reader of the score must know (``solver.arc.journal.Proposed``).
    ``at_once``: answered by the task's trained vector, without tuning.
    ``source``: whose work it is the result of.
    """

    task: Task
    attempts: tuple[Attempts, ...]
    reproduced: int
    demonstrations: int
    steps: int
    seconds: float
    note: str = ""
    phase: str = TUNE
    held_out: float | None = None
    label: str = ""
    at_once: bool = False
    source: str = NETWORK


@dataclass(frozen=True)
class Lost:
    """A worker was lost with its job. ``tasks``: the ids. ``again``: the job waits once more; else the tasks
    keep the answers that they have."""

    tasks: tuple[str, ...]
    reason: str
    again: bool

    def __str__(self) -> str:
        """For people."""
        fate = "tried once more" if self.again else "left to other answers"
        return f"{', '.join(self.tasks[:3])}: {self.reason}; {fate}"


@dataclass(frozen=True)
class Listener:
    """Whom a run tells what.

    ``start``: the device and the weights, once. ``result``: each task after each phase.
    ``projected``: seconds until the run ends. ``say``: what went wrong, a sentence each. ``lost``: a
    worker that was lost; None: it is said too.
    """

    start: Callable[[str], None] = lambda text: None
    result: Callable[[TaskResult], None] = lambda result: None
    projected: Callable[[float], None] = lambda seconds: None
    say: Callable[[str], None] = lambda text: None
    lost: Callable[[Lost], None] | None = None
