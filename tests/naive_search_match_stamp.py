"""Slow, obvious twins of the search's kernels that draw objects on marks and marks on objects."""

import numpy as np

from tests.naive_search import cells_of, inside, ranked
from tests.naive_search_fill import ray, until_coloured
from tests.naive_search_match_copy import laid, turned_tile
from tests.naive_search_objects import STEPS, overlap, things


def draw(made, cells, over):
    """Draw cells, with ``over`` False only on empty ones."""
    for place, colour in cells.items():
        if inside(made, *place) and (over or not made[place]):
            made[place] = colour


def owners_stamped(grid):
    """Twin of ``stamp_owners``."""
    objects = things(grid, 1)
    if not 1 <= len(objects) <= 100:
        return None
    made = grid.copy()
    for single in (thing for thing in objects if thing.area == 1):
        owners = [t for t in objects if t.area > 1 and t.counts[single.colour] == 1]
        if len(owners) == 1:
            (i, j) = cells_of(owners[0].grid, lambda v, k=single.colour: v == k)[0]
            draw(made, laid(owners[0].grid, single.top - i, single.left - j), False)
    return made


def middle_stamped(grid):
    """Twin of ``stamp_middle``."""
    objects = things(grid, 1)
    if not 1 <= len(objects) <= 200:
        return None
    made = grid.copy()
    largest = max(objects, key=lambda thing: thing.area)
    for single in objects:
        if single.area == 1 and single is not largest:
            made[single.places[0]] = 0
            tall, wide = largest.shape
            draw(made, laid(largest.grid, single.top - tall // 2, single.left - wide // 2), True)
    return made


def boxes_stamped(grid, how):
    """Twin of ``stamp_boxes``."""
    objects = things(grid, 1)
    richest = max(objects, key=lambda t: len(t.counts), default=None)
    if not 1 <= len(objects) <= 100 or len(richest.counts) < 2:
        return None
    made, rest = grid.copy(), grid.copy()
    for place in richest.places:
        rest[place] = 0
    for thing in things(rest, 2):
        if thing.shape == richest.shape and thing.grid.all():
            thing.box(made)[...] = turned_tile(richest.grid, how)
    return made


def nearest_projected(grid):
    """Twin of ``project_nearest``."""
    objects = things(grid, 3)
    if not 1 <= len(objects) <= 100:
        return None
    made = grid.copy()
    largest = max(objects, key=lambda thing: thing.area)
    box = [(largest.top + r, largest.left + c) for r, c in np.ndindex(largest.shape)]
    for single in objects:
        if single.area == 1 and single is not largest:
            made[single.places[0]] = 0
            made[min(box, key=lambda p, s=single: abs(p[0] - s.top) + abs(p[1] - s.left))] = single.colour
    return made


def largest_projected(grid):
    """Twin of ``project_to_largest``."""
    objects = things(grid, 2)
    if not objects:
        return None
    made = grid.copy()
    target = set(max(objects, key=lambda thing: thing.area).places)
    for place in (p for p in cells_of(grid) if p not in target):
        for step in STEPS:
            end = until_coloured(grid, ray(grid, *place, step))[1]
            if end in target:
                made[end] = grid[place]
    return made


def repeated_to_marks(grid):
    """Twin of ``repeat_to_marks``."""
    objects = things(grid, 3)
    mark = ranked(grid, -1)
    if not 1 <= len(objects) <= 100 or mark == ranked(grid, 0):
        return None
    made = np.where(grid == mark, 0, grid).astype(np.uint8)
    for thing in (t for t in objects if t.colour != mark):
        rows, columns = slice(thing.top, thing.bottom + 1), slice(thing.left, thing.right + 1)
        beside = (
            grid[thing.bottom + 1 :, columns], grid[: thing.top, columns],
            grid[rows, thing.right + 1 :], grid[rows, : thing.left],
        )  # fmt: skip
        for step, part in zip(STEPS, beside, strict=True):
            for k in range(1, 31) if (part == mark).any() else ():
                down, right = k * step[0] * thing.shape[0], k * step[1] * thing.shape[1]
                for place, colour in laid(thing.grid, thing.top + down, thing.left + right).items():
                    if inside(grid, *place) and grid[place] in (0, mark):
                        made[place] = colour
    return made


def mirrored_over(grid):
    """Twin of ``mirror_over``."""
    objects = things(grid, 3)
    if not 1 <= len(objects) <= 100:
        return None
    wall = ranked(grid, 0)
    made = np.where(grid == wall, grid, 0).astype(np.uint8)
    for thing in (t for t in objects if t.colour != wall):
        ways = []
        for other in (t for t in objects if t.colour == wall):
            if overlap((thing.left, thing.right), (other.left, other.right)):
                ways.append((other.top - thing.bottom, "row", 2 * other.top))
                ways.append((thing.top - other.bottom, "row", 2 * other.bottom))
            if overlap((thing.top, thing.bottom), (other.top, other.bottom)):
                ways.append((other.left - thing.right, "column", 2 * other.left))
                ways.append((thing.left - other.right, "column", 2 * other.right))
        _, line, across = min((w for w in ways if w[0] > 0), key=lambda w: w[0], default=(0, "", 0))
        for r, c in thing.places:
            place = (across - r if line == "row" else r, across - c if line == "column" else c)
            if inside(grid, *place):
                made[place] = grid[r, c]
    return made
