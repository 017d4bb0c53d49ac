"""Votes by the hundred thousand: predicted canvases in, ranked answers of every question out.

The rank is that of ``solver.arc.policy.rank_views`` by confidence: votes, mean confidence, first
come. A question is one test input of one task. A prediction without a crop does not vote.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from solver.arc.policy import Answer
from solver.arc.symmetry import INVERSE_SYMMETRY, strides, swaps_sides
from solver.arc.task import COLOURS
from solver.arc.tokens import FIRST_COLOUR, crop_shape
from solver.choices import NETWORK

PARALLEL_FROM = 4096  # predictions; below, threads cost more than they save
_INVERSE = np.array(INVERSE_SYMMETRY, np.int64)
_FNV_OFFSET, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


class Predictions(NamedTuple):
    """N predicted canvases of at most T cells. Records of a kind that compiled code takes.

    ``tokens`` uint8 [N, T], row-major; ``sides`` int64 [N, 2], their heights and widths; ``symmetries``
    uint8 [N] and ``palettes`` uint8 [N, 10]: the augmentations to undo.
    """

    tokens: np.ndarray
    sides: np.ndarray
    symmetries: np.ndarray
    palettes: np.ndarray


class Crops(NamedTuple):
    """Grids found on N canvases, augmentation undone, in the order in which they came.

    ``cells`` uint8 flat; ``offsets`` int64 [N + 1]; ``shapes`` int64 [N, 2], (0, 0) for no crop;
    ``hashes`` uint64 [N], equal for equal grids.
    """

    cells: np.ndarray
    offsets: np.ndarray
    shapes: np.ndarray
    hashes: np.ndarray


@dataclass(frozen=True, eq=False)
class Tally:
    """Ranked answers of Q questions; those of question q are rows starts[q] to starts[q + 1] - 1.

    ``starts`` int64 [Q + 1]; ``votes`` int64 [A]; ``confidences`` float64 [A], means; ``firsts``
    int64 [A]: the prediction that said it first, counted over all that were added; ``crops``: theirs.
    """

    starts: np.ndarray
    votes: np.ndarray
    confidences: np.ndarray
    firsts: np.ndarray
    crops: Crops

    def answers(self, question: int, limit: int | None = None) -> list[Answer]:
        """The best ``limit`` answers of a question, best first."""
        rows = range(int(self.starts[question]), int(self.starts[question + 1]))[:limit]
        return [
            Answer(self.grid(row), (NETWORK,), int(self.votes[row]), confidence=float(self.confidences[row]))
            for row in rows
        ]

    def grid(self, row: int) -> np.ndarray:
        """The grid of an answer, uint8 [h, w]."""
        first = self.firsts[row]
        cells = self.crops.cells[self.crops.offsets[first] : self.crops.offsets[first + 1]]
        grid = cells.reshape(self.crops.shapes[first])
        grid.flags.writeable = False
        return grid


class Ballot:
    """Collects predictions in any number of batches, then counts them."""

    def __init__(self, questions: int) -> None:
        self.questions = questions
        self._crops: list[Crops] = []
        self._asked: list[np.ndarray] = []
        self._confidences: list[np.ndarray] = []

    def add(
        self,
        tokens: np.ndarray,
        heights: np.ndarray,
        widths: np.ndarray,
        symmetries: np.ndarray,
        palettes: np.ndarray,
        questions: np.ndarray,
        confidences: np.ndarray,
    ) -> None:
        """Predictions of a batch. Those with a negative question (padding) are left out.

        ``tokens`` uint8 [B, T], canvases row-major; ``heights``, ``widths`` [B]; ``symmetries`` [B] and
        ``palettes`` uint8 [B, 10]: the augmentations to undo; ``questions`` [B]; ``confidences`` [B].
        """
        asked = np.asarray(questions, np.int64)
        assert asked.max(initial=-1) < self.questions, (asked.max(), self.questions)
        kept = np.flatnonzero(asked >= 0)
        found = Predictions(
            np.ascontiguousarray(tokens[kept], np.uint8),
            np.stack([heights[kept], widths[kept]], 1).astype(np.int64),
            np.ascontiguousarray(symmetries[kept], np.uint8),
            np.ascontiguousarray(palettes[kept], np.uint8),
        )
        self._crops.append(crop_and_undo(found))
        self._asked.append(asked[kept])
        self._confidences.append(np.asarray(confidences, np.float64)[kept])

    def merge(self, other: "Ballot") -> None:
        """Add what another ballot on the same questions collected, e.g. that of another rank."""
        assert self.questions == other.questions, (self.questions, other.questions)
        self._crops += other._crops
        self._asked += other._asked
        self._confidences += other._confidences

    def count(self) -> Tally:
        """Equal grids of each question grouped and ranked."""
        crops = _join(self._crops)
        asked = np.concatenate([np.zeros(0, np.int64), *self._asked])
        confidences = np.concatenate([np.zeros(0), *self._confidences])
        voting = np.flatnonzero(crops.shapes[:, 0])
        order = voting[np.lexsort((crops.hashes[voting], asked[voting]))]  # stable: else first come
        firsts, group_of = group(order, asked, crops)
        votes = np.bincount(group_of, minlength=len(firsts))
        sums = np.bincount(group_of, confidences[order], len(firsts))
        means = sums / np.maximum(votes, 1)
        best = np.lexsort((firsts, -means, -votes, asked[firsts]))
        starts = np.searchsorted(asked[firsts][best], np.arange(self.questions + 1))
        return Tally(starts, votes[best], means[best], firsts[best], crops)


def crop_and_undo(found: Predictions) -> Crops:
    """Each canvas cropped, its augmentation undone, and hashed."""
    count = len(found.tokens)
    shapes = np.zeros((count, 2), np.int64)
    parallel = count >= PARALLEL_FROM
    (_shapes_parallel if parallel else _shapes_serial)(found, shapes)
    offsets = np.concatenate([[0], np.cumsum(shapes[:, 0] * shapes[:, 1])]).astype(np.int64)
    crops = Crops(np.empty(offsets[-1], np.uint8), offsets, shapes, np.zeros(count, np.uint64))
    (_undo_parallel if parallel else _undo_serial)(found, crops)
    return crops


@njit(cache=True)
def _shape_one(canvas: np.ndarray, sides: np.ndarray, symmetry: int, shape: np.ndarray) -> None:
    """Fill ``shape``: sides of the crop once the symmetry is undone."""
    area = sides[0] * sides[1]
    rows, columns = crop_shape(canvas[:area].reshape(sides[0], sides[1]))
    if swaps_sides(symmetry):
        rows, columns = columns, rows
    shape[0], shape[1] = rows, columns


@njit(cache=True, nogil=True)
def _shapes_serial(found: Predictions, shapes: np.ndarray) -> None:
    for n in range(shapes.shape[0]):
        _shape_one(found.tokens[n], found.sides[n], found.symmetries[n], shapes[n])


@njit(cache=True, nogil=True, parallel=True)
def _shapes_parallel(found: Predictions, shapes: np.ndarray) -> None:
    for n in prange(shapes.shape[0]):
        _shape_one(found.tokens[n], found.sides[n], found.symmetries[n], shapes[n])


@njit(cache=True)
def _stir(code: int, word: int) -> int:
    """One step of the hash: FNV-1a on 64-bit words, with the high bits folded down."""
    code = (code ^ word) * _FNV_PRIME
    return code ^ (code >> np.uint64(32))


@njit(cache=True)
def _undo_one(n: int, found: Predictions, crops: Crops) -> None:
    """Fill in the cells of crop ``n`` as they were before the augmentation, and their hash."""
    canvas, pitch, symmetry = found.tokens[n], found.sides[n, 1], found.symmetries[n]
    back = np.zeros(COLOURS, np.uint8)
    for colour in range(COLOURS):
        back[found.palettes[n, colour]] = colour
    height, width = crops.shapes[n]
    if swaps_sides(symmetry):
        base, down, right = strides(_INVERSE[symmetry], width, height, pitch)
    else:
        base, down, right = strides(_INVERSE[symmetry], height, width, pitch)
    out = crops.cells[crops.offsets[n] : crops.offsets[n + 1]]
    code = (_FNV_OFFSET ^ np.uint64(height)) * _FNV_PRIME
    for r in range(height):
        word = np.uint64(0)  # sixteen colours of four bits
        for c in range(width):
            cell = back[canvas[base + r * down + c * right] - FIRST_COLOUR]
            out[r * width + c] = cell
            word = (word << np.uint64(4)) | np.uint64(cell)
            if c & 15 == 15:
                code = _stir(code, word)
                word = np.uint64(0)
        code = _stir(code, word)
    crops.hashes[n] = code


@njit(cache=True, nogil=True)
def _undo_serial(found: Predictions, crops: Crops) -> None:
    for n in range(found.tokens.shape[0]):
        _undo_one(n, found, crops)


@njit(cache=True, nogil=True, parallel=True)
def _undo_parallel(found: Predictions, crops: Crops) -> None:
    for n in prange(found.tokens.shape[0]):
        _undo_one(n, found, crops)


@njit(cache=True)
def _same(a: int, b: int, crops: Crops) -> bool:
    shapes, offsets, cells = crops.shapes, crops.offsets, crops.cells
    if shapes[a, 0] != shapes[b, 0] or shapes[a, 1] != shapes[b, 1]:
        return False
    one, other = cells[offsets[a] : offsets[a + 1]], cells[offsets[b] : offsets[b + 1]]
    return bool(np.array_equal(one, other))


@njit(cache=True)
def group(order: np.ndarray, asked: np.ndarray, crops: Crops) -> tuple[np.ndarray, np.ndarray]:
    """(first prediction of each group int64 [A], group of each entry of ``order`` int64 [V]).

    ``order``: predictions sorted by question, then hash, then arrival. Grids are compared cell by
    cell, so that two grids with one hash stay two answers.
    """
    hashes = crops.hashes
    firsts = np.empty(len(order), np.int64)
    group_of = np.empty(len(order), np.int64)
    count, bucket = 0, 0  # bucket: the first group with this question and hash
    for n in range(len(order)):
        own = order[n]
        if n == 0 or asked[own] != asked[order[n - 1]] or hashes[own] != hashes[order[n - 1]]:
            bucket = count
        place = bucket
        while place < count and not _same(own, firsts[place], crops):
            place += 1
        if place == count:
            firsts[place] = own
            count += 1
        group_of[n] = place
    return firsts[:count], group_of


def _join(parts: list[Crops]) -> Crops:
    """The crops of all batches as one."""
    lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part in parts)])
    return Crops(
        cells=np.concatenate([np.zeros(0, np.uint8), *(part.cells for part in parts)]),
        offsets=np.cumsum(lengths),
        shapes=np.concatenate([np.zeros((0, 2), np.int64), *(part.shapes for part in parts)]),
        hashes=np.concatenate([np.zeros(0, np.uint64), *(part.hashes for part in parts)]),
    )
