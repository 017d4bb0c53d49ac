"""Pieces: what programs drew at the wanted size on every demonstration, side by side with what was wanted.

A piece is one row of cells: first those of all demonstrations, then MAX_CELLS for each test input. Rows are
kept once: of equal rows the cheapest program's.
"""

from typing import NamedTuple

import numpy as np

from solver.search.arena import (
    COST,
    COUNT,
    FIRST,
    HEIGHT,
    IS_LIST,
    OFFSET,
    ROW,
    WIDTH,
    Arena,
    mix,
)
from solver.search.jit import inner, outer

MAX_CELLS = 900
PIECE, EXACT, MAPPED = 1, 2, 4  # flags of a program


class Pieces(NamedTuple):
    """``top``: int64 [1], how many. ``cells``: uint8 [pieces, cells]. ``shapes``: int16 [pieces, tests, 2].
    ``program``, ``cost``: int32 [pieces]. ``slots``: int32 hash table of pieces + 1. ``hashes``: uint64
    [pieces].
    ``right``: int16 [pieces], how many demonstrations the piece gives whole."""

    top: np.ndarray
    cells: np.ndarray
    shapes: np.ndarray
    program: np.ndarray
    cost: np.ndarray
    right: np.ndarray
    hashes: np.ndarray
    slots: np.ndarray


class Wanted(NamedTuple):
    """``cells``: uint8 [cells], all demonstrations' outputs. ``starts``: int64 [demonstrations + 1], where
    each begins. ``shapes``: int64 [demonstrations, 2]."""

    cells: np.ndarray
    starts: np.ndarray
    shapes: np.ndarray


def make_wanted(outputs: list[np.ndarray]) -> Wanted:
    """The outputs of the demonstrations, one after another."""
    starts = np.cumsum([0, *(grid.size for grid in outputs)]).astype(np.int64)
    cells = np.concatenate([grid.ravel() for grid in outputs]).astype(np.uint8)
    return Wanted(cells, starts, np.array([grid.shape for grid in outputs], np.int64))


def make_pieces(wanted: Wanted, tests: int, limit_bytes: int) -> Pieces:
    """Room for pieces of at most ``limit_bytes``, none of them yet."""
    width = len(wanted.cells) + tests * MAX_CELLS
    most = int(min(60_000, max(64, limit_bytes // (width + 40))))
    return Pieces(
        np.zeros(1, np.int64),
        np.empty((most, width), np.uint8),
        np.empty((most, tests, 2), np.int16),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.int16),
        np.empty(most, np.uint64),
        np.zeros(1 << int(np.ceil(np.log2(2 * most))), np.int32),
    )


@inner
def _fits(arena, program, wanted):
    """Whether the program's states are single images of the wanted sizes on all demonstrations."""
    for demo in range(wanted.shapes.shape[0]):
        state = arena.programs[program, ROW + demo]
        if arena.states[state, IS_LIST] == 1 and arena.states[state, COUNT] > 1:
            return False
        image = arena.states[state, FIRST]
        if arena.images[image, HEIGHT] != wanted.shapes[demo, 0]:
            return False
        if arena.images[image, WIDTH] != wanted.shapes[demo, 1]:
            return False
    return True


@outer
def harvest(arena: Arena, start: int, stop: int, wanted: Wanted, pieces: Pieces) -> None:
    """Add the pieces among the programs from ``start`` to before ``stop``; full room takes no more."""
    demos = wanted.shapes.shape[0]
    tests = pieces.shapes.shape[1]
    total = wanted.cells.shape[0]
    mask = pieces.slots.shape[0] - 1
    for program in range(start, stop):
        piece = pieces.top[0]
        if piece >= pieces.program.shape[0]:
            return
        if not _fits(arena, program, wanted):
            continue
        value = np.uint64(11)
        right = 0
        for demo in range(demos):
            state = arena.programs[program, ROW + demo]
            offset = arena.images[arena.states[state, FIRST], OFFSET]
            same = True
            for cell in range(wanted.starts[demo], wanted.starts[demo + 1]):
                colour = arena.cells[offset + cell - wanted.starts[demo]]
                pieces.cells[piece, cell] = colour
                value = value * np.uint64(0x100000001B3) + np.uint64(colour)
                same = same and colour == wanted.cells[cell]
            right += same
        usable = True
        for test in range(tests):
            state = arena.programs[program, ROW + demos + test]
            if arena.states[state, COUNT] > 1:
                usable = False
                break
            image = arena.states[state, FIRST]
            height, width = arena.images[image, HEIGHT], arena.images[image, WIDTH]
            pieces.shapes[piece, test, 0], pieces.shapes[piece, test, 1] = height, width
            offset = arena.images[image, OFFSET]
            value = value * np.uint64(0x100000001B3) + np.uint64(height * 64 + width)
            for cell in range(height * width):
                colour = arena.cells[offset + cell]
                pieces.cells[piece, total + test * MAX_CELLS + cell] = colour
                value = value * np.uint64(0x100000001B3) + np.uint64(colour)
        if not usable:
            continue
        value = mix(value, np.uint64(5))
        slot = np.int64(value & np.uint64(mask))
        known = False
        while pieces.slots[slot] > 0:
            other = pieces.slots[slot] - 1
            if pieces.hashes[other] == value:
                known = True
                break
            slot = (slot + 1) & mask
        if known:
            continue
        pieces.slots[slot] = piece + 1
        pieces.hashes[piece] = value
        pieces.program[piece] = program
        pieces.cost[piece] = arena.programs[program, COST]
        pieces.right[piece] = right
        pieces.top[0] = piece + 1


@outer
def colour_maps(cells: np.ndarray, wanted: np.ndarray, start: int, stop: int, fits: np.ndarray) -> None:
    """fits[piece] = 1 where the colour of a cell decides what is wanted there, for pieces ``start`` to
    ``stop``."""
    table = np.empty(16, np.int64)
    for piece in range(start, stop):
        table[:] = -1
        ok = 1
        for cell in range(wanted.shape[0]):
            colour = cells[piece, cell]
            if table[colour] < 0:
                table[colour] = wanted[cell]
            elif table[colour] != wanted[cell]:
                ok = 0
                break
        fits[piece] = ok


@outer
def pair_tables(
    cells: np.ndarray, wanted: np.ndarray, chosen: np.ndarray, fresh: int, found: np.ndarray, skip: np.ndarray
) -> int:
    """Pairs of pieces whose two colours at a cell decide what is wanted there; how many were found.

    ``chosen``: pieces in the order in which they are tried; only pairs with one at place ``fresh`` or later.
    ``found``: int32 [most, 2], written. ``skip``: uint8 [pieces], 1 for pieces that need no partner.
    """
    count = 0
    seen = np.zeros(256, np.int64)
    number = 0
    for j in range(1, chosen.shape[0]):
        b = chosen[j]
        if skip[b]:
            continue
        for i in range(j):
            if i < fresh and j < fresh:
                continue
            a = chosen[i]
            if skip[a]:
                continue
            number += 1
            ok = True
            for cell in range(wanted.shape[0]):
                code = np.int64(cells[a, cell]) * 16 + cells[b, cell]
                mark = number * 16 + np.int64(wanted[cell])
                if seen[code] >> 4 == number:
                    if seen[code] != mark:
                        ok = False
                        break
                else:
                    seen[code] = mark
            if ok:
                found[count, 0], found[count, 1] = a, b
                count += 1
                if count == found.shape[0]:
                    return count
    return count


@outer
def triple_tables(
    cells: np.ndarray, wanted: np.ndarray, base: np.ndarray, chosen: np.ndarray, found: np.ndarray
) -> int:
    """As ``pair_tables``, for one of ``base`` pieces and two of ``chosen``; ``found`` is int32 [most, 3]."""
    count = 0
    seen = np.zeros(4096, np.int64)
    number = 0
    for j in range(1, chosen.shape[0]):
        for i in range(j):
            a, b = chosen[i], chosen[j]
            for c in base:
                number += 1
                ok = True
                for cell in range(wanted.shape[0]):
                    code = (np.int64(cells[a, cell]) * 16 + cells[b, cell]) * 16 + cells[c, cell]
                    mark = number * 16 + np.int64(wanted[cell])
                    if seen[code] >> 4 == number:
                        if seen[code] != mark:
                            ok = False
                            break
                    else:
                        seen[code] = mark
                if ok:
                    found[count, 0], found[count, 1], found[count, 2] = a, b, c
                    count += 1
                    if count == found.shape[0]:
                        return count
    return count
