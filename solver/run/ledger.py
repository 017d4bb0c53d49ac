"""What is known of every task so far: its events, the two attempts that the policy takes from them, and the
files that keep both, the submission and the journal.

The submission is valid from the first moment on and replaced after each result. A write that fails
later leaves the file before it in place, is said once, and is tried again with the next result.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from solver.arc import fallback
from solver.arc.journal import Contents, Journal, Proposed
from solver.arc.policy import Attempts, Policy
from solver.arc.submission import write_submission
from solver.arc.task import Grid, Task
from solver.choices import NETWORK, START
from solver.run.events import TaskResult
from solver.run.message import Answered, Job

DEFAULT_POLICY = Policy()


class Ledger:
    """The answers of one run. ``tasks``: without test outputs. ``output``: the submission, or None.

    ``labels``: by task id, what a reader of the score must know.
    ``policy``: what ranks the candidates.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        output: Path | None,
        say: Callable[[str], None],
        *,
        labels: Mapping[str, str] = MappingProxyType({}),
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self.tasks, self.output, self.say = tasks, output, say
        self.labels, self.policy = labels, policy
        self.by_id = {task.id: task for task in tasks}
        self.events: dict[str, list[Proposed]] = {task.id: [] for task in tasks}
        self.attempts: dict[str, tuple[Attempts, ...]] = {}
        self.journal: Journal | None = None
        self.stale = False
        for task in tasks:
            self._take(Proposed(task.id, fallback.fallbacks(task), fallback.SOURCE, START))

    def open_journal(self, journal: Journal, contents: Contents | None) -> list[TaskResult]:
        """Write to the journal from now on, first what it lacks. The results of all sources among an earlier
        run's ``contents``, in their order."""
        self.journal = journal
        restored: list[TaskResult] = []
        begun = [event for events in self.events.values() for event in events]
        for event in contents.records if contents else ():
            if event.task_id in self.by_id:
                self._take(event)
                if event.source != fallback.SOURCE:
                    restored.append(self._result(event))
        known = {(event.task_id, event.source) for event in contents.records} if contents else set()
        for event in begun:
            if (event.task_id, event.source) not in known:
                self._append(event)
        return restored

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
        self._take(event)
        if not message.partial:
            self._append(event)
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
        return min(min(1.0, sum(answer.belief for answer in pair)) for pair in self.attempts[task.id])

    def _take(self, event: Proposed) -> None:
        events, task = self.events[event.task_id], self.by_id[event.task_id]
        events.append(event)
        attempts = (self.policy.attempts(events, test) for test in range(len(task.test)))
        self.attempts[task.id] = tuple(attempts)

    def _result(self, event: Proposed) -> TaskResult:
        return TaskResult(
            self.by_id[event.task_id],
            self.attempts[event.task_id],
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

    def write(self, *, first: bool = False) -> None:
        """Replace the submission. ValueError where the ``first`` cannot be written; later it is said."""
        if self.output is None:
            return
        grids: dict[str, list[tuple[Grid, Grid]]] = {
            task_id: [(one.grid, two.grid) for one, two in pairs] for task_id, pairs in self.attempts.items()
        }
        try:
            write_submission(self.output, grids, self.tasks)
        except ValueError as error:
            if first:
                raise
            if not self.stale:
                self.say(f"{error}; the one before it stays")
            self.stale = True
            return
        self.stale = False

    def results(self, last: Mapping[str, TaskResult]) -> list[TaskResult]:
        """Every task's latest result, with the answers as they stand, in the file's order."""
        made = []
        for task in self.tasks:
            result = last.get(task.id) or self.unanswered(task, NETWORK, START, "not reached")
            made.append(replace(result, attempts=self.attempts[task.id]))
        return made
