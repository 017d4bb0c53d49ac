"""Slow, obvious twins of the search's kernels that complete objects to copies of others."""

from itertools import product

import numpy as np

from tests.naive_search import cells_of, inside, neighbours
from tests.naive_search_objects import things


def turned_tile(tile, how):
    """A tile under one of the eight symmetries."""
    tile = tile[::-1] if how & 1 else tile
    tile = tile[:, ::-1] if how & 2 else tile
    return tile.T if how & 4 else tile


def some_rich(grid, diagonal, most):
    """The objects, where there are not too many and one has several colours; else none."""
    objects = things(grid, diagonal)
    rich = any(len(thing.counts) > 1 for thing in objects)
    return objects if rich and len(objects) <= most else []


def laid(tile, top, left):
    """The places and colours of a tile that is put somewhere."""
    return {(top + r, left + c): int(tile[r, c]) for r, c in cells_of(tile)}


def completed_part(grid, part, whole, turned):
    """The cells of the object that a part belongs to, at the first place where it fits; None."""
    for how in range(8 if turned else 1):
        tile = turned_tile(whole.grid, how)
        for down, right in np.ndindex(tile.shape):
            cells = laid(tile, part.top - down, part.left - right)
            if all(cells.get(place) == grid[place] for place in part.places):
                return cells
    return None


def parts_completed(grid, turned):
    """Twin of ``complete_parts``."""
    objects = some_rich(grid, 1, 40)
    if not objects:
        return None
    made = grid.copy()
    for part in (thing for thing in objects if len(thing.counts) > 1):
        larger = sorted(
            (thing for thing in objects if thing.area > part.area),
            key=lambda t: (-len(t.counts), -t.area),
        )
        found = (completed_part(grid, part, whole, turned) for whole in larger)
        for place, colour in next((cells for cells in found if cells), {}).items():
            if inside(grid, *place):
                made[place] = colour
    return made


def stands(grid, cells, keys):
    """Twin of ``keys_stand``."""
    ours = {place for place, colour in cells.items() if colour in keys}
    if not all(inside(grid, *place) and grid[place] == cells[place] for place in ours):
        return False
    around = {near for place in ours for near in neighbours(grid, place, True)}
    others = {place for place in cells if place not in ours and inside(grid, *place)}
    return not any(grid[place] for place in (around - ours) | others)


def keys_completed(grid, made, thing, keys, turned, scale):
    """Twin of ``complete_keys``: what it draws on ``made``."""
    cells = sum(thing.counts[colour] for colour in keys)
    if cells in (0, thing.area):
        return
    for how in range(8 if turned and cells > 1 else 1):
        tile = turned_tile(np.kron(thing.grid, np.ones((scale, scale), np.uint8)), how)
        h, w = grid.shape
        r, c = cells_of(tile, lambda v: v in keys)[0]
        for top, left in product(range(-r, h - r), range(-c, w - c)):
            if grid[top + r, left + c] != tile[r, c]:
                continue
            there = laid(tile, top, left)
            if stands(grid, there, keys):
                for place, colour in there.items():
                    if inside(grid, *place) and not made[place]:
                        made[place] = colour


def completed_by_colour(grid):
    """Twin of ``complete_by_colour``."""
    objects = some_rich(grid, 1, 40)
    if not objects:
        return None
    made = grid.copy()
    for thing in objects:
        for colour in sorted(thing.counts):
            keys_completed(grid, made, thing, {colour}, False, 1)
    return made


def completed_scaled(grid, turned, erase):
    """Twin of ``complete_scaled``."""
    objects = some_rich(grid, 1, 100)
    if not objects:
        return None
    most = max(len(thing.counts) for thing in objects)
    richest = [thing for thing in objects if len(thing.counts) == most]
    keys = {colour for thing in objects if thing not in richest for colour in thing.counts}
    made = grid.copy()
    for thing in richest:
        for scale in range(1, 5):
            keys_completed(grid, made, thing, keys, turned, scale)
    for thing in richest if erase else ():
        for place in thing.places:
            made[place] = 0
    return made


def ordered_by_legend(grid):
    """Twin of ``legend_order``."""
    objects = some_rich(grid, 1, 100)
    if not objects:
        return None
    legend = max(objects, key=lambda thing: len(thing.counts))
    rest = [thing for thing in objects if thing is not legend]
    rest.sort(key=lambda t: (t.top, t.left))
    colours = [grid[place] for place in legend.places]
    if len(colours) != len(rest):
        colours = [colour for colour in colours if colour != legend.colour]
    if len(colours) != len(rest):
        return None
    made = grid.copy()
    for thing, colour in zip(rest, colours, strict=True):
        for place in thing.places:
            made[place] = colour
    return made


def look_copied(grid):
    """Twin of ``copy_look``."""
    objects = some_rich(grid, 0, 60)
    if not objects:
        return None
    made = grid.copy()
    rich = [thing for thing in objects if len(thing.counts) > 1]
    for thing in (t for t in objects if len(t.counts) == 1):
        looks = (turned_tile(other.grid, how) for how in range(8) for other in rich)
        look = next((tile for tile in looks if np.array_equal(tile > 0, thing.grid > 0)), None)
        if look is not None:
            box = thing.box(made)
            box[look > 0] = look[look > 0]
    return made
