"""Slow, obvious twins of the search's kernels that draw and measure on the grid."""

from itertools import pairwise

import numpy as np

from tests.naive_search import BESIDE, cells_of, inside, neighbours, ranked
from tests.naive_search_draw import alone
from tests.naive_search_fill import DIRECTIONS, chosen, outside, ray, until_coloured
from tests.naive_search_objects import things
from tests.naive_search_paths import (
    coiled,
    detoured,
    flowed,
    hit,
    rarest_on,
    smeared_within,
    turned_whole,
    wound,
)


def stepped(grid, bits):
    """Twin of ``step_smear``: every empty cell asks the cells that could reach it."""
    made = grid.copy()
    for r, c in cells_of(grid, lambda v: v == 0):
        sources = sorted((r - down, c - right) for down, right in chosen(DIRECTIONS, bits))
        made[r, c] = next((grid[p] for p in sources if inside(grid, *p) and grid[p]), 0)
    return made


def bridged(grid):
    """Twin of ``bridge``."""
    made = grid.copy()
    for source, target in ((grid, made), (grid.T, made.T)):
        for line, drawn in zip(source, target, strict=True):
            if line[0] and line[0] == line[-1]:
                drawn[:] = line[0]
    return made


def crossed(grid):
    """Twin of ``lines_cross``."""
    made = np.zeros_like(grid)
    coloured = cells_of(grid)
    for r, c in coloured:
        made[r, :] = grid[r, c]
    for c, r in sorted((c, r) for r, c in coloured):
        made[:, c] = grid[r, c]
    for r, _ in coloured:
        for _, c in coloured:
            made[r, c] = grid[r, c]
    return made


def full_lines(grid, columns):
    """Twin of ``line_full``."""
    full = grid.all(axis=0 if columns else 1)
    values = np.where(full, 1, 2).astype(np.uint8)
    return np.broadcast_to(values if columns else values[:, None], grid.shape)


def dotted(grid):
    """Twin of ``between_dots``."""
    made = grid.copy()
    for source, target in ((grid, made), (grid.T, made.T)):
        for line, drawn in zip(source, target, strict=True):
            places = np.flatnonzero(line)
            for one, two in pairwise(places):
                for away in range(2, two - one, 2):
                    if one + away <= two - away:
                        drawn[one + away] = line[one]
                    if two - away > one + away:
                        drawn[two - away] = line[two]
    return made


def spanned(grid):
    """Twin of ``spans``."""
    parts = []
    for line in grid:
        markers = [k for k, v in enumerate(line) if v not in (0, ranked(grid, 0))]
        part = line[markers[0] + 1 : markers[-1]] if markers else []
        if len(part):
            parts.append(part)
    if not parts:
        return None
    longest = max(map(len, parts))
    return np.array([[*part, *[0] * (longest - len(part))] for part in parts], np.uint8)


def elbowed(grid):
    """Twin of ``elbow``."""
    made = grid.copy()
    for colour in range(1, 10):
        places = cells_of(grid, lambda v, wanted=colour: v == wanted)
        if len(places) == 1:
            places.append((grid.shape[0] - 1, places[0][1]))
        elif len(places) != 2:
            continue
        (top, one), (low, two) = places
        way = {(r, one) for r in range(top, low + 1)}
        way |= {(low, c) for c in range(min(one, two), max(one, two) + 1)}
        for place in way:
            made[place] = made[place] or colour
    return made


def slanted(grid, right):
    """Twin of ``slant``."""
    made = np.zeros_like(grid)
    rows = [r for r, _ in cells_of(grid)]
    for r, c in cells_of(grid):
        steps = max(rows) - r
        place = (r, c + steps if right else c - steps)
        if inside(grid, *place):
            made[place] = grid[r, c]
    return made


def spaced(grid, gap):
    """Twin of ``space_out``."""
    made = np.zeros([(side - 1) * (gap + 1) + 1 for side in grid.shape], np.uint8)
    made[:: gap + 1, :: gap + 1] = grid
    return made if max(made.shape) <= 30 else None


def upright(grid):
    """The grid, transposed where it is higher than wide; also back."""
    return grid.T if grid.shape[0] > grid.shape[1] else grid


def lined(grid):
    """Twin of ``lines_short``."""
    made = grid.copy()
    for line in upright(made).T:
        coloured = line[line > 0]
        line[line == 0] = coloured[0] if len(coloured) else 0
    return made


def continued(grid):
    """Twin of ``alternate``."""
    made = grid.copy()
    wide = upright(made)
    places = [int(k) for k in np.flatnonzero(wide.any(axis=0))]
    steps = {two - one for one, two in pairwise(places)}
    if len(steps) == 1:
        rest = range(places[-1] + min(steps), wide.shape[1], min(steps))
        for k, place in enumerate(rest):
            wide[:, place] = wide[:, places[k % len(places)]]
    return made


def edged_twice(grid):
    """Twin of ``to_both_edges``."""
    made = grid.copy()
    for r, c in cells_of(grid):
        if alone(grid, (r, c)):
            for one, two in (((1, 0), (-1, 0)), ((0, 1), (0, -1))):
                ways = [ray(grid, r, c, step) for step in (one, two)]
                drawn_on(grid, made, min(ways, key=len), grid[r, c])
    return made


def lengths(grid, place, diagonal):
    """How far each coloured cell is from a place."""
    away = [(abs(r - place[0]), abs(c - place[1])) for r, c in cells_of(grid)]
    return [max(pair) if diagonal else sum(pair) for pair in away]


def distances(grid, diagonal, modulo):
    """Twin of ``distance_fact``."""
    if not grid.any():
        return None
    made = np.zeros_like(grid)
    for place in np.ndindex(grid.shape):
        steps = min(lengths(grid, place, diagonal))
        made[place] = 1 + steps % modulo if modulo else min(steps, 9)
    return made


def spread_out(grid, diagonal):
    """Twin of ``spread_ties``."""
    made = grid.copy()
    for place in cells_of(grid, lambda v: v == 0) if grid.any() else ():
        away = lengths(grid, place, diagonal)
        if away.count(min(away)) == 1:
            made[place] = grid[cells_of(grid)[away.index(min(away))]]
    return made


def offsets(grid, what, modulo):
    """Twin of ``offset_fact``."""
    source = grid.T if what % 2 else grid
    if what < 2 and not grid.any():
        return None
    count = len(source)
    first = 0 if what >= 2 else int(np.flatnonzero(source.any(axis=1))[0])
    values = [0] * first + [1 + k % modulo for k in range(count - first)]
    if what >= 2:
        values.reverse()
    made = np.repeat(np.array(values, np.uint8)[:, None], source.shape[1], axis=1)
    return made.T if what % 2 else made


def rectangles(grid):
    """Twin of ``largest_rectangles``: all rectangles tried."""
    made = np.zeros_like(grid)
    h, w = grid.shape
    found = [
        (top, bottom, left, right)
        for top in range(h)
        for bottom in range(top + 2, h + 1)
        for left in range(w)
        for right in range(left + 2, w + 1)
        if not grid[top:bottom, left:right].any()
    ]
    most = max(((b - t) * (r - left) for t, b, left, r in found), default=0)
    for top, bottom, left, right in found:
        if (bottom - top) * (right - left) == most:
            made[top:bottom, left:right] = 1
    return made


def drawn_on(grid, made, places, colour):
    """A colour on the empty places before the first coloured one of a way."""
    for place in until_coloured(grid, places)[0]:
        made[place] = colour


def leaked(grid):
    """Twin of ``leak``."""
    made = grid.copy()
    for thing in things(grid, 3):
        if min(thing.shape) < 3:
            continue
        box = {(thing.top + r, thing.left + c) for r, c in np.ndindex(thing.shape)}
        for r, c in (place for place in box if not grid[place]):
            made[r, c] = 1
            for down, right in BESIDE:
                if (r + down, c + right) not in box:
                    drawn_on(grid, made, ray(grid, r, c, (down, right)), 1)
    return made


def middles(grid, first, kind):
    """Twin of ``middle_each``."""
    made = np.zeros_like(grid)
    for thing in things(grid, kind):
        rows, columns = thing.top + thing.bottom, thing.left + thing.right
        places = {(rows // 2, columns // 2), (-(-rows // 2), -(-columns // 2))}
        places |= {(rows // 2, -(-columns // 2)), (-(-rows // 2), columns // 2)}
        for place in thing.places[:1] if first else places:
            made[place] = thing.colour
    return made


def rayed(grid, colour):
    """Twin of ``outer_rays``."""
    made = grid.copy()
    for thing in things(grid, 1):
        for down, right in DIRECTIONS[4:] if thing.grid.all() else ():
            r, c = thing.bottom if down > 0 else thing.top, thing.right if right > 0 else thing.left
            drawn_on(grid, made, ray(grid, r, c, (down, right)), colour or grid[r, c])
    return made


def burst_out(grid):
    """Twin of ``burst``: every direction from the middle, the object's cells on it run on."""
    made = grid.copy()
    ways = []
    for thing in things(grid, 1):
        if thing.area > 1 and thing.shape[0] % 2 and thing.shape[1] % 2:
            r, c = (thing.top + thing.bottom) // 2, (thing.left + thing.right) // 2
            for step in DIRECTIONS:
                ways += [(p, step) for p in ray(grid, r, c, step) if p in thing.places]
    for place, step in sorted(ways):
        drawn_on(grid, made, ray(grid, *place, step), grid[place])
    return made


def grown(grid):
    """Twin of ``grow_square``."""
    colour = rarest_on(grid, cells_of(grid))
    others = [place for place in cells_of(grid) if grid[place] != colour]
    if not others:
        return None
    made = grid.copy()
    for r, c in cells_of(grid, lambda v: v == colour):
        steps = min(max(abs(i - r), abs(j - c)) for i, j in others) - 1
        tile = made[max(r - steps, 0) : r + steps + 1, max(c - steps, 0) : c + steps + 1]
        tile[tile == 0] = colour
    return made


def clustered(grid):
    """Twin of ``cluster_boxes``."""
    made = grid.copy()
    left = cells_of(grid)
    while left:
        group = [left[0]]
        for r, c in group:
            near = {(i, j) for i, j in left if max(abs(i - r), abs(j - c)) <= 2}
            group += sorted(p for p in near - set(group) if grid[p] == grid[r, c])
        left = [place for place in left if place not in group]
        rows, columns = [r for r, _ in group], [c for _, c in group]
        tile = made[min(rows) : max(rows) + 1, min(columns) : max(columns) + 1]
        tile[tile == 0] = grid[group[0]]
    return made


def bent(grid):
    """Twin of ``bends``."""
    made = np.zeros_like(grid)
    free = outside(grid, False)
    for r, c in cells_of(grid):
        beside = [p for p in neighbours(grid, (r, c), False) if grid[p]]
        if len(beside) == 2 and beside[0][0] != beside[1][0] and beside[0][1] != beside[1][1]:
            place = (sum(i for i, _ in beside) - r, sum(j for _, j in beside) - c)
            if not grid[place]:
                made[r, c] = 2 if place in free else 1
    return made


def skeleton(grid):
    """Twin of ``local_skeleton``."""
    made = np.zeros_like(grid)
    for thing in things(grid, 0):
        for r, c in thing.places:
            down = min(r - thing.top, thing.bottom - r)
            right = min(c - thing.left, thing.right - c)
            innermost = (thing.bottom - thing.top) // 2 if down < right else (thing.right - thing.left) // 2
            made[r, c] = 1 if down == right or min(down, right) == innermost else 2
    return made


def cornered_rooms(grid):
    """Twin of ``room_corner``."""
    h, w = grid.shape
    made = np.zeros_like(grid)
    corners = ((0, 0), (0, w - 1), (h - 1, 0), (h - 1, w - 1))
    centre = {(r, c) for r in ((h - 1) // 2, h // 2) for c in ((w - 1) // 2, w // 2)}
    for room in things(1 - np.minimum(grid, 1), 0):
        held = [number for number, place in enumerate(corners, 1) if place in room.places]
        edge = any(r in (0, h - 1) or c in (0, w - 1) for r, c in room.places)
        value = held[0] if held else 6 if centre & set(room.places) else 5 if edge else 7
        for place in room.places:
            made[place] = value
    return made


def run_twin(number, argument, grid, y, x, height, width):
    """The twin of ``run_kernel``."""
    twins = (
        lambda: stepped(grid, argument),
        lambda: bridged(grid),
        lambda: crossed(grid),
        lambda: full_lines(grid, argument),
        lambda: dotted(grid),
        lambda: spanned(grid),
        lambda: elbowed(grid),
        lambda: slanted(grid, argument),
        lambda: spaced(grid, argument),
        lambda: grid[np.ix_((0, -1), (0, -1))],
        lambda: lined(grid),
        lambda: continued(grid),
        lambda: edged_twice(grid),
        lambda: distances(grid, *divmod(argument, 4)),
        lambda: spread_out(grid, argument),
        lambda: offsets(grid, *divmod(argument, 5)),
        lambda: rectangles(grid),
        lambda: leaked(grid),
        lambda: middles(grid, *divmod(argument, 4)),
        lambda: rayed(grid, argument),
        lambda: burst_out(grid),
        lambda: grown(grid),
        lambda: skeleton(grid),
        lambda: cornered_rooms(grid),
        lambda: clustered(grid),
        lambda: bent(grid),
        lambda: detoured(grid, *(DIRECTIONS[k] for k in divmod(argument, 4))),
        lambda: coiled(grid) if argument else wound(grid),
        lambda: flowed(grid),
        lambda: smeared_within(grid),
        lambda: hit(grid),
        lambda: turned_whole(grid, argument),
    )
    made = twins[number]()
    return None if made is None else (made, y, x)
