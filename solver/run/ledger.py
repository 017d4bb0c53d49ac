"""What is known of every task so far: guesses, candidates of each phase, the submission, the journal.

The submission is valid from the first moment on and replaced after each result. A write that fails
later leaves the file before it in place, is said once, and is tried again with the next result.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from solver.arc.guess import fallbacks, with_fallbacks
from solver.arc.journal import Contents, Journal
from solver.arc.record import Candidates, Chosen, Finished, Record, View
from solver.arc.submission import write_submission
from solver.arc.task import Grid, Task
from solver.arc.vote import LEAST_TRUST, Answer, Candidate, Evidence, rank, trust, two_attempts
from solver.choices import DEFAULT_RULE, DEFAULT_SOURCES, JOINT, QUICK, REFINE, TUNE, VoteRule
from solver.run.events import TaskResult
from solver.run.message import Answered

Attempts = tuple[tuple[Answer, Answer], ...]
GUESSED = "guess"


class Ledger:
    """The answers of one run. ``tasks``: without test outputs. ``output``: the submission, or None.
    ``labels``: by task id, what a reader of the score must know.

    ``vote``: how votes are ranked. ``sources``: their names, in the order in which plain ones are believed.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        output: Path | None,
        say: Callable[[str], None],
        *,
        labels: Mapping[str, str] = MappingProxyType({}),
        vote: VoteRule = DEFAULT_RULE,
        sources: Sequence[str] = DEFAULT_SOURCES,
    ) -> None:
        self.vote, self.sources = vote, sources
        self.tasks, self.output, self.say, self.labels = tasks, output, say, labels
        self.by_id = {task.id: task for task in tasks}
        self.fallback = {task.id: [fallbacks(task, n) for n in range(len(task.test))] for task in tasks}
        self.views: dict[tuple[str, str], tuple[tuple[View, ...], ...]] = {}
        self.evidence: dict[tuple[str, str], Evidence] = {}
        self.attempts: dict[str, Attempts] = {task.id: self._vote(task) for task in tasks}
        self.journal: Journal | None = None
        self.stale = False

    def open_journal(self, journal: Journal, contents: Contents | None) -> list[TaskResult]:
        """Write to the journal from now on; the finished tasks of an earlier run's ``contents``."""
        self.journal = journal
        latest: dict[tuple[str, str, int], tuple[View, ...]] = {}
        restored: list[TaskResult] = []
        records = contents.records if contents else ()
        for record in records:
            if isinstance(record, Candidates):
                latest[record.phase, record.task_id, record.test] = record.views
            elif isinstance(record, Finished) and record.task_id in self.by_id:
                task = self.by_id[record.task_id]
                places = range(len(task.test))
                views = tuple(latest.get((record.phase, task.id, n), ()) for n in places)
                self._keep(task, record.phase, views, record.reproduced, record.held_out)
                result = self._result(task, record.phase, record.reproduced, 0, record.seconds)
                restored.append(replace(result, held_out=record.held_out))
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
            self._keep(task, phase, message.views, message.reproduced, message.held_out)
        result = self._result(task, phase, message.reproduced, message.steps, message.seconds, message.note)
        result = replace(result, held_out=message.held_out)
        for record in self._records(result):
            self._append(record)
        self.write()
        return result

    def _keep(
        self,
        task: Task,
        phase: str,
        views: tuple[tuple[View, ...], ...],
        reproduced: int,
        held_out: float | None,
    ) -> None:
        """Take in a phase's candidates, in place of earlier ones, and what it showed of the task."""
        self.evidence[phase, task.id] = Evidence(reproduced / max(1, len(task.train)), held_out)
        self.views[phase, task.id] = views

    def left_to_guesses(self, task: Task, phase: str, note: str) -> TaskResult:
        """The task's answers stand as they are; ``note`` says why."""
        return self._result(task, phase, 0, 0, 0.0, note)

    def _result(
        self, task: Task, phase: str, reproduced: int, steps: int, seconds: float, note: str = ""
    ) -> TaskResult:
        self.attempts[task.id] = self._vote(task)
        attempts = self.attempts[task.id]
        made = TaskResult(task, attempts, reproduced, len(task.train), steps, seconds, note, phase)
        return replace(made, label=self.labels.get(task.id, ""))

    def _voters(self, task: Task, test: int) -> Iterable[View]:
        """Tuned and refined views count together; those of an earlier phase only until there are any."""
        for phases in (TUNE, REFINE), (JOINT,), (QUICK,):
            found = [self.views[phase, task.id] for phase in phases if (phase, task.id) in self.views]
            views = [view for made in found for view in made[test]]
            if views:
                return views
        return ()

    def _proposed(self, task: Task, test: int) -> Iterable[Candidate]:
        """What plain sources have proposed, in the order in which the sources were named."""
        found = [self.views[name, task.id][test] for name in self.sources if (name, task.id) in self.views]
        return [view.candidate for views in found for view in views]

    def _ranked(self, task: Task, test: int) -> list[Answer]:
        return rank((view.candidate for view in self._voters(task, test)), self.vote)

    def _evidence(self, task: Task) -> Evidence:
        """What the latest phase showed of the task, and the mean of what was held back in all of them."""
        found = [
            self.evidence[p, task.id] for p in (REFINE, TUNE, JOINT, QUICK) if (p, task.id) in self.evidence
        ]
        held_out = [e.held_out for e in found if e.held_out is not None]
        reproduced = found[0].reproduced if found else 0.0
        return Evidence(reproduced, sum(held_out) / len(held_out) if held_out else None)

    def _vote(self, task: Task) -> Attempts:
        evidence, attempts = self._evidence(task), []
        for test in range(len(task.test)):
            answers = with_fallbacks(self._proposed(task, test), self.fallback[task.id][test])
            ranked = self._ranked(task, test)
            trusted = trust(ranked, evidence) >= LEAST_TRUST
            attempts.append(two_attempts(ranked, answers, trusted=trusted))
        return tuple(attempts)

    def disagreement(self, tasks: Sequence[Task]) -> float:
        """How much more work may still change, 0..1, the most of all test inputs: 4 s (1 - s), the spread of
        a vote of which the best answer has the share s.

        Where the demonstration held back did not come out, s counts a quarter: such a vote may well be
        unanimous and wrong. It is 0 where all agree and nothing speaks against them, 1 where votes are
        split in two, and low where no two views agree, which a little more work rarely mends.
        """
        most = 0.0
        for task in tasks:
            held_out = self._evidence(task).held_out
            doubt = 1.0 if held_out is None else 0.25 + 0.75 * held_out
            for test in range(len(task.test)):
                ranked = self._ranked(task, test)
                total = sum(answer.votes for answer in ranked)
                share = doubt * ranked[0].votes / total if total else 0.05
                most = max(most, 4 * share * (1 - share))
        return most

    def _records(self, result: TaskResult) -> Iterable[Record]:
        task, phase = result.task, result.phase
        for test, views in enumerate(self.views.get((phase, task.id), ())):
            yield Candidates(task.id, test, views, phase)
        for test, (first, second) in enumerate(result.attempts):
            yield Chosen(task.id, test, first, second, phase)
        counts = result.reproduced, result.demonstrations
        yield Finished(task.id, result.seconds, *counts, result.label, phase, result.held_out)

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
