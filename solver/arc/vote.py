"""From many candidate grids to ranked answers, and to the two attempts of a submission.

Votes and sums do not depend on the order of the candidates, to the last bit. What ties by every number
of a rule goes to the grid that came first, so that the unaugmented view, which is asked first, wins a tie;
nothing else is decided by the order.

A guess that reproduces every demonstration is worth more than the network's second choice, and takes the
second attempt; a network that shows no sign of having understood the task displaces no such guess at all
(``trust``).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Grid
from solver.choices import DEFAULT_RULE, VoteRule

NETWORK = "network"
GUESS = "guess"
CONSENSUS = "all views together"  # the rule of a network's candidate that is the mean of its views

# Where two different guesses fit every demonstration, the second is right in about one output of ten
# (docs/LOG.md, "Second guesses"): a network's answer that is less likely than that waits behind it.
LEAST_TRUST = 0.1


@dataclass(frozen=True, eq=False)
class Candidate:
    """One predicted output grid, with augmentation and border already undone.

    ``confidence``: sigmoid of the halting logit, 0..1. ``log_prob``: sum over the answer's cells of
    the log-probability of the chosen token. ``source``: ``network``, or ``guess`` with ``rule``; a
    network's ``rule`` is empty or ``CONSENSUS`` (``solver.arc.consensus``).
    """

    grid: Grid
    confidence: float = 0.0
    log_prob: float = 0.0
    source: str = NETWORK
    rule: str = ""


@dataclass(frozen=True, eq=False)
class Answer:
    """Candidates with equal grids, counted; the consensus is no vote, and where it gives the grid ``rule``
    says so. ``confidence``: their mean. ``certainty``: their mean
    probability of a cell (geometric over the cells), 0..1. ``log_weight``: log of the sum of their
    probabilities as whole grids."""

    grid: Grid
    votes: int
    confidence: float
    source: str
    rule: str = ""
    certainty: float = 0.0
    log_weight: float = -math.inf


@dataclass(frozen=True)
class Evidence:
    """What tuning showed of a task without any test output, each 0..1. ``reproduced``: share of the
    demonstrations that come out exactly. ``held_out``: how often one that was held back from tuning
    did (``solver.tune.confidence``), None where none was."""

    reproduced: float = 0.0
    held_out: float | None = None

    @property
    def fit(self) -> float:
        """One number, 0..1; what was held back counts twice."""
        if self.held_out is None:
            return self.reproduced
        return (self.reproduced + 2 * self.held_out) / 3


def same_grid(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal in shape and in every cell."""
    return a.shape == b.shape and bool((a == b).all())


def grid_key(grid: np.ndarray) -> bytes:
    """Bytes that are equal for equal grids and for no others."""
    return bytes(grid.shape) + np.ascontiguousarray(grid, np.uint8).tobytes()


def rank(candidates: Iterable[Candidate], by: VoteRule = DEFAULT_RULE) -> list[Answer]:
    """Equal grids grouped and ranked, the network's before guesses.

    ``consensus``: what all views give together first, then as ``confidence``. By the other rules the
    consensus does not stand. ``confidence``: votes, then mean confidence.
    ``probability``: the sum of p(grid | view) over the views that gave the grid, which is the grid's
    probability under the mixture of all views, up to a constant; then votes.
    """
    groups: dict[bytes, list[Candidate]] = {}
    for candidate in candidates:
        if by == "consensus" or candidate.rule != CONSENSUS:
            groups.setdefault(grid_key(candidate.grid), []).append(candidate)
    # sorted() is stable: what ties keeps the order in which it came.
    return sorted(map(_count, groups.values()), key=lambda a: (a.source != NETWORK, *_order(a, by)))


def _order(answer: Answer, by: VoteRule) -> tuple[float, ...]:
    if by == "probability":
        return -answer.log_weight, -answer.votes
    return answer.rule != CONSENSUS, -answer.votes, -answer.confidence


def _count(group: Sequence[Candidate]) -> Answer:
    """One answer from candidates with equal grids; a guess among network candidates does not count."""
    network = [c for c in group if c.source == NETWORK] or group
    together = [c for c in network if c.rule == CONSENSUS]
    views = [c for c in network if c.rule != CONSENSUS]
    voters = views or together  # those whose numbers count
    first, rule = voters[0], together[0].rule if together else voters[0].rule
    logs = [c.log_prob for c in voters]
    # fsum rounds once, at the end: the same sum in every order.
    certainty = math.fsum(math.exp(log / first.grid.size) for log in logs) / len(logs)
    confidence = math.fsum(c.confidence for c in voters) / len(logs)
    weight = _log_of_sum(logs)
    return Answer(first.grid, len(views), confidence, first.source, rule, certainty, weight)


def _log_of_sum(logs: Sequence[float]) -> float:
    """log(sum(exp(logs))), the largest taken out first, so that nothing overflows."""
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs))


def trust(network: Sequence[Answer], evidence: Evidence) -> float:
    """How far the network's best answer may be believed, 0..1, from what is known without test outputs.

    agreement * certainty * fit: how often another view agrees with the best answer, (votes - 1) /
    (all votes - 1), so that one view alone proves nothing; the mean probability of its cells; and what
    of the demonstrations came out. A product, since each of them is needed: views of a network that
    has understood nothing agree on blank grids, and demonstrations are soon known by heart. Where no view
    gives the answer of all of them together, its certainty under their mean stands for agreement: the less
    they agree, the flatter the mean.
    """
    total = sum(answer.votes for answer in network)
    if total < 2:
        return 0.0
    best = network[0]
    agreement = (best.votes - 1) / (total - 1) if best.votes else best.certainty
    return agreement * best.certainty * evidence.fit


def two_attempts(
    network: Sequence[Answer], guessed: Sequence[Answer], *, trusted: bool = True
) -> tuple[Answer, Answer]:
    """Two answers with different grids.

    The network's best comes first; then the best guess that reproduces every demonstration (those
    have votes), the network's other answers, and the guesses that fit nothing. Where the network is
    not ``trusted``, two guesses that reproduce every demonstration come before it. ``guessed`` must
    hold at least two different grids (``guess.guesses`` always does).
    """
    fitting = [answer for answer in guessed if answer.votes]
    others = [answer for answer in guessed if not answer.votes]
    best = [*network[:1], *fitting[:1]] if trusted else fitting[:2]
    chosen: list[Answer] = []
    for answer in [*best, *network, *fitting, *others]:
        if not any(same_grid(answer.grid, other.grid) for other in chosen):
            chosen.append(answer)
        if len(chosen) == 2:
            return chosen[0], chosen[1]
    raise AssertionError(f"only {len(chosen)} different answers of {len(network)} + {len(guessed)}")
