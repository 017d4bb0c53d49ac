"""Running a program again on one grid, step by step: what explanations and the catalogue show."""

from collections.abc import Sequence

import numpy as np

from solver.search.arena import (
    COUNT,
    FAILED,
    FIRST,
    HEIGHT,
    MOST_TRANSFORMS,
    OFFSET,
    PROGRAMS,
    ROW,
    WIDTH,
    Arena,
    X,
    Y,
    add_inputs,
    make_arena,
)
from solver.search.run import make_scratch, run_jobs
from solver.search.table import NUMBER, TRANSFORMS

_MEMORY = 1 << 22

Image = tuple[np.ndarray, int, int]  # a grid and its position: row and column of its upper left cell


def images_of(arena: Arena, state: int) -> list[Image]:
    """The images of a state."""
    images = []
    first = arena.states[state, FIRST]
    for row in arena.images[first : first + arena.states[state, COUNT]]:
        cells = arena.cells[row[OFFSET] : row[OFFSET] + row[HEIGHT] * row[WIDTH]]
        images.append((cells.reshape(row[HEIGHT], row[WIDTH]).copy(), int(row[Y]), int(row[X])))
    return images


def replay(steps: Sequence[str], grid: np.ndarray, size: tuple[int, int] = (0, 0)) -> list[list[Image]]:
    """The images after each of the transforms named by ``steps``, the grid's own first.

    ``size``: the wanted output's height and width, for the transforms that need it. Where a transform does
    not apply the list ends before it.
    """
    arena = make_arena(1, _MEMORY)
    out, work = make_scratch()
    sizes = np.array([size], np.int64)
    add_inputs(arena, np.ascontiguousarray(grid, np.uint8).ravel(), np.array([grid.shape], np.int64), out)
    states = [images_of(arena, 0)]
    state = 0
    for name in steps:
        number = NUMBER[name]
        program = int(np.flatnonzero(arena.programs[: arena.top[PROGRAMS], ROW] == state)[0])
        jobs = np.array([[program, number, 1]], np.int32)
        run_jobs(TRANSFORMS[number].family, arena, jobs, sizes, out, work)
        # The memo has the result even where the program was not kept because its state was known.
        slot = np.flatnonzero(arena.memo[:, 0] == state * MOST_TRANSFORMS + number + 1)[0]
        state = int(arena.memo[slot, 1])
        if state == FAILED:
            break
        states.append(images_of(arena, state))
    return states
