"""The one policy: which candidates of a task count, how they rank, and which two become the attempts.

The run, ``solve score``, ``merge``, ``report``, the kernel's account and the experiments all call it, on the
events of one task (``solver.arc.journal.Proposed``) in the order in which they came. Nothing else knows which
candidates vote.

1. ``voters``: of each source and phase the latest event counts; of each source tuned and refined candidates
   count together, those of an earlier phase only until there are any.
2. Each source's candidates rank among themselves: views by the rule of the vote (``rank_views``), programs by
   what they reproduce, probability and cost (``rank_programs``).
3. Each answer gets a belief, 0..1: of a program the probability that it brings or that its cost gives
   (``solver.arc.belief``), of views the place in the table of beliefs below that their rank has. Equal grids
   of several sources become one answer, which is wrong only where all of them are. The answers of all sources
   rank by belief (``join``).

Votes and sums do not depend on the order of the candidates, to the last bit. What ties by every number goes
to the grid that came first, so that the unaugmented view, which predicts first, wins a tie.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from solver.arc.belief import probabilities
from solver.arc.candidate import Candidate, Program, View, grid_key
from solver.arc.journal import Contents, Proposed
from solver.arc.task import Grid
from solver.choices import DEFAULT_RULE, JOINT, QUICK, REFINE, START, TUNE, VoteRule
from solver.words import counted

# Candidates of one source whose phases stand together count together, the first of these that has any.
COUNTED = ((TUNE, REFINE), (JOINT,), (QUICK,), (START,))

# The table of beliefs in a network's answers; it is trusted from LEAST_TRUST on (docs/LOG.md).
TRUSTED_BEST = 0.9
TRUSTED_OTHER = 0.2
LEAST_TRUST = 0.1
UNTRUSTED = 0.05
NO_FIT = 0.0  # programs that fail on a demonstration

Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Answer:
    """Candidates with equal grids, taken together.

    ``sources``: who proposed the grid, the most believed first.
    ``votes``: how many views predict exactly this grid.
    ``programs``: how many programs that fit every demonstration make it.
    ``confidence``: the views' mean confidence.
    ``certainty``: the views' mean probability of a cell (geometric over the cells), 0..1.
    ``log_weight``: log of the sum of the views' probabilities of the whole grid.
    ``pooled``: the mean of all views gives this grid.
    ``explanation``: of the first program that makes it, or an empty string.
    ``program``: that program, None where none makes it.
    ``belief``: what ranks answers of different sources, 0..1.
    """

    grid: Grid
    sources: tuple[str, ...]
    votes: int = 0
    programs: int = 0
    confidence: float = 0.0
    certainty: float = 0.0
    log_weight: float = -math.inf
    pooled: bool = False
    explanation: str = ""
    belief: float = 0.0
    program: Program | None = None

    @property
    def source(self) -> str:
        """Who is credited with the answer."""
        return self.sources[0]

    @property
    def reason(self) -> str:
        """Why it stands where it does, for people: its votes, or the program that makes it."""
        if self.votes:
            return counted(self.votes, "vote")
        return "all views together" if self.pooled else self.explanation

    @property
    def sentence(self) -> str:
        """For people: who found it, how sure that is, and what was done."""
        return f"{self.found_by}: {self.what}"

    @property
    def found_by(self) -> str:
        """Its sources and how sure they are, for people."""
        parts = [" + ".join(self.sources)]
        if self.votes:
            parts.append(counted(self.votes, "vote"))
        if self.votes or self.pooled:
            parts.append(f"confidence {self.confidence:.2f}")
        if self.program is not None:
            parts.append(self.sureness)
        return ", ".join(parts)

    @property
    def sureness(self) -> str:
        """How sure an answer is that a program makes, for people; empty for others."""
        if self.program is None:
            return ""
        shown = f"{self.program.reproduced} of {self.program.demonstrations} demonstrations reproduced"
        return f"{self.belief:.0%} sure, {shown}" if self.program.fits else shown

    @property
    def what(self) -> str:
        """What was done to make it, for people."""
        return self.explanation or ("all views together" if self.pooled else "predicted cell by cell")


Attempts = tuple[Answer, Answer]


@dataclass(frozen=True)
class Evidence:
    """What a network's work on a task showed, without test outputs. ``reproduced``: share of demonstrations
    that are predicted exactly. ``held_out``: share of views under which a demonstration that was held back
    from tuning is predicted exactly; None where none was."""

    reproduced: float = 0.0
    held_out: float | None = None

    @property
    def fit(self) -> float:
        """One number, 0..1; what was held back counts twice."""
        if self.held_out is None:
            return self.reproduced
        return (self.reproduced + 2 * self.held_out) / 3


@dataclass(frozen=True)
class Policy:
    """``vote``: the rule that ranks a network's views.

    ``sources``: answers of equal belief stand in this order, whichever source was quicker; sources that are
    not named come behind them, in the order of events.
    """

    vote: VoteRule = DEFAULT_RULE
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, contents: Contents) -> Self:
        """The policy of the run that wrote this journal."""
        return cls(contents.vote, contents.sources)

    def voters(self, events: Iterable[Proposed], test: int) -> list[Candidate]:
        """The candidates of one test input that count: source by source, each one's in the order in which
        they came."""
        voters, found = [], latest(events)
        named = [source for source in self.sources if source in found]
        for source in dict.fromkeys([*named, *found]):
            phases = found[source]
            for names in COUNTED:
                made = [c for name in names if name in phases for c in phases[name].candidates[test]]
                if made:
                    voters += made
                    break
        return voters

    def votes(self, events: Iterable[Proposed], test: int) -> int:
        """How many views vote on one test input."""
        known = (candidate.known for candidate in self.voters(events, test))
        return sum(isinstance(view, View) and not view.pooled for view in known)

    def rank(self, events: Sequence[Proposed], test: int) -> list[Answer]:
        """The different answers to one test input, from all sources, the best first."""
        return self.order(self.voters(events, test), self.trust(events, test))

    def attempts(self, events: Sequence[Proposed], test: int) -> Attempts:
        """The two answers that are submitted: the two best. There must be two different ones."""
        ranked = self.rank(events, test)
        assert len(ranked) >= 2, f"wanted two different answers, found {len(ranked)}"
        return ranked[0], ranked[1]

    def order(self, candidates: Iterable[Candidate], trust: Mapping[str, float]) -> list[Answer]:
        """The same for candidates that all count. ``trust``: of each source of views, see ``trust``; views
        of a source that is not named are trusted."""
        ranked = []
        for source, made in by_source(candidates).items():
            views = [c for c in made if isinstance(c.known, View)]
            trusted = trust.get(source, 1.0) >= LEAST_TRUST
            ranked.append(believe_views(rank_views(views, self.vote), trusted=trusted))
            ranked.append(rank_programs([c for c in made if isinstance(c.known, Program)]))
        return join(ranked)

    def trust(self, events: Sequence[Proposed], test: int) -> dict[str, float]:
        """How far the best answer of each source of views may be believed (``trust_in``)."""
        views = [c for c in self.voters(events, test) if isinstance(c.known, View)]
        return {
            source: trust_in(rank_views(made, self.vote), evidence(events, source))
            for source, made in by_source(views).items()
        }

    def disagreement(self, events: Sequence[Proposed], tests: int) -> float:
        """How likely more tuning is to change the answers, 0..1, the maximum over ``tests`` test inputs:
        4 s (1 - s), where s is the share of the votes that the most frequent grid has.

        Where the demonstration that was held back was not predicted, s counts a quarter: such a vote may well
        be unanimous and wrong. It is 0 where all views agree and nothing speaks against them, 1 where the
        votes are split in two, and low where no two views agree, which a little more work rarely mends.
        """
        most = 0.0
        for test in range(tests):
            views = [c for c in self.voters(events, test) if isinstance(c.known, View)]
            for source, made in (by_source(views) or {"": []}).items():
                held_out = evidence(events, source).held_out
                doubt = 1.0 if held_out is None else 0.25 + 0.75 * held_out
                votes = [answer.votes for answer in rank_views(made, self.vote)]
                share = doubt * max(votes) / sum(votes) if sum(votes) else 0.05
                most = max(most, 4 * share * (1 - share))
        return most


def latest(events: Iterable[Proposed]) -> dict[str, dict[str, Proposed]]:
    """By source and phase the latest event; one with a note says why there are no answers, and replaces
    none."""
    found: dict[str, dict[str, Proposed]] = {}
    for event in events:
        if not event.note:
            found.setdefault(event.source, {})[event.phase] = event
    return found


def evidence(events: Iterable[Proposed], source: str) -> Evidence:
    """What the source's latest phase showed of the task, and the mean of what was held back in all phases."""
    phases = latest(events).get(source, {})
    found = [phases[name] for names in COUNTED for name in reversed(names) if name in phases]
    held_out = [event.held_out for event in found if event.held_out is not None]
    reproduced = found[0].reproduced / max(1, found[0].demonstrations) if found else 0.0
    return Evidence(reproduced, sum(held_out) / len(held_out) if held_out else None)


def by_source(candidates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    """The candidates of each source."""
    found: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(candidate.source, []).append(candidate)
    return found


def _by_grid(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Candidates with equal grids together, in the order of their first ones."""
    groups: dict[bytes, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(grid_key(candidate.grid), []).append(candidate)
    return list(groups.values())


# Inside one source


def rank_views(candidates: Iterable[Candidate], by: VoteRule = DEFAULT_RULE) -> list[Answer]:
    """A network's views grouped by grid and ranked.

    ``consensus``: the mean of all views first, then as ``confidence``; by the other rules it does not stand.
    ``confidence``: votes, then mean confidence.
    ``probability``: the sum of p(grid | view) over the views that predict the grid, which is its probability
    under the mixture of all views, up to a constant; then votes.
    """
    standing = (c for c in candidates if by == "consensus" or not c.known.pooled)
    # sorted() is stable: what ties keeps the order in which it came.
    return sorted(map(_count, _by_grid(standing)), key=lambda answer: _order(answer, by))


def _order(answer: Answer, by: VoteRule) -> tuple[float, ...]:
    if by == "probability":
        return -answer.log_weight, -answer.votes
    return not answer.pooled, -answer.votes, -answer.confidence


def _count(group: Sequence[Candidate]) -> Answer:
    """One answer from views with equal grids; the numbers of the pooled view count where it stands alone."""
    views = [c.known for c in group if not c.known.pooled]
    counted = views or [c.known for c in group]
    first, logs = group[0], [view.log_prob for view in counted]
    # fsum rounds once, at the end: the same sum in every order.
    certainty = math.fsum(math.exp(log / first.grid.size) for log in logs) / len(logs)
    confidence = math.fsum(view.confidence for view in counted) / len(logs)
    return Answer(
        first.grid,
        (first.source,),
        votes=len(views),
        confidence=confidence,
        certainty=certainty,
        log_weight=log_of_sum(logs),
        pooled=len(views) < len(group),
    )


def log_of_sum(logs: Sequence[float]) -> float:
    """log(sum(exp(logs))), the largest taken out first, so that nothing overflows."""
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs))


def trust_in(ranked: Sequence[Answer], evidence: Evidence) -> float:
    """How far a network's best answer may be believed, 0..1, from what is known without test outputs.

    agreement * certainty * fit: how often another view agrees with the best answer, (votes - 1) /
    (all votes - 1), so that one view alone proves nothing; the mean probability of its cells; and the share
    of the demonstrations that are reproduced. A product, since each of them is needed: views of a network
    that has understood nothing agree on blank grids, and demonstrations are soon known by heart. Where no
    view predicts the pooled answer, its certainty stands for agreement: the less the views agree, the flatter
    their mean.
    """
    total = sum(answer.votes for answer in ranked)
    if total < 2:
        return 0.0
    best = ranked[0]
    agreement = (best.votes - 1) / (total - 1) if best.votes else best.certainty
    return agreement * best.certainty * evidence.fit


def believe_views(ranked: Sequence[Answer], *, trusted: bool) -> list[Answer]:
    """A network's ranked answers with their beliefs."""
    first, others = (TRUSTED_BEST, TRUSTED_OTHER) if trusted else (UNTRUSTED, UNTRUSTED)
    return [replace(answer, belief=others if place else first) for place, answer in enumerate(ranked)]


def rank_programs(candidates: Iterable[Candidate]) -> list[Answer]:
    """Programs grouped by the grid they make and ranked by the best of each group, with their beliefs."""
    groups = sorted(_by_grid(candidates), key=lambda group: min(map(_plausible, group)))
    best = [min(group, key=_plausible) for group in groups]
    chances = iter(probabilities([c.known.cost for c in best if c.known.fits]))
    answers = []
    for group, first in zip(groups, best, strict=True):
        belief = next(chances) if first.known.fits else NO_FIT
        if first.known.probability is not None:
            belief = first.known.probability
        programs = sum(c.known.fits for c in group)
        answers.append(
            Answer(
                first.grid, (first.source,), programs=programs, explanation=first.explanation, belief=belief,
                program=first.known,
            )
        )  # fmt: skip
    return answers


def _plausible(candidate: Candidate) -> tuple[float, ...]:
    program = candidate.known
    return -program.reproduced, -(program.probability or 0.0), program.cost


# Between sources


def join(ranked: Iterable[Sequence[Answer]]) -> list[Answer]:
    """The answers of all sources by belief, equal grids as one; of equal beliefs the higher rank in its own
    source first."""
    groups: dict[bytes, list[tuple[float, int, Answer]]] = {}
    for answers in ranked:
        for place, answer in enumerate(answers):
            groups.setdefault(grid_key(answer.grid), []).append((-answer.belief, place, answer))
    ordered = [sorted(group, key=lambda item: item[:2]) for group in groups.values()]
    made = [(group[0][1], _as_one([answer for *_, answer in group])) for group in ordered]
    return [answer for _, answer in sorted(made, key=lambda item: (-item[1].belief, item[0]))]


def _as_one(group: Sequence[Answer]) -> Answer:
    """Answers of several sources with equal grids, the most believed first."""
    believed = [answer for answer in group if answer.belief > NO_FIT] or group[:1]
    seen = max(group, key=lambda answer: answer.votes + answer.pooled)
    explained = next((answer for answer in believed if answer.explanation), group[0])
    return replace(
        group[0],
        sources=tuple(dict.fromkeys(source for answer in believed for source in answer.sources)),
        votes=sum(answer.votes for answer in group),
        programs=sum(answer.programs for answer in group),
        confidence=seen.confidence,
        certainty=seen.certainty,
        log_weight=seen.log_weight,
        pooled=seen.pooled,
        explanation=explained.explanation,
        program=explained.program,
        belief=1 - math.prod(1 - answer.belief for answer in group),
    )
