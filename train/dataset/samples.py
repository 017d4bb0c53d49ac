"""The records that the loader hands to a trainer or an evaluator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from solver.arc.canvas import larger_canvas, test_canvas
from solver.arc.task import COLOURS, MAX_SIDE, Pair
from train.dataset.render import Canvases, augmented_boxes

FULL = "full"
CROPPED = "cropped"
LARGER_SHARE = 0.0


@dataclass(frozen=True, eq=False)
class Picks:
    """Which B samples of a split: ``groups``, ``augmentations`` of the group and ``numbers`` of the pair
    among the group's pairs, int64 [B] each."""

    groups: np.ndarray
    augmentations: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.groups)

    def select(self, index: np.ndarray | slice) -> Self:
        """Some of them: ``index`` as numpy takes it."""
        return type(self)(self.groups[index], self.augmentations[index], self.numbers[index])


@dataclass(frozen=True, eq=False)
class Samples:
    """One batch. B samples of T canvas cells each; the first ``valid`` are real, the rest padding.

    ``inputs``, ``labels``: uint8 [B, T] tokens of the two canvases, row-major; label 0 is not labelled.
    ``identifiers``: int32 [B] row of the puzzle-embedding table, 0 = blank.
    ``tasks``: int32 [B] number of the task from 1, 0 = blank. ``symmetries``: uint8 [B].
    ``palettes``: uint8 [B, 10]. ``heights``, ``widths``: int16 [B], the canvas of each sample.
    ``questions``: int32 [B] index into ``Dataset.questions()``, -1 in training and padding.
    """

    inputs: np.ndarray
    labels: np.ndarray
    identifiers: np.ndarray
    tasks: np.ndarray
    symmetries: np.ndarray
    palettes: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    questions: np.ndarray
    valid: int


@dataclass(frozen=True, eq=False)
class Identifiers:
    """Who the rows of a puzzle-embedding table are, a row each, the blank first.

    ``tasks`` int32 [I], number of the task from 1, 0 for the blank; ``symmetries`` uint8 [I];
    ``palettes`` uint8 [I, 10]; ``ids``: the task ids, that of task t at t - 1.
    """

    tasks: np.ndarray
    symmetries: np.ndarray
    palettes: np.ndarray
    ids: list[str]


def plain_palettes(count: int) -> np.ndarray:
    """uint8 [count, 10]: every colour as it is."""
    return np.tile(np.arange(COLOURS, dtype=np.uint8), (count, 1))


def crop_canvases(
    pairs: np.ndarray, symmetries: np.ndarray, larger_share: float, generator: np.random.Generator
) -> Canvases:
    """The smallest canvas of each sample: the box of both grids, a row and a column for the border.

    A share of ``larger_share`` gets a canvas with sides drawn uniformly from that size up to 30, and
    a corner drawn uniformly from all that fit. ``pairs`` [B, 6] before the symmetry.
    """
    boxes = augmented_boxes(pairs, symmetries)
    least = np.minimum(boxes + 1, MAX_SIDE)
    larger = generator.random(len(pairs)) < larger_share
    drawn = generator.integers(least, MAX_SIDE, endpoint=True)
    sides = np.where(larger[:, None], drawn, least)
    corners = generator.integers(0, np.where(larger[:, None], sides - boxes, 0), endpoint=True)
    return Canvases(sides[:, 0].astype(np.int16), sides[:, 1].astype(np.int16), corners)


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
