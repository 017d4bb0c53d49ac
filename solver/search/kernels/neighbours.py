"""Kernels about what lies beside an object or inside its box, and the kernel of the family."""

from solver.search.jit import inner, outer
from solver.search.kernels.objects import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    box_objects,
    fall_objects,
    keep_objects,
    label,
    object_fact,
    paint_objects,
)
from solver.search.kernels.shape import NONE


@inner
def touch_fact(grid, y, x, what, kind, out, work):
    """Every object painted by the colours of other objects beside it (four neighbours): 0 the colour of a
    neighbour, largest number first; 1: 1 touches another object, 2 none; 2: keeps only those that touch."""
    count = label(grid, kind % 2, 1, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    for number in range(count):
        work[8, number] = 0
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            if number == 0:
                continue
            for i in range(max(r - 1, 0), min(r + 2, h)):
                for j in range(max(c - 1, 0), min(c + 2, w)):
                    if i != r and j != c and kind // 2 == 0:
                        continue
                    other = work[0, i * w + j]
                    if other and other != number:
                        work[8, number - 1] = max(work[8, number - 1], grid[i, j])
    some = False
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            value = 0
            if number:
                near = work[8, number - 1]
                if what == 0:
                    value = near
                elif what == 1:
                    value = 1 if near else 2
                else:
                    value = grid[r, c] if near else 0
            out[r, c] = value
            some = some or value > 0
    if not some:
        return NONE
    return h, w, y, x


@inner
def inside_fact(grid, y, x, what, out, work):
    """Every one-coloured object painted in a colour from the box of its cells: 0 the first other colour
    inside its box, else its own; 1: 1 where its box holds another colour, 2 where not."""
    count = label(grid, 1, 1, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    for number in range(count):
        found = 0
        for r in range(work[TOP, number], work[BOTTOM, number] + 1):
            for c in range(work[LEFT, number], work[RIGHT, number] + 1):
                if grid[r, c] != 0 and work[0, r * w + c] != number + 1 and found == 0:
                    found = grid[r, c]
        work[8, number] = found
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            value = 0
            if number:
                found = work[8, number - 1]
                value = (found if found else grid[r, c]) if what == 0 else (1 if found else 2)
            out[r, c] = value
    return h, w, y, x


@outer
def object_kernel(number, argument, grid, y, x, height, width, out, work):
    """The object transform of this number; arguments: what * 4 + kind."""
    what, kind = argument // 4, argument % 4
    if number == 0:
        return object_fact(grid, y, x, what, kind, out, work)
    if number == 1:
        return keep_objects(grid, y, x, what, kind, out, work)
    if number == 2:
        return paint_objects(grid, y, x, what, kind, out, work)
    if number == 3:
        return box_objects(grid, y, x, what, kind, out, work)
    if number == 4:
        return fall_objects(grid, y, x, what, kind, out, work)
    if number == 5:
        return touch_fact(grid, y, x, what, kind, out, work)
    if number == 6:
        return inside_fact(grid, y, x, what, out, work)
    return NONE
