"""Slow, obvious twins of the search's kernels that draw objects anew."""

from itertools import groupby

import numpy as np

from tests.naive_search import cells_of, inside
from tests.naive_search_objects import things


def longest_run(line):
    """The most True values one after another."""
    return max((len(list(group)) for value, group in groupby(line) if value), default=0)


def axes_mirrored(grid):
    """Twin of ``mirror_axes``."""
    objects = things(grid, 1)
    if not 1 <= len(objects) <= 100:
        return None
    made = np.zeros_like(grid)
    for thing in objects:
        rarest = min(thing.counts, key=lambda colour: (thing.counts[colour], colour))
        flags = thing.grid == rarest
        runs = [(longest_run(line), 0, thing.top + k) for k, line in enumerate(flags)]
        runs += [(longest_run(line), 1, thing.left + k) for k, line in enumerate(flags.T)]
        _, axis, line = max(runs, key=lambda run: run[0])
        before = [place for place in thing.places if place[axis] < line]
        after = [place for place in thing.places if place[axis] > line]
        lost = after if len(before) >= len(after) else before
        if len(thing.counts) == 1:
            lost, axis = [], None
        for place in (p for p in thing.places if p not in lost):
            made[place] = grid[place]
            image = [2 * line - k if n == axis else k for n, k in enumerate(place)]
            if inside(grid, *image):
                made[tuple(image)] = grid[place]
    return made


def mirrored_to_marks(grid, own):
    """Twin of ``mirror_to_marks``."""
    objects = things(grid, 1)
    if not 1 <= len(objects) <= 100:
        return None
    made = grid.copy()
    for thing in objects if own else ():
        for place in (p for p in thing.places if grid[p] != thing.colour):
            made[place] = 0
    of = {place: thing for thing in objects for place in thing.places}
    for mark in (p for p in cells_of(grid) if grid[p] != of[p].colour):
        main = np.array([p for p in of[mark].places if grid[p] == of[mark].colour])
        images = main.copy()
        for axis in (0, 1):
            low, high = main[:, axis].min(), main[:, axis].max()
            if mark[axis] > high:
                images[:, axis] = 2 * high + 1 - main[:, axis]
            elif mark[axis] < low:
                images[:, axis] = 2 * low - 1 - main[:, axis]
        for r, c in images:
            if inside(grid, r, c) and not made[r, c]:
                made[r, c] = of[mark].colour if own else grid[mark]
    return made
