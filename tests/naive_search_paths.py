"""Slow, obvious twins of the search's kernels that walk over the grid and turn it."""

from collections import Counter

import numpy as np

from tests.naive_search import BESIDE, cells_of, inside, neighbours, ranked
from tests.naive_search_fill import DIRECTIONS, chosen, ray, until_coloured


def rarest_on(grid, places):
    """The rarest colour of these places, the smallest of several; 0 where none is coloured."""
    colours = {int(grid[place]) for place in places} - {0}
    return min(colours, key=lambda colour: (np.count_nonzero(grid == colour), colour), default=0)


def detoured(grid, way, side):
    """Twin of ``detour``."""
    before = [(r, c) for r, c in np.ndindex(grid.shape) if not inside(grid, r - way[0], c - way[1])]
    colour = rarest_on(grid, before)
    made = grid.copy()
    for r, c in cells_of(grid, lambda v: v and v == colour):
        while True:
            steps = [(r + way[0], c + way[1]), (r + side[0], c + side[1])]
            if not inside(grid, *steps[0]):
                break
            r, c = steps[0] if grid[steps[0]] in (0, colour) else steps[1]
            if not inside(grid, r, c) or grid[r, c] not in (0, colour):
                break
            made[r, c] = colour
    return made


def wound(grid):
    """Twin of ``spiral_around``."""
    places = cells_of(grid, lambda v: v and v == ranked(grid, -1))
    if len(places) != 1:
        return None
    made = grid.copy()
    r, c = places[0]
    steps = [(-1, 0), (0, 1), (1, 0), (0, -1)]
    turns = [step for k in range(40) for step in [steps[k % 4]] * (k - k % 2 + 2)]
    for down, right in turns + [s for k in range(40, 64) for s in [steps[k % 4]] * (k - k % 2 + 2)]:
        r, c = r + down, c + right
        if inside(grid, r, c):
            if grid[r, c]:
                break
            made[r, c] = grid[places[0]]
    return made


def coiled(grid):
    """Twin of ``spiral_inside``: each side goes on until the next but one cell is drawn or the edge comes."""
    made = np.zeros_like(grid)
    walls = np.pad(made, 2)
    made[0, 0] = walls[2, 2] = 1
    place, side, moved = (2, 2), 0, [True, True]
    while any(moved[-2:]):
        down, right = ((0, 1), (1, 0), (0, -1), (-1, 0))[side % 4]
        moved.append(False)
        while True:
            r, c = place[0] + down, place[1] + right
            free = inside(made, r - 2, c - 2) and not walls[r, c] and not walls[r + down, c + right]
            if not free:
                break
            place, moved[-1] = (r, c), True
            made[r - 2, c - 2] = walls[r, c] = 1
        side += 1
    return made


def flowed(grid):
    """Twin of ``flow_alternate``."""
    seeds = set(cells_of(grid, lambda v: v not in (0, ranked(grid, 0))))
    made = grid.copy()
    ways = []  # of cells, the last one is where it has come to
    for r, c in sorted(seeds):
        beside = [(r + down, c + right) for down, right in BESIDE]
        before = [place for place in beside if place in seeds and grid[place] != grid[r, c]]
        ways += [[before[0], (r, c)]] if before else []
    for way in ways:
        for down, right in BESIDE:
            place = (way[-1][0] + down, way[-1][1] + right)
            if inside(grid, *place) and not made[place]:
                made[place] = made[way[-2]]
                ways.append([*way, place])
    return made


def smeared_within(grid):
    """Twin of ``smear_within``."""
    alike = [pairs.mean() if pairs.size else 0 for pairs in (np.diff(grid) == 0, np.diff(grid, axis=0) == 0)]
    bits = 12 if alike[0] > alike[1] else 3
    made = grid.copy()
    for r, c in np.ndindex(grid.shape):
        near = Counter(int(grid[place]) for place in neighbours(grid, (r, c), True))
        colour, times = max(near.items(), key=lambda item: item[1], default=(0, 0))
        if grid[r, c] in near or times * 2 <= near.total():
            continue
        for step in chosen(DIRECTIONS, bits):
            for place in ray(grid, r, c, step):
                if grid[place] not in (colour, grid[r, c]):
                    break
                made[place] = grid[r, c]
    return made


def hit(grid):
    """Twin of ``hits``."""
    made = np.zeros_like(grid)
    colour = ranked(grid, -1)
    for r, c in cells_of(grid, lambda v: v and v == colour):
        for step in BESIDE:
            end = until_coloured(grid, ray(grid, r, c, step))[1]
            if end and grid[end] != colour:
                made[end] = colour
    return made


def turned_about(grid, down, right, turns):
    """The coloured cells turned by quarters about a middle in half cells; None where one leaves the image."""
    made = {}
    for r, c in cells_of(grid):
        away = complex(c - right / 2, r - down / 2) * 1j**turns
        place = (round(away.imag + down / 2), round(away.real + right / 2))
        if not inside(grid, *place):
            return None
        made[place] = int(grid[r, c])
    return made


def turned_whole(grid, quarter):
    """Twin of ``turn_symmetry``."""
    if not grid.any():
        return grid
    best = None
    rows, columns = zip(*cells_of(grid), strict=True)
    for down in range(2 * min(rows), 2 * max(rows) + 1):
        for right in range(2 * min(columns), 2 * max(columns) + 1):
            if quarter and (down + right) % 2:
                continue
            parts = [turned_about(grid, down, right, turns) for turns in ((2, 1, 3) if quarter else (2,))]
            made = grid.copy()
            for place, colour in (item for part in parts if part for item in part.items()):
                made[place] = colour if made[place] in (0, colour) else 99
            added = np.count_nonzero(made) - np.count_nonzero(grid)
            if None not in parts and made.max() < 99 and (best is None or added < best[0]):
                best = (added, made)
    return grid if best is None else best[1]
