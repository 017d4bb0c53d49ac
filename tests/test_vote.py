"""Votes: how candidates are ranked, and how two attempts are chosen."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.arc.task import as_grid
from solver.arc.vote import (
    CONSENSUS,
    GUESS,
    NETWORK,
    Answer,
    Candidate,
    Evidence,
    grid_key,
    rank,
    same_grid,
    trust,
    two_attempts,
)
from solver.choices import VOTE_RULES

A, B, C = (as_grid([[colour]]) for colour in (1, 2, 3))


def ranked(*candidates):
    return [int(answer.grid[0, 0]) for answer in rank(candidates)]


def test_more_votes_win_over_more_confidence():
    assert ranked(Candidate(A, 0.9), Candidate(B, 0.1), Candidate(B, 0.2)) == [2, 1]


def test_equal_votes_are_decided_by_mean_confidence():
    assert ranked(Candidate(A, 0.9), Candidate(A, 0.1), Candidate(B, 0.6), Candidate(B, 0.6)) == [2, 1]


def test_equal_votes_and_confidence_keep_the_order_of_arrival():
    assert ranked(Candidate(C, 0.5), Candidate(A, 0.5), Candidate(B, 0.5)) == [3, 1, 2]


def test_guesses_stand_behind_every_network_candidate_and_do_not_vote_with_it():
    guesses = [Candidate(B, 1.0, source=GUESS, rule="r") for _ in range(5)]
    answers = rank([*guesses, Candidate(A, 0.2), Candidate(B, 0.1)])
    assert [(int(a.grid[0, 0]), a.source, a.votes, a.rule) for a in answers] == [
        (1, NETWORK, 1, ""),
        (2, NETWORK, 1, ""),
    ]
    assert answers[1].confidence == pytest.approx(0.1)
    behind = rank([*guesses, Candidate(A, 0.0)])
    assert [(a.source, a.votes, a.rule) for a in behind] == [(NETWORK, 1, ""), (GUESS, 5, "r")]


def test_confidence_is_the_mean_and_nothing_gives_nothing():
    (answer,) = rank([Candidate(A, 0.2), Candidate(A, 0.6)])
    assert answer.votes == 2 and answer.confidence == pytest.approx(0.4)
    assert rank([]) == []


def test_grids_are_equal_only_in_shape_and_cells():
    row, column = as_grid([[1, 1]]), as_grid([[1], [1]])
    assert not same_grid(row, column) and grid_key(row) != grid_key(column)
    assert same_grid(row, np.array([[1, 1]])) and grid_key(row) == grid_key(np.array([[1, 1]]))
    assert not same_grid(row, as_grid([[1, 2]]))


def guess(grid, rule):
    return Answer(grid, 0, 0.0, GUESS, rule)


def test_two_attempts_are_the_best_two():
    answers = rank([Candidate(A), Candidate(B), Candidate(B), Candidate(C, 0.5)])
    first, second = two_attempts(answers, [])
    assert (int(first.grid[0, 0]), int(second.grid[0, 0])) == (2, 3)


def test_missing_attempts_are_filled_from_guesses_that_differ():
    answers = rank([Candidate(A)])
    first, second = two_attempts(answers, [guess(A, "same"), guess(B, "other")])
    assert (first.source, second.source, second.rule) == (NETWORK, GUESS, "other")
    first, second = two_attempts([], [guess(C, "x"), guess(C, "y"), guess(A, "z")])
    assert (first.rule, second.rule) == ("x", "z")


def test_one_grid_alone_is_never_given_twice():
    with pytest.raises(AssertionError, match="only 1 different"):
        two_attempts([guess(A, "x")], [guess(A, "y")])


def test_votes_are_ranked_by_number_then_confidence_or_by_probability():
    candidates = [Candidate(A, 0.1, -5.0), Candidate(B, 0.9, -4.0), Candidate(C, 0.0, -0.5)]
    candidates += [Candidate(A, 0.1, -5.0), Candidate(B, 0.9, -4.0)]
    orders = {by: [int(answer.grid[0, 0]) for answer in rank(candidates, by)] for by in VOTE_RULES}
    by_confidence = [2, 1, 3]  # as by consensus, where no view brought one
    assert orders == {
        "consensus": by_confidence,
        "confidence": by_confidence,
        "probability": [3, 2, 1],
    }


def test_a_grids_weight_is_the_sum_of_its_probabilities():
    grid = as_grid([[1, 2], [3, 4]])
    (answer,) = rank([Candidate(grid, 0.5, np.log(0.25)), Candidate(grid, 0.5, np.log(0.5))])
    assert np.exp(answer.log_weight) == pytest.approx(0.75)
    assert answer.certainty == pytest.approx((0.25**0.25 + 0.5**0.25) / 2)


NUMBERS = st.sampled_from([0.1, 0.2, 0.3, 0.7]) | st.floats(0, 1)
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.sampled_from([A, B, C, as_grid([[1, 2]])]),
        NUMBERS,
        NUMBERS.map(lambda share: -40 * share),
        st.sampled_from([NETWORK, NETWORK, GUESS]),
    )
    | st.builds(Candidate, st.sampled_from([A, C]), NUMBERS, st.just(-3.0), rule=st.just(CONSENSUS)),
    max_size=12,
)


def numbers(answer: Answer, by: str) -> tuple:
    """What decides between two answers, besides who came first."""
    rule = {
        "consensus": (answer.rule != CONSENSUS, -answer.votes, -answer.confidence),
        "confidence": (-answer.votes, -answer.confidence),
        "probability": (-answer.log_weight, -answer.votes),
    }
    return answer.source != NETWORK, *rule[by]


@settings(max_examples=60, deadline=None)
@given(CANDIDATES, st.randoms(use_true_random=False), st.sampled_from(VOTE_RULES))
def test_the_order_of_candidates_decides_nothing_but_ties(candidates, random, by):
    """In any order: every grid has the same numbers, bit for bit, and grids stand by these numbers; those
    that tie by all of them stand in the order in which they first came from their source."""
    shuffled = random.sample(candidates, len(candidates))
    before, after = rank(candidates, by), rank(shuffled, by)
    made = [
        {grid_key(a.grid): (a.votes, a.confidence, a.source, a.certainty, a.log_weight) for a in answers}
        for answers in (before, after)
    ]
    assert made[0] == made[1] and len(made[0]) == len(before) == len(after)
    assert [numbers(a, by) for a in after] == sorted(numbers(a, by) for a in before)
    standing = [c for c in shuffled if by == "consensus" or c.rule != CONSENSUS]
    came = list(dict.fromkeys(grid_key(candidate.grid) for candidate in standing))
    for first, second in pairwise(after):
        if numbers(first, by) == numbers(second, by):
            assert came.index(grid_key(first.grid)) < came.index(grid_key(second.grid))


def test_sums_are_the_same_in_every_order():
    """Three confidences that give two different sums, added one by one: a tie must stay one."""
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    rising = [Candidate(A, share, -share) for share in (0.1, 0.2, 0.3)]
    falling = [Candidate(B, share, -share) for share in (0.3, 0.2, 0.1)]
    for by in VOTE_RULES:
        assert [int(a.grid[0, 0]) for a in rank([*rising, *falling], by)] == [1, 2]
        assert [int(a.grid[0, 0]) for a in rank([*falling, *rising], by)] == [2, 1]


def test_a_probability_of_nothing_is_ranked_last():
    answers = rank(
        [Candidate(A, log_prob=-np.inf), Candidate(A, log_prob=-np.inf), Candidate(B, log_prob=-9e9)]
    )
    assert [a.log_weight for a in answers] == [-np.inf, -9e9]
    again = rank([Candidate(A, log_prob=-np.inf), Candidate(B, log_prob=-9e9)], "probability")
    assert int(again[0].grid[0, 0]) == 2


def test_trust_needs_views_that_agree_and_demonstrations_that_come_out():
    def trust_of(votes: list[int], evidence: Evidence) -> float:
        return trust([Answer(A, n, 0.5, NETWORK, certainty=0.8) for n in votes], evidence)

    known = Evidence(reproduced=1.0, held_out=1.0)
    assert trust_of([16], known) == pytest.approx(0.8)
    assert trust_of([9, 8], known) == pytest.approx(0.4)
    assert trust_of([1, 1, 1], known) == trust_of([1], known) == trust([], known) == 0.0
    assert trust_of([16], Evidence(reproduced=0.0)) == 0.0
    # What is known by heart is not understood: the demonstration that was held back counts twice.
    by_heart, held = Evidence(1.0, 0.0), Evidence(0.0, 1.0)
    assert trust_of([16], held) == pytest.approx(2 * trust_of([16], by_heart))
    assert trust_of([16], by_heart) < trust_of([16], Evidence(1.0)) == trust_of([16], known)


def test_a_network_that_is_not_trusted_displaces_no_fitting_guess():
    network = rank([Candidate(A, 0.9), Candidate(B, 0.1)])
    fitting = [Answer(C, 2, 0.0, GUESS, "first"), Answer(B, 1, 0.0, GUESS, "second")]
    loose = [guess(C, "loose"), guess(B, "loose")]

    def sources(guessed, trusted):
        return [(a.source, a.rule) for a in two_attempts(network, guessed, trusted=trusted)]

    assert sources(fitting, True) == [(NETWORK, ""), (GUESS, "first")]
    assert sources(fitting, False) == [(GUESS, "first"), (GUESS, "second")]
    assert sources(fitting[:1], False) == [(GUESS, "first"), (NETWORK, "")]
    assert sources(loose, False) == sources(loose, True) == [(NETWORK, "")] * 2
