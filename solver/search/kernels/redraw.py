"""Kernels that draw objects anew: changed, framed, or as bars."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.move import copy_to
from solver.search.kernels.objects import BOTTOM, LEFT, RIGHT, TOP, label, measure
from solver.search.kernels.shape import NONE, SIDE, cells_of_colour, count_colours


@inner
def turned_cell(r, c, height, width, how):
    """Where the cell (r, c) of a rectangle lies under symmetry ``how`` 0 to 7: bit 0 up-down, 1 left-right,
    2 transposed."""
    i = height - 1 - r if how & 1 else r
    j = width - 1 - c if how & 2 else c
    if how & 4:
        return j, i
    return i, j


@inner
def two_colours(grid, number, work):
    """The two colours of an object in reading order; 0, 0 where it has one or more than two."""
    w = grid.shape[1]
    one, two = 0, 0
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            colour = int(grid[r, c])
            if work[0, r * w + c] != number + 1 or colour in (one, two):
                continue
            if one == 0:
                one = colour
            elif two == 0:
                two = colour
            else:
                return 0, 0
    if two == 0:
        return 0, 0
    return one, two


@inner
def change_objects(grid, y, x, what, kind, out, work):
    """Every object (with everything in its box) changed in its place: 0 left-right, 1 up-down, 2 turned by
    half, 3 transposed where it is square, 4 its two colours exchanged."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 100:
        return NONE
    copy_to(grid, out)
    for number in range(count):
        top, left = work[TOP, number], work[LEFT, number]
        height = work[BOTTOM, number] - top + 1
        width = work[RIGHT, number] - left + 1
        if what == 3 and height != width:
            return NONE
        one, two = two_colours(grid, number, work) if what == 4 else (0, 0)
        if what == 4 and two == 0:
            continue
        for r in range(height):
            for c in range(width):
                how = 2 if what == 0 else 1 if what == 1 else 3 if what == 2 else 4 if what == 3 else 0
                i, j = turned_cell(r, c, height, width, how)
                value = int(grid[top + i, left + j])
                if what == 4 and work[0, (top + r) * w + left + c] == number + 1:
                    value = two if value == one else one
                out[top + r, left + c] = value
    return h, w, y, x


@inner
def frame_objects(grid, y, x, colour, kind, out, work):
    """A rectangle one cell outside the box of every object, on empty cells, in a colour (0: the object's
    most frequent)."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 60:
        return NONE
    copy_to(grid, out)
    for number in range(count):
        own = colour if colour else measure(grid, number, count, 11, work)
        top, bottom = work[TOP, number] - 1, work[BOTTOM, number] + 1
        left, right = work[LEFT, number] - 1, work[RIGHT, number] + 1
        for r in range(max(top, 0), min(bottom + 1, h)):
            for c in range(max(left, 0), min(right + 1, w)):
                if (r in (top, bottom) or c in (left, right)) and out[r, c] == 0:
                    out[r, c] = own
    return h, w, y, x


@inner
def bars(grid, y, x, what, out, work):
    """The colours from the most frequent to the rarest as bars of as many cells: 0 rows, 1 columns from the
    top, 2 columns from the bottom; 3, 4 one cell of each in a row, in a column."""
    low, high = count_colours(grid, 0, grid.shape[0], 0, grid.shape[1])
    colours, longest = 0, 0
    for rank in range(9):
        colour = ranked_colour(grid, rank)
        if colour == 0:
            break
        cells = cells_of_colour(low, high, colour)
        work[0, rank], work[1, rank] = colour, 1 if what >= 3 else cells
        colours += 1
        longest = max(longest, int(work[1, rank]))
    if colours == 0 or longest > SIDE:
        return NONE
    across = what == 0 or what == 4
    height, width = (colours, longest) if across else (longest, colours)
    for r in range(height):
        for c in range(width):
            rank = r if across else c
            along = c if across else height - 1 - r if what == 2 else r
            out[r, c] = work[0, rank] if along < work[1, rank] else 0
    return height, width, 0, 0
