"""What a transform costs after another one: the order in which programs are explored."""

import numpy as np

from solver.search.table import IMAGE_TO_IMAGE, IMAGE_TO_LIST, LIST_TO_IMAGE, LIST_TO_LIST, TRANSFORMS

NEVER = 127
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
        """Jobs int32 [jobs, 3] (program, transform, level): all transforms of this weight after the programs."""
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


def default_costs() -> Costs:
    """The costs that a search uses unless told otherwise."""
    return uniform()
