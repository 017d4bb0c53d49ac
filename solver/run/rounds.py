"""Whose turn it is to be answered while a group is tuned jointly, and how much of the time that may take.

Answers at checkpoints only serve a run that is ended early: tuning needs the time more. So the tasks take
turns, and what a checkpoint leaves out the next one begins with.
"""

from collections.abc import Iterator
from dataclasses import replace

from solver.arc.augment import IDENTITY
from solver.run.adapt import Tuning
from solver.run.answer import Asking, answer_task, outputs_of
from solver.run.budget import Budget
from solver.run.message import Answered
from solver.run.tuned import Tuned, count_exact

ANSWER_SHARE = 0.1  # of the time so far, which the answers of checkpoints may take
LAST_LEAST, LAST_MOST = 0.05, 0.1  # of the budget, kept for the last answers: by what earlier ones took
CHECKPOINT_VIEWS = 8  # of each test input at a checkpoint; the last has all


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
