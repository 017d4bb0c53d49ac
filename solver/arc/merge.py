"""Several submissions or journals into one: by attempt order, or by votes.

Order: the first attempts of all files in the order of the files, then their second attempts, and so
on; the first two different grids win. So a first file's first attempt stays the first, and a second
file's first attempt becomes the second; a journal's attempts are its answers as its run ranked them.

Votes: the candidates of all journals that count in their runs and one vote for each attempt of a submission,
ranked by the policy with one rule for all (``rule_of``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from statistics import fmean

import numpy as np

from solver.arc.candidate import Candidate, View, same_grid
from solver.arc.fallback import fallbacks
from solver.arc.journal import Contents, is_journal, read_journal
from solver.arc.policy import Answer, Policy, rank_programs
from solver.arc.submission import Submission, read_attempts
from solver.arc.task import COLOURS, Grid, Pair, Task, as_grid, name_of
from solver.choices import NETWORK, PLAIN_RULE, VoteRule

ORDER, VOTES = "order", "votes"
PROBABILITY: VoteRule = "probability"
BY_VIEWS: tuple[VoteRule, ...] = ("consensus", PROBABILITY)  # what a submission's attempts say nothing of


@dataclass(frozen=True, eq=False)
class Source:
    """One file to merge: a submission (``attempts``) or a journal (``contents``)."""

    name: str
    attempts: Submission | None = None
    contents: Contents | None = None

    def sizes(self) -> Mapping[str, int]:
        """Test outputs by task id; a journal knows only those that it has candidates for."""
        if self.attempts:
            return {task_id: len(entries) for task_id, entries in self.attempts.grids.items()}
        return self.contents.tests

    def has(self, task_id: str, test: int) -> bool:
        """Whether the file has an entry for this output."""
        return test < self.sizes().get(task_id, 0)

    def candidates(self, task_id: str, test: int) -> list[Candidate]:
        """What counts for an output: a journal's voters, or a submission's valid attempts as a view each."""
        if not self.has(task_id, test):
            return []
        if self.attempts:
            valid = (grid for grid in self.attempts.of(task_id, test) if grid is not None)
            return [Candidate(grid, NETWORK, View()) for grid in valid]
        return Policy.of(self.contents).voters(self.contents.events[task_id], test)

    def answers(self, task_id: str, test: int) -> list[Answer]:
        """The file's answers, best first."""
        if self.attempts or not self.has(task_id, test):
            return [Answer(c.grid, (c.source,), 1) for c in self.candidates(task_id, test)]
        return Policy.of(self.contents).rank(self.contents.events[task_id], test)

    def trust(self, task_id: str, test: int) -> Mapping[str, float]:
        """How far each source of views is trusted; a submission says nothing of it."""
        if self.attempts or not self.has(task_id, test):
            return {}
        return Policy.of(self.contents).trust(self.contents.events[task_id], test)


@dataclass(frozen=True)
class Ruling:
    """The rule of a merge's votes. ``reason``: a clause, empty where all journals have this rule."""

    rule: VoteRule
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Merged:
    """``answers[id]``: two different grids for each output. ``filled``: how many no file had.

    ``dropped``: ids that are not among the tasks. ``invalid``: attempts of the files that were no grids.
    ``incomplete``: how many tasks are not in every file.
    ``ruling``: what ranked the votes, where votes were asked for.
    """

    answers: dict[str, list[tuple[Grid, Grid]]]
    filled: int
    dropped: tuple[str, ...]
    invalid: int
    incomplete: int
    ruling: Ruling | None


def read_source(path: str | Path) -> Source:
    """A journal or a submission, told apart by its first bytes. ValueError for neither."""
    path = Path(path)
    if is_journal(path):
        return Source(str(path), contents=read_journal(path))
    return Source(str(path), attempts=read_attempts(path))


def common_sizes(sources: Sequence[Source]) -> dict[str, int]:
    """Outputs by task id over all files. ValueError where two submissions say different numbers.

    What a submission says counts; a journal may have been cut short between two outputs of a task.
    """
    sizes: dict[str, int] = {}
    said: dict[str, tuple[int, str]] = {}
    for source in sources:
        for task_id, size in source.sizes().items():
            sizes[task_id] = max(sizes.get(task_id, 0), size)
            if source.attempts and size:
                first, name = said.setdefault(task_id, (size, source.name))
                if first != size:
                    raise ValueError(
                        f"{source.name}, task {name_of(task_id)}: wanted {first} entries as in {name}, "
                        f"found {size}; name the tasks file to decide"
                    )
    return sizes | {task_id: size for task_id, (size, _) in said.items()}


def rule_of(sources: Sequence[Source], wanted: VoteRule | None = None) -> Ruling:
    """The rule by which votes are merged: the one that is ``wanted``, else the journals' own.

    Votes are counted, which all files can be (PLAIN_RULE), where the journals have different rules, and
    where a submission is among the files: an attempt has no probability and no views to take together.
    ValueError where a probability is wanted of it.
    """
    rules = {source.name: source.contents.vote for source in sources if source.contents}
    plain = next((source.name for source in sources if source.attempts), "")
    if wanted == PROBABILITY and plain:
        raise ValueError(
            f"{plain}: attempts of a submission have no probability to be ranked by; name journals"
        )
    if wanted is not None:
        return Ruling(wanted)
    if len(set(rules.values())) > 1:
        each = ", ".join(f"{name} by {rule}" for name, rule in rules.items())
        return Ruling(PLAIN_RULE, f"the runs voted by different rules: {each}")
    rule = next(iter(rules.values()), PLAIN_RULE)
    if rule in BY_VIEWS and plain:
        return Ruling(PLAIN_RULE, f"the runs voted by {rule}, which the attempts of {plain} do not have")
    return Ruling(rule)


def _in_order(sources: Sequence[Source], task_id: str, test: int) -> list[Answer]:
    columns = (source.answers(task_id, test) for source in sources)
    return [answer for row in zip_longest(*columns) for answer in row if answer is not None]


def _by_votes(sources: Sequence[Source], task_id: str, test: int, rule: VoteRule) -> list[Answer]:
    """Every candidate that counts in some file; each source is trusted as much as on average in the files."""
    columns = (source.candidates(task_id, test) for source in sources)
    candidates = [candidate for row in zip_longest(*columns) for candidate in row if candidate]
    said = [source.trust(task_id, test) for source in sources]
    names = dict.fromkeys(name for trust in said for name in trust)
    trust = {name: fmean(each[name] for each in said if name in each) for name in names}
    return Policy(rule).order(candidates, trust)


def plain_grids(grid: Grid) -> Iterator[Answer]:
    """Grids of one colour and the same size, the grid's commonest colour first: the last resort."""
    counts = np.bincount(grid.ravel(), minlength=COLOURS)
    for colour in np.argsort(-counts, kind="stable"):
        yield Answer(as_grid(np.full_like(grid, colour)), ("one colour",), 0)


def _fallback(answers: Sequence[Answer], task: Task | None, where: str, test: int) -> list[Answer]:
    """What stands before any source has begun, where the task is known; else plain grids of the size of the
    best answer."""
    if task is not None:
        return rank_programs(fallbacks(task)[test])
    if not answers:
        raise ValueError(f"{where}: no file has a valid attempt; name the tasks file to fill it by a guess")
    return list(plain_grids(answers[0].grid))


def different_grids(answers: Sequence[Answer]) -> tuple[Grid, Grid]:
    """The first two different grids; there must be two."""
    first = answers[0].grid
    return first, next(answer.grid for answer in answers if not same_grid(answer.grid, first))


def outline(answers: Mapping[str, Sequence[tuple[Grid, Grid]]]) -> list[Task]:
    """Tasks as far as a submission shows them, ids and numbers of outputs, to validate it against.

    Their test inputs are the first attempts, since something must stand there.
    """
    return [Task(task_id, (), tuple(Pair(first) for first, _ in pairs)) for task_id, pairs in answers.items()]


def merge_sources(
    sources: Sequence[Source], tasks: Sequence[Task] = (), *, by: str = ORDER, vote: VoteRule | None = None
) -> Merged:
    """One submission of all files. With ``tasks``, for exactly these; without, for every id found.
    ``vote``: the rule of a merge by votes, None for the journals' own."""
    known = {task.id: task for task in tasks}
    sizes = {task.id: len(task.test) for task in tasks} or common_sizes(sources)
    ruling = rule_of(sources, vote) if by == VOTES else None
    collect = partial(_by_votes, rule=ruling.rule) if ruling else _in_order
    answers: dict[str, list[tuple[Grid, Grid]]] = {}
    filled = 0
    for task_id, size in sizes.items():
        answers[task_id] = []
        if not size:
            raise ValueError(
                f"task {name_of(task_id)}: no entry in any file; name the tasks file to fill it by guesses"
            )
        for test in range(size):
            found = collect(sources, task_id, test)
            enough = any(not same_grid(answer.grid, found[0].grid) for answer in found)
            where = f"task {name_of(task_id)}, test {test}"
            spare = [] if enough else _fallback(found, known.get(task_id), where, test)
            filled += 0 if enough else 2 - bool(found)
            first, second = different_grids([*found, *spare])
            answers[task_id].append((first, second))
    ids = dict.fromkeys(task_id for source in sources for task_id in source.sizes())
    problems = (p for source in sources if source.attempts for p in source.attempts.problems)
    invalid = sum(problem.attempt is not None or problem.test is None for problem in problems)
    dropped = tuple(task_id for task_id in ids if task_id not in sizes)
    incomplete = sum(any(name not in source.sizes() for source in sources) for name in ids)
    return Merged(answers, filled, dropped, invalid, incomplete, ruling)
