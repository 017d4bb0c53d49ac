"""Running transforms on programs: one compiled loop for transforms of images, one for those of lists."""

import numpy as np
from numba import types

from solver.search.arena import (
    ARENA,
    CELLS,
    COUNT,
    FAILED,
    FIRST,
    FULL,
    IMAGES,
    IS_LIST,
    PAIR,
    ROW,
    Arena,
    X,
    Y,
    close_program,
    close_state,
    memo_slot,
    push,
    remember,
    view,
)
from solver.search.jit import compiled, inner, outer
from solver.search.kernels.families import GRID, IMAGE_KERNEL, WORK, kernel_of
from solver.search.kernels.lists import list_kernel
from solver.search.table import IMAGE_TO_LIST, LIST, LIST_TO_LIST, TRANSFORMS

_NUMBERS = np.array([t.number for t in TRANSFORMS], np.int64)
_ARGUMENTS = np.array([t.argument for t in TRANSFORMS], np.int64)
_MAKES_LIST = np.array([t.kind in (IMAGE_TO_LIST, LIST_TO_LIST) for t in TRANSFORMS], np.uint8)
_VECTOR = types.Array(types.int64, 1, "C")
_JOBS, _SIZES = types.Array(types.int32, 2, "C"), types.Array(types.int64, 2, "C")
IMAGE_RUNNER = types.int64(ARENA, IMAGE_KERNEL, _JOBS, _VECTOR, _VECTOR, _SIZES, GRID, WORK)
LIST_RUNNER = types.int64(
    ARENA, _JOBS, _VECTOR, _VECTOR, types.Array(types.uint8, 1, "C"), _SIZES, GRID, WORK
)


def make_scratch() -> tuple[np.ndarray, np.ndarray]:
    """``out``, uint8 [30, 30], on which kernels draw; ``work``, int32 [12, 1024], for their own use."""
    return np.zeros((30, 30), np.uint8), np.zeros((12, 1024), np.int32)


@inner
def _apply_to_images(arena, kernel, number, argument, state, sizes, out, work):
    """The state after an image transform of all its images, or FAILED."""
    start, start_cell = arena.top[IMAGES], arena.top[CELLS]
    pair = arena.states[state, PAIR]
    first = arena.states[state, FIRST]
    for image in range(first, first + arena.states[state, COUNT]):
        height, width, y, x = kernel(
            number,
            argument,
            view(arena, image),
            arena.images[image, Y],
            arena.images[image, X],
            sizes[pair, 0],
            sizes[pair, 1],
            out,
            work,
        )
        if height <= 0 or abs(y) > 60 or abs(x) > 60 or not push(arena, out, height, width, y, x):
            arena.top[IMAGES], arena.top[CELLS] = start, start_cell
            return FAILED
    return close_state(arena, start, start_cell, pair, arena.states[state, IS_LIST])


@outer
def run_image_transforms(arena, kernel, jobs, numbers, arguments, sizes, out, work):
    """Try jobs; new programs are appended. The number of jobs done: fewer than all where memory ends.

    ``jobs``: int32 [jobs, 3], program, transform, cost of the new program. ``numbers``, ``arguments``: int64
    [transforms], what ``kernel`` is called with. ``sizes``: int64 [pairs, 2], the wanted output's height and
    width, 0 where unknown.
    """
    pairs = arena.programs.shape[1] - ROW
    row = np.empty(pairs, np.int32)
    for job in range(jobs.shape[0]):
        program, transform = jobs[job, 0], jobs[job, 1]
        moved = False
        applied = True
        for pair in range(pairs):
            state = arena.programs[program, ROW + pair]
            slot = memo_slot(arena, state, transform)
            if arena.memo[slot, 0] > 0:
                result = arena.memo[slot, 1]
            else:
                result = _apply_to_images(
                    arena, kernel, numbers[transform], arguments[transform], state, sizes, out, work
                )
                remember(arena, slot, state, transform, result)
            if result == FAILED:
                applied = False
                break
            row[pair] = result
            moved = moved or result != state
        if applied and moved:
            close_program(arena, row, program, transform, jobs[job, 2])
        if arena.top[FULL]:
            return job
    return jobs.shape[0]


@outer
def run_list_transforms(arena, jobs, numbers, arguments, makes_list, sizes, out, work):
    """As ``run_image_transforms``, for transforms that take or make lists (``makes_list``: uint8
    [transforms])."""
    pairs = arena.programs.shape[1] - ROW
    row = np.empty(pairs, np.int32)
    for job in range(jobs.shape[0]):
        program, transform = jobs[job, 0], jobs[job, 1]
        moved = False
        applied = True
        for pair in range(pairs):
            state = arena.programs[program, ROW + pair]
            slot = memo_slot(arena, state, transform)
            if arena.memo[slot, 0] > 0:
                result = arena.memo[slot, 1]
            else:
                start, start_cell = arena.top[IMAGES], arena.top[CELLS]
                made = list_kernel(
                    arena,
                    numbers[transform],
                    arguments[transform],
                    arena.states[state, FIRST],
                    arena.states[state, COUNT],
                    sizes[pair, 0],
                    sizes[pair, 1],
                    out,
                    work,
                )
                if made <= 0 or arena.top[FULL]:
                    arena.top[IMAGES], arena.top[CELLS] = start, start_cell
                    result = FAILED
                else:
                    result = close_state(arena, start, start_cell, pair, makes_list[transform])
                remember(arena, slot, state, transform, result)
            if result == FAILED:
                applied = False
                break
            row[pair] = result
            moved = moved or result != state
        if applied and moved:
            close_program(arena, row, program, transform, jobs[job, 2])
        if arena.top[FULL]:
            return job
    return jobs.shape[0]


def run_jobs(
    family: str, arena: Arena, jobs: np.ndarray, sizes: np.ndarray, out: np.ndarray, work: np.ndarray
) -> int:
    """Try jobs whose transforms are all of one family; arguments and result as ``run_image_transforms``."""
    if family == LIST:
        runner = compiled(run_list_transforms, LIST_RUNNER)
        return runner(arena, jobs, _NUMBERS, _ARGUMENTS, _MAKES_LIST, sizes, out, work)
    runner = compiled(run_image_transforms, IMAGE_RUNNER)
    return runner(arena, kernel_of(family), jobs, _NUMBERS, _ARGUMENTS, sizes, out, work)
