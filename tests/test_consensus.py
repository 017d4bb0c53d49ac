"""The mean of all views: the right corner, the right colours, the right shape, and its place in the vote."""

import numpy as np
import pytest
from made_run import program, view

from solver.arc.augment import Augmentation
from solver.arc.candidate import same_grid
from solver.arc.consensus import Consensus
from solver.arc.policy import Evidence, Policy, rank_views, trust_in
from solver.arc.task import as_grid
from solver.choices import VOTE_RULES

PALETTE = (0, 3, 1, 2, 9, 8, 7, 6, 5, 4)
A, B, C = (as_grid(np.full((2, 2), colour, np.uint8)) for colour in (1, 2, 3))


def shown(grid: np.ndarray, augmentation: Augmentation, canvas: int, sure: float = 4.0) -> np.ndarray:
    """Log-probabilities [canvas, canvas, 10] of a view that gives the grid; noise beside it."""
    rng = np.random.default_rng(7)
    log_p = rng.normal(0, 1, (canvas, canvas, 10)).astype(np.float32)
    turned = augmentation.apply(grid)
    height, width = turned.shape
    log_p[:height, :width] = np.where(np.arange(10) == turned[..., None], sure, 0.0)
    return log_p


@pytest.mark.parametrize("symmetry", range(8))
def test_a_view_comes_back_whatever_its_symmetry_and_colours(symmetry: int) -> None:
    grid = as_grid(np.random.default_rng(symmetry).integers(0, 10, (3, 5)))
    augmentation = Augmentation(symmetry, PALETTE)
    consensus = Consensus()
    consensus.add(shown(grid, augmentation, 8), augmentation, grid.shape, 0.5)
    found = consensus.candidate()
    assert same_grid(found.grid, grid) and found.known.pooled and found.known.confidence == 0.5
    cell = 4.0 - np.log(np.exp(4.0) + 9)
    assert found.known.log_prob == pytest.approx(15 * cell, rel=1e-5)


def test_views_that_are_wrong_in_different_cells_are_right_together() -> None:
    rng = np.random.default_rng(3)
    grid = as_grid(rng.integers(0, 10, (4, 6)))
    consensus, wrong = Consensus(), 0
    for n in range(8):
        seen = grid.copy()
        seen[n % 4, n % 6] = (seen[n % 4, n % 6] + 1 + n % 3) % 10
        wrong += not same_grid(as_grid(seen), grid)
        augmentation = Augmentation(n, PALETTE)
        consensus.add(shown(as_grid(seen), augmentation, 7), augmentation, grid.shape)
    assert wrong == 8 and same_grid(consensus.candidate().grid, grid)


def test_the_mean_is_of_log_probabilities() -> None:
    """Two views that are fairly sure of 1 and one that is certain of 2: the one that excludes 1 decides."""
    consensus = Consensus()
    for p in ((0.6, 0.399), (0.6, 0.399), (1e-6, 0.999)):
        log_p = np.full((1, 1, 10), -20.0, np.float32)
        log_p[0, 0, 1:3] = np.log(p)
        consensus.add(log_p, Augmentation(), (1, 1))
    assert consensus.candidate().grid[0, 0] == 2


def test_most_views_decide_the_shape_and_small_canvases_count_where_they_reach() -> None:
    wide = as_grid(np.array([[1, 2, 3]]))
    consensus = Consensus()
    assert consensus.candidate() is None
    consensus.add(shown(as_grid(wide[:, :2]), Augmentation(), 2), Augmentation(), (1, 2))
    for _ in range(2):
        consensus.add(shown(wide, Augmentation(1), 4), Augmentation(1), wide.shape)
    assert same_grid(consensus.candidate().grid, wide)


def test_a_canvas_larger_than_any_grid_is_cut() -> None:
    consensus = Consensus()
    consensus.add(shown(A, Augmentation(), 34), Augmentation(), A.shape)
    assert same_grid(consensus.candidate().grid, A)


def test_the_consensus_stands_first_by_its_own_rule_and_nowhere_else() -> None:
    together = view(C, 0.3, -1.0, pooled=True)
    views = [view(A, 0.9, -2.0), view(A, 0.9, -2.0), view(B, 0.1, -3.0)]
    answers = rank_views([*views, together], "consensus")
    assert [int(a.grid[0, 0]) for a in answers] == [3, 1, 2]
    assert [(a.votes, a.pooled) for a in answers] == [(0, True), (2, False), (1, False)]
    for rule in VOTE_RULES[1:]:
        assert [int(a.grid[0, 0]) for a in rank_views([*views, together], rule)] == [1, 2]
    same = rank_views([*views, view(B, 0.5, -1.0, pooled=True)], "consensus")
    assert [(int(a.grid[0, 0]), a.votes, a.pooled, a.confidence) for a in same] == [
        (2, 1, True, 0.1),
        (1, 2, False, 0.9),
    ], "it is no vote and changes no mean"


def test_a_consensus_that_no_view_gives_is_trusted_as_far_as_it_is_certain() -> None:
    """4 cells of probability p each: certainty p, trust p * p * fit."""
    programs = [program(A, "x", 0), program(B, "y", 1)]
    for p, fit, wanted in ((0.9, 1.0, (C, A)), (0.9, 0.1, (A, B)), (0.2, 1.0, (A, B))):
        views = [view(C, 0.3, 4 * float(np.log(p)), pooled=True), view(A), view(B)]
        trust = trust_in(rank_views(views, "consensus"), Evidence(fit))
        assert trust == pytest.approx(p * p * fit)
        attempts = Policy().order([*views, *programs], {"network": trust})[:2]
        assert all(same_grid(a.grid, b) for a, b in zip(attempts, wanted, strict=True))
