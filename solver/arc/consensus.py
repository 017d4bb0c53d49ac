"""One answer from all views together: the mean of their log-probabilities, cell by cell.

Votes count whole grids, so a grid must come out of a view without one wrong cell before it has a vote. Views
of a network that is nearly right are wrong in different cells: their mean can be right where no view is.
The mean of log-probabilities is the geometric mean of the views' distributions, normalised (a product of
experts, Hinton 2002), which measured better than the mean of probabilities (docs/LOG.md).
"""

from collections import Counter

import numpy as np

from solver.arc.augment import Augmentation
from solver.arc.candidate import Candidate, View
from solver.arc.canvas import Shape
from solver.arc.symmetry import SYMMETRIES, strides, swaps_sides
from solver.arc.task import COLOURS, MAX_SIDE, as_grid
from solver.choices import NETWORK


class Consensus:
    """Sums over the views of one test input. Memory does not grow with their number: views of one symmetry
    are summed as they stand, and turned back when the answer's shape is known."""

    def __init__(self) -> None:
        self._sums: dict[int, np.ndarray] = {}
        self._counts = np.zeros((SYMMETRIES, MAX_SIDE, MAX_SIDE), np.float32)
        self._shapes: Counter[Shape] = Counter()
        self._confidence = 0.0

    def add(
        self, log_p: np.ndarray, augmentation: Augmentation, shape: Shape, confidence: float = 0.0
    ) -> None:
        """One view. ``log_p`` [H, W, 10] float: of the colours of the augmented canvas's cells, what lies
        beyond the largest grid not read. ``shape``: of the view's own answer, augmentation undone."""
        log_p = np.asarray(log_p[:MAX_SIDE, :MAX_SIDE], np.float32)
        log_p = log_p - np.log(np.exp(log_p).sum(-1, keepdims=True))  # the answer's cells have a colour
        height, width, _ = log_p.shape
        symmetry = augmentation.symmetry
        if symmetry not in self._sums:
            self._sums[symmetry] = np.zeros((MAX_SIDE, MAX_SIDE, COLOURS), np.float32)
        self._sums[symmetry][:height, :width] += log_p[..., list(augmentation.palette)]
        self._counts[symmetry, :height, :width] += 1
        self._shapes[shape] += 1
        self._confidence += confidence

    def candidate(self) -> Candidate | None:
        """The answer of all views so far, of the shape that most of them have (of equals the first that
        came); None without views. ``log_prob``: of the mean, summed over the cells."""
        if not self._shapes:
            return None
        views = sum(self._shapes.values())
        height, width = self._shapes.most_common(1)[0][0]
        total = np.zeros((height, width, COLOURS), np.float32)
        count = np.zeros((height, width), np.float32)
        for symmetry, sums in self._sums.items():
            total += _turned_back(sums, symmetry, height, width)
            count += _turned_back(self._counts[symmetry], symmetry, height, width)
        mean = total / count.clip(1)[..., None]
        mean -= np.log(np.exp(mean).sum(-1, keepdims=True))
        grid = as_grid(mean.argmax(-1).astype(np.uint8))
        known = View(self._confidence / views, float(mean.max(-1).sum()), pooled=True)
        return Candidate(grid, NETWORK, known)


def _turned_back(values: np.ndarray, symmetry: int, height: int, width: int) -> np.ndarray:
    """The corner of ``values`` [30, 30, ...] where a grid [height, width] stands after the symmetry, before
    it."""
    rows, columns = (width, height) if swaps_sides(symmetry) else (height, width)
    base, down, right = strides(symmetry, height, width, width)
    index = base + np.arange(rows)[:, None] * down + np.arange(columns) * right
    back = np.empty((height * width, *values.shape[2:]), values.dtype)
    back[index] = values[:rows, :columns]
    return back.reshape(height, width, *values.shape[2:])
