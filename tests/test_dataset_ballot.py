"""The vote on a data set's questions against the released evaluator's way."""

import numpy as np

from benchmarks import twins
from train.evaluators import Ballot


def draw_predictions(seed: int, count: int, questions: int) -> tuple[np.ndarray, ...]:
    """Canvases of augmented grids, few different ones for each question, some of them spoilt."""
    generator = np.random.default_rng(seed)
    originals = [
        [generator.integers(0, 10, (height, width), dtype=np.uint8) for _ in range(3)]
        for height, width in generator.integers(1, 7, (questions, 2))
    ]
    tokens = np.zeros((count, 100), np.uint8)
    heights, widths = generator.integers(7, 11, (2, count))
    symmetries = generator.integers(0, 8, count).astype(np.uint8)
    palettes = np.zeros((count, 10), np.uint8)
    asked = generator.integers(-1, questions, count)
    for n in range(count):
        palettes[n, 1:] = 1 + generator.permutation(9)
        grid = twins.turn(palettes[n][originals[asked[n]][generator.integers(3)]], symmetries[n])
        canvas = twins.canvas_tokens(grid, heights[n], widths[n], 0, 0)
        if generator.random() < 0.2:
            canvas[tuple(generator.integers(0, canvas.shape))] = generator.integers(0, 12)
        tokens[n, : canvas.size] = canvas.ravel()
    confidences = generator.choice([0.25, 0.5, 0.75], count)
    return tokens, heights, widths, symmetries, palettes, asked, confidences


def listed(answers: list) -> list[tuple]:
    return [(a.votes, round(a.confidence, 12), a.source, a.grid.tolist()) for a in answers]


def test_ballot_ranks_as_the_plain_vote():
    predictions = draw_predictions(3, 400, 5)
    wanted = twins.vote(*predictions)
    ballot = Ballot(6)
    for start in range(0, 400, 150):
        ballot.add(*(part[start : start + 150] for part in predictions))
    assert [listed(ballot.answers(q)) for q in range(6)] == [listed(wanted.get(q, [])) for q in range(6)]
    assert listed(ballot.answers(0, 2)) == listed(wanted[0][:2]) and ballot.answers(5) == []


def test_ballots_of_two_ranks_merge():
    predictions = draw_predictions(5, 120, 3)
    whole, left, right = Ballot(3), Ballot(3), Ballot(3)
    whole.add(*predictions)
    left.add(*(part[:50] for part in predictions))
    right.add(*(part[50:] for part in predictions))
    left.merge(right)
    assert [listed(left.answers(q)) for q in range(3)] == [listed(whole.answers(q)) for q in range(3)]


def test_canvases_without_a_crop_do_not_vote():
    ballot = Ballot(1)
    plain = np.arange(10, dtype=np.uint8)[None]
    ballot.add(np.zeros((1, 9), np.uint8), *(np.array([3]),) * 2, np.zeros(1), plain, np.zeros(1), np.ones(1))
    assert ballot.answers(0) == []
