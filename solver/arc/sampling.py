"""Augmentations of many tasks at once, drawn without replacement by compiled code.

An augmentation of a task matters only through what it does to the task's grids: a symmetry (8) and
distinct images among 1..9 for the k colours that the grids use, 8 * 9! / (9-k)! in all, divided by
the number of (symmetry, colour map) that leave every grid as it is. Each of these is one code,
symmetry * 9! / (9-k)! + rank of the images, and the least code with the same effect stands for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from solver.arc.symmetry import COMPOSITIONS, SYMMETRIES, strides, swaps_sides
from solver.arc.task import COLOURS, Grid

MOVED = COLOURS - 1  # the colours a palette may move: 1..9
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class AugmentationTable:
    """Augmentations of N tasks; those of task n are the rows starts[n] to starts[n + 1] - 1.

    ``starts`` int64 [N + 1]; ``symmetries`` uint8 [A]; ``palettes`` uint8 [A, 10], [a, c] the colour
    that c becomes. The first row of each task is the identity.
    """

    starts: np.ndarray
    symmetries: np.ndarray
    palettes: np.ndarray


@dataclass(frozen=True, eq=False)
class PackedGrids:
    """Grids in one flat array. ``cells`` uint8 [C]; ``places`` int64 [G, 3]: offset, height, width.

    ``starts`` int64 [N + 1]: the grids of task n are places[starts[n] : starts[n + 1]].
    """

    cells: np.ndarray
    places: np.ndarray
    starts: np.ndarray


def pack_grids(groups: Sequence[Sequence[Grid]]) -> PackedGrids:
    """The grids of each group (a task), one after another."""
    grids = [grid for group in groups for grid in group]
    places = np.zeros((len(grids), 3), np.int64)
    if grids:
        places[:, 1:] = [grid.shape for grid in grids]
        places[1:, 0] = np.cumsum(places[:-1, 1] * places[:-1, 2])
    cells = np.concatenate([grid.ravel() for grid in grids]) if grids else np.zeros(0, np.uint8)
    starts = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int64)
    return PackedGrids(cells, places, starts)


@njit(cache=True)
def mix(seed: int, counter: int) -> int:
    """64 random bits for (seed, counter): SplitMix64 (Steele, Lea, Flood 2014), at any counter."""
    z = np.uint64(seed) + (np.uint64(counter) + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def below(seed: int, counter: int, limit: int) -> int:
    """A number 0..limit-1 for (seed, counter); the bias of the remainder is under limit / 2**64."""
    return np.int64(mix(seed, counter) % np.uint64(limit))


@njit(cache=True)
def find_used(cells: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The colours 1..9 in the grids, ascending: int64 [k]."""
    present = np.zeros(COLOURS, np.bool_)
    for g in range(places.shape[0]):
        for i in range(places[g, 0], places[g, 0] + places[g, 1] * places[g, 2]):
            present[cells[i]] = True
    present[0] = False
    return np.flatnonzero(present)


@njit(cache=True)
def find_stabiliser(cells: np.ndarray, places: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """The symmetries that, with some colour map, leave every grid as it is: int64 [m], 0 first.

    Fills ``maps`` int64 [8, 10]: for symmetry s, maps[s, old] = new, or -1 for colours not met.
    """
    valid = np.zeros(SYMMETRIES, np.bool_)
    for symmetry in range(SYMMETRIES):
        maps[symmetry, :] = -1
        same = True
        for g in range(places.shape[0]):
            same = same and _match(cells, places[g], symmetry, maps[symmetry])
        mapped = maps[symmetry]
        if mapped[0] > 0:
            same = False
        for a in range(COLOURS):
            for b in range(a):
                if mapped[a] >= 0 and mapped[a] == mapped[b]:
                    same = False
        valid[symmetry] = same
    return np.flatnonzero(valid)


@njit(cache=True)
def _match(cells: np.ndarray, place: np.ndarray, symmetry: int, mapping: np.ndarray) -> bool:
    """Extend ``mapping`` so that it turns the moved grid back into the grid; False if none does."""
    offset, height, width = place
    if swaps_sides(symmetry) and height != width:
        return False
    base, down, right = strides(symmetry, height, width, width)
    for r in range(height):
        for c in range(width):
            old = cells[offset + base + r * down + c * right]
            new = np.int64(cells[offset + r * width + c])
            if mapping[old] == -1:
                mapping[old] = new
            elif mapping[old] != new:
                return False
    return True


@njit(cache=True)
def injections(size: int) -> int:
    """How many ways there are to give ``size`` colours distinct images among 1..9."""
    ways = 1
    for position in range(size):
        ways *= MOVED - position
    return ways


@njit(cache=True)
def unrank(rank: int, images: np.ndarray) -> None:
    """Fill ``images`` with the ``rank``-th sequence of distinct colours 1..9 of its length."""
    free = (1 << COLOURS) - 2  # bit c: colour c is free
    for position in range(images.shape[0]):
        left = MOVED - position
        skip = rank % left
        rank //= left
        colour = 0
        while skip >= 0:
            colour += 1
            skip -= (free >> colour) & 1
        images[position] = colour
        free ^= 1 << colour


@njit(cache=True)
def rank_of(images: np.ndarray) -> int:
    """The inverse of ``unrank``."""
    rank, scale = 0, 1
    free = (1 << COLOURS) - 2
    for position in range(images.shape[0]):
        skip = 0
        for colour in range(1, images[position]):
            skip += (free >> colour) & 1
        free ^= 1 << images[position]
        rank += skip * scale
        scale *= MOVED - position
    return rank


@njit(cache=True)
def least_code(
    code: int, used: np.ndarray, stabiliser: np.ndarray, maps: np.ndarray, compositions: np.ndarray
) -> int:
    """The least code among the augmentations that do to the task what ``code`` does."""
    ways = injections(used.shape[0])
    symmetry = code // ways
    images = np.empty(used.shape[0], np.int64)
    unrank(code % ways, images)
    image_of = np.zeros(COLOURS, np.int64)
    image_of[used] = images
    best = code
    for first in stabiliser[1:]:  # first a self-symmetry, which changes nothing, then the augmentation
        for position in range(used.shape[0]):
            images[position] = image_of[maps[first, used[position]]]
        best = min(best, compositions[first, symmetry] * ways + rank_of(images))
    return best


@njit(cache=True)
def draw_codes(
    seed: int,
    wanted: int,
    used: np.ndarray,
    stabiliser: np.ndarray,
    maps: np.ndarray,
    compositions: np.ndarray,
) -> np.ndarray:
    """``wanted`` different least codes, int64 [wanted], the identity's first, the rest uniform."""
    identity = rank_of(used)
    total = SYMMETRIES * injections(used.shape[0])
    codes = np.empty(wanted, np.int64)
    taken = np.zeros(total // 8 + 1, np.uint8)  # one bit for each code
    codes[0] = identity
    taken[identity >> 3] |= 1 << (identity & 7)
    nearly_all = 4 * wanted * len(stabiliser) > total
    order = np.arange(total) if nearly_all else np.zeros(0, np.int64)
    found, turn = 1, 0
    while found < wanted:
        if nearly_all:  # walk through a shuffle, made as far as it is needed
            other = turn + below(seed, turn, total - turn)
            order[turn], order[other] = order[other], order[turn]
            code = order[turn]
        else:
            code = below(seed, turn, total)
        turn += 1
        if len(stabiliser) > 1:
            code = least_code(code, used, stabiliser, maps, compositions)
        if not taken[code >> 3] & (1 << (code & 7)):
            taken[code >> 3] |= 1 << (code & 7)
            codes[found] = code
            found += 1
    return codes


@njit(cache=True)
def write_palette(seed: int, code: int, used: np.ndarray, palette: np.ndarray) -> None:
    """Fill ``palette`` [10]: used colours as ``code`` says, the others in a random order.

    The identity stays the identity on every colour.
    """
    palette[:] = np.arange(COLOURS)
    ways = injections(used.shape[0])
    if code == rank_of(used):
        return
    images = np.empty(used.shape[0], np.int64)
    unrank(code % ways, images)
    free = np.ones(COLOURS, np.bool_)
    others = np.ones(COLOURS, np.bool_)
    free[0] = others[0] = False
    free[images] = False
    others[used] = False
    palette[used] = images.astype(np.uint8)
    places = np.flatnonzero(free)
    for position, colour in enumerate(np.flatnonzero(others)):
        other = position + below(seed ^ code, position, len(places) - position)
        places[position], places[other] = places[other], places[position]
        palette[colour] = places[position]


@njit(cache=True, parallel=True)
def _count(cells: np.ndarray, places: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> None:
    for n in prange(counts.shape[0]):
        own = places[starts[n] : starts[n + 1]]
        used = find_used(cells, own)
        maps = np.empty((SYMMETRIES, COLOURS), np.int64)
        counts[n] = SYMMETRIES * injections(len(used)) // len(find_stabiliser(cells, own, maps))


@njit(cache=True, parallel=True)
def _fill(
    cells: np.ndarray,
    places: np.ndarray,
    starts: np.ndarray,
    seeds: np.ndarray,
    compositions: np.ndarray,
    rows: np.ndarray,
    symmetries: np.ndarray,
    palettes: np.ndarray,
) -> None:
    for n in prange(seeds.shape[0]):
        own = places[starts[n] : starts[n + 1]]
        used = find_used(cells, own)
        maps = np.empty((SYMMETRIES, COLOURS), np.int64)
        stabiliser = find_stabiliser(cells, own, maps)
        first = rows[n]
        codes = draw_codes(seeds[n], rows[n + 1] - first, used, stabiliser, maps, compositions)
        ways = injections(len(used))
        for a in range(codes.shape[0]):
            symmetries[first + a] = codes[a] // ways
            write_palette(seeds[n] + a + 1, codes[a], used, palettes[first + a])


def count_distinct(packed: PackedGrids) -> np.ndarray:
    """How many augmentations differ in effect on the grids of each task: int64 [N]."""
    counts = np.zeros(len(packed.starts) - 1, np.int64)
    _count(packed.cells, packed.places, packed.starts, counts)
    return counts


def sample_table(packed: PackedGrids, count: int, seeds: np.ndarray) -> AugmentationTable:
    """min(count, all there are) distinct augmentations of each task, the identity first.

    ``seeds`` int64 [N], 0 or more: each task draws from its own, so neither the order of the tasks
    nor the number of threads changes what a task gets.
    """
    counts = np.minimum(count_distinct(packed), max(count, 1))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    symmetries = np.zeros(starts[-1], np.uint8)
    palettes = np.zeros((starts[-1], COLOURS), np.uint8)
    seeds = np.asarray(seeds, np.int64)
    _fill(packed.cells, packed.places, packed.starts, seeds, COMPOSITIONS, starts, symmetries, palettes)
    return AugmentationTable(starts, symmetries, palettes)
