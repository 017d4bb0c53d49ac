"""Which pairs are the same by content: cell for cell, or turned, mirrored and recoloured.

Training shows every pair under the eight symmetries and permutations of the colours 1..9 (0 stays), so a
pair that equals a test pair up to these is the test pair.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from solver.arc.sampling import mix
from solver.arc.symmetry import SYMMETRIES, strides, swaps_sides
from solver.arc.task import Pair

_SEED = np.uint64(0x243F6A8885A308D3)
_LARGEST = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True)
def _hashed(cells: np.ndarray, row: np.ndarray, symmetry: int, renamed: bool) -> int:
    """64 bits of a pair (``row`` [6]) moved by ``symmetry``; ``renamed``: its colours are numbered in the
    order in which they appear, 0 excepted."""
    value = _SEED
    names = np.zeros(256, np.uint8)
    known = 0
    for part in range(2):
        offset, height, width = row[3 * part], row[3 * part + 1], row[3 * part + 2]
        base, down, right = strides(symmetry, height, width, width)
        if swaps_sides(symmetry):
            height, width = width, height
        value = mix(mix(value, height), width)
        for r in range(height):
            for c in range(width):
                colour = cells[offset + base + r * down + c * right]
                if renamed and colour != 0:
                    if names[colour] == 0:
                        known += 1
                        names[colour] = known
                    colour = names[colour]
                value = mix(value, colour)
    return value


@njit(cache=True)
def content_keys(cells: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """uint64 [P, 2]: hashes that are equal for pairs that are equal cell for cell, and for pairs that
    are equal up to a symmetry and a renaming of colours (the least hash over the eight symmetries).

    ``cells`` uint8 [C], ``pairs`` int64 [P, 6] (offset, height and width of the input, then of the output);
    an unknown output has no cells, so its pair equals only pairs of unknown output.
    """
    keys = np.empty((len(pairs), 2), np.uint64)
    for n in range(len(pairs)):
        keys[n, 0] = _hashed(cells, pairs[n], 0, False)
        least = _LARGEST
        for symmetry in range(SYMMETRIES):
            least = min(least, _hashed(cells, pairs[n], symmetry, True))
        keys[n, 1] = least
    return keys


def pack_pairs(pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """(cells uint8 [C], rows int64 [P, 6]); an output that is not known has no cells."""
    grids, shapes = [np.zeros(0, np.uint8)], []
    for pair in pairs:
        for grid in (pair.input, pair.output):
            if grid is not None:
                grids.append(grid.ravel())
            shapes.append((0, 0) if grid is None else grid.shape)
    places = np.zeros((len(shapes), 3), np.int64)
    places[:, 1:] = np.array(shapes, np.int64).reshape(-1, 2)
    areas = places[:, 1] * places[:, 2]
    places[:, 0] = np.cumsum(areas) - areas
    return np.concatenate(grids), places.reshape(-1, 6)


def exact_keys(pairs: Sequence[Pair]) -> list[int]:
    """A number for each pair, equal for pairs that are equal cell for cell."""
    return content_keys(*pack_pairs(pairs))[:, 0].tolist()


def turned_keys(pairs: Sequence[Pair]) -> list[int]:
    """A number for each pair, equal for pairs that are equal up to a symmetry and renamed colours."""
    return content_keys(*pack_pairs(pairs))[:, 1].tolist()


class Barred:
    """Pairs that must not be trained on: ``tests``, (task id, pair) each.

    A pair is barred where it equals one of them cell for cell, or up to a symmetry and renamed colours
    unless only tasks of its own id have such a test pair: a task may show its test pair turned among its
    demonstrations, which every solver of the task is given.
    """

    def __init__(self, tests: Sequence[tuple[str, Pair]]) -> None:
        keys = content_keys(*pack_pairs([pair for _, pair in tests])).tolist()
        self.exact = {exact for exact, _ in keys}
        self.owners: dict[int, set[str]] = {}
        for (task_id, _), (_, turned) in zip(tests, keys, strict=True):
            self.owners.setdefault(turned, set()).add(task_id)

    def kept(self, task_id: str, pairs: Sequence[Pair]) -> list[Pair]:
        """Those of a task's pairs that are not barred, in their order."""
        keys = content_keys(*pack_pairs(pairs)).tolist()
        return [
            pair
            for pair, (exact, turned) in zip(pairs, keys, strict=True)
            if exact not in self.exact and not self.owners.get(turned, set()) - {task_id}
        ]
