"""Kernels that draw objects on marks, project marks on objects, and mirror or repeat objects by what they
face."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.match_copy import box_size, label_with_colours, own_cell
from solver.search.kernels.match_move import COLOUR, label_one_coloured, largest_of
from solver.search.kernels.move import copy_to
from solver.search.kernels.objects import AREA, BOTTOM, LEFT, RIGHT, TOP, label
from solver.search.kernels.redraw import turned_cell
from solver.search.kernels.shape import NONE


@inner
def draw_at(grid, number, top, left, over, out, work):
    """Draw an object with its box at (top, left); with ``over`` 0 only on empty cells."""
    height, width = box_size(number, work)
    for r in range(height):
        for c in range(width):
            i, j = top + r, left + c
            colour = own_cell(grid, number, r, c, work)
            if colour == 0 or not (0 <= i < grid.shape[0] and 0 <= j < grid.shape[1]):
                continue
            if over == 1 or out[i, j] == 0:
                out[i, j] = colour


@inner
def only_owner(count, colour, work):
    """The only object of several cells that has exactly one cell of a colour (work[9, 10 * object +
    colour]); -1 where none or several have."""
    owner = -1
    for number in range(count):
        if work[AREA, number] > 1 and work[9, number * 10 + colour] == 1:
            if owner >= 0:
                return -1
            owner = number
    return owner


@inner
def stamp_owners(grid, y, x, out, work):
    """On every single cell the only object (8-connected) that has exactly one cell of its colour is drawn,
    so that this lies on it, over empty cells."""
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0 or count > 100:
        return NONE
    for place in range(count * 10):
        work[9, place] = 0
    for cell in range(h * w):
        if work[0, cell]:
            work[9, (work[0, cell] - 1) * 10 + grid[cell // w, cell % w]] += 1
    copy_to(grid, out)
    for number in range(count):
        r, c = work[TOP, number], work[LEFT, number]
        if work[AREA, number] > 1:
            continue
        owner = only_owner(count, grid[r, c], work)
        for cell in range(h * w):
            i, j = cell // w, cell % w
            if owner >= 0 and work[0, cell] == owner + 1 and grid[i, j] == grid[r, c]:
                top, left = work[TOP, owner] + r - i, work[LEFT, owner] + c - j
                draw_at(grid, owner, top, left, 0, out, work)
    return h, w, y, x


@inner
def stamp_middle(grid, y, x, out, work):
    """The largest object (8-connected) drawn by the middle of its box on every single cell, which goes."""
    count = label(grid, 1, 0, work)
    if count == 0 or count > 200:
        return NONE
    largest = largest_of(count, work)
    height, width = box_size(largest, work)
    copy_to(grid, out)
    for number in range(count):
        if work[AREA, number] == 1 and number != largest:
            r, c = work[TOP, number], work[LEFT, number]
            out[r, c] = 0
            draw_at(grid, largest, r - height // 2, c - width // 2, 1, out, work)
    return grid.shape[0], grid.shape[1], y, x


@inner
def stamp_boxes(grid, y, x, how, out, work):
    """The box of the object of most colours (8-connected), turned, drawn on every filled rectangle of one
    colour (4-connected) of its size."""
    count, most, richest = label_with_colours(grid, 1, 100, work)
    h, w = grid.shape
    if most < 2:
        return NONE
    copy_to(grid, out)
    top, left = int(work[TOP, richest]), int(work[LEFT, richest])
    height, width = box_size(richest, work)
    for cell in range(h * w):
        work[9, cell] = 1 if work[0, cell] == richest + 1 else 0
    count = label(grid, 0, 1, work)
    for number in range(count):
        r, c = work[TOP, number], work[LEFT, number]
        tall, wide = box_size(number, work)
        if tall != height or wide != width or work[AREA, number] != height * width or work[9, r * w + c]:
            continue
        for i in range(height):
            for j in range(width):
                a, b = turned_cell(i, j, height, width, how)
                own = work[9, (top + i) * w + left + j]
                out[r + a, c + b] = grid[top + i, left + j] if own else 0
    return h, w, y, x


@inner
def project_nearest(grid, y, x, out, work):
    """Every single cell goes and paints the cell nearest to it of the box of the largest object (8-connected,
    one-coloured)."""
    count = label_one_coloured(grid, 1, work)
    if count == 0:
        return NONE
    largest = largest_of(count, work)
    copy_to(grid, out)
    for number in range(count):
        if work[AREA, number] == 1 and number != largest:
            r, c = work[TOP, number], work[LEFT, number]
            out[r, c] = 0
            i = min(max(r, work[TOP, largest]), work[BOTTOM, largest])
            j = min(max(c, work[LEFT, largest]), work[RIGHT, largest])
            out[i, j] = grid[r, c]
    return grid.shape[0], grid.shape[1], y, x


@inner
def project_to_largest(grid, y, x, out, work):
    """All cells outside of the largest object (4-connected, one-coloured) paint the cell of it that they see
    along rows and columns over empty cells."""
    count = label(grid, 0, 1, work)
    h, w = grid.shape
    if count == 0:
        return NONE
    largest = largest_of(count, work)
    copy_to(grid, out)
    for cell in range(h * w):
        if work[0, cell] == 0 or work[0, cell] == largest + 1:
            continue
        for where in range(4):
            down = 1 if where == 0 else -1 if where == 1 else 0
            right = 1 if where == 2 else -1 if where == 3 else 0
            i, j = cell // w + down, cell % w + right
            while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                i += down
                j += right
            if 0 <= i < h and 0 <= j < w and work[0, i * w + j] == largest + 1:
                out[i, j] = grid[cell // w, cell % w]
    return h, w, y, x


@inner
def sides_with(grid, number, colour, work):
    """On which sides an object has a colour in the rows or columns of its box: bits 1 below, 2 above, 4 to
    the right, 8 to the left."""
    h, w = grid.shape
    sides = 0
    for r in range(h):
        for c in range(w):
            if grid[r, c] != colour:
                continue
            if work[LEFT, number] <= c <= work[RIGHT, number]:
                sides |= 1 if r > work[BOTTOM, number] else 2 if r < work[TOP, number] else 0
            if work[TOP, number] <= r <= work[BOTTOM, number]:
                sides |= 4 if c > work[RIGHT, number] else 8 if c < work[LEFT, number] else 0
    return sides


@inner
def repeat_to_marks(grid, y, x, out, work):
    """Every object (8-connected, one-coloured) not of the rarest colour is repeated by its own size to the
    edge where its rows or columns hold that colour, over it and empty cells; the rest of that colour goes."""
    count = label_one_coloured(grid, 1, work)
    h, w = grid.shape
    mark = ranked_colour(grid, -1)
    if count == 0 or mark == ranked_colour(grid, 0):
        return NONE
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c] if grid[r, c] != mark else 0
    for number in range(count):
        height, width = box_size(number, work)
        sides = sides_with(grid, number, mark, work) if work[COLOUR, number] != mark else 0
        for where in range(4):
            down = height * (1 if where == 0 else -1 if where == 1 else 0)
            right = width * (1 if where == 2 else -1 if where == 3 else 0)
            for cell in range(h * w if (sides >> where) & 1 else 0):
                i, j = cell // w, cell % w
                while work[0, cell] == number + 1 and 0 <= i < h and 0 <= j < w:
                    if grid[i, j] == 0 or grid[i, j] == mark:
                        out[i, j] = grid[cell // w, cell % w]
                    i += down
                    j += right
    return h, w, y, x


@inner
def mirror_over(grid, y, x, out, work):
    """Every object (8-connected, one-coloured) that is not of the most frequent colour is mirrored over the
    nearest row or column of an object of that colour that it faces; it stays where it faces none."""
    count = label_one_coloured(grid, 1, work)
    h, w = grid.shape
    wall = ranked_colour(grid, 0)
    if count == 0:
        return NONE
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c] if grid[r, c] == wall else 0
    for number in range(count):
        if work[COLOUR, number] == wall:
            continue
        best, row, across = 1000, 0, 0
        for other in range(count):
            for first in range(TOP, RIGHT, LEFT - TOP):
                beside = TOP + LEFT - first
                apart = work[beside, number] > work[beside + 1, other]
                if apart or work[beside, other] > work[beside + 1, number] or work[COLOUR, other] != wall:
                    continue
                before = work[first, other] - work[first + 1, number]
                after = work[first, number] - work[first + 1, other]
                if 0 < before < best:
                    best, row, across = before, first, 2 * work[first, other]
                if 0 < after < best:
                    best, row, across = after, first, 2 * work[first + 1, other]
        for cell in range(h * w):
            if work[0, cell] == number + 1:
                r, c = cell // w, cell % w
                i, j = across - r if row == TOP else r, across - c if row == LEFT else c
                if 0 <= i < h and 0 <= j < w:
                    out[i, j] = grid[r, c]
    return h, w, y, x
