"""Slow, obvious twins of the search's kernels that draw between things, move them."""

from collections import Counter

import numpy as np

from tests.naive_search import cells_of, inside, neighbours, ranked
from tests.naive_search_fill import DIRECTIONS, LINES, chosen, ray, until_coloured
from tests.naive_search_objects import STEPS, dropped, overlap, things


def by_choice(grid, which):
    """Twin of ``chosen_colour``."""
    if which > 10:
        return which - 10
    return ranked(grid, (0, -1, 1)[which])


def alone(grid, place):
    """Whether no neighbour is coloured."""
    return not any(grid[near] for near in neighbours(grid, place, True))


def smeared_some(grid, which, bits):
    """Twin of ``smear_some``."""
    colour = None if which == 3 else by_choice(grid, which)
    if colour == 0:
        return None
    made = grid.copy()
    for r, c in cells_of(grid):
        if alone(grid, (r, c)) if which == 3 else grid[r, c] == colour:
            for step in chosen(DIRECTIONS, bits):
                for place in until_coloured(grid, ray(grid, r, c, step))[0]:
                    made[place] = made[place] or grid[r, c]
    return made


def reached(grid, what, bits):
    """Twin of ``reach``."""
    made = grid.copy()
    for r, c in cells_of(grid):
        own = grid[r, c]
        if (what == 0 and not alone(grid, (r, c))) or (what in (1, 2) and own != ranked(grid, -1)):
            continue
        for step in chosen(DIRECTIONS, bits):
            free, end = until_coloured(grid, ray(grid, r, c, step))
            if end and (grid[end] != own or what == 4):
                for place in free:
                    made[place] = own if what < 2 else grid[end] if what == 2 else 1
    return made


def connected_over(grid, bits):
    """Twin of ``connect_over``."""
    made = grid.copy()
    for step in chosen(LINES, bits):
        for r, c in cells_of(grid):
            places = ray(grid, r, c, step)
            same = [k for k, place in enumerate(places) if grid[place] == grid[r, c]]
            if same and same[0]:
                for place in places[: same[0]]:
                    made[place] = grid[r, c]
    return made


def only_neighbour(grid, place):
    """The step to the only coloured neighbour, None where there are several or none."""
    near = [n for n in neighbours(grid, place, False) if grid[n]] or [
        n for n in neighbours(grid, place, True) if grid[n]
    ]
    return (near[0][0] - place[0], near[0][1] - place[1]) if len(near) == 1 else None


def reflected_way(grid, r, c, down, right):
    """The empty places that a ray visits that is reflected at edges and coloured cells."""
    h, w = grid.shape
    way = []
    for _ in range(120):
        blocked = not 0 <= c + right < w or (right and 0 <= r + down < h and grid[r, c + right])
        if blocked:
            right = -right
        elif down and 0 <= r + down < h and grid[r + down, c]:
            down = -down
        r, c = r + down, c + right
        if not inside(grid, r, c) or grid[r, c]:
            break
        way.append((r, c))
    return way


def tailed(grid, what):
    """Twin of ``tails``."""
    made = grid.copy()
    for r, c in cells_of(grid):
        step = only_neighbour(grid, (r, c))
        if not step or (grid[r + step[0], c + step[1]] == grid[r, c]) != (what in (0, 3)):
            continue
        back = (-step[0], -step[1])
        if what == 2:
            places = ray(grid, r, c, step)
            while places and grid[places[0]]:
                places.pop(0)
            way = until_coloured(grid, places)[0]
        elif what == 3:
            way = reflected_way(grid, r, c, *back)
        else:
            way = until_coloured(grid, ray(grid, r, c, back))[0]
        for place in way:
            made[place] = made[place] or grid[r, c]
    return made


def edged(grid, what):
    """Twin of ``to_edge``."""
    made = grid.copy()
    for r, c in cells_of(grid):
        if not alone(grid, (r, c)):
            continue
        lengths = [len(ray(grid, r, c, step)) for step in DIRECTIONS[:4]]
        best = lengths.index(max(lengths) if what == 1 else min(lengths))
        for k in (best, best ^ 1) if what == 2 else (best,):
            for place in until_coloured(grid, ray(grid, r, c, DIRECTIONS[k]))[0]:
                made[place] = grid[r, c]
    return made


def flooded(grid, which, diagonal, once):
    """Twin of ``flood``."""
    colour = by_choice(grid, which)
    if not colour:
        return None
    made = grid.copy()
    while True:
        wet = [
            n
            for p in cells_of(made, lambda v: v == colour)
            for n in neighbours(made, p, diagonal)
            if made[n] == 0
        ]
        for place in wet:
            made[place] = colour
        if once or not wet:
            return made


def window_colours(grid, r, c):
    """How often each colour is in the 3 x 3 window."""
    return Counter(int(v) for v in grid[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].ravel())


def ruled(grid, what):
    """Twin of ``cell_rule``: cells change one after another in reading order where the rule repeats."""
    made = grid.copy()
    if what >= 2:
        for r, c in np.ndindex(grid.shape):
            counts = window_colours(grid, r, c)
            if what == 2 or counts[int(grid[r, c])] == 1:
                made[r, c] = max(counts, key=lambda colour: (counts[colour], -colour))
        return made
    again = True
    while again:
        again = False
        for r, c in np.ndindex(grid.shape):
            near = sum(made[place] != 0 for place in neighbours(made, (r, c), what == 1))
            if what == 1 and made[r, c] and near <= 1:
                made[r, c], again = 0, True
            if what == 0 and not made[r, c] and near >= 3:
                counts = window_colours(made, r, c)
                del counts[0]
                made[r, c], again = max(counts, key=lambda colour: (counts[colour], -colour)), True
    return made


def way_to(thing, anchors):
    """The direction (place in STEPS) of the nearest of the objects that shares rows or columns without
    overlap."""
    best, way = 1000, None
    for other in anchors:
        rows = overlap((thing.top, thing.bottom), (other.top, other.bottom))
        columns = overlap((thing.left, thing.right), (other.left, other.right))
        if rows == columns:
            continue
        if rows:
            away, where = (
                (other.left - thing.right, 2) if other.left > thing.right else (thing.left - other.right, 3)
            )
        else:
            away, where = (
                (other.top - thing.bottom, 0) if other.top > thing.bottom else (thing.top - other.bottom, 1)
            )
        if away < best:
            best, way = away, where
    return way


def moved_to(grid, what, kind, trail):
    """Twin of ``move_to``."""
    objects = things(grid, kind)
    if not objects:
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
    made = np.zeros_like(grid)
    for thing in fixed:
        for place in thing.places:
            made[place] = grid[place]
    wall = made.copy()

    def way_of(thing):
        where = way_to(thing, fixed)
        if where is None:
            return 0, (0, 0)
        ways = [until_coloured(wall, ray(wall, r, c, STEPS[where])) for r, c in thing.places]
        hits = any(end for _, end in ways)
        return min(len(free) for free, _ in ways) if hits else 0, STEPS[where]

    lengths = {thing.places[0]: way_of(thing)[0] for thing in objects if thing not in fixed}
    for thing in sorted((t for t in objects if t not in fixed), key=lambda t: lengths[t.places[0]]):
        steps, (down, right) = way_of(thing)
        for r, c in thing.places:
            for k in range(0 if trail else steps, steps + 1):
                made[r + k * down, c + k * right] = grid[r, c]
            wall[r + steps * down, c + steps * right] = 1
    return made


def repeated(grid, what, where):
    """Twin of ``repeat_objects``."""
    made = np.zeros_like(grid) if what == 2 else grid.copy()
    some = False
    objects = things(grid, 1)
    if not objects:
        return None
    for thing in objects:
        tall, wide = thing.shape
        tile = thing.grid
        if what == 0:
            tile = tile[::-1] if where < 2 else tile[:, ::-1]
        down, right = STEPS[where][0] * tall, STEPS[where][1] * wide
        for k in range(1, 31 if what == 3 else 2):
            for r, c in cells_of(tile):
                place = thing.top + r + k * down, thing.left + c + k * right
                if inside(grid, *place) and not made[place]:
                    made[place] = tile[r, c]
                    some = True
    return None if what == 2 and not some else made


def fallen_some(grid, which, where):
    """Twin of ``fall_some``."""
    objects = things(grid, 3)
    colour = by_choice(grid, which)
    loose = [thing for thing in objects if thing.colour == colour]
    return dropped(grid, where, objects, loose) if colour and 0 < len(objects) <= 60 else None


def met(grid, bits, what):
    """Twin of ``meet``."""
    made = grid.copy()
    for step in chosen(LINES, bits):
        for r, c in cells_of(grid):
            free, end = until_coloured(grid, ray(grid, r, c, step))
            if not free or not end or grid[end] == grid[r, c]:
                continue
            for k, place in enumerate(free):
                back = len(free) - 1 - k
                made[place] = grid[r, c] if k < back else grid[end] if back < k else 5 * what
    return made


def projected(grid, what, diagonal):
    """Twin of ``project``."""
    made = grid.copy()
    for r, c in cells_of(grid):
        for step in DIRECTIONS[: 8 if diagonal else 4] if alone(grid, (r, c)) else ():
            free, end = until_coloured(grid, ray(grid, r, c, step))
            if end and not alone(grid, end):
                made[end if what == 0 else free[-1]] = grid[r, c]
    return made


def cornered(grid, what):
    """Twin of ``corner_rays``."""
    made = grid.copy()
    for r, c in np.ndindex(grid.shape[0] - 1, grid.shape[1] - 1):
        square = grid[r : r + 2, c : c + 2]
        if np.count_nonzero(square) != 3:
            continue
        i, j = (int(v) for v in np.argwhere(square == 0)[0])
        step = (2 * i - 1, 2 * j - 1)
        start = (r + i, c + j)
        way = ray(grid, *start, step)
        for place in until_coloured(grid, way if what else [start, *way])[0]:
            made[place] = square[1 - i, 1 - j]
    return made


def marked(grid, what, kind):
    """Twin of ``mark_corners``."""
    objects = things(grid, kind)
    if not objects or len(objects) > 60:
        return None
    made = grid.copy()
    for thing in objects:
        corners = (
            (thing.top, thing.left, -1, -1), (thing.top, thing.right, -1, 1), (thing.bottom, thing.left, 1,
            -1),
            (thing.bottom, thing.right, 1, 1),
        )  # fmt: skip
        for number, (r, c, down, right) in enumerate(corners, 1):
            place = (r + down, c + right)
            if inside(grid, *place) and not made[place]:
                made[place] = number if what == 0 else grid[r, c]
    return made


def draw_twin(number, argument, grid, y, x, height, width):
    """The twin of ``draw_kernel``."""
    twins = (
        lambda: smeared_some(grid, *divmod(argument, 256)),
        lambda: reached(grid, *divmod(argument, 256)),
        lambda: connected_over(grid, argument),
        lambda: tailed(grid, argument),
        lambda: edged(grid, argument),
        lambda: flooded(grid, argument // 4, argument // 2 % 2, argument % 2),
        lambda: ruled(grid, argument),
        lambda: moved_to(grid, argument // 8, argument // 2 % 4, argument % 2),
        lambda: repeated(grid, *divmod(argument, 4)),
        lambda: fallen_some(grid, *divmod(argument, 4)),
        lambda: met(grid, *divmod(argument, 2)),
        lambda: projected(grid, argument % 2, argument // 2),
        lambda: cornered(grid, argument),
        lambda: marked(grid, *divmod(argument, 4)),
    )
    made = twins[number]()
    return None if made is None else (made, y, x)
