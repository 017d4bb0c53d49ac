"""The records that the loader hands to a trainer or an evaluator."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from solver.arc.task import COLOURS, MAX_SIDE
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
