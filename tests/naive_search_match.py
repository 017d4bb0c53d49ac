"""Slow, obvious twins of the search's kernels that compare objects and move them to each other."""

from itertools import pairwise

import numpy as np

from tests.naive_search import cells_of, inside, ranked
from tests.naive_search_draw import by_choice, way_to
from tests.naive_search_fill import ray, until_coloured
from tests.naive_search_match_copy import (
    completed_by_colour,
    completed_scaled,
    look_copied,
    ordered_by_legend,
    parts_completed,
)
from tests.naive_search_objects import STEPS, things


def one_coloured(grid, diagonal):
    """The one-coloured objects; none where there are too many."""
    objects = things(grid, 2 + diagonal)
    return objects if len(objects) <= 100 else []


def put(made, grid, thing, down, right):
    """Draw an object, moved; whether all of it lies inside."""
    moved = [(r + down, c + right) for r, c in thing.places]
    for there, place in zip(moved, thing.places, strict=True):
        if inside(made, *there):
            made[there] = grid[place]
    return all(inside(made, *there) for there in moved)


def side_of(thing, side):
    """Twice the place of a side of an object."""
    sides = (2 * thing.top, 2 * thing.bottom, 2 * thing.left, 2 * thing.right)
    return (*sides, thing.top + thing.bottom, thing.left + thing.right)[side]


def aligned(grid, who, side):
    """Twin of ``align``."""
    objects = one_coloured(grid, 1)
    if len(objects) < 2:
        return None
    colours = [thing.colour for thing in objects]
    if who == 0:
        reference = [t for t in objects if t.area == max(o.area for o in objects)]
    else:
        colour = (min(colours), max(colours), ranked(grid, -1))[who - 1]
        reference = [t for t in objects if t.colour == colour]
    places = {side_of(thing, side) for thing in reference}
    if len(places) > 1:
        return None
    made = np.zeros_like(grid)
    for thing in objects:
        steps = (min(places) - side_of(thing, side)) // 2
        if not put(made, grid, thing, *((steps, 0) if side in (0, 1, 4) else (0, steps))):
            return None
    return made


def straight_way(grid, thing, home):
    """The step and the number of steps of the shortest straight way to an object, or None."""
    ways = []
    for where, step in enumerate(STEPS):
        for place in thing.places:
            hits = [k for k, p in enumerate(ray(grid, *place, step)) if p in home.places]
            ways += [(hits[0], where)] if hits else []
    return (STEPS[min(ways)[1]], min(ways)[0]) if ways else None


def to_own(grid, what):
    """Twin of ``to_own_colour``."""
    objects = one_coloured(grid, 0)
    if not objects:
        return None
    made = np.zeros_like(grid)
    moving = []
    for thing in objects:
        alike = [t for t in objects if t.colour == thing.colour]
        home = max(alike, key=lambda t: t.area)
        way = straight_way(grid, thing, home) if thing is not home and home.area > 1 else None
        moving += [(thing, way)] if way else []
        if (thing is home and home.area > 1) or (not way and what != 1):
            put(made, grid, thing, 0, 0)
    for thing, (step, far) in moving:
        for k in range(0 if what == 2 else far, far + 1):
            put(made, grid, thing, k * step[0], k * step[1])
    return made


def free_steps(wall, thing, where):
    """How far an object can move towards the wall; 0 where no wall is in its way."""
    ways = [until_coloured(wall, ray(wall, r, c, STEPS[where])) for r, c in thing.places]
    return min(len(free) for free, _ in ways) if any(end for _, end in ways) else 0


def gathered(grid, what):
    """Twin of ``gather``."""
    objects = one_coloured(grid, 1)
    if not 2 <= len(objects) <= 60:
        return None
    largest = max(objects, key=lambda thing: thing.area)
    colour = ranked(grid, 0 if what == 1 else -1)
    tests = (
        lambda t: t is largest,
        lambda t: t.colour == colour,
        lambda t: t.colour == colour,
        lambda t: t.area > 1,
    )
    fixed = [thing for thing in objects if tests[what](thing)]
    made, wall = np.zeros_like(grid), np.zeros_like(grid)
    for thing in fixed:
        put(made, grid, thing, 0, 0)
        put(wall, grid, thing, 0, 0)
    loose = [(thing, way_to(thing, fixed)) for thing in objects if thing not in fixed]
    while loose:
        steps = [0 if where is None else free_steps(wall, thing, where) for thing, where in loose]
        first = steps.index(min(steps))
        thing, where = loose.pop(first)
        down, right = (0, 0) if where is None else STEPS[where]
        for canvas in (made, wall):
            put(canvas, grid, thing, steps[first] * down, steps[first] * right)
    return made


def cells_fallen(grid, which, where):
    """Twin of ``fall_cells``: every line is emptied of the colour and filled again behind what stands."""
    colour = by_choice(grid, which)
    if not colour:
        return None
    made = {0: np.rot90(grid), 1: np.rot90(grid, 3), 2: grid, 3: np.rot90(grid, 2)}[where].copy()
    for line in made:
        walls = [-1, *(k for k, v in enumerate(line) if v not in (0, colour)), len(line)]
        for start, end in pairwise(walls):
            line[start + 1 : end] = sorted(line[start + 1 : end])
    return np.rot90(made, {0: 3, 1: 1, 2: 0, 3: 2}[where])


def turned_about(grid, which, how):
    """Twin of ``turn_about``: the grid padded until the colour's middle is its own, then turned."""
    places = cells_of(grid, lambda v: v == by_choice(grid, which)) if grid.any() else []
    if not places:
        return None
    top, bottom = min(r for r, _ in places), max(r for r, _ in places)
    left, right = min(c for _, c in places), max(c for _, c in places)
    if how in (0, 2) and (bottom - top + right - left) % 2:
        return None
    wide = np.pad(grid, 40)
    r, c, half = (top + bottom) // 2 + 40, (left + right) // 2 + 40, 35
    height = 2 * half + 1 + (top + bottom) % 2
    width = 2 * half + 1 + (left + right) % 2
    window = wide[r - half :, c - half :][:height, :width]
    turns = (np.rot90, lambda m: np.rot90(m, 2), lambda m: np.rot90(m, 3), np.fliplr, np.flipud)
    wide[r - half :, c - half :][:height, :width] = turns[how](window).copy()
    return wide[40 : 40 + grid.shape[0], 40 : 40 + grid.shape[1]]


def box_of(places):
    """First and last row, first and last column."""
    rows, columns = [r for r, _ in places], [c for _, c in places]
    return min(rows), max(rows), min(columns), max(columns)


def exploded(grid, steps):
    """Twin of ``explode``."""
    objects = things(grid, 1)
    if not objects:
        return None
    made = np.zeros_like(grid)
    of = {place: thing.places for thing in objects for place in thing.places}
    for place in cells_of(grid):
        top, bottom, left, right = box_of(cells_of(grid) if steps else of[place])
        i = place[0] + (steps or (bottom - top + 1) // 2) * int(np.sign(place[0] - (top + bottom) / 2))
        j = place[1] + (steps or (right - left + 1) // 2) * int(np.sign(place[1] - (left + right) / 2))
        if inside(grid, i, j):
            made[i, j] = grid[place]
    return made


def centred(grid):
    """Twin of ``centre_in``."""
    objects = one_coloured(grid, 1)
    colours = {t.colour for t in objects}
    markers = [k for k in colours if all(t.area == 1 for t in objects if t.colour == k)]
    rest = cells_of(grid, lambda v: v and v not in markers)
    if len(markers) != 1 or not rest:
        return None
    outer, inner = box_of(cells_of(grid, lambda v: v == markers[0])), box_of(rest)
    down = (outer[0] + outer[1] - inner[0] - inner[1]) // 2
    right = (outer[2] + outer[3] - inner[2] - inner[3]) // 2
    made = np.where(grid == markers[0], grid, 0).astype(np.uint8)
    for r, c in rest:
        if not inside(grid, r + down, c + right):
            return None
        made[r + down, c + right] = grid[r, c]
    return made


def match_twin(number, argument, grid, y, x, height, width):
    """The twin of ``match_kernel``."""
    twins = (
        lambda: aligned(grid, *divmod(argument, 8)),
        lambda: to_own(grid, argument),
        lambda: gathered(grid, argument),
        lambda: cells_fallen(grid, *divmod(argument, 4)),
        lambda: turned_about(grid, *divmod(argument, 8)),
        lambda: exploded(grid, argument),
        lambda: centred(grid),
        lambda: parts_completed(grid, argument),
        lambda: completed_by_colour(grid, argument),
        lambda: completed_scaled(grid, argument % 2, argument // 2),
        lambda: ordered_by_legend(grid, argument),
        lambda: look_copied(grid, argument),
    )
    made = twins[number]()
    return None if made is None else (made, y, x)
