"""Slow, obvious twins of the search's kernels about objects and their relations."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from tests.naive_search import cells_of, inside, neighbours, ranked
from tests.naive_search_fill import reachable


@dataclass(eq=False)
class Thing:
    """An object: its places in reading order, its grid (nothing else in its box), and the corners of its
    box."""

    places: list
    grid: np.ndarray
    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self):
        return len(self.places)

    @property
    def counts(self):
        return Counter(int(v) for v in self.grid.ravel() if v)

    @property
    def colour(self):
        return max(self.counts, key=lambda colour: (self.counts[colour], -colour))

    @property
    def shape(self):
        return self.grid.shape

    def box(self, grid):
        """The grid in the object's box."""
        return grid[self.top : self.bottom + 1, self.left : self.right + 1]


def things(grid, kind):
    """The objects of a grid in reading order; ``kind``: 1 diagonal + 2 one colour."""
    left, found = set(cells_of(grid)), []
    for start in cells_of(grid):
        if start not in left:
            continue
        colour = grid[start] if kind >= 2 else None
        places = reachable(grid, [start], lambda p, c=colour: grid[p] == c if c else grid[p] != 0, kind % 2)
        left -= places
        rows, columns = [r for r, _ in places], [c for _, c in places]
        top, low, bottom, right = min(rows), min(columns), max(rows), max(columns)
        own = np.zeros((bottom - top + 1, right - low + 1), np.uint8)
        for r, c in places:
            own[r - top, c - low] = grid[r, c]
        found.append(Thing(sorted(places), own, top, low, bottom, right))
    return found


def painted(grid, objects, values):
    """A grid on which each object has one colour, at most 9."""
    made = np.zeros_like(grid)
    for thing, value in zip(objects, values, strict=True):
        for place in thing.places:
            made[place] = min(9, value)
    return made


def only(grid, objects, flags):
    """Only the objects with a flag; None where that is none of them."""
    if not any(flags):
        return None
    made = np.zeros_like(grid)
    for thing, flag in zip(objects, flags, strict=True):
        for place in thing.places if flag else ():
            made[place] = grid[place]
    return made


def holes(thing):
    """How many regions of other cells the object encloses in its box."""
    around = np.pad(thing.grid, 1)
    empty = set(cells_of(around, lambda v: v == 0))
    count = -1
    while empty:
        empty -= reachable(around, [min(empty)], lambda place: around[place] == 0, False)
        count += 1
    return count


def number_of(thing, objects, shape, what):
    """Twin of ``measure``."""
    tall, wide = thing.shape
    if what in (0, 1):
        areas = {other.area for other in objects}
        return 1 + sum(area > thing.area if what == 0 else area < thing.area for area in areas)
    if what == 6:
        across, down = (thing.grid == thing.grid[:, ::-1]).all(), (thing.grid == thing.grid[::-1]).all()
        return 3 if across and down else 1 if across else 2 if down else 4
    if what == 7:
        return sum(np.array_equal(thing.grid != 0, other.grid != 0) for other in objects)
    if what == 8:
        return (
            1
            if thing.top == 0
            or thing.left == 0
            or thing.bottom == shape[0] - 1
            or thing.right == shape[1] - 1
            else 2
        )
    if what == 12:
        return min(thing.counts, key=lambda colour: (thing.counts[colour], colour))
    return {
        2: thing.area,
        3: tall,
        4: wide,
        5: holes(thing) + 1,
        9: 1 if thing.area == tall * wide else 2,
        10: 1 if wide > tall else 2 if wide < tall else 3,
        11: thing.colour,
        13: len(thing.counts),
        14: 1 + sum(other.left < thing.left for other in objects),
        15: 1 + sum(other.top < thing.top for other in objects),
        16: 1 if thing.area == 1 else 2,
    }[what]


def kept(grid, what, objects):
    """Twin of ``keep_objects``."""

    def of(thing, measure):
        return number_of(thing, objects, grid.shape, measure)

    tests = (
        lambda t: of(t, 0) == 1, lambda t: of(t, 1) == 1, lambda t: t.area > 1, lambda t: t.area == 1,
        lambda t: of(t, 8) == 1, lambda t: of(t, 8) == 2, lambda t: of(t, 5) > 1, lambda t: of(t, 5) == 1,
        lambda t: of(t, 6) in (1, 3), lambda t: of(t, 6) not in (1, 3), lambda t: of(t, 7) == 1,
        lambda t: of(t, 7) > 1,
        lambda t: of(t, 9) == 1, lambda t: of(t, 9) == 2, lambda t: of(t, 0) > 1, lambda t: t.area > 2,
        lambda t: of(t, 13) == 1, lambda t: of(t, 13) > 1,
    )  # fmt: skip
    return only(grid, objects, [tests[what](thing) for thing in objects])


def boxes(grid, what, objects):
    """Twin of ``box_objects``."""
    made = np.zeros_like(grid) if what == 1 else grid.copy()
    for thing in objects:
        colour = 1 if what == 3 else thing.colour
        rows, columns = range(thing.top, thing.bottom + 1), range(thing.left, thing.right + 1)
        for r in rows:
            for c in columns:
                on_line = r in (thing.top, thing.bottom) or c in (thing.left, thing.right)
                if on_line if what == 2 else grid[r, c] == 0:
                    made[r, c] = colour
    return made


STEPS = [(1, 0), (-1, 0), (0, 1), (0, -1)]  # down, up, right, left


def dropped(grid, where, objects, loose):
    """Loose objects fall on the others, those nearest to the ground first."""
    made = np.zeros_like(grid)
    for thing in objects:
        for place in () if thing in loose else thing.places:
            made[place] = grid[place]
    down, right = STEPS[where]
    front = (lambda t: -t.bottom, lambda t: t.top, lambda t: -t.right, lambda t: t.left)[where]
    for thing in sorted(loose, key=front):
        at = thing.places
        while all(inside(grid, r + down, c + right) and not made[r + down, c + right] for r, c in at):
            at = [(r + down, c + right) for r, c in at]
        for old, new in zip(thing.places, at, strict=True):
            made[new] = grid[old]
    return made


def touched(grid, what, kind):
    """Twin of ``touch_fact``: one-coloured objects."""
    objects = things(grid, kind % 2 + 2)
    near = []
    for thing in objects:
        around = {place for own in thing.places for place in neighbours(grid, own, kind // 2)} - set(
            thing.places
        )
        near.append(max((int(grid[place]) for place in around), default=0))
    if what == 2:
        made = np.zeros_like(grid)
        for thing, flag in zip(objects, near, strict=True):
            for place in thing.places if flag else ():
                made[place] = grid[place]
    else:
        made = painted(grid, objects, near if what == 0 else [1 if value else 2 for value in near])
    return made if made.any() else None


def inside_number(grid, what):
    """Twin of ``inside_fact``."""
    objects = things(grid, 3)
    values = []
    for thing in objects:
        box = thing.box(grid)
        others = [int(v) for v, own in zip(box.ravel(), thing.grid.ravel(), strict=True) if v and not own]
        values.append((others[0] if others else thing.colour) if what == 0 else (1 if others else 2))
    return painted(grid, objects, values)


def object_twin(number, argument, grid, y, x, height, width):
    """The twin of ``object_kernel``."""
    what, kind = divmod(argument, 4)
    objects = things(grid, kind)
    if not objects:
        return None
    if number in (0, 2):
        measure = what if number == 0 else 11 + what
        made = painted(grid, objects, [number_of(thing, objects, grid.shape, measure) for thing in objects])
    elif number == 1:
        made = kept(grid, what, objects)
    elif number == 3:
        made = boxes(grid, what, objects)
    elif number == 4:
        made = dropped(grid, what, objects, objects) if len(objects) <= 60 else None
    elif number == 5:
        made = touched(grid, what, kind)
    else:
        assert number == 6, f"no twin of object transform {number}"
        made = inside_number(grid, what)
    return None if made is None else (made, y, x)


def overlap(a, b):
    """Whether two stretches of whole numbers, ends included, share one."""
    return max(a[0], b[0]) <= min(a[1], b[1])


def lies_in(one, two):
    """Whether a box lies in another one that is not the same."""
    corners = (one.top, one.left, one.bottom, one.right), (two.top, two.left, two.bottom, two.right)
    within = (
        one.top >= two.top and one.left >= two.left and one.bottom <= two.bottom and one.right <= two.right
    )
    return within and corners[0] != corners[1]


def beside(one, two):
    """Whether two objects touch, diagonally too."""
    return any(max(abs(a - i), abs(b - j)) == 1 for a, b in one.places for i, j in two.places)


def gap(one, two):
    """Steps between two boxes."""
    down = max(two.top - one.bottom, one.top - two.bottom, 0)
    return down + max(two.left - one.right, one.left - two.right, 0)


def alike(one, two):
    """Whether two objects have the same cells, turned or mirrored or not."""
    form, other = one.grid != 0, two.grid != 0
    return any(np.array_equal(np.rot90(image, k), other) for image in (form, form[:, ::-1]) for k in range(4))


def partners(one, objects, what):
    """The other objects that count for a relation."""
    others = [two for two in objects if two is not one]

    def in_rows(two):
        return overlap((one.top, one.bottom), (two.top, two.bottom))

    def in_columns(two):
        return overlap((one.left, one.right), (two.left, two.right))

    tests = {
        0: lambda two: two.colour == one.colour,
        1: in_rows,
        2: in_columns,
        3: lambda two: lies_in(one, two),
        4: lambda two: lies_in(two, one),
        6: lambda two: two.area > one.area,
        7: lambda two: two.colour != one.colour and np.array_equal(one.grid != 0, two.grid != 0),
        8: lambda two: two.colour != one.colour and alike(one, two),
        9: lambda two: two.colour != one.colour and in_rows(two),
        10: lambda two: two.colour != one.colour and in_columns(two),
        11: lambda two: lies_in(one, two),
        13: lambda two: two.colour == one.colour and two.area > one.area,
        14: lambda two: beside(one, two),
        15: lambda two: beside(one, two),
        16: lambda two: two.area == one.area,
    }
    return [two for two in others if what not in tests or tests[what](two)]


def related(one, objects, what):
    """Twin of ``relation``."""
    found = partners(one, objects, what)
    if what in (0, 1, 2, 3, 4, 13, 14, 16):
        return 1 + len(found)
    if what == 12:
        return 1 + min((gap(one, two) for two in found), default=0)
    return min(found, key=lambda two: (gap(one, two), -two.area)).colour if found else one.colour


def kept_among(grid, what, objects):
    """Twin of ``keep_related``."""
    largest = max(objects, key=lambda thing: thing.area)
    rare = ranked(grid, -1)

    def asks(one):
        return (
            bool(partners(one, objects, 3)),
            bool(partners(one, objects, 4)),
            bool(partners(one, objects, 14)),
            one.colour != rare and any(two.colour == rare and beside(one, two) for two in objects),
            not partners(one, objects, 0),
            bool(partners(one, objects, 1) or partners(one, objects, 2)),
            not partners(one, objects, 13),
            one is not largest and alike(one, largest),
        )[what // 2]

    return only(grid, objects, [asks(one) == (what % 2 == 0) for one in objects])


def layers(thing, diagonal):
    """The number of each place of an object by how often its outline must be taken off before it goes."""
    left = np.pad(thing.grid != 0, 1)
    numbers, layer = np.zeros(left.shape, int), 0
    while left.any():
        layer += 1
        outer = [p for p in cells_of(left) if not all(left[near] for near in neighbours(left, p, diagonal))]
        for place in outer:
            numbers[place] = layer
        for place in outer:
            left[place] = False
    return numbers[1:-1, 1:-1]


def local_number(thing, r, c, what):
    """The number of a place in an object; what: as for ``local_fact``."""
    row, column, up, back = r - thing.top, c - thing.left, thing.bottom - r, thing.right - c
    if what in (4, 5):
        return layers(thing, what == 5)[row, column]
    ends = (0 in (row, up)) + (0 in (column, back))
    return (
        1 + row % 2, 1 + column % 2, 1 + (row + column) % 2, 1 + min(row, column, up, back), 0, 0, 3 - ends,
        row + 1,
        column + 1, up + 1, back + 1, 1 if row == up or column == back else 2,
        1 + 2 * (row > up) + (column > back),
    )[what]  # fmt: skip


def room_twin(grid, what, kind):
    """Twin of ``room_fact``."""
    canvas = grid + 1 if kind == 2 else (grid == 0).astype(np.uint8)
    objects = things(canvas, 1 if kind == 1 else kind)
    if not objects or len(objects) > 200:
        return None
    return painted(canvas, objects, [number_of(thing, objects, grid.shape, what) for thing in objects])


def wall_twin(grid, what):
    """Twin of ``room_wall``: each coloured cell counts once for each cell of the room beside it."""
    rooms = things((grid == 0).astype(np.uint8), 0)
    values = []
    for room in rooms:
        wall = [int(grid[n]) for place in room.places for n in neighbours(grid, place, False) if grid[n]]
        counts = Counter(wall)
        best = max(counts, key=lambda colour: (counts[colour], -colour)) if counts else 0
        rare = min(counts, key=lambda colour: (counts[colour], colour)) if counts else 0
        values.append((best, rare, len(counts), 1 if len(counts) == 1 else 2, len(wall))[what])
    return painted(grid, rooms, values) if rooms else None


def key_twin(grid, way, erase):
    """Twin of ``follow_key``."""
    objects = things(grid, 0)
    keys = [thing for thing in objects if thing.area == 2 and len(thing.counts) == 2]
    if not keys or len(keys) == len(objects):
        return None
    becomes = {}
    for key in keys:
        one, two = (int(grid[place]) for place in key.places)
        for old, new in ((one, two),) * (way != 1) + ((two, one),) * (way != 0):
            if becomes.setdefault(old, new) != new:
                return None
    made = np.zeros_like(grid)
    for thing in objects:
        for place in thing.places:
            own = int(grid[place])
            made[place] = (0 if erase else own) if thing in keys else becomes.get(own, own)
    return made


def relation_twin(number, argument, grid, y, x, height, width):
    """The twin of ``relation_kernel``."""
    what, kind = divmod(argument, 4)
    objects = things(grid, kind)
    if number in (0, 1) and not 1 <= len(objects) <= 60:
        return None
    if number == 0:
        made = painted(grid, objects, [related(thing, objects, what) for thing in objects])
    elif number == 1:
        made = kept_among(grid, what, objects)
    elif number == 2:
        made = np.zeros_like(grid)
        for thing in objects:
            for r, c in thing.places:
                made[r, c] = min(9, local_number(thing, r, c, what))
        made = made if objects else None
    elif number == 3:
        made = room_twin(grid, what, kind)
    elif number == 4:
        made = wall_twin(grid, what)
    else:
        assert number == 5, f"no twin of relation transform {number}"
        made = key_twin(grid, what, kind)
    return None if made is None else (made, y, x)
