"""What a transform costs after another one: the order in which programs are explored."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
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
Known = Mapping[str, Sequence[Sequence[Sequence[str]]]]
NEVER, MOST = 127, 60
# By the cost of 281 training tasks' programs, costs learned from the other four fifths of them:
BACK_OFF = (1.0, 5.0, 10.0, 10.0, 20.0)  # observations, from after anything to after this transform
OTHERS = 0.3  # of a task whose outputs have another size
SHARES = (0.3, 0.3, 0.1)  # of a transform's counts: with those that differ in a colour, of its kernel, family
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


def _groups() -> tuple[np.ndarray, ...]:
    """Transforms that are alike, int64 [transforms] each: a number for each transform, equal for those that
    differ in a colour alone, for those of one kernel, and for those of one family."""
    keys = (
        [re.sub(r"colour \d", "colour", t.text) for t in TRANSFORMS],
        [f"{t.family} {t.number} {t.kind}" for t in TRANSFORMS],
        [f"{t.family} {t.kind}" for t in TRANSFORMS],
    )
    return tuple(np.unique(key, return_inverse=True)[1] for key in keys)


def learned(programs: Mapping[str, Known], outputs: str) -> Costs:
    """Costs from programs that solved tasks, for tasks with such ``outputs`` (``sizes.outputs_of``):
    ``programs[outputs][task]`` is a list of solutions, each a list of programs, each a list of transforms'
    names. Every task with such outputs weighs the same, every other one OTHERS of that.

    A cost is -2 log2 of the probability of the transform after the one before it. The probability is that of
    a smoothed bigram: counts after this transform, backed off to counts after transforms that differ from it
    in a colour alone, after transforms of its kernel, after any state of its kind (the input, an image, a
    list), after anything, with the weights BACK_OFF. Transforms that are alike share counts by SHARES.
    """
    counts = sum((1 if kind == outputs else OTHERS) * _counted(known) for kind, known in programs.items())
    observed = np.flatnonzero(counts.any(1))
    kind = np.zeros(len(counts), np.int64)  # of the state: a task's own input, an image, a list
    kind[1::2], kind[2::2] = 1, 2
    groups = _groups()
    after = possible()[:3]  # one row of each kind

    def refined(rows: np.ndarray, kinds: np.ndarray, before: np.ndarray, weight: float) -> np.ndarray:
        """Observed rows backed off to the probabilities ``before`` them."""
        made = np.where(after[kinds], _shared(rows, groups), 0) + weight * before
        return made / made.sum(1, keepdims=True)

    kinds = np.arange(3)
    made = refined(counts.sum(0, keepdims=True).repeat(3, 0), kinds, 0.5 * after, BACK_OFF[0])
    made = refined(np.stack([counts[kind == k].sum(0) for k in kinds]), kinds, made, BACK_OFF[1])
    row = kind  # of ``made``, for each context
    for group, weight in zip((groups[1], groups[0], np.arange(len(TRANSFORMS))), BACK_OFF[2:], strict=True):
        context = np.concatenate([[0], 1 + np.repeat(group, 2) * 2 + np.tile([0, 1], len(TRANSFORMS))])
        seen, first, place = np.unique(context[observed], return_index=True, return_inverse=True)
        sums = np.zeros((len(seen), len(TRANSFORMS)))
        np.add.at(sums, place, counts[observed])
        first = observed[first]
        finer = refined(sums, kind[first], made[row[first]], weight)
        row = np.where(np.isin(context, seen), len(made) + np.searchsorted(seen, context), row)
        made, kinds = np.concatenate([made, finer]), np.concatenate([kinds, kind[first]])
    return Costs(_costs(made, after[kinds])[row])


def _counted(programs: Known) -> np.ndarray:
    """float64 [contexts, transforms]: how often a transform followed."""
    counts = np.zeros((1 + 2 * len(TRANSFORMS), len(TRANSFORMS)))
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
                    transform = TRANSFORMS[number]
                    if transform.kind != IMAGE_TO_IMAGE:
                        is_list = transform.kind in (IMAGE_TO_LIST, LIST_TO_LIST)
                    context = 1 + 2 * number + is_list
    return counts


def _shared(rows: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of counts of which transforms that are alike share a part evenly."""
    made = (1 - sum(SHARES)) * rows
    for group, share in zip(groups, SHARES, strict=True):
        members = np.bincount(group)
        order = np.argsort(group, kind="stable")
        sums = np.add.reduceat(rows[:, order], np.cumsum(members) - members, axis=1)
        made += share * (sums / members)[:, group]
    return made


def _costs(probability: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """int8 costs of probabilities, NEVER where nothing is possible."""
    with np.errstate(divide="ignore"):
        costs = np.clip(np.round(-2 * np.log2(probability)), 1, MOST)
    return np.where(possible, costs, NEVER).astype(np.int8)


@cache
def default_costs(outputs: str) -> Costs:
    """The costs that a search uses unless told otherwise: learned from PROGRAMS, for tasks with such
    outputs."""
    return learned(json.loads(PROGRAMS.read_text()), outputs)
