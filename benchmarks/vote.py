"""Voting: crop, undo, group and rank, against the functions for single grids."""

from collections.abc import Iterator

import numpy as np

from benchmarks import twins
from benchmarks.measure import Measurement, Setting, median_seconds
from solver.arc.task import MAX_SIDE
from train.ballot import Ballot

_PREDICTIONS, _QUESTIONS, _BATCH, _TWIN = 100_000, 100, 768, 2000


def _predictions() -> tuple[np.ndarray, ...]:
    """Canvases of 30 x 30: 1,000 augmented views of each question, from 40 different answers."""
    generator = np.random.default_rng(0)
    shapes = generator.integers(1, 21, (_QUESTIONS, 40, 2))
    answers = [[generator.integers(0, 10, shape, np.uint8) for shape in part] for part in shapes]
    tokens = np.zeros((_PREDICTIONS, MAX_SIDE * MAX_SIDE), np.uint8)
    sides = np.full(_PREDICTIONS, MAX_SIDE)
    symmetries = generator.integers(0, 8, _PREDICTIONS).astype(np.uint8)
    shuffled = generator.permuted(np.tile(np.arange(1, 10, dtype=np.uint8), (_PREDICTIONS, 1)), axis=1)
    palettes = np.concatenate([np.zeros((_PREDICTIONS, 1), np.uint8), shuffled], 1)
    asked = np.arange(_PREDICTIONS) % _QUESTIONS
    for n in range(_PREDICTIONS):
        grid = answers[asked[n]][int(40 * generator.random() ** 3)]
        moved = twins.turn(palettes[n][grid], int(symmetries[n]))
        tokens[n] = twins.canvas_tokens(moved, MAX_SIDE, MAX_SIDE, 0, 0).ravel()
    return tokens, sides, sides, symmetries, palettes, asked, generator.random(_PREDICTIONS)


def measure_vote(setting: Setting) -> Iterator[Measurement]:
    """Batches of 768 as an evaluator hands them over, then the count."""
    predictions = _predictions()

    def ours() -> None:
        ballot = Ballot(_QUESTIONS)
        for start in range(0, _PREDICTIONS, _BATCH):
            ballot.add(*(part[start : start + _BATCH] for part in predictions))
        tally = ballot.count()
        for question in range(_QUESTIONS):
            tally.answers(question, 2)

    seconds = median_seconds(ours, 5) / _PREDICTIONS
    twin = median_seconds(lambda: twins.vote(*(part[:_TWIN] for part in predictions)), 3) / _TWIN
    target = "at least 200,000 and 30x"
    yield Measurement("vote: predictions a second", 1 / seconds, "predictions/s", target, twin / seconds)
