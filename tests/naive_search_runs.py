"""Slow, obvious twins of the search's kernels that draw and measure on the grid."""

from itertools import pairwise

import numpy as np

from tests.naive_search import cells_of, inside, ranked
from tests.naive_search_fill import DIRECTIONS, chosen


def stepped(grid, bits):
    """Twin of ``step_smear``: every empty cell asks the cells that could reach it."""
    made = grid.copy()
    for r, c in cells_of(grid, lambda v: v == 0):
        sources = sorted((r - down, c - right) for down, right in chosen(DIRECTIONS, bits))
        made[r, c] = next((grid[p] for p in sources if inside(grid, *p) and grid[p]), 0)
    return made


def bridged(grid, bits):
    """Twin of ``bridge``."""
    made = grid.copy()
    for bit, (source, target) in enumerate(((grid, made), (grid.T, made.T))):
        for line, drawn in zip(source, target, strict=True):
            if bits >> bit & 1 and line[0] and line[0] == line[-1]:
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


def spanned(grid, columns):
    """Twin of ``spans``."""
    parts = []
    for line in grid.T if columns else grid:
        markers = [k for k, v in enumerate(line) if v not in (0, ranked(grid, 0))]
        part = line[markers[0] + 1 : markers[-1]] if markers else []
        if len(part):
            parts.append(part)
    if not parts:
        return None
    longest = max(map(len, parts))
    made = np.array([[*part, *[0] * (longest - len(part))] for part in parts], np.uint8)
    return made.T if columns else made


def elbowed(grid, what):
    """Twin of ``elbow``."""
    made = grid.copy()
    for colour in range(1, 10):
        places = cells_of(grid, lambda v, wanted=colour: v == wanted)
        if len(places) == 1 and what == 2:
            places.append((grid.shape[0] - 1, places[0][1]))
        elif len(places) != 2:
            continue
        (top, one), (low, two) = places
        column, row = (two, top) if what == 1 else (one, low)
        way = {(r, column) for r in range(top, low + 1)}
        way |= {(row, c) for c in range(min(one, two), max(one, two) + 1)}
        for place in way:
            made[place] = made[place] or colour
    return made


def slanted(grid, right, bottom):
    """Twin of ``slant``."""
    made = np.zeros_like(grid)
    rows = [r for r, _ in cells_of(grid)]
    for r, c in cells_of(grid):
        steps = max(rows) - r if bottom else r - min(rows)
        place = (r, c + steps if right else c - steps)
        if inside(grid, *place):
            made[place] = grid[r, c]
    return made


def spaced(grid, gap):
    """Twin of ``space_out``."""
    made = np.zeros([(side - 1) * (gap + 1) + 1 for side in grid.shape], np.uint8)
    made[:: gap + 1, :: gap + 1] = grid
    return made if max(made.shape) <= 30 else None


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


def squares(grid):
    """Twin of ``empty_squares``."""
    made = grid.copy()
    places = list(np.ndindex(grid.shape))
    for side in range(min(grid.shape), 1, -1):
        for r, c in places:
            tile = made[r : r + side, c : c + side]
            if tile.shape == (side, side) and not tile.any():
                tile[...] = 1
    return made


def run_twin(number, argument, grid, y, x, height, width):
    """The twin of ``run_kernel``."""
    twins = (
        lambda: stepped(grid, argument),
        lambda: bridged(grid, argument),
        lambda: crossed(grid),
        lambda: full_lines(grid, argument),
        lambda: dotted(grid),
        lambda: spanned(grid, argument),
        lambda: elbowed(grid, argument),
        lambda: slanted(grid, argument % 2, argument // 2),
        lambda: spaced(grid, argument),
        lambda: grid[np.ix_((0, -1), (0, -1))],
        lambda: distances(grid, *divmod(argument, 4)),
        lambda: spread_out(grid, argument),
        lambda: offsets(grid, *divmod(argument, 5)),
        lambda: rectangles(grid),
        lambda: squares(grid),
    )
    made = twins[number]()
    return None if made is None else (made, y, x)
