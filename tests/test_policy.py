"""The policy: which candidates count, how they rank in a source and between sources, what is submitted."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_run import program, view

from solver.arc.candidate import Candidate, Program, View, grid_key, same_grid
from solver.arc.journal import Header, Journal, Proposed, read_journal
from solver.arc.merge import merge_sources, read_source
from solver.arc.policy import (
    Answer,
    Evidence,
    Policy,
    believe_views,
    join,
    rank_programs,
    rank_views,
    trust_in,
)
from solver.arc.pool import rank_journal
from solver.arc.task import as_grid
from solver.choices import JOINT, QUICK, REFINE, START, TUNE, VOTE_RULES

A, B, C, D = (as_grid([[colour]]) for colour in (1, 2, 3, 4))
CLEAN = {"reproduced": 2, "demonstrations": 2}


def cells(answers) -> list[int]:
    return [int(answer.grid[0, 0]) for answer in answers]


def event(*candidates: Candidate, phase: str = TUNE, **more) -> Proposed:
    """One test input's candidates in a phase; the network knows the demonstrations."""
    source = candidates[0].source if candidates else "network"
    return Proposed("t", (candidates,), source, phase, **{**CLEAN, **more})


# Views among themselves


def test_more_votes_win_over_more_confidence():
    assert cells(rank_views([view(A, 0.9), view(B, 0.1), view(B, 0.2)])) == [2, 1]


def test_equal_votes_are_decided_by_mean_confidence():
    assert cells(rank_views([view(A, 0.9), view(A, 0.1), view(B, 0.6), view(B, 0.6)])) == [2, 1]


def test_equal_votes_and_confidence_keep_the_order_of_arrival():
    assert cells(rank_views([view(C, 0.5), view(A, 0.5), view(B, 0.5)])) == [3, 1, 2]


def test_confidence_is_the_mean_and_nothing_gives_nothing():
    (answer,) = rank_views([view(A, 0.2), view(A, 0.6)])
    assert answer.votes == 2 and answer.confidence == pytest.approx(0.4)
    assert rank_views([]) == rank_programs([]) == join([]) == []


def test_grids_are_equal_only_in_shape_and_cells():
    row, column = as_grid([[1, 1]]), as_grid([[1], [1]])
    assert not same_grid(row, column) and grid_key(row) != grid_key(column)
    assert same_grid(row, np.array([[1, 1]])) and grid_key(row) == grid_key(np.array([[1, 1]]))
    assert not same_grid(row, as_grid([[1, 2]]))


def test_views_are_ranked_by_number_then_confidence_or_by_probability():
    candidates = [view(A, 0.1, -5.0), view(B, 0.9, -4.0), view(C, 0.0, -0.5)]
    candidates += [view(A, 0.1, -5.0), view(B, 0.9, -4.0)]
    orders = {by: cells(rank_views(candidates, by)) for by in VOTE_RULES}
    by_confidence = [2, 1, 3]  # as by consensus, where no view brought one
    assert orders == {
        "consensus": by_confidence,
        "confidence": by_confidence,
        "probability": [3, 2, 1],
    }


def test_a_grids_weight_is_the_sum_of_its_probabilities():
    grid = as_grid([[1, 2], [3, 4]])
    (answer,) = rank_views([view(grid, 0.5, np.log(0.25)), view(grid, 0.5, np.log(0.5))])
    assert np.exp(answer.log_weight) == pytest.approx(0.75)
    assert answer.certainty == pytest.approx((0.25**0.25 + 0.5**0.25) / 2)


NUMBERS = st.sampled_from([0.1, 0.2, 0.3, 0.7]) | st.floats(0, 1)
VIEWS = st.lists(
    st.builds(
        view,
        st.sampled_from([A, B, C, as_grid([[1, 2]])]),
        NUMBERS,
        NUMBERS.map(lambda share: -40 * share),
    )
    | st.builds(view, st.sampled_from([A, C]), NUMBERS, st.just(-3.0), pooled=st.just(True)),
    max_size=12,
)


def numbers(answer: Answer, by: str) -> tuple:
    """What decides between two answers, besides who came first."""
    return {
        "consensus": (not answer.pooled, -answer.votes, -answer.confidence),
        "confidence": (-answer.votes, -answer.confidence),
        "probability": (-answer.log_weight, -answer.votes),
    }[by]


@settings(max_examples=60, deadline=None)
@given(VIEWS, st.randoms(use_true_random=False), st.sampled_from(VOTE_RULES))
def test_the_order_of_candidates_decides_nothing_but_ties(candidates, random, by):
    """In any order: every grid has the same numbers, bit for bit, and grids stand by these numbers; those
    that tie by all of them stand in the order in which they first came."""
    shuffled = random.sample(candidates, len(candidates))
    before, after = rank_views(candidates, by), rank_views(shuffled, by)
    made = [
        {grid_key(a.grid): (a.votes, a.confidence, a.certainty, a.log_weight) for a in answers}
        for answers in (before, after)
    ]
    assert made[0] == made[1] and len(made[0]) == len(before) == len(after)
    assert [numbers(a, by) for a in after] == sorted(numbers(a, by) for a in before)
    standing = [c for c in shuffled if by == "consensus" or not c.known.pooled]
    came = list(dict.fromkeys(grid_key(candidate.grid) for candidate in standing))
    for first, second in pairwise(after):
        if numbers(first, by) == numbers(second, by):
            assert came.index(grid_key(first.grid)) < came.index(grid_key(second.grid))


def test_sums_are_the_same_in_every_order():
    """Three confidences that give two different sums, added one by one: a tie must stay one."""
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    rising = [view(A, share, -share) for share in (0.1, 0.2, 0.3)]
    falling = [view(B, share, -share) for share in (0.3, 0.2, 0.1)]
    for by in VOTE_RULES:
        assert cells(rank_views([*rising, *falling], by)) == [1, 2]
        assert cells(rank_views([*falling, *rising], by)) == [2, 1]


def test_a_probability_of_nothing_is_ranked_last():
    nothing = view(A, log_prob=-np.inf)
    answers = rank_views([nothing, nothing, view(B, log_prob=-9e9)])
    assert [a.log_weight for a in answers] == [-np.inf, -9e9]
    assert cells(rank_views([nothing, view(B, log_prob=-9e9)], "probability"))[0] == 2


def test_trust_needs_views_that_agree_and_demonstrations_that_come_out():
    def trust_of(votes: list[int], evidence: Evidence) -> float:
        return trust_in([Answer(A, ("network",), n, certainty=0.8) for n in votes], evidence)

    known = Evidence(reproduced=1.0, held_out=1.0)
    assert trust_of([16], known) == pytest.approx(0.8)
    assert trust_of([9, 8], known) == pytest.approx(0.4)
    assert trust_of([1, 1, 1], known) == trust_of([1], known) == trust_in([], known) == 0.0
    assert trust_of([16], Evidence(reproduced=0.0)) == 0.0
    # What is known by heart is not understood: the demonstration that was held back counts twice.
    by_heart, held = Evidence(1.0, 0.0), Evidence(0.0, 1.0)
    assert trust_of([16], held) == pytest.approx(2 * trust_of([16], by_heart))
    assert trust_of([16], by_heart) < trust_of([16], Evidence(1.0)) == trust_of([16], known)


# Programs among themselves


def test_programs_are_ranked_by_what_they_reproduce_then_probability_then_cost():
    made = [program(A, "a", 1.0, 1), program(B, "b", 9.0), program(C, "c", 5.0), program(B, "b2", 7.0)]
    answers = rank_programs(made)
    assert [(a.explanation, a.programs, a.votes) for a in answers] == [("c", 1, 0), ("b2", 2, 0), ("a", 0, 0)]
    likely = Candidate(D, "search", Program(99.0, 2, 2, probability=0.25), "d")
    answers = rank_programs([*made, likely])
    assert [a.explanation for a in answers] == ["d", "c", "b2", "a"] and answers[0].belief == 0.25


# Sources beside each other


def test_a_network_that_is_not_trusted_displaces_no_fitting_program():
    network = [view(A, 0.9), view(B, 0.1)]
    fitting = [program(C, "first", 0), program(D, "second", 1)]
    loose = [program(C, "loose", 0, 1), program(B, "loose", 1, 0)]

    def sources(programs: list[Candidate], trusted: bool) -> list[tuple]:
        trust = {"network": float(trusted)}
        return [(a.source, a.explanation) for a in Policy().order([*network, *programs], trust)[:2]]

    assert sources(fitting, True) == [("network", ""), ("search", "first")]
    assert sources(fitting, False) == [("search", "first"), ("search", "second")]
    assert sources(fitting[:1], False) == [("search", "first"), ("network", "")]
    assert sources(loose, False) == sources(loose, True) == [("network", "")] * 2


def test_the_networks_other_answers_stand_before_a_second_program_where_it_is_trusted():
    candidates = [view(A), view(A), view(B), program(A, "same", 0), program(C, "other", 20)]
    answers = Policy().order(candidates, {"network": 1.0})
    assert cells(answers) == [1, 2, 3]
    assert answers[0].sources == ("network", "search") and answers[0].explanation == "same"
    assert (answers[0].votes, answers[0].programs) == (2, 1)
    assert cells(Policy().order(candidates, {"network": 0.0})) == [1, 3, 2]


def test_a_probability_of_any_source_ranks_beside_the_others():
    sure, unsure = (Candidate(D, "toy", Program(0, 2, 2, probability=p)) for p in (0.95, 0.3))
    candidates = [view(A), view(A), program(B)]
    assert cells(Policy().order([*candidates, sure], {})) == [4, 1, 2]
    assert cells(Policy().order([*candidates, unsure], {})) == [1, 2, 4]


def test_one_grid_alone_is_never_submitted_twice():
    with pytest.raises(AssertionError, match="wanted two different answers, found 1"):
        Policy().attempts([event(view(A), view(A))], 0)


def test_answers_of_views_that_have_been_counted_join_those_of_programs():
    counted = [Answer(A, ("network",), 5), Answer(B, ("network",), 3)]
    joined = join([believe_views(counted, trusted=True), rank_programs([program(C)])])
    assert cells(joined) == [1, 3, 2]


# Which candidates count


def journal_of(folder: Path, *events: Proposed) -> Path:
    path = folder / "run.journal"
    with Journal.create(path, Header()) as journal:
        for each in events:
            journal.append(each)
    return path


def test_a_later_phase_takes_the_place_of_an_earlier_one_for_every_reader(tmp_path: Path):
    """A quick pass with 16 x A; after tuning 9 x B, 7 x C: B and C are submitted, and A stands nowhere."""
    events = (
        event(*[view(A)] * 16, phase=QUICK),
        event(*[view(B)] * 9, *[view(C)] * 7),
    )
    policy = Policy()
    assert cells(policy.attempts(events, 0)) == [2, 3] and policy.votes(events, 0) == 16
    path = journal_of(tmp_path, *events)
    assert cells(rank_journal(read_journal(path))["t", 0]) == [2, 3]
    for by in ("order", "votes"):
        merged = merge_sources([read_source(path), read_source(path)], by=by)
        assert [int(grid[0, 0]) for grid in merged.answers["t"][0]] == [2, 3]


def test_tuned_and_refined_views_count_together_and_repeated_ones_once():
    tuned = event(*[view(A)] * 3)
    again = event(*[view(B)] * 2)  # the task once more, after a kill between two tasks of its group
    refined = event(*[view(C)] * 3, phase=REFINE)
    joint = [event(*[view(D)] * n, phase=JOINT) for n in (2, 2, 2)]
    assert [(int(a.grid[0, 0]), a.votes) for a in Policy().rank([*joint, tuned, again, refined], 0)] == [
        (3, 3),
        (2, 2),
    ]
    assert [(int(a.grid[0, 0]), a.votes) for a in Policy().rank(joint, 0)] == [(4, 2)]


def test_an_event_without_answers_changes_nothing():
    failed = Proposed("t", (), note="numbers that are not finite", reproduced=0, demonstrations=2)
    events = [event(view(A), view(A), view(B))]
    policy = Policy()
    assert cells(policy.rank([*events, failed], 0)) == [1, 2]
    assert policy.trust([*events, failed], 0) == policy.trust(events, 0)


def test_a_task_of_a_hundred_test_inputs_is_ranked():
    events = [Proposed("t", tuple((view(A), view(B)) for _ in range(100)))]
    assert cells(Policy().attempts(events, 99)) == [1, 2]


def test_disagreement_does_not_depend_on_an_answer_without_votes():
    """8 views A, 8 views B, and C by the mean of all: split in two, whatever stands first."""
    split = [*[view(A)] * 8, *[view(B)] * 8]
    together = view(C, 0.5, -1.0, pooled=True)
    for candidates in (split, [*split, together]):
        events = [event(*candidates, held_out=1.0)]
        for vote in VOTE_RULES:
            assert Policy(vote).disagreement(events, 1) == 1.0
    assert Policy().disagreement([event(*[view(A)] * 8, together)], 1) == 0.0


def test_sources_without_views_say_nothing_of_disagreement():
    made = event(program(A), program(B), phase=START)
    none, views = Policy().disagreement([made], 1), Policy().disagreement([event(view(A), view(A))], 1)
    assert none == pytest.approx(4 * 0.05 * 0.95) and views == 0.0
    assert Policy().disagreement([made, event(view(A), view(A))], 1) == 0.0


def test_evidence_is_of_the_latest_phase_and_the_mean_of_what_was_held_back():
    sure = [view(A, log_prob=0.0)] * 2
    events = [
        event(*sure, phase=QUICK, reproduced=0),
        event(*sure, reproduced=1, held_out=1.0),
        event(*sure, phase=REFINE, reproduced=2, held_out=0.0),
    ]
    fit = (1.0 + 2 * 0.5) / 3
    assert Policy().trust(events, 0) == {"network": pytest.approx(fit)}
    assert math.isclose(Policy().trust(events[:2], 0)["network"], (0.5 + 2 * 1.0) / 3)


def test_views_and_programs_are_told_apart_by_what_is_known_of_them_not_by_name():
    seen = Candidate(A, "toy", View(0.5, -0.1))
    made = Candidate(B, "toy", Program(0, 2, 2, probability=0.5), "text")
    answers = Policy().order([seen, seen, made], {"toy": 1.0})
    assert cells(answers) == [1, 2] and {a.source for a in answers} == {"toy"}
