"""Joint tuning: all tasks of a group in one private copy of the weights, then a short finish for each.

Joint training of many tasks matched tuning each alone at lower cost (Trelis, arXiv 2511.02886), and is
one of the arms of CHARM (arXiv 2609.33270). Public tasks may be replayed beside the group's. At
checkpoints the group's tasks are answered in turn, as many as a share of the time allows, so that the job
may be ended at any moment, and the averaged weights are written to a file, from which each task's finish
starts, in whichever process.
"""

import copy
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from solver.arc.augment import IDENTITY
from solver.arc.content import turned_keys
from solver.arc.task import Pair, Task, load_tasks
from solver.budget import Budget
from solver.file import replace_file
from solver.model.checkpoint import Weights
from solver.run.message import Answered, Job
from solver.run.schedule import ANSWER_SHARE, CHECKPOINT_SHARE, CHECKPOINT_VIEWS, LAST_LEAST, LAST_MOST
from solver.tune.adapt import Start, Tuning
from solver.tune.engine import Engine
from solver.tune.predict import NOT_FINITE, Asking, Tuned, answer_task, count_exact, is_finite, outputs_of
from solver.tune.settings import TuneSettings
from solver.tune.views import fits

_OF_TASKS = ("task_vectors", "rows")


@dataclass(frozen=True, eq=False)
class JointState:
    """What the file holds. ``network``, ``memory``: tensors by name; ``tasks``: ids, in the order of their
    rows; ``held_out``: their confidences. ``seed``, ``rows_per_task``: of their augmentations."""

    network: dict[str, Tensor]
    memory: dict[str, Tensor]
    tasks: tuple[str, ...]
    held_out: tuple[float | None, ...]
    seed: int
    rows_per_task: int

    def rows_of(self, number: int) -> Tensor | None:
        """[rows_per_task, D] of one task, None for a memory without rows."""
        first = number * self.rows_per_task + 1
        return self.memory["rows"][first : first + self.rows_per_task] if "rows" in self.memory else None

    def shared_memory(self, number: int) -> dict[str, Tensor]:
        """The memory's shared state with the task's own vector (of a table: the mean of its rows) in the
        place of the stored mean, so that a new memory starts from it."""
        shared = {name: value for name, value in self.memory.items() if name not in _OF_TASKS}
        if "task_vectors" in self.memory:
            return {**shared, "mean": self.memory["task_vectors"][number + 1]}
        return {**shared, "mean": self.rows_of(number).mean(0)}


def write_joint(path: str | Path, tuned: Tuned, seed: int) -> None:
    """The file, replaced whole: plain arrays, nothing that is executed when it is read. ValueError where
    the disk does not allow it."""
    arrays = {f"network.{name}": value for name, value in tuned.network.state_dict().items()}
    arrays |= {f"memory.{name}": value for name, value in tuned.memory.state_dict().items()}
    plain = {name: value.detach().cpu().numpy() for name, value in arrays.items()}
    held_out = [np.nan if share is None else share for share in tuned.held_out]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        tasks=np.array([task.id for task in tuned.tasks]),
        held_out=np.array(held_out, float),
        numbers=np.array([str(seed), str(tuned.rows_per_task)]),
        **plain,
    )
    with suppress(OSError):  # where the folder cannot be made, the next line says so
        Path(path).parent.mkdir(exist_ok=True)
    replace_file(Path(path), buffer.getvalue())


def read_joint(path: str | Path) -> JointState | None:
    """The file's contents; None where there is none."""
    path = Path(path)
    if not path.is_file():
        return None
    found = path.stat()
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _read(path: Path, changed: int, size: int) -> JointState:
    """Read once for all the tasks that finish from it, until it changes."""
    with np.load(path, allow_pickle=False) as file:
        tensors = {name: torch.from_numpy(file[name]) for name in file.files if "." in name}
        tasks, held_out, numbers = file["tasks"].tolist(), file["held_out"].tolist(), file["numbers"]
    parts = {
        part: {name.partition(".")[2]: t for name, t in tensors.items() if name.startswith(part + ".")}
        for part in ("network", "memory")
    }
    known = tuple(None if np.isnan(share) else share for share in held_out)
    return JointState(
        **parts, tasks=tuple(tasks), held_out=known, seed=int(numbers[0]), rows_per_task=int(numbers[1])
    )


def _with_network(weights: Weights, state: JointState) -> Weights:
    network = copy.deepcopy(weights.network)
    network.load_state_dict(state.network)
    return replace(weights, network=network)


def start_from(
    path: str | Path, weights: Weights, task: Task, settings: TuneSettings, seed: int
) -> tuple[Weights, Start | None]:
    """Weights and embeddings for a task's finish; the base weights where the file or the task is missing
    (joint tuning failed, or another machine did it)."""
    state = read_joint(path)
    if state is None or task.id not in state.tasks:
        return weights, None
    number = state.tasks.index(task.id)
    same_views = state.seed == seed and state.rows_per_task == settings.augmentations
    start = Start(state.rows_of(number) if same_views else None, state.held_out[number])
    return replace(_with_network(weights, state), memory=state.shared_memory(number)), start


def finish_settings(settings: TuneSettings) -> TuneSettings:
    """Of a task that was tuned jointly: its embedding stands already, so everything moves at once."""
    return replace(settings, embedding_share=0.0)


def tune_jointly(
    engine: Engine, job: Job, group: Sequence[Task], *, settings: TuneSettings, asking: Asking, budget: Budget
) -> Iterator[Answered]:
    """Tune until the budget ends or every task has settled, answering tasks at checkpoints (``Rounds``).

    A clock's budget goes on from a checkpoint that an ended run has left; counted steps start anew, so
    that they repeat.
    """
    tuning = _begin(engine, job, group, settings, budget)
    rounds = Rounds(tuning, asking)
    until, told, last = CHECKPOINT_SHARE, engine.clock(), False
    while not last:
        tuning.run(min(until, rounds.tuning_ends))
        last = tuning.over or tuning.done() >= rounds.tuning_ends
        with tuning.averaged():
            tuned = tuning.snapshot()
            if not is_finite(tuned):
                yield Answered(job.number, group[0].id, (), 0, tuned.steps, 0.0, NOT_FINITE)
                return
            if job.joint:
                with suppress(ValueError):  # a full disk: the finish starts from what was written before
                    write_joint(job.joint, tuned, job.seed)
            for answer in rounds.last(tuned) if last else rounds.checkpoint(tuned):
                now = engine.clock()
                yield replace(answer, seconds=max(0.0, now - told))
                told = now
        until = tuning.done() + CHECKPOINT_SHARE


def _begin(engine: Engine, job: Job, group: Sequence[Task], settings: TuneSettings, budget: Budget) -> Tuning:
    weights = engine.weights
    replayed = [
        t for t in read_replay(engine.settings.at(engine.settings.replay), group) if fits(t, weights.config)
    ]
    state = read_joint(job.joint) if job.joint and job.given.steps is None else None
    ids = tuple(task.id for task in group)
    if state is not None and state.tasks == ids and state.rows_per_task == settings.augmentations:
        weights = _with_network(weights, state)
        settings = replace(settings, hold_share=0.0)
    else:
        state = None
    tuning = Tuning(
        weights,
        group,
        settings=replace(settings, arm="joint", average_decay=settings.joint_decay),
        budget=budget,
        placement=engine.placement,
        seed=job.seed,
        replayed=replayed,
    )
    if state is not None:
        tuning.watch.held_out = list(state.held_out)
        if all(state.memory[name].shape == value.shape for name, value in tuning.memory.state_dict().items()):
            tuning.memory.load_state_dict(state.memory)
    return tuning


def read_replay(path: str, group: Sequence[Task]) -> list[Task]:
    """Public tasks with every pair whose output is known as a demonstration; an empty path for none.

    Tasks of the group, by their ids, and pairs whose input is one of its test inputs, turned and recoloured
    ones too, are left out: a file of public tasks may hold the very answers, and tuning augments them.
    """
    if not path:
        return []
    ids = {task.id for task in group}
    asked = set(_input_keys([pair for task in group for pair in task.test]))
    found = []
    for task in _load(path):
        pairs = [pair for pair in (*task.train, *task.test) if pair.output is not None]
        pairs = [p for p, key in zip(pairs, _input_keys(pairs), strict=True) if key not in asked]
        if task.id not in ids and pairs:
            found.append(Task(task.id, tuple(pairs), ()))
    return found


def _input_keys(pairs: Sequence[Pair]) -> list[int]:
    """A number for each pair's input, equal for grids that are equal up to a symmetry and renamed colours."""
    return turned_keys([Pair(pair.input) for pair in pairs])


@lru_cache(maxsize=1)
def _load(path: str) -> tuple[Task, ...]:
    return tuple(load_tasks(path))


# Whose turn it is to be answered, and how much of the time that may take. Answers at checkpoints only serve a
# run that is ended early: tuning needs the time more. So the tasks take turns, and what a checkpoint leaves
# out the next one begins with.


class Rounds:
    """The answers of one joint tuning. Where steps are counted, no clock is read, and every task is
    answered at every checkpoint."""

    def __init__(self, tuning: Tuning, asking: Asking) -> None:
        self.tuning, self.asking, self.budget = tuning, asking, tuning.budget
        self._clocked = self.budget.seconds is not None
        self._turn = 0
        self._spent, self._count = 0.0, 0  # share of the budget that the answers took, and how many
        self._answered: set[int] = set()

    @property
    def tuning_ends(self) -> float:
        """The share of the budget after which only the last answers are left to do. Those are asked with
        all views; what an answer of fewer took, once for each task, is about what they need."""
        if not self._clocked:
            return 1.0
        needed = self._each * len(self.tuning.group)
        return 1 - min(LAST_MOST, max(LAST_LEAST, needed))

    @property
    def _each(self) -> float:
        return self._spent / self._count if self._count else 0.0

    def checkpoint(self, tuned: Tuned) -> Iterator[Answered]:
        """The next tasks in turn with a few views each, as long as all such answers together stay within
        ANSWER_SHARE of the time so far; the first of all may take more, since its cost is not known."""
        for _ in self.tuning.group:
            began = self._done()
            left = began * ANSWER_SHARE - self._spent
            if self._clocked and left <= self._each:
                return
            number = self._next()
            yield self._answer(tuned, number, self._few, self._part(left), len(tuned.tasks[number].test))
            if self._clocked:
                self._spent, self._count = self._spent + self._done() - began, self._count + 1

    def last(self, tuned: Tuned) -> Iterator[Answered]:
        """Every task with all views, in the time that is left; when there is none, only those that have
        no answer yet, with a few."""
        outputs = outputs_of(tuned.tasks)
        for _ in self.tuning.group:
            number = self._next()
            late = self._clocked and self._done() >= 1
            if not (late and number in self._answered):
                asking = self._few if late else self.asking
                yield self._answer(tuned, number, asking, self.budget, outputs)
            outputs -= len(tuned.tasks[number].test)

    @property
    def _few(self) -> Asking:
        return replace(self.asking, views=min(self.asking.views, CHECKPOINT_VIEWS))

    def _next(self) -> int:
        number = self._turn
        self._turn = (number + 1) % len(self.tuning.group)
        return number

    def _done(self) -> float:
        return self.tuning.done()

    def _part(self, share: float) -> Budget:
        """This share of the budget, from now on."""
        if not self._clocked:
            return self.budget
        return replace(self.budget, seconds=self.budget.seconds * share, start=self.budget.clock())

    def _answer(self, tuned: Tuned, number: int, asking: Asking, budget: Budget, outputs: int) -> Answered:
        """One task's candidates, and how many of its demonstrations come out."""
        self._answered.add(number)
        answer = answer_task(tuned, number, asking, budget, outputs)
        demonstrations = tuned.tasks[number].train
        exact = count_exact(
            tuned,
            number,
            demonstrations,
            [IDENTITY],
            placement=self.tuning.placement,
            tokens=self.tuning.settings.tokens,
        )
        return replace(answer, reproduced=exact)
