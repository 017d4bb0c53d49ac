"""Test inputs as questions, and the canvases to ask them on, without a look at the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from solver.arc.canvas import larger_canvas, test_canvas
from solver.arc.task import MAX_SIDE, Pair
from train.dataset.samples import Picks


@dataclass(frozen=True, eq=False)
class Question:
    """A test input, unaugmented. ``number``: its place among the task's test inputs.

    ``output`` is None where it is not known.
    """

    task_id: str
    number: int
    input: np.ndarray
    output: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Views:
    """B questions, each under one augmentation. ``picks``: their samples in the test split;
    ``questions`` int64 [B]; ``sides`` int64 [B, 2]: the canvases, once augmented, or None for the full
    one."""

    picks: Picks
    questions: np.ndarray
    sides: np.ndarray | None

    def __len__(self) -> int:
        return len(self.picks)

    def select(self, index: np.ndarray | slice) -> Self:
        """Some of them: ``index`` as numpy takes it."""
        sides = None if self.sides is None else self.sides[index]
        return type(self)(self.picks.select(index), self.questions[index], sides)

    def larger(self) -> Self:
        """The same on the next larger canvases; the full canvas stays."""
        if self.sides is None:
            return self
        grown = [larger_canvas((int(h), int(w))) for h, w in self.sides]
        return replace(self, sides=np.array(grown, np.int64).reshape(-1, 2))


def predicted_canvases(questions: Sequence[Question], shown: Mapping[str, Sequence[Pair]]) -> np.ndarray:
    """int64 [Q, 2]: the first canvas of each question, unaugmented. It follows from the demonstrations
    ``shown`` of its task and from its input alone; without demonstrations it is the full one."""
    sides = [
        test_canvas(shown[q.task_id], q.input) if shown.get(q.task_id) else (MAX_SIDE, MAX_SIDE)
        for q in questions
    ]
    return np.array(sides, np.int64).reshape(-1, 2)
