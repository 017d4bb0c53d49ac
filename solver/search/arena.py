"""The arena: every image, state and program of one search, in flat arrays that only grow.

An *image* is a grid with a position. A *state* is one image or a list of images of one pair (a demonstration
or a test input). A *program* is a state for every pair, reached by the same transforms. States and programs
are stored once: a 64-bit hash finds an equal one and its content is compared before it is trusted.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from solver.search.jit import inner, outer

MAX_SIDE = 30
MOST_TRANSFORMS = 4096  # the memo's keys have room for so many
CELLS, IMAGES, STATES, PROGRAMS, MEMOS, FULL = range(6)  # places in ``top``
FAILED = -1  # remembered result of a transform that does not apply
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Arena(NamedTuple):
    """Flat storage; ``top`` holds how much of each array is used, and FULL, 1 once an array has no room.

    ``cells``: uint8 [cells], every image's grid in row-major order. ``images``: int64 [images, 6], see
    OFFSET to
    IMAGE_HASH. ``states``: int64 [states, 5], see FIRST to STATE_HASH. ``programs``: int32 [programs, 3 +
    pairs],
    see PARENT to ROW. ``state_slots``, ``program_slots``: int32 hash tables of numbers + 1, 0 where empty.
    ``memo``: int64 [slots, 2], hash table of state * MOST_TRANSFORMS + transform + 1 (0 where empty)
    and the result.
    """

    top: np.ndarray
    cells: np.ndarray
    images: np.ndarray
    states: np.ndarray
    programs: np.ndarray
    state_slots: np.ndarray
    program_slots: np.ndarray
    memo: np.ndarray


ARENA = types.NamedTuple(
    (
        types.int64[::1],
        types.uint8[::1],
        types.int64[:, ::1],
        types.int64[:, ::1],
        types.int32[:, ::1],
        types.int32[::1],
        types.int32[::1],
        types.int64[:, ::1],
    ),
    Arena,
)
OFFSET, HEIGHT, WIDTH, Y, X, IMAGE_HASH = range(6)  # columns of ``images``
FIRST, COUNT, IS_LIST, PAIR, STATE_HASH = range(5)  # columns of ``states``
PARENT, TRANSFORM, COST, ROW = range(4)  # columns of ``programs``; from ROW on a state for each pair


def make_arena(pairs: int, limit_bytes: int) -> Arena:
    """An empty arena for ``pairs`` pairs that takes at most about ``limit_bytes``.

    The pages of arrays that are not reached are never touched, so they take no memory.
    """
    states = 1 << int(np.log2(max(limit_bytes, 1 << 22) / 1024))
    return Arena(
        np.zeros(6, np.int64),
        np.empty(limit_bytes // 2, np.uint8),
        np.empty((2 * states, 6), np.int64),
        np.empty((states, 5), np.int64),
        np.empty((states, 3 + pairs), np.int32),
        np.zeros(2 * states, np.int32),
        np.zeros(2 * states, np.int32),
        np.zeros((8 * states, 2), np.int64),
    )


@inner
def mix(value: np.uint64, more: np.uint64) -> np.uint64:
    """``value`` with ``more`` stirred in (the finaliser of splitmix64)."""
    value = (value ^ more) * _MIX
    return value ^ (value >> np.uint64(29))


@inner
def view(arena: Arena, image: int) -> np.ndarray:
    """The grid of an image, uint8 [height, width]; not to be written on."""
    height, width = arena.images[image, HEIGHT], arena.images[image, WIDTH]
    start = arena.images[image, OFFSET]
    return arena.cells[start : start + height * width].reshape((height, width))


@inner
def push(arena: Arena, grid: np.ndarray, height: int, width: int, y: int, x: int) -> bool:
    """Append the first ``height`` x ``width`` cells of ``grid`` as an image; False where there is no room."""
    image, start = arena.top[IMAGES], arena.top[CELLS]
    if image >= arena.images.shape[0] or start + height * width > arena.cells.shape[0]:
        arena.top[FULL] = 1
        return False
    value = np.uint64(height * 64 + width)
    cell = start
    for r in range(height):
        for c in range(width):
            arena.cells[cell] = grid[r, c]
            value = value * np.uint64(0x100000001B3) + np.uint64(grid[r, c])
            cell += 1
    arena.images[image, OFFSET] = start
    arena.images[image, HEIGHT], arena.images[image, WIDTH] = height, width
    arena.images[image, Y], arena.images[image, X] = y, x
    arena.images[image, IMAGE_HASH] = np.int64(mix(value, np.uint64((y + 512) * 1024 + x + 512)))
    arena.top[IMAGES] = image + 1
    arena.top[CELLS] = cell
    return True


@inner
def push_again(arena: Arena, image: int) -> bool:
    """Append an image that shares the cells of an earlier one; False where there is no room."""
    new = arena.top[IMAGES]
    if new >= arena.images.shape[0]:
        arena.top[FULL] = 1
        return False
    for column in range(6):
        arena.images[new, column] = arena.images[image, column]
    arena.top[IMAGES] = new + 1
    return True


@inner
def same_image(arena: Arena, one: int, two: int) -> bool:
    """Whether two images have equal grids and positions."""
    for column in range(HEIGHT, IMAGE_HASH + 1):
        if arena.images[one, column] != arena.images[two, column]:
            return False
    a, b = arena.images[one, OFFSET], arena.images[two, OFFSET]
    for cell in range(arena.images[one, HEIGHT] * arena.images[one, WIDTH]):
        if arena.cells[a + cell] != arena.cells[b + cell]:
            return False
    return True


@inner
def close_state(arena: Arena, start: int, start_cell: int, pair: int, is_list: int) -> int:
    """The state of the images from ``start`` to the top: a new one, or an equal one that was there.

    For an equal one the images and cells from ``start`` and ``start_cell`` on are given back. FAILED where
    there is no room.
    """
    count = arena.top[IMAGES] - start
    value = np.uint64(pair * 2 + is_list)
    for image in range(start, start + count):
        value = mix(value, np.uint64(arena.images[image, IMAGE_HASH]))
    mask = arena.state_slots.shape[0] - 1
    slot = np.int64(value & np.uint64(mask))
    while arena.state_slots[slot] > 0:
        state = arena.state_slots[slot] - 1
        if (
            arena.states[state, STATE_HASH] == np.int64(value)
            and arena.states[state, COUNT] == count
            and arena.states[state, PAIR] == pair
            and arena.states[state, IS_LIST] == is_list
        ):
            equal = True
            for k in range(count):
                if not same_image(arena, arena.states[state, FIRST] + k, start + k):
                    equal = False
                    break
            if equal:
                arena.top[IMAGES], arena.top[CELLS] = start, start_cell
                return state
        slot = (slot + 1) & mask
    state = arena.top[STATES]
    if state >= arena.states.shape[0]:
        arena.top[FULL] = 1
        return FAILED
    arena.states[state, FIRST], arena.states[state, COUNT] = start, count
    arena.states[state, IS_LIST], arena.states[state, PAIR] = is_list, pair
    arena.states[state, STATE_HASH] = np.int64(value)
    arena.state_slots[slot] = state + 1
    arena.top[STATES] = state + 1
    return state


@inner
def memo_slot(arena: Arena, state: int, transform: int) -> int:
    """Where the result of a transform on a state is or belongs in the memo's table."""
    key = np.int64(state) * MOST_TRANSFORMS + transform + 1
    mask = arena.memo.shape[0] - 1
    slot = np.int64(mix(np.uint64(key), np.uint64(1)) & np.uint64(mask))
    while arena.memo[slot, 0] > 0 and arena.memo[slot, 0] != key:
        slot = (slot + 1) & mask
    return slot


@inner
def remember(arena: Arena, slot: int, state: int, transform: int, result: int) -> None:
    """Write a transform's result into its slot of the memo."""
    arena.memo[slot, 0] = np.int64(state) * MOST_TRANSFORMS + transform + 1
    arena.memo[slot, 1] = result
    arena.top[MEMOS] += 1
    if arena.top[MEMOS] * 4 > arena.memo.shape[0] * 3:
        arena.top[FULL] = 1


@inner
def close_program(arena: Arena, row: np.ndarray, parent: int, transform: int, cost: int) -> int:
    """Append the program with the states ``row`` (int32 [pairs]); FAILED where it is known or without
    room."""
    value = np.uint64(7)
    for state in row:
        value = mix(value, np.uint64(state))
    mask = arena.program_slots.shape[0] - 1
    slot = np.int64(value & np.uint64(mask))
    while arena.program_slots[slot] > 0:
        known = arena.program_slots[slot] - 1
        equal = True
        for pair in range(row.shape[0]):
            if arena.programs[known, ROW + pair] != row[pair]:
                equal = False
                break
        if equal:
            return FAILED
        slot = (slot + 1) & mask
    program = arena.top[PROGRAMS]
    if program >= arena.programs.shape[0]:
        arena.top[FULL] = 1
        return FAILED
    for pair in range(row.shape[0]):
        arena.programs[program, ROW + pair] = row[pair]
    arena.programs[program, PARENT], arena.programs[program, TRANSFORM] = parent, transform
    arena.programs[program, COST] = cost
    arena.program_slots[slot] = program + 1
    arena.top[PROGRAMS] = program + 1
    return program


@outer
def add_inputs(arena: Arena, cells: np.ndarray, shapes: np.ndarray, out: np.ndarray) -> None:
    """Append the first program: the inputs themselves, ``cells`` one after another, ``shapes`` int64
    [pairs, 2]."""
    row = np.empty(shapes.shape[0], np.int32)
    at = 0
    for pair in range(shapes.shape[0]):
        start, start_cell = arena.top[IMAGES], arena.top[CELLS]
        for r in range(shapes[pair, 0]):
            for c in range(shapes[pair, 1]):
                out[r, c] = cells[at]
                at += 1
        push(arena, out, shapes[pair, 0], shapes[pair, 1], 0, 0)
        row[pair] = close_state(arena, start, start_cell, pair, 0)
    close_program(arena, row, -1, -1, 0)
