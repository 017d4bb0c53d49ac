"""Compiled drawing of samples: augment, translate and encode whole batches.

A pair is a row of six numbers: input offset, height, width, output offset, height, width; the cells
are uint8 colours in one flat array. A height of 0 is an output that is not known.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from solver.arc.sampling import below, mix
from solver.arc.symmetry import strides, swaps_sides
from solver.arc.task import MAX_SIDE
from solver.arc.tokens import BORDER, FIRST_COLOUR, PAD

PAIR_FIELDS = 6
PARALLEL_FROM = 4096  # samples
_ORIGIN, _ROW, _COLUMN = 1, 2, 3  # what a random number is for


class Looks(NamedTuple):
    """How B samples are augmented: ``symmetries`` uint8 [B], ``palettes`` uint8 [B, 10]."""

    symmetries: np.ndarray
    palettes: np.ndarray


class Canvases(NamedTuple):
    """Where to draw B samples: ``heights``, ``widths`` int16 [B], and ``corners`` int64 [B, 2] of what is
    drawn. Records of a kind that compiled code takes."""

    heights: np.ndarray
    widths: np.ndarray
    corners: np.ndarray


@njit(cache=True)
def draw_grid(
    canvas: np.ndarray,
    sides: tuple[int, int],
    cells: np.ndarray,
    place: tuple[int, int, int],
    symmetry: int,
    palette: np.ndarray,
    corner: tuple[int, int],
) -> None:
    """Tokens of one augmented grid and its border on a flat ``canvas`` of ``sides``, at ``corner``.

    The canvas holds pad before, and after where the grid has no room on it. ``place`` is the grid's
    offset in ``cells``, height and width before the symmetry; ``palette`` is uint8 [10].
    """
    offset, height, width = place
    if height == 0:
        return
    base, down, right = strides(symmetry, height, width, width)
    if swaps_sides(symmetry):
        height, width = width, height
    if corner[0] + height > sides[0] or corner[1] + width > sides[1]:
        return
    base += offset
    start = corner[0] * sides[1] + corner[1]
    for r in range(height):
        source, target = base + r * down, start + r * sides[1]
        for c in range(width):
            canvas[target + c] = palette[cells[source + c * right]] + FIRST_COLOUR
    if corner[0] + height < sides[0]:
        target = start + height * sides[1]
        canvas[target : target + width] = BORDER
    if corner[1] + width < sides[1]:
        for r in range(height):
            canvas[start + width + r * sides[1]] = BORDER


@njit(cache=True)
def _render_one(
    n: int,
    cells: np.ndarray,
    pairs: np.ndarray,
    looks: Looks,
    canvases: Canvases,
    inputs: np.ndarray,
    labels: np.ndarray,
) -> None:
    inputs[n, :] = PAD
    labels[n, :] = PAD
    sides = (np.int64(canvases.heights[n]), np.int64(canvases.widths[n]))
    corner = (canvases.corners[n, 0], canvases.corners[n, 1])
    symmetry, palette = np.int64(looks.symmetries[n]), looks.palettes[n]
    first = (pairs[n, 0], pairs[n, 1], pairs[n, 2])
    second = (pairs[n, 3], pairs[n, 4], pairs[n, 5])
    draw_grid(inputs[n], sides, cells, first, symmetry, palette, corner)
    draw_grid(labels[n], sides, cells, second, symmetry, palette, corner)


@njit(cache=True, nogil=True)
def _render_serial(cells, pairs, looks, canvases, inputs, labels) -> None:
    for n in range(pairs.shape[0]):
        _render_one(n, cells, pairs, looks, canvases, inputs, labels)


@njit(cache=True, nogil=True, parallel=True)
def _render_parallel(cells, pairs, looks, canvases, inputs, labels) -> None:
    for n in prange(pairs.shape[0]):
        _render_one(n, cells, pairs, looks, canvases, inputs, labels)


def render(
    cells: np.ndarray,
    pairs: np.ndarray,
    looks: Looks,
    canvases: Canvases,
    inputs: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Fill the first B rows of ``inputs`` and ``labels`` uint8 [.., T]; cells beyond a canvas are pad.

    ``pairs`` int64 [B, 6]; every canvas has at most T cells. A training batch takes under a millisecond
    on one core: threads that wait for each other would cost more than they save.
    """
    kernel = _render_parallel if len(pairs) >= PARALLEL_FROM else _render_serial
    kernel(cells, pairs, looks, canvases, inputs, labels)


@njit(cache=True, nogil=True)
def translate(
    seeds: np.ndarray,
    augmentations: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
    boxes: np.ndarray,
    corners: np.ndarray,
) -> None:
    """Fill ``corners`` int64 [B, 2]: where each sample lies on the full canvas of 30 x 30.

    Sample n is pair ``numbers[n]`` of the ``counts[n]`` pairs of augmentation ``augmentations[n]`` of
    the task with ``seeds[n]``; ``boxes`` int64 [B, 2] the sides of its box. The place depends on these
    alone. One pair of each augmented task stays at the origin, as in the released builder.
    """
    for n in range(seeds.shape[0]):
        seed = mix(seeds[n], augmentations[n])
        corners[n, 0] = corners[n, 1] = 0
        if below(mix(seed, _ORIGIN), 0, counts[n]) != numbers[n]:
            corners[n, 0] = below(mix(seed, _ROW), numbers[n], MAX_SIDE - boxes[n, 0] + 1)
            corners[n, 1] = below(mix(seed, _COLUMN), numbers[n], MAX_SIDE - boxes[n, 1] + 1)


@njit(cache=True)
def find_grid(canvas: np.ndarray, side: int) -> tuple[int, int, int, int]:
    """(row, column, height, width) of the rectangle of colours on a flat canvas ``side`` cells wide.

    All 0 where there is none.
    """
    first = 0
    while first < canvas.shape[0] and canvas[first] < FIRST_COLOUR:
        first += 1
    if first == canvas.shape[0]:
        return 0, 0, 0, 0
    row, column = first // side, first % side
    width = 1
    while column + width < side and canvas[first + width] >= FIRST_COLOUR:
        width += 1
    height = 1
    while first + height * side < canvas.shape[0] and canvas[first + height * side] >= FIRST_COLOUR:
        height += 1
    return row, column, height, width


@njit(cache=True, nogil=True)
def unpack(inputs: np.ndarray, labels: np.ndarray, cells: np.ndarray, pairs: np.ndarray) -> None:
    """The pairs on full canvases ``inputs``, ``labels`` uint8 [B, 900], back as cells and pair rows.

    ``cells`` uint8 [B * 1800] and ``pairs`` int64 [B, 6] are filled.
    """
    area = MAX_SIDE * MAX_SIDE
    for n in range(inputs.shape[0]):
        for part in range(2):
            canvas = inputs[n] if part == 0 else labels[n]
            row, column, height, width = find_grid(canvas, MAX_SIDE)
            offset = (2 * n + part) * area
            pairs[n, 3 * part] = offset
            pairs[n, 3 * part + 1] = height
            pairs[n, 3 * part + 2] = width
            for r in range(height):
                for c in range(width):
                    token = canvas[(row + r) * MAX_SIDE + column + c]
                    cells[offset + r * width + c] = token - FIRST_COLOUR


def augmented_boxes(pairs: np.ndarray, symmetries: np.ndarray) -> np.ndarray:
    """int64 [B, 2]: sides of the smallest box that holds both grids of each pair, once moved."""
    boxes = np.maximum(pairs[:, 1:3], pairs[:, 4:6])
    return turned_sides(boxes, symmetries)


def turned_sides(sides: np.ndarray, symmetries: np.ndarray) -> np.ndarray:
    """``sides`` [B, 2] (height, width) after the symmetries [B]."""
    swapped = (symmetries == 1) | (symmetries == 3) | (symmetries >= 6)
    return np.where(swapped[:, None], sides[:, ::-1], sides)
