"""The compiled vote against the plain one."""

import numpy as np
import pytest

from benchmarks import twins
from train import ballot as ballot_module
from train.ballot import Ballot, Crops, group

# Uncompiled (NUMBA_DISABLE_JIT=1), numpy warns of the wrap-around that a hash is made of.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


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


@pytest.mark.parametrize("parallel_from", [1, 1000])
def test_ballot_ranks_as_the_plain_vote(monkeypatch, parallel_from):
    monkeypatch.setattr(ballot_module, "PARALLEL_FROM", parallel_from)
    predictions = draw_predictions(3, 400, 5)
    wanted = twins.vote(*predictions)
    ballot = Ballot(6)
    for start in range(0, 400, 150):
        ballot.add(*(part[start : start + 150] for part in predictions))
    tally = ballot.count()
    assert [listed(tally.answers(q)) for q in range(6)] == [listed(wanted.get(q, [])) for q in range(6)]
    assert listed(tally.answers(0, 2)) == listed(wanted[0][:2])
    assert tally.answers(5) == [] and sum(tally.votes) == sum(a.votes for w in wanted.values() for a in w)


def test_ballots_of_two_ranks_merge():
    predictions = draw_predictions(5, 120, 3)
    whole, left, right = Ballot(3), Ballot(3), Ballot(3)
    whole.add(*predictions)
    left.add(*(part[:50] for part in predictions))
    right.add(*(part[50:] for part in predictions))
    left.merge(right)
    assert [listed(left.count().answers(q)) for q in range(3)] == [
        listed(whole.count().answers(q)) for q in range(3)
    ]


def test_canvases_without_a_crop_do_not_vote():
    ballot = Ballot(1)
    plain = np.arange(10, dtype=np.uint8)[None]
    ballot.add(np.zeros((1, 9), np.uint8), *(np.array([3]),) * 2, np.zeros(1), plain, np.zeros(1), np.ones(1))
    assert ballot.count().answers(0) == []
    assert Ballot(2).count().answers(1) == []


def test_two_grids_with_one_hash_stay_two_answers():
    cells = np.array([1, 2, 1], np.uint8)
    crops = Crops(cells, np.arange(4), np.ones((3, 2), np.int64), np.zeros(3, np.uint64))
    firsts, groups = group(np.arange(3), np.zeros(3, np.int64), crops)
    assert firsts.tolist() == [0, 1] and groups.tolist() == [0, 1, 0]
