"""What a run may be told, and what it tells of each task; nothing here needs torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from solver.arc.task import Task
from solver.arc.vote import Answer

if TYPE_CHECKING:
    from solver.run.adapt import Arm

DEFAULT_WEIGHTS = "urm-nano"
DEFAULT_SECONDS = {"cpu": 12.0, "mps": 20.0, "cuda": 30.0}  # a task, where no budget is given

# Cells of a tuning batch: enough to keep a GPU busy; on a CPU more steps are worth more than large ones.
BATCH_TOKENS = {"cpu": 768, "mps": 4096, "cuda": 32768}


@dataclass(frozen=True)
class SolveOptions:
    """What ``solve`` may be told; at most one of ``steps``, ``seconds_per_task``, ``budget_seconds``.

    ``weights``: a shipped set's name or a folder. ``steps``: tuning steps a task, the clock unread.
    ``augmentations``: views of each test input that vote. ``tune``: what moves at test time.
    ``workers``: processes; 0 works in this one, None takes one for each GPU (one on a CPU).
    ``groups``: into how many groups the tasks are dealt, each tuned jointly; None: each task alone.
    ``lenient``: go on with guesses where weights or devices fail, instead of a ValueError.
    ``patience``: seconds without a sign of life after which a worker is replaced.
    """

    weights: str | None = None
    steps: int | None = None
    seconds_per_task: float | None = None
    budget_seconds: float | None = None
    augmentations: int = 16
    seed: int = 0
    device: str = "auto"
    tune: "Arm" = "full"
    workers: int | None = 0
    groups: int | None = None
    lenient: bool = False
    patience: float = 900.0

    def __post_init__(self) -> None:
        given = [self.steps, self.seconds_per_task, self.budget_seconds]
        if sum(value is not None for value in given) > 1:
            raise ValueError("wanted at most one of steps, seconds per task and budget")
        if any(value is not None and value < 0 for value in given):
            raise ValueError("wanted a budget of 0 or more")
        if self.augmentations < 1:
            raise ValueError(f"augmentations is {self.augmentations}, wanted at least 1")
        if self.workers is not None and self.workers < 0:
            raise ValueError(f"workers is {self.workers}, wanted 0 or more")
        if self.groups is not None and self.groups < 1:
            raise ValueError(f"groups is {self.groups}, wanted at least 1")

    def default_seconds(self, kind: str) -> float:
        """Seconds for each task on a device of this kind where nothing else was said."""
        return DEFAULT_SECONDS[kind] if self.seconds_per_task is None else self.seconds_per_task


@dataclass(frozen=True, eq=False)
class TaskResult:
    """One task as it stands after a phase. ``attempts``: two answers for each test input.
    ``reproduced`` of ``demonstrations`` come out exactly after tuning. ``steps`` and ``seconds`` spent.
    ``note``: why the network gave no answer, or an empty string."""

    task: Task
    attempts: tuple[tuple[Answer, Answer], ...]
    reproduced: int
    demonstrations: int
    steps: int
    seconds: float
    note: str = ""
    phase: str = "tune"


@dataclass(frozen=True)
class Listener:
    """Whom a run tells what: ``start`` the device, once; ``result`` each task after each phase;
    ``projected`` the seconds left, as the cost model sees them; ``say`` what went wrong, a sentence each."""

    start: Callable[[str], None] = lambda text: None
    result: Callable[[TaskResult], None] = lambda result: None
    projected: Callable[[float], None] = lambda seconds: None
    say: Callable[[str], None] = lambda text: None
