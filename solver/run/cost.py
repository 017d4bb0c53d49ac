"""What a job costs: a linear model of its seconds, fitted while the run goes on.

seconds = a + b * given + c * steps * cells + d * views * cells * tests, all weights >= 0, by least
squares that start from a guess (ridge regression towards it), so that the first few jobs already help.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from solver.arc.canvas import pair_canvas, test_canvas
from solver.arc.task import Task

STEP_TOKENS = 4096  # cells of a tuning batch
FEATURES = 4
_PRIOR = (0.5, 1.0, 2e-9, 2e-6)  # seconds: fixed, a second given, a cell of a step, a cell predicted
_GIVEN, TUNED = 1, 2  # the feature that is a number of seconds already, and the cells tuned on
_LEAST_SPEED = 0.01  # where jobs took no longer than what they were given
_PRIOR_WEIGHT = 0.5  # the guess counts as so many jobs
_ATTENTION = 1500.0  # cells at which attention costs as much as all the rest (width 512)


@dataclass(frozen=True)
class Size:
    """Cells of a task. ``tune``: mean of its demonstrations' canvases. ``predict``: sum over its tests."""

    tune: float
    predict: float

    @property
    def weight(self) -> float:
        """The share of a common time that the task should get: larger grids need more, but no task all."""
        return 0.5 + min(2.0, (self.tune + self.predict) / 800.0)


def size_of(task: Task) -> Size:
    """From the grids that are shown, before any network."""
    tune = [_area(pair_canvas(pair)) for pair in task.train]
    predict = sum(_costly(_area(test_canvas(task.train, pair.input))) for pair in task.test)
    return Size(sum(map(_costly, tune)) / len(tune), predict)


def cells_of(task: Task) -> int:
    """Cells of its demonstrations' canvases, all together."""
    return sum(_area(pair_canvas(pair)) for pair in task.train)


def _area(canvas: tuple[int, int]) -> int:
    return canvas[0] * canvas[1]


def _costly(cells: float) -> float:
    """Cells, weighted by what attention adds to each."""
    return cells * (1 + cells / _ATTENTION)


def features(sizes: Sequence[Size], *, steps: int | None, seconds: float | None, views: int) -> np.ndarray:
    """float64 [4]: 1, seconds given, cells tuned on, cells predicted."""
    attention = sum(1 + size.tune / _ATTENTION for size in sizes) / len(sizes)
    tuned = (steps or 0) * len(sizes) * STEP_TOKENS * attention
    predicted = views * sum(size.predict for size in sizes) if seconds is None else 0.0
    return np.array([1.0, seconds or 0.0, tuned, predicted])


@dataclass
class CostModel:
    """Seconds of a job from its features; ``update`` learns from a finished one."""

    prior: Sequence[float] = _PRIOR
    _rows: list[np.ndarray] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)
    _weights: np.ndarray | None = None

    def predict(self, row: np.ndarray) -> float:
        """Seconds, above 0."""
        return max(1e-3, float(row @ self.weights))

    @property
    def weights(self) -> np.ndarray:
        """float64 [4], none negative."""
        if self._weights is None:
            self._weights = self._fit()
        return self._weights

    @property
    def finished(self) -> int:
        """How many jobs it has learned from."""
        return len(self._seconds)

    def update(self, row: np.ndarray, seconds: float) -> None:
        """A job with these features took so many seconds."""
        self._rows.append(row)
        self._seconds.append(seconds)
        self._weights = None

    def _fit(self) -> np.ndarray:
        prior = np.asarray(self.prior, float)
        if not self._rows:
            return prior
        seconds = np.array(self._seconds)
        guessed = np.array(self._rows) * prior  # seconds by the guess, of each part of each job
        mean = max(float(seconds.mean()), 1e-9)
        scale = np.full(FEATURES, self._speed(guessed, seconds))
        scale[_GIVEN] = 1.0
        guessed *= scale
        x, y = guessed / mean, seconds / mean
        kept = list(range(FEATURES))
        while True:  # drop what comes out negative, the most negative first
            part = x[:, kept]
            ridge = _PRIOR_WEIGHT * np.diag(part.mean(0) ** 2 + 1e-9)
            change = np.linalg.solve(part.T @ part + ridge, part.T @ (y - part.sum(1)))
            if change.min() >= -1 or len(kept) == 1:
                break
            del kept[int(change.argmin())]
        scaled = np.zeros(FEATURES)
        scaled[kept] = np.maximum(0.0, 1 + change)
        return scaled * prior * scale

    @staticmethod
    def _speed(guessed: np.ndarray, seconds: np.ndarray) -> float:
        """How slow the machine is, which the guess cannot know; a second given is one on every machine."""
        given = float(guessed[:, _GIVEN].sum())
        return max(_LEAST_SPEED, (float(seconds.sum()) - given) / (float(guessed.sum()) - given))


def list_schedule(costs: Sequence[float], free: Sequence[float]) -> float:
    """When the last of the jobs ends if each in turn goes to the worker that is free first."""
    ends = sorted(free)
    for cost in costs:
        ends[0] += cost
        ends.sort()
    return ends[-1] if ends else 0.0
