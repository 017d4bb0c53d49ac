"""What a transform costs after another one: the order in which programs are explored."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from solver.search.table import (
    IMAGE_TO_IMAGE,
    IMAGE_TO_LIST,
    LIST_TO_IMAGE,
    LIST_TO_LIST,
    NUMBER,
    TRANSFORMS,
)

PROGRAMS = Path(__file__).with_name("programs.json")  # made by ``python -m benchmarks.search --learn``
NEVER, MOST = 127, 60
BACK_OFF = 20.0
START = 0  # the context of a task's own input


class Costs:
    """Whole-number costs: ``table`` int8 [contexts, transforms], NEVER where a transform cannot follow.

    A context is START, or 1 + 2 * transform + whether the state is a list.
    """

    highest_level = 120

    def __init__(self, table: np.ndarray) -> None:
        self.table = table
        self._order = np.argsort(table, axis=1, kind="stable").astype(np.int32)
        ranked = np.take_along_axis(table, self._order, axis=1)
        weights = np.arange(NEVER + 1)
        self._start = np.stack([np.searchsorted(row, weights) for row in ranked]).astype(np.int32)

    def jobs_of(
        self, programs: np.ndarray, contexts: np.ndarray, weight: int, level: int, allowed: np.ndarray
    ) -> np.ndarray:
        """Jobs int32 [jobs, 3] (program, transform, level): all transforms of this weight after the
        programs."""
        if weight >= NEVER:
            return np.empty((0, 3), np.int32)
        start = self._start[contexts, weight]
        lengths = self._start[contexts, weight + 1] - start
        total = int(lengths.sum())
        parents = np.repeat(programs, lengths)
        within = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        transforms = self._order[np.repeat(contexts, lengths), np.repeat(start, lengths) + within]
        keep = allowed[transforms]
        jobs = np.empty((int(keep.sum()), 3), np.int32)
        jobs[:, 0], jobs[:, 1], jobs[:, 2] = parents[keep], transforms[keep], level
        return jobs


def possible() -> np.ndarray:
    """bool [contexts, transforms]: whether a transform can follow: lists and images fit together."""
    kinds = np.array([t.kind for t in TRANSFORMS])
    takes_list = (kinds == LIST_TO_IMAGE) | (kinds == LIST_TO_LIST)
    takes_image = (kinds == IMAGE_TO_IMAGE) | (kinds == IMAGE_TO_LIST)
    maps = kinds == IMAGE_TO_IMAGE
    contexts = 1 + 2 * len(TRANSFORMS)
    after = np.zeros((contexts, len(TRANSFORMS)), bool)
    after[START] = takes_image
    after[1::2] = takes_image
    after[2::2] = takes_list | maps
    return after


def uniform() -> Costs:
    """Every transform costs the same."""
    table = np.full((1 + 2 * len(TRANSFORMS), len(TRANSFORMS)), 10, np.int8)
    table[~possible()] = NEVER
    return Costs(table)


def _groups() -> np.ndarray:
    """int64 [transforms]: a number for each transform, equal for those that differ in a colour alone."""
    names = [re.sub(r"colour \d", "colour", t.text) for t in TRANSFORMS]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names])


def learned(programs: Mapping[str, Sequence[Sequence[Sequence[str]]]]) -> Costs:
    """Costs from programs that solved tasks: ``programs[task]`` is a list of solutions, each a list of
    programs, each a list of transforms' names. Every task weighs the same.

    A cost is -2 log2 of the probability of the transform after the one before it. The probability is that of
    a smoothed bigram: counts after this transform, backed off to counts after its group, after any state of
    its kind (the input, an image, a list), after anything, each with the weight of BACK_OFF observations, and
    transforms that differ in a colour alone share a part of theirs.
    """
    contexts = 1 + 2 * len(TRANSFORMS)
    counts = np.zeros((contexts, len(TRANSFORMS)))
    makes_list = [t.kind in (IMAGE_TO_LIST, LIST_TO_LIST) for t in TRANSFORMS]
    maps = [t.kind == IMAGE_TO_IMAGE for t in TRANSFORMS]
    for solutions in programs.values():
        for solution in solutions:
            weight = 1.0 / (len(solutions) * max(1, len(solution)))
            for steps in solution:
                context, is_list = START, False
                for name in steps:
                    if name not in NUMBER:
                        break
                    number = NUMBER[name]
                    counts[context, number] += weight
                    is_list = is_list if maps[number] else makes_list[number]
                    context = 1 + 2 * number + is_list
    kind = np.zeros(contexts, np.int64)  # of the state: a task's own input, an image, a list
    kind[1::2], kind[2::2] = 1, 2
    groups = _groups()
    group = np.concatenate([[0], 1 + np.repeat(groups, 2) * 2 + np.tile([0, 1], len(TRANSFORMS))])
    alone = np.concatenate([[True], np.repeat(np.bincount(groups)[groups] == 1, 2)])
    after = possible()[:3]  # one row of each kind

    def refined(rows: np.ndarray, kinds: np.ndarray, before: np.ndarray, weight: float) -> np.ndarray:
        """Observed rows backed off to the probabilities ``before`` them."""
        made = np.where(after[kinds], _shared(rows, groups), 0) + weight * before
        return made / made.sum(1, keepdims=True)

    kinds = np.arange(3)
    everything = refined(counts.sum(0, keepdims=True).repeat(3, 0), kinds, 0.5 * after, 1.0)
    of_kind = refined(np.stack([counts[kind == k].sum(0) for k in kinds]), kinds, everything, BACK_OFF)
    by_group = np.zeros((int(group.max()) + 1, len(TRANSFORMS)))
    np.add.at(by_group, group, counts)
    kind_of_group = np.where(np.arange(len(by_group)) == 0, 0, 2 - np.arange(len(by_group)) % 2)
    seen = np.flatnonzero(by_group.any(1) & (kind_of_group > 0))
    of_group = of_kind[kind_of_group]
    of_group[seen] = refined(by_group[seen], kind_of_group[seen], of_group[seen], BACK_OFF)
    table = _costs(of_group, after[kind_of_group])[group]
    seen = np.flatnonzero(counts.any(1) & ~alone)  # what stands alone in its group was counted with it
    own = refined(counts[seen], kind[seen], of_group[group[seen]], BACK_OFF)
    table[seen] = _costs(own, after[kind[seen]])
    return Costs(table)


def _shared(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Rows of counts of which transforms of one group share a half evenly."""
    members = np.bincount(groups)
    order = np.argsort(groups, kind="stable")
    sums = np.add.reduceat(rows[:, order], np.cumsum(members) - members, axis=1)
    return 0.5 * rows + 0.5 * (sums / members)[:, groups]


def _costs(probability: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """int8 costs of probabilities, NEVER where nothing is possible."""
    with np.errstate(divide="ignore"):
        costs = np.clip(np.round(-2 * np.log2(probability)), 1, MOST)
    return np.where(possible, costs, NEVER).astype(np.int8)


@lru_cache(maxsize=1)
def default_costs() -> Costs:
    """The costs that a search uses unless told otherwise: learned from PROGRAMS."""
    return learned(json.loads(PROGRAMS.read_text()))
