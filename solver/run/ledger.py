"""What is known of every task so far: guesses, candidates of each phase, the submission, the journal.

The submission is valid from the first moment on and replaced after each result. A write that fails
later leaves the file before it in place, is said once, and is tried again with the next result.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from solver.arc.checksum import task_checksum
from solver.arc.guess import guesses
from solver.arc.journal import Contents, Journal
from solver.arc.record import SEEN_LABEL, Candidates, Chosen, Finished, Header, Record, View
from solver.arc.submission import write_submission
from solver.arc.task import Grid, Task
from solver.arc.vote import Answer, rank, two_attempts
from solver.run.message import Answered
from solver.run.options import TaskResult
from solver.run.plan import QUICK, REFINE, TUNE

Attempts = tuple[tuple[Answer, Answer], ...]
GUESSED = "guess"


class Ledger:
    """The answers of one run. ``tasks``: without test outputs. ``output``: the submission, or None."""

    def __init__(
        self,
        tasks: Sequence[Task],
        output: Path | None,
        say: Callable[[str], None],
        guess: Callable[[Task, int], list[Answer]] = guesses,
    ) -> None:
        self.tasks, self.output, self.say = tasks, output, say
        self.by_id = {task.id: task for task in tasks}
        self.fallback = {task.id: [guess(task, n) for n in range(len(task.test))] for task in tasks}
        self.views: dict[tuple[str, str], tuple[tuple[View, ...], ...]] = {}
        self.attempts: dict[str, Attempts] = {task.id: self._vote(task) for task in tasks}
        self.journal: Journal | None = None
        self.seen: frozenset[str] = frozenset()
        self.stale = False

    def open_journal(self, journal: Journal, header: Header, contents: Contents | None) -> list[TaskResult]:
        """Write to the journal from now on; the finished tasks of an earlier run's ``contents``."""
        self.journal, self.seen = journal, frozenset(header.seen)
        latest: dict[tuple[str, str, int], tuple[View, ...]] = {}
        restored: list[TaskResult] = []
        records = contents.records if contents else ()
        for record in records:
            if isinstance(record, Candidates):
                latest[record.phase, record.task_id, record.test] = record.views
            elif isinstance(record, Finished) and record.task_id in self.by_id:
                task = self.by_id[record.task_id]
                places = range(len(task.test))
                self.views[record.phase, task.id] = tuple(
                    latest.get((record.phase, task.id, n), ()) for n in places
                )
                restored.append(self._result(task, record.phase, record.reproduced, 0, record.seconds))
        if not records:
            self._record_guesses()
        return restored

    def _record_guesses(self) -> None:
        for task in self.tasks:
            for test, (first, second) in enumerate(self.attempts[task.id]):
                self._append(Chosen(task.id, test, first, second, GUESSED))

    def answered(self, message: Answered, phase: str) -> TaskResult:
        """Take in a task's candidates, vote again, write."""
        task = self.by_id[message.task_id]
        if not message.note:
            self.views[phase, task.id] = message.views
        result = self._result(task, phase, message.reproduced, message.steps, message.seconds, message.note)
        for record in self._records(result):
            self._append(record)
        self.write()
        return result

    def left_to_guesses(self, task: Task, phase: str, note: str) -> TaskResult:
        """The task's answers stand as they are; ``note`` says why."""
        return self._result(task, phase, 0, 0, 0.0, note)

    def _result(
        self, task: Task, phase: str, reproduced: int, steps: int, seconds: float, note: str = ""
    ) -> TaskResult:
        self.attempts[task.id] = self._vote(task)
        attempts = self.attempts[task.id]
        return TaskResult(task, attempts, reproduced, len(task.train), steps, seconds, note, phase)

    def _voters(self, task: Task, test: int) -> Iterable[View]:
        """Tuned and refined views count together; those of the quick pass only until there are any."""
        for phases in ((TUNE, REFINE), (QUICK,)):
            views = [view for phase in phases for view in self.views.get((phase, task.id), [()] * 99)[test]]
            if views:
                return views
        return ()

    def _vote(self, task: Task) -> Attempts:
        return tuple(
            two_attempts(rank(view.candidate for view in self._voters(task, test)), answers)
            for test, answers in enumerate(self.fallback[task.id])
        )

    def disagreement(self, tasks: Sequence[Task]) -> float:
        """How far the votes are from one answer: 1 minus the best answer's share, the worst test's."""
        worst = 0.0
        for task in tasks:
            for test in range(len(task.test)):
                ranked = rank(view.candidate for view in self._voters(task, test))
                total = sum(answer.votes for answer in ranked)
                worst = max(worst, 1 - ranked[0].votes / total if total else 1.0)
        return worst

    def _records(self, result: TaskResult) -> Iterable[Record]:
        task, phase = result.task, result.phase
        for test, views in enumerate(self.views.get((phase, task.id), ())):
            yield Candidates(task.id, test, views, phase)
        for test, (first, second) in enumerate(result.attempts):
            yield Chosen(task.id, test, first, second, phase)
        label = SEEN_LABEL if self.seen and task_checksum(task) in self.seen else ""
        counts = result.reproduced, result.demonstrations
        yield Finished(task.id, result.seconds, *counts, label, phase)

    def _append(self, record: Record) -> None:
        if self.journal is None:
            return
        try:
            self.journal.append(record)
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

    def results(self, last: dict[str, TaskResult]) -> list[TaskResult]:
        """Every task's latest result, with the answers as they stand, in the file's order."""
        made = []
        for task in self.tasks:
            result = last.get(task.id) or self._result(task, GUESSED, 0, 0, 0.0, "not reached")
            made.append(replace(result, attempts=self.attempts[task.id]))
        return made
