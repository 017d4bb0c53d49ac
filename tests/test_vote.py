"""Votes: how candidates are ranked, and how two attempts are chosen."""

import numpy as np
import pytest

from solver.arc.task import as_grid
from solver.arc.vote import GUESS, NETWORK, Answer, Candidate, grid_key, rank, same_grid, two_attempts

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
