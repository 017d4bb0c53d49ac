"""Kernels that move objects among others, and copy them beside themselves."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.objects import AREA, BOTTOM, LEFT, RIGHT, TOP, fall_flagged, label, measure
from solver.search.kernels.shape import NONE


@inner
def copy_to(grid, out):
    """The grid on ``out``."""
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            out[r, c] = grid[r, c]


@inner
def chosen_colour(grid, which):
    """0 the most frequent, 1 the rarest, 2 the second most frequent colour, 0 where there is none; from 11 on
    colour 1 to 9 itself."""
    if which > 10:
        return which - 10
    return ranked_colour(grid, -1 if which == 1 else which // 2)


@inner
def way_to_fixed(number, count, work):
    """The direction (0 down, 1 up, 2 right, 3 left) of the nearest fixed object in the object's columns or
    rows; -1.

    Fixed objects are those with work[8, object] = 1.
    """
    best, where = 1000, -1
    for other in range(count):
        if other == number or not work[8, other]:
            continue
        down = work[TOP, other] - work[BOTTOM, number]
        up = work[TOP, number] - work[BOTTOM, other]
        right = work[LEFT, other] - work[RIGHT, number]
        left = work[LEFT, number] - work[RIGHT, other]
        if down <= 0 and up <= 0:
            if right > 0 and right < best:
                best, where = right, 2
            if left > 0 and left < best:
                best, where = left, 3
        elif right <= 0 and left <= 0:
            if down > 0 and down < best:
                best, where = down, 0
            if up > 0 and up < best:
                best, where = up, 1
    return where


@inner
def steps_to_fixed(grid, number, where, work):
    """How far an object can move before one of its cells would enter a fixed cell (work[9, cell] = 1) or
    leave the grid; 0 where no fixed cell is in its way."""
    h, w = grid.shape
    down = 1 if where == 0 else -1 if where == 1 else 0
    right = 1 if where == 2 else -1 if where == 3 else 0
    least, edge = 1000, 1000
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            if work[0, r * w + c] != number + 1:
                continue
            i, j = r + down, c + right
            steps = 0
            while 0 <= i < h and 0 <= j < w and not work[9, i * w + j]:
                i += down
                j += right
                steps += 1
            if 0 <= i < h and 0 <= j < w:
                least = min(least, steps)
            else:
                edge = min(edge, steps)
    return 0 if least == 1000 else min(least, edge)


@inner
def move_one(grid, number, where, trail, out, work):
    """Draw an object where ``steps_to_fixed`` lets it go, on its whole way with ``trail`` 1; it is fixed
    then."""
    w = grid.shape[1]
    steps = steps_to_fixed(grid, number, where, work) if where >= 0 else 0
    down = 1 if where == 0 else -1 if where == 1 else 0
    right = 1 if where == 2 else -1 if where == 3 else 0
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            if work[0, r * w + c] == number + 1:
                for step in range(0 if trail == 1 else steps, steps + 1):
                    out[r + step * down, c + step * right] = grid[r, c]
                work[9, (r + steps * down) * w + c + steps * right] = 1


@inner
def move_to(grid, y, x, what, kind, trail, out, work):
    """Objects move along rows or columns until they touch a fixed one, or one that has moved before; the
    shortest ways first. 0: the largest object is fixed, 1: all objects of the most frequent colour, 2: of the
    rarest colour, 3: of more than one cell. With ``trail`` 1 they leave a trail."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 100:
        return NONE
    colour = ranked_colour(grid, 0 if what == 1 else -1)
    largest = 0
    for number in range(count):
        if work[AREA, number] > work[AREA, largest]:
            largest = number
    for number in range(count):
        own = measure(grid, number, count, 11, work)
        fixed = number == largest if what == 0 else own == colour if what < 3 else work[AREA, number] > 1
        work[8, number] = 1 if fixed else 0
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            fixed = number > 0 and work[8, number - 1] == 1
            work[9, r * w + c] = 1 if fixed else 0
            out[r, c] = grid[r, c] if fixed else 0
    for number in range(count):
        where = way_to_fixed(number, count, work)
        work[10, number] = where
        work[11, number] = steps_to_fixed(grid, number, where, work) if where >= 0 else 0
    while True:
        number = -1
        for other in range(count):
            if not work[8, other] and (number < 0 or work[11, other] < work[11, number]):
                number = other
        if number < 0:
            return h, w, y, x
        work[8, number] = 1
        move_one(grid, number, int(work[10, number]), trail, out, work)


@inner
def repeat_objects(grid, y, x, where, what, out, work):
    """Each object (8-connected) once more beside itself on empty cells: 0 below, 1 above, 2 to the right, 3
    to the left. ``what``: 0 mirrored, 1 the same, 2 moved instead of copied, 3 the same again and again to
    the edge."""
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0 or count > 60:
        return NONE
    for r in range(h):
        for c in range(w):
            out[r, c] = 0 if what == 2 else grid[r, c]
    some = False
    for number in range(count):
        top, bottom = work[TOP, number], work[BOTTOM, number]
        left, right = work[LEFT, number], work[RIGHT, number]
        tall = bottom - top + 1 if where < 2 else 0
        wide = right - left + 1 if where >= 2 else 0
        sign = 1 if where % 2 == 0 else -1
        for copy in range(1, 31 if what == 3 else 2):
            for r in range(top, bottom + 1):
                for c in range(left, right + 1):
                    if work[0, r * w + c] != number + 1:
                        continue
                    i = top + bottom - r if what == 0 and where < 2 else r
                    j = left + right - c if what == 0 and where >= 2 else c
                    i += sign * copy * tall
                    j += sign * copy * wide
                    if 0 <= i < h and 0 <= j < w and out[i, j] == 0:
                        out[i, j] = grid[r, c]
                        some = True
    return NONE if what == 2 and not some else (h, w, y, x)


@inner
def fall_some(grid, y, x, where, which, out, work):
    """Objects of one colour (``chosen_colour``) fall, all others stay: 0 down, 1 up, 2 right, 3 left."""
    colour = chosen_colour(grid, which)
    count = label(grid, 1, 1, work)
    if colour == 0 or count == 0 or count > 60:
        return NONE
    for number in range(count):
        own = measure(grid, number, count, 11, work)
        work[8, number] = 0 if own == colour else 1
    return fall_flagged(grid, y, x, where, count, out, work)
