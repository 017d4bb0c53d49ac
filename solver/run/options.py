"""What a run may be told, and what it tells of each task; nothing here needs torch."""

from collections.abc import Callable
from dataclasses import dataclass

from solver.arc.policy import Answer
from solver.arc.task import Task
from solver.choices import DEFAULT_RULE, TUNES, VOTE_RULES, Arm, Tune, VoteRule
from solver.run.schedule import DEFAULT_SECONDS, JOINT_SECONDS, STEP_VIEWS


@dataclass(frozen=True)
class SolveOptions:
    """What ``solve`` may be told; at most one of ``steps``, ``seconds_per_task``, ``budget_seconds``.

    ``weights``: a shipped set's name or a folder; None: the shipped set for the device.
    ``steps``: tuning steps a task, the clock unread.
    ``augmentations``: views of each task that are tuned on, None for what the device and the time are good
    for (``solver.run.weights_choice.with_views``). ``votes``: views that vote, None for those; more than
    are tuned on only where the memory is factored. ``vote``: how votes are ranked.
    ``tune``: what moves at test time; ``auto`` takes what the time is for (``arm_for``). ``replay``: a
    file of public tasks, trained on beside the file's in joint tuning.
    ``workers``: processes; 0 works in this one, None takes one for each GPU, or for each processor.
    ``groups``: into how many groups the tasks are dealt, each tuned together; None: each task alone, or
    with ``tune`` joint all tasks together, or a group for each worker where a clock decides.
    ``lenient``: go on with guesses where weights or devices fail, instead of a ValueError.
    ``patience``: seconds without a sign of life after which a worker is replaced.
    ``tune_known``: tasks whose trained vectors the weights carry are tuned like any other.
    """

    weights: str | None = None
    steps: int | None = None
    seconds_per_task: float | None = None
    budget_seconds: float | None = None
    augmentations: int | None = None
    seed: int = 0
    device: str = "auto"
    tune: Tune = "auto"
    votes: int | None = None
    vote: VoteRule = DEFAULT_RULE
    replay: str | None = None
    workers: int | None = 0
    groups: int | None = None
    lenient: bool = False
    patience: float = 900.0
    tune_known: bool = False

    def __post_init__(self) -> None:
        given = [self.steps, self.seconds_per_task, self.budget_seconds]
        if sum(value is not None for value in given) > 1:
            raise ValueError("wanted at most one of steps, seconds per task and budget")
        if any(value is not None and value < 0 for value in given):
            raise ValueError("wanted a budget of 0 or more")
        if self.augmentations is not None and self.augmentations < 1:
            raise ValueError(f"augmentations is {self.augmentations}, wanted at least 1")
        if self.votes is not None and self.votes < 1:
            raise ValueError(f"votes is {self.votes}, wanted at least 1")
        for name, value, known in (("tune", self.tune, TUNES), ("vote", self.vote, VOTE_RULES)):
            if value not in known:
                raise ValueError(f"{name} is {value!r}, wanted one of {', '.join(known)}")
        if self.workers is not None and self.workers < 0:
            raise ValueError(f"workers is {self.workers}, wanted 0 or more")
        if self.groups is not None and self.groups < 1:
            raise ValueError(f"groups is {self.groups}, wanted at least 1")

    @property
    def tuned_views(self) -> int:
        """Views of a task that are tuned on; STEP_VIEWS where nobody has said how many."""
        return self.augmentations or STEP_VIEWS

    @property
    def asked(self) -> int:
        """Views of a test input at most: those that were tuned on, since others are worse than none on few
        steps (docs/TUNING.md), unless more were asked for."""
        return self.votes or self.tuned_views

    def default_seconds(self, kind: str) -> float:
        """Seconds for each task on a device of this kind where nothing else was said."""
        return DEFAULT_SECONDS[kind] if self.seconds_per_task is None else self.seconds_per_task

    def arm_for(self, kind: str, workers: int, tasks: int) -> Arm:
        """What moves, on devices of this kind: the choice, or what its time is good for.

        Counted steps, groups of one's own and a CPU: everything, task by task, which measured better than
        embeddings alone (docs/LOG.md). On a GPU, with JOINT_SECONDS or more of each worker for its share of
        the tasks, joint tuning, which costs a fraction of as many single ones (arXiv 2511.02886).
        """
        if self.tune != "auto":
            return "full" if self.tune == "joint" and tasks < 2 else self.tune
        chosen = self.steps is not None or self.groups is not None
        if kind == "cpu" or chosen or tasks < 2 * workers:
            return "full"
        whole = self.budget_seconds
        seconds = self.default_seconds(kind) * tasks / workers if whole is None else whole
        return "joint" if seconds >= JOINT_SECONDS else "full"


@dataclass(frozen=True, eq=False)
class TaskResult:
    """One task as it stands after a phase. ``attempts``: two answers for each test input.
    ``reproduced`` of ``demonstrations`` come out exactly after tuning. ``steps`` and ``seconds`` spent.
    ``note``: why the network gave no answer, or an empty string. ``held_out``: how often a demonstration
    that was held back from tuning came out, None where none was. ``label``: what a reader of the score
    must know, as ``solver.arc.journal.Proposed`` keeps it. ``at_once``: answered by the task's trained
    vector, without tuning."""

    task: Task
    attempts: tuple[tuple[Answer, Answer], ...]
    reproduced: int
    demonstrations: int
    steps: int
    seconds: float
    note: str = ""
    phase: str = "tune"
    held_out: float | None = None
    label: str = ""
    at_once: bool = False


@dataclass(frozen=True)
class Listener:
    """Whom a run tells what: ``start`` the device, once; ``result`` each task after each phase;
    ``projected`` the seconds left, as the cost model sees them; ``say`` what went wrong, a sentence each."""

    start: Callable[[str], None] = lambda text: None
    result: Callable[[TaskResult], None] = lambda result: None
    projected: Callable[[float], None] = lambda seconds: None
    say: Callable[[str], None] = lambda text: None
