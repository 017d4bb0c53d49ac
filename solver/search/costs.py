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
    groups = _groups()
    members = np.bincount(groups)
    sharing = np.eye(len(members))[groups]  # [transforms, groups]

    def shared(rows: np.ndarray) -> np.ndarray:
        return 0.5 * rows + 0.5 * (rows @ sharing / members)[:, groups]

    after = possible()
    kind = np.zeros(contexts, np.int64)
    kind[1::2], kind[2::2] = 1, 2
    by_kind = np.stack([counts[kind == k].sum(0) for k in range(3)])
    group_of = np.concatenate([[0], 1 + np.repeat(groups, 2) * 2 + np.tile([0, 1], len(TRANSFORMS))])
    by_group = np.zeros((2 * len(members) + 1, len(TRANSFORMS)))
    np.add.at(by_group, group_of, counts)
    total = shared(counts.sum(0, keepdims=True)) + 0.5
    probability = np.where(after, total, 0)
    probability /= probability.sum(1, keepdims=True)
    alone = np.concatenate([[True], np.repeat(members[groups] == 1, 2)])[:, None]
    levels = (
        (by_kind[kind], np.full((contexts, 1), False)),
        (by_group[group_of], np.arange(contexts)[:, None] == START),
        (counts, alone),  # the level above holds the same counts
    )
    for observed, skipped in levels:
        observed = np.where(after & ~skipped, shared(observed), 0)
        probability = observed + BACK_OFF * probability
        probability /= probability.sum(1, keepdims=True)
    with np.errstate(divide="ignore"):
        table = np.clip(np.round(-2 * np.log2(probability)), 1, MOST)
    return Costs(np.where(after, table, NEVER).astype(np.int8))


@lru_cache(maxsize=1)
def default_costs() -> Costs:
    """The costs that a search uses unless told otherwise: learned from PROGRAMS."""
    return learned(json.loads(PROGRAMS.read_text()))
