"""Kernels that number cells by their place among the coloured ones, and find large empty areas."""

from solver.search.jit import inner
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE

STEPS, OWNER = 1, 2  # rows of ``work`` after ``nearest_cells``: an entry for each cell


@inner
def nearest_cells(grid, diagonal, work):
    """How far each cell is from the nearest coloured one, and which that is; how many are coloured.

    work[STEPS, cell]: steps to it (``diagonal`` 1: also diagonal ones); work[OWNER, cell]: its number r * w +
    c, or -1 where several are equally near. The nearest cells of a cell are those of its neighbours that are
    a step nearer, so one walk outwards finds all.
    """
    h, w = grid.shape
    first, last = 0, 0
    for cell in range(h * w):
        work[STEPS, cell] = -1
        if grid[cell // w, cell % w] != 0:
            work[STEPS, cell] = 0
            work[OWNER, cell] = cell
            work[0, last] = cell
            last += 1
    coloured = last
    while first < last:
        cell = work[0, first]
        first += 1
        r, c = cell // w, cell % w
        for i in range(max(r - 1, 0), min(r + 2, h)):
            for j in range(max(c - 1, 0), min(c + 2, w)):
                if diagonal == 0 and i != r and j != c:
                    continue
                near = i * w + j
                if work[STEPS, near] < 0:
                    work[STEPS, near] = work[STEPS, cell] + 1
                    work[OWNER, near] = work[OWNER, cell]
                    work[0, last] = near
                    last += 1
                elif work[STEPS, near] == work[STEPS, cell] + 1 and work[OWNER, near] != work[OWNER, cell]:
                    work[OWNER, near] = -1
    return coloured


@inner
def distance_fact(grid, y, x, diagonal, modulo, out, work):
    """Every cell numbered by its steps to the nearest coloured one: as they are, at most 9 (``modulo`` 0), or
    1 + steps modulo it."""
    h, w = grid.shape
    if nearest_cells(grid, diagonal, work) == 0:
        return NONE
    for cell in range(h * w):
        steps = work[STEPS, cell]
        out[cell // w, cell % w] = min(steps, 9) if modulo == 0 else 1 + steps % modulo
    return h, w, y, x


@inner
def spread_ties(grid, y, x, diagonal, out, work):
    """Empty cells get the colour of the coloured cell nearest to them; those that are equally near to several
    stay empty."""
    h, w = grid.shape
    nearest_cells(grid, diagonal, work)
    copy_to(grid, out)
    for cell in range(h * w):
        owner = work[OWNER, cell]
        if work[STEPS, cell] > 0 and owner >= 0:
            out[cell // w, cell % w] = grid[owner // w, owner % w]
    return h, w, y, x


@inner
def offset_fact(grid, y, x, what, modulo, out):
    """Every cell numbered by 1 + the row (``what`` 0) or column (1) modulo ``modulo``, counted from the first
    one with colour (0 before it); 2 and 3: rows and columns counted from the image's last one."""
    h, w = grid.shape
    first = -1
    if what >= 2:
        first = h - 1 if what == 2 else w - 1
    else:
        for r in range(h):
            for c in range(w):
                at = r if what == 0 else c
                if grid[r, c] != 0 and (first < 0 or at < first):
                    first = at
        if first < 0:
            return NONE
    for r in range(h):
        for c in range(w):
            away = (r if what % 2 == 0 else c) - first
            if what >= 2:
                away = -away
            out[r, c] = 1 + away % modulo if away >= 0 else 0
    return h, w, y, x


@inner
def largest_rectangles(grid, y, x, out, work):
    """Colour 1 where the largest all-empty rectangle of at least two rows and columns lies, nothing else; all
    of them where several are.

    work[0, column]: how many empty cells end in the row, upwards.
    """
    h, w = grid.shape
    best = 0
    for repeat in range(2):  # the first round finds the size, the second draws
        for c in range(w):
            work[0, c] = 0
        for r in range(h):
            for c in range(w):
                work[0, c] = work[0, c] + 1 if grid[r, c] == 0 else 0
                if repeat == 0:
                    out[r, c] = 0
            for left in range(w):
                height = work[0, left]
                for right in range(left + 1, w):
                    height = min(height, work[0, right])
                    if height < 2:
                        break
                    area = height * (right - left + 1)
                    if repeat == 0:
                        best = max(best, area)
                    elif area == best:
                        for i in range(r - height + 1, r + 1):
                            for j in range(left, right + 1):
                                out[i, j] = 1
    return h, w, y, x
