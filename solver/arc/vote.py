"""From many candidate grids to ranked answers, and to the two attempts of a submission.

Rank: number of votes, then mean halting probability, then the earliest candidate (so that the
unaugmented view, which is asked first, wins a tie). A guess that reproduces every demonstration is
worth more than the network's second choice, and takes the second attempt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Grid

NETWORK = "network"
GUESS = "guess"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One predicted output grid, with augmentation and border already undone.

    ``confidence``: sigmoid of the halting logit, 0..1. ``log_prob``: sum over the answer's cells of
    the log-probability of the chosen token. ``source``: ``network``, or ``guess`` with ``rule``.
    """

    grid: Grid
    confidence: float = 0.0
    log_prob: float = 0.0
    source: str = NETWORK
    rule: str = ""


@dataclass(frozen=True, eq=False)
class Answer:
    """Candidates with equal grids, counted. ``confidence``: their mean."""

    grid: Grid
    votes: int
    confidence: float
    source: str
    rule: str = ""


def same_grid(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in shape and in every cell."""
    return a.shape == b.shape and bool((a == b).all())


def grid_key(grid: np.ndarray) -> bytes:
    """Bytes that are equal for equal grids and for no others."""
    return bytes(grid.shape) + np.ascontiguousarray(grid, np.uint8).tobytes()


def rank(candidates: Iterable[Candidate]) -> list[Answer]:
    """Equal grids grouped and ranked: network before guess, votes, mean confidence, first come."""
    groups: dict[bytes, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(grid_key(candidate.grid), []).append(candidate)
    answers = []
    for group in groups.values():
        network = [c for c in group if c.source == NETWORK]
        voters = network or group
        confidence = sum(c.confidence for c in voters) / len(voters)
        first = voters[0]
        answers.append(Answer(first.grid, len(voters), confidence, first.source, first.rule))
    # sorted() is stable: what ties in all three keeps the order in which it came.
    return sorted(answers, key=lambda a: (a.source != NETWORK, -a.votes, -a.confidence))


def two_attempts(network: Sequence[Answer], guessed: Sequence[Answer]) -> tuple[Answer, Answer]:
    """Two answers with different grids.

    The network's best comes first; then the best guess that reproduces every demonstration (those
    have votes), the network's other answers, and the guesses that fit nothing. ``guessed`` must hold
    at least two different grids (``guess.guesses`` always does).
    """
    fitting = [answer for answer in guessed if answer.votes]
    others = [answer for answer in guessed if not answer.votes]
    chosen: list[Answer] = []
    for answer in [*network[:1], *fitting[:1], *network[1:], *fitting[1:], *others]:
        if not any(same_grid(answer.grid, other.grid) for other in chosen):
            chosen.append(answer)
        if len(chosen) == 2:
            return chosen[0], chosen[1]
    raise AssertionError(f"only {len(chosen)} different answers of {len(network)} + {len(guessed)}")
