"""What is known of every task so far: its events, the two attempts that the policy takes from them, and the
files that keep both, the submission and the journal.

The submission is valid from the first moment on and replaced after each result; one that takes long to write
is written as often as a small share of the time allows, and at the end. A write that fails later leaves the
file before it in place, is said once, and is tried again with the next result.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from solver.arc import fallback
from solver.arc.journal import Contents, Journal, Proposed
from solver.arc.policy import Attempts, Policy
from solver.arc.submission import SubmissionFile, read_submission
from solver.arc.task import Grid, Task
from solver.choices import NETWORK, NOT_REACHED, START
from solver.file import keep_copy
from solver.run.events import TaskResult
from solver.run.message import Answered, Job

DEFAULT_POLICY = Policy()
SMALL = 200_000  # bytes of a submission that is written after every result
PAUSE = 20.0  # times the seconds that a larger one took to write, until it is written again


class Ledger:
    """The answers of one run. ``tasks``: without test outputs. ``output``: the submission, or None.

    ``labels``: by task id, what a reader of the score must know.
    ``policy``: what ranks the candidates.
    ``held``: whether the submission may not be written yet.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        output: Path | None,
        say: Callable[[str], None],
        *,
        labels: Mapping[str, str] = MappingProxyType({}),
        policy: Policy = DEFAULT_POLICY,
        held: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tasks, self.say, self.clock = tasks, say, clock
        self.labels, self.policy, self.held = labels, policy, held
        self.by_id = {task.id: task for task in tasks}
        self.events: dict[str, list[Proposed]] = {task.id: [] for task in tasks}
        self.journal: Journal | None = None
        self.file = None if output is None else SubmissionFile(output, tasks)
        self._ranked: dict[str, tuple[Attempts, ...]] = {}
        self._changed = set(self.by_id)  # tasks whose answers the submission does not have yet
        self._unsaved = dict.fromkeys(self.by_id)  # tasks whose fallbacks the journal does not have yet
        self._next_write = -float("inf")
        self._failed = False

    @property
    def behind(self) -> bool:
        """Whether the submission lacks answers that are known."""
        return self.file is not None and bool(self._changed)

    def open_journal(self, journal: Journal, contents: Contents | None) -> list[TaskResult]:
        """Write to the journal from now on. The results of all sources among an earlier run's ``contents``,
        in their order."""
        self.journal = journal
        before = [name for name, events in self.events.items() if events]
        restored = []
        for event in contents.records if contents else ():
            if event.task_id in self.by_id:
                self._take(event)
                self._unsaved.pop(event.task_id, None)
                if event.source != fallback.SOURCE:
                    restored.append(event)
        for name in before:
            self._save(name)
        return [self._result(event) for event in restored]

    def keep_fallbacks(self, seconds: float) -> None:
        """Write the fallbacks of tasks that have no other answers yet to the journal, for so long at most."""
        until = self.clock() + seconds
        while self.journal is not None and self._unsaved and self.clock() < until:
            name = next(iter(self._unsaved))
            self._start(name)
            self._save(name)

    def replaces_another(self) -> bool:
        """Whether the file in place holds other answers than those that are known, so that writing these
        would lose something."""
        if self.file is None or not self.file.path.exists():
            return False
        try:
            found = read_submission(self.file.path)
        except ValueError:
            return True
        return found.keys() != self.by_id.keys() or any(
            [(a.tolist(), b.tolist()) for a, b in found[task.id]]
            != [(one.tolist(), two.tolist()) for one, two in self._grids(task)]
            for task in self.tasks
        )

    def keep_old(self) -> Path | None:
        """A copy of the submission that is in place; ``file.keep_copy``."""
        return None if self.file is None else keep_copy(self.file.path)

    def answered(self, message: Answered, job: Job) -> TaskResult:
        """Take in what the job's source proposes for a task, rank again, write."""
        event = Proposed(
            message.task_id,
            () if message.note else message.candidates,
            job.source,
            job.phase,
            seconds=message.seconds,
            steps=message.steps,
            reproduced=message.reproduced,
            demonstrations=len(self.by_id[message.task_id].train),
            held_out=message.held_out,
            label=self.labels.get(message.task_id, ""),
            note=message.note,
        )
        if message.partial:
            self._take(event)
        else:
            self._record(event)
        self.write()
        return self._result(event)

    def unanswered(self, task: Task, source: str, phase: str, note: str) -> TaskResult:
        """The task's answers stand as they are; ``note`` says why."""
        label, demonstrations = self.labels.get(task.id, ""), len(task.train)
        nothing = Proposed(task.id, (), source, phase, demonstrations=demonstrations, label=label, note=note)
        return self._result(nothing)

    def disagreement(self, tasks: Sequence[Task]) -> float:
        """How likely more tuning is to change the answers to these tasks, 0..1, the maximum over them."""
        return max(self.policy.disagreement(self.events[task.id], len(task.test)) for task in tasks)

    def probability(self, task: Task) -> float:
        """How likely one of the two attempts is right, the least over the test inputs."""
        return min(min(1.0, sum(answer.belief for answer in pair)) for pair in self.attempts(task))

    def _record(self, event: Proposed) -> None:
        self._take(event)
        if self.journal is not None and event.task_id in self._unsaved:
            self._save(event.task_id)
        else:
            self._append(event)

    def _take(self, event: Proposed) -> None:
        if event.source != fallback.SOURCE:
            self._start(event.task_id)
        self.events[event.task_id].append(event)
        self._ranked.pop(event.task_id, None)
        self._changed.add(event.task_id)

    def _start(self, task_id: str) -> None:
        """Every task's first event: its fallbacks."""
        if not self.events[task_id]:
            candidates = fallback.fallbacks(self.by_id[task_id])
            self.events[task_id].append(Proposed(task_id, candidates, fallback.SOURCE, START))

    def _save(self, task_id: str) -> None:
        """To the journal, what it lacks of a task that it has nothing of."""
        self._unsaved.pop(task_id, None)
        for event in self.events[task_id]:
            self._append(event)

    def attempts(self, task: Task) -> tuple[Attempts, ...]:
        """The two answers to each test input, as they stand."""
        found = self._ranked.get(task.id)
        if found is None:
            self._start(task.id)
            events = self.events[task.id]
            found = tuple(self.policy.attempts(events, test) for test in range(len(task.test)))
            self._ranked[task.id] = found
        return found

    def _grids(self, task: Task) -> list[tuple[Grid, Grid]]:
        """The same as grids; a task without any other answer is not ranked for it."""
        if not self.events[task.id]:
            return fallback.first_answers(task)
        return [(one.grid, two.grid) for one, two in self.attempts(task)]

    def _result(self, event: Proposed) -> TaskResult:
        task = self.by_id[event.task_id]
        return TaskResult(
            task,
            self.attempts(task),
            event.reproduced,
            event.demonstrations,
            event.steps,
            event.seconds,
            event.note,
            event.phase,
            event.held_out,
            event.label,
            source=event.source,
        )

    def _append(self, event: Proposed) -> None:
        if self.journal is None:
            return
        try:
            self.journal.append(event)
        except OSError as error:
            self.say(f"{self.journal.path}: the journal ends here, it cannot be written ({error.strerror})")
            self.close()

    def close(self) -> None:
        """Close the journal."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    def write(self, *, first: bool = False, now: bool = False) -> None:
        """Bring the submission up to date, unless it is held, or is large and was written just before and
        need not be written ``now``. ValueError where the ``first`` cannot be written; later it is said."""
        if self.held or not self.behind or not (first or now or self.clock() >= self._next_write):
            return
        began = self.clock()
        try:
            for task_id in self._changed:
                task = self.by_id[task_id]
                self.file.put(task, self._grids(task))
            self.file.write()
        except ValueError as error:
            said, self._failed = self._failed, True
            if first:
                raise
            if not said:
                self.say(f"{error}; the one before it stays")
            return
        self._changed.clear()
        self._failed = False
        if self.file.size > SMALL:
            ended = self.clock()
            self._next_write = ended + PAUSE * (ended - began)

    def results(self, last: Mapping[str, TaskResult]) -> list[TaskResult]:
        """Every task's latest result, with the answers as they stand, in the file's order."""
        made = []
        for task in self.tasks:
            result = last.get(task.id) or self.unanswered(task, NETWORK, START, NOT_REACHED)
            made.append(replace(result, attempts=self.attempts(task)))
        return made
