"""Two submissions over the same tasks: what changed, and whether it is more than noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.score import Score
from solver.arc.seed import derive_generator

LEVEL = 0.05
_BATCH = 1000  # bootstrap samples drawn at once, to bound memory


@dataclass(frozen=True)
class Comparison:
    """B against A. ``difference`` and ``interval`` (95 %): per-task score of B minus that of A, -1..1.

    ``gained``, ``lost``: ids whose score rose or fell. ``only_a``, ``only_b``: tasks that only one of
    them solves wholly, and the counts of McNemar's test, whose exact two-sided p is ``p_value``.
    """

    tasks: int
    score_a: float
    score_b: float
    difference: float
    interval: tuple[float, float]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    only_a: int
    only_b: int
    p_value: float

    @property
    def is_noise(self) -> bool:
        """True unless the interval leaves 0 out and McNemar's p is below ``LEVEL``."""
        low, high = self.interval
        return low <= 0 <= high or self.p_value >= LEVEL


def bootstrap_interval(
    differences: Sequence[float], samples: int, generator: np.random.Generator
) -> tuple[float, float]:
    """95 % percentile interval of the mean of paired differences (Efron 1979), tasks resampled."""
    values = np.asarray(differences, float)
    means = []
    for start in range(0, samples, _BATCH):
        count = min(_BATCH, samples - start)
        drawn = generator.integers(0, len(values), (count, len(values)))
        means.append(values[drawn].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test (1947): the discordant pairs as tosses of a fair coin."""
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise ValueError("a comparison needs scipy: pip install scipy") from error
    discordant = only_a + only_b
    return float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0


def compare_scores(a: Score, b: Score, *, seed: int = 0, samples: int = 10_000) -> Comparison:
    """Compare task by task; both scores must be over the same tasks in the same order."""
    pairs = list(zip(a.tasks, b.tasks, strict=True))
    assert all(x.id == y.id for x, y in pairs), "scores of different tasks"
    differences = [y.score - x.score for x, y in pairs]
    only_a = sum(x.score == 1 > y.score for x, y in pairs)
    only_b = sum(y.score == 1 > x.score for x, y in pairs)
    return Comparison(
        tasks=len(pairs),
        score_a=a.per_task,
        score_b=b.per_task,
        difference=sum(differences) / len(differences),
        interval=bootstrap_interval(differences, samples, derive_generator(seed, "bootstrap")),
        gained=tuple(x.id for x, y in pairs if y.score > x.score),
        lost=tuple(x.id for x, y in pairs if y.score < x.score),
        only_a=only_a,
        only_b=only_b,
        p_value=mcnemar_p(only_a, only_b),
    )
