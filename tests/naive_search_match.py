"""Slow, obvious twins of the search's kernels that compare objects and move them to each other."""

from itertools import pairwise

import numpy as np

from tests.naive_search import by_rank, cells_of, inside, neighbours, ranked
from tests.naive_search_draw import way_to
from tests.naive_search_fill import ray, reachable, until_coloured
from tests.naive_search_match_copy import (
    completed_by_colour,
    completed_scaled,
    look_copied,
    ordered_by_legend,
    parts_completed,
)
from tests.naive_search_match_shape import (
    axes_mirrored,
    mirrored_to_marks,
)
from tests.naive_search_match_stamp import (
    boxes_stamped,
    largest_projected,
    middle_stamped,
    mirrored_over,
    nearest_projected,
    owners_stamped,
    repeated_to_marks,
)
from tests.naive_search_objects import STEPS, painted, things


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
        colour = (min(colours), max(colours))[who - 1]
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
        put(made, grid, thing, far * step[0], far * step[1])
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
    fixed = [thing for thing in objects if (thing.area > 1 if what else thing is largest)]
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


def cells_fallen(grid, where):
    """Twin of ``fall_cells``: every line is emptied of the colour and filled again behind what stands."""
    colour = ranked(grid, -1)
    if not colour:
        return None
    made = {0: np.rot90(grid), 1: np.rot90(grid, 3), 2: grid, 3: np.rot90(grid, 2)}[where].copy()
    for line in made:
        walls = [-1, *(k for k, v in enumerate(line) if v not in (0, colour)), len(line)]
        for start, end in pairwise(walls):
            line[start + 1 : end] = sorted(line[start + 1 : end])
    return np.rot90(made, {0: 3, 1: 1, 2: 0, 3: 2}[where])


def turned_about(grid, how):
    """Twin of ``turn_about``: the grid padded until the colour's middle is its own, then turned."""
    places = cells_of(grid, lambda v: v == ranked(grid, -1)) if grid.any() else []
    if not places:
        return None
    top, bottom = min(r for r, _ in places), max(r for r, _ in places)
    left, right = min(c for _, c in places), max(c for _, c in places)
    if how != 1 and (bottom - top + right - left) % 2:
        return None
    wide = np.pad(grid, 40)
    r, c, half = (top + bottom) // 2 + 40, (left + right) // 2 + 40, 35
    height = 2 * half + 1 + (top + bottom) % 2
    width = 2 * half + 1 + (left + right) % 2
    window = wide[r - half :, c - half :][:height, :width]
    wide[r - half :, c - half :][:height, :width] = np.rot90(window, how + 1).copy()
    return wide[40 : 40 + grid.shape[0], 40 : 40 + grid.shape[1]]


def box_of(places):
    """First and last row, first and last column."""
    rows, columns = [r for r, _ in places], [c for _, c in places]
    return min(rows), max(rows), min(columns), max(columns)


def exploded(grid):
    """Twin of ``explode``."""
    objects = things(grid, 1)
    if not objects:
        return None
    made = np.zeros_like(grid)
    of = {place: thing.places for thing in objects for place in thing.places}
    for place in cells_of(grid):
        top, bottom, left, right = box_of(of[place])
        i = place[0] + (bottom - top + 1) // 2 * int(np.sign(place[0] - (top + bottom) / 2))
        j = place[1] + (right - left + 1) // 2 * int(np.sign(place[1] - (left + right) / 2))
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


def kept_beside(grid, where):
    """Twin of ``keep_beside``."""
    objects = one_coloured(grid, 1)
    if not objects:
        return None
    made = np.zeros_like(grid)
    for thing in objects:
        moved = {(r + STEPS[where][0], c + STEPS[where][1]) for r, c in thing.places} - set(thing.places)
        if any(inside(grid, *place) and grid[place] for place in moved):
            put(made, grid, thing, 0, 0)
    return made


def ordered_modulo(grid, rooms, modulo):
    """Twin of ``order_modulo``."""
    objects = things((grid == 0).astype(np.uint8), 0) if rooms else things(grid, 1)
    if not 1 <= len(objects) <= 100:
        return None
    objects.sort(key=lambda t: t.left)
    return painted(grid, objects, [k % modulo + 1 for k in range(len(objects))])


def nearest_painted(grid):
    """Twin of ``nearest_colour``."""
    objects = one_coloured(grid, 1)
    if not 2 <= len(objects) <= 60:
        return None

    def gap(one, two):
        between = np.abs(np.array(one.places)[:, None] - np.array(two.places)[None])
        return min((int(max(v)), int(sum(v))) for v in between.reshape(-1, 2))

    return painted(
        grid,
        objects,
        [min((t for t in objects if t is not one), key=lambda t: gap(one, t)).colour for one in objects],
    )


def enclosed_by_others(grid, what):
    """Twin of ``enclosed``."""
    objects = one_coloured(grid, 1)
    if not 1 <= len(objects) <= 60:
        return None
    h, w = grid.shape
    inner = []
    for thing in objects:
        way = reachable(grid, thing.places, lambda p, t=thing: not grid[p] or p in t.places, False)
        if not any(r in (0, h - 1) or c in (0, w - 1) for r, c in way):
            inner.append(thing)
    if what == 0:
        return painted(grid, objects, [t.colour if t in inner else 0 for t in objects])
    values = []
    for thing in objects:
        alike = [t for t in inner if t.colour != thing.colour and np.array_equal(t.grid > 0, thing.grid > 0)]
        values.append(alike[0].colour if alike else thing.colour)
    return painted(grid, objects, values)


def guests_painted(grid):
    """Twin of ``guests``."""
    found = {}
    for r, c in np.ndindex(grid.shape):
        near = neighbours(grid, (r, c), True)
        if near and not any(grid[p] == grid[r, c] for p in neighbours(grid, (r, c), False)):
            host = np.bincount([grid[p] for p in near]).argmax()
            found.setdefault(int(host), []).append(grid[r, c])
    made = np.zeros_like(grid)
    for host, colours in found.items():
        made[grid == host] = np.bincount(colours).argmax()
    return made if found else None


def rank_reversed(grid):
    """Twin of ``reverse_rank``."""
    made = np.zeros_like(grid)
    for old, new in zip(by_rank(grid), by_rank(grid)[::-1], strict=True):
        made[grid == old] = new
    return made


def match_twin(number, argument, grid, y, x, height, width):
    """The twin of ``match_kernel``."""
    twins = (
        lambda: aligned(grid, *divmod(argument, 8)),
        lambda: to_own(grid, argument),
        lambda: gathered(grid, argument),
        lambda: cells_fallen(grid, argument),
        lambda: turned_about(grid, argument),
        lambda: exploded(grid),
        lambda: centred(grid),
        lambda: parts_completed(grid, argument),
        lambda: completed_by_colour(grid),
        lambda: completed_scaled(grid, argument % 2, argument // 2),
        lambda: ordered_by_legend(grid),
        lambda: look_copied(grid),
        lambda: kept_beside(grid, argument),
        lambda: ordered_modulo(grid, *divmod(argument, 8)),
        lambda: nearest_painted(grid),
        lambda: enclosed_by_others(grid, argument),
        lambda: guests_painted(grid),
        lambda: rank_reversed(grid),
        lambda: owners_stamped(grid),
        lambda: middle_stamped(grid),
        lambda: boxes_stamped(grid, argument),
        lambda: nearest_projected(grid),
        lambda: largest_projected(grid),
        lambda: repeated_to_marks(grid),
        lambda: mirrored_over(grid),
        lambda: axes_mirrored(grid),
        lambda: mirrored_to_marks(grid, argument),
    )
    made = twins[number]()
    return None if made is None else (made, y, x)
