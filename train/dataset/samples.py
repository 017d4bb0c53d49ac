"""The records that the loader hands to a trainer or an evaluator."""

from dataclasses import dataclass

import numpy as np

from solver.arc.task import MAX_SIDE
from train.dataset.render import augmented_boxes

FULL = "full"
CROPPED = "cropped"
LARGER_SHARE = 0.0


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


@dataclass(frozen=True, eq=False)
class Canvases:
    """Where to draw: ``heights``, ``widths`` int16 [B] and ``corners`` int64 [B, 2].

    None in place of this record means the full canvas with the translation fixed at the build.
    """

    heights: np.ndarray
    widths: np.ndarray
    corners: np.ndarray


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
