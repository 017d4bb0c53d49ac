"""Kernels that draw objects anew: symmetric about their own axis, mirrored to marks."""

from solver.search.jit import inner
from solver.search.kernels.match_move import clear
from solver.search.kernels.objects import LEFT, TOP, label, measure
from solver.search.kernels.shape import NONE, SIDE


@inner
def own_axis(grid, number, colour, work):
    """The row or column of an object's box with the longest run of its cells of a colour: 0, row or 1,
    column; of equals the first, rows before columns."""
    w = grid.shape[1]
    best, along, line = 0, 0, 0
    for way in range(2):
        first = TOP if way == 0 else LEFT
        beside = LEFT if way == 0 else TOP
        for k in range(work[first, number], work[first + 1, number] + 1):
            run = 0
            for m in range(work[beside, number], work[beside + 1, number] + 1):
                r, c = (k, m) if way == 0 else (m, k)
                run = run + 1 if work[0, r * w + c] == number + 1 and grid[r, c] == colour else 0
                if run > best:
                    best, along, line = run, way, k
    return along, line


@inner
def mirror_axes(grid, y, x, out, work):
    """Every object (8-connected) of several colours becomes symmetric about the line of its rarest colour
    (``own_axis``): the half with more cells, of equals the upper or left one, replaces the other."""
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0 or count > 100:
        return NONE
    clear(grid, out)
    for number in range(count):
        rarest = measure(grid, number, count, 12, work)
        mixed = measure(grid, number, count, 13, work) > 1
        along, line = own_axis(grid, number, rarest, work)
        balance = 0
        for cell in range(h * w):
            if work[0, cell] == number + 1:
                place = cell // w if along == 0 else cell % w
                balance += 1 if place < line else -1 if place > line else 0
        for cell in range(h * w):
            if work[0, cell] != number + 1:
                continue
            r, c = cell // w, cell % w
            place = r if along == 0 else c
            if mixed and place != line and (place < line) != (balance >= 0):
                continue
            out[r, c] = grid[r, c]
            i, j = (2 * line - r, c) if along == 0 else (r, 2 * line - c)
            if mixed and 0 <= i < h and 0 <= j < w:
                out[i, j] = grid[r, c]
    return h, w, y, x


@inner
def draw_mirrored(grid, number, main, across, down, colour, out, work):
    """Draw an object's cells of one colour on empty cells, mirrored left-right about the columns that add up
    to ``across`` and up-down about the rows that add up to ``down`` (-1000: not)."""
    h, w = grid.shape
    for cell in range(h * w):
        r, c = cell // w, cell % w
        if work[0, cell] != number + 1 or grid[r, c] != main:
            continue
        i, j = r if down == -1000 else down - r, c if across == -1000 else across - c
        if 0 <= i < h and 0 <= j < w and out[i, j] == 0:
            out[i, j] = colour


@inner
def mirror_to_marks(grid, y, x, own, out, work):
    """The cells of the most frequent colour of each object (8-connected) mirrored over the sides of their box
    beyond which cells of its other colours lie: in the colours of these, with ``own`` 1 in their own, and
    the others go."""
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0 or count > 100:
        return NONE
    for number in range(count):
        work[8, number] = measure(grid, number, count, 11, work)
        for row in range(4):
            work[9, number * 4 + row] = 0 if row % 2 else SIDE
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c] - 1
            mark = number >= 0 and grid[r, c] != work[8, number]
            out[r, c] = 0 if mark and own == 1 else grid[r, c]
            if number >= 0 and not mark:
                work[9, number * 4] = min(work[9, number * 4], r)
                work[9, number * 4 + 1] = max(work[9, number * 4 + 1], r)
                work[9, number * 4 + 2] = min(work[9, number * 4 + 2], c)
                work[9, number * 4 + 3] = max(work[9, number * 4 + 3], c)
    for cell in range(h * w):
        r, c, number = cell // w, cell % w, work[0, cell] - 1
        if number < 0 or grid[r, c] == work[8, number]:
            continue
        top, bottom = work[9, number * 4], work[9, number * 4 + 1]
        left, right = work[9, number * 4 + 2], work[9, number * 4 + 3]
        down = 2 * bottom + 1 if r > bottom else 2 * top - 1 if r < top else -1000
        across = 2 * right + 1 if c > right else 2 * left - 1 if c < left else -1000
        main = work[8, number]
        if down > -1000 or across > -1000:
            draw_mirrored(grid, number, main, across, down, main if own == 1 else grid[r, c], out, work)
    return h, w, y, x
