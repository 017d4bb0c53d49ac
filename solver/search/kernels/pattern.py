"""Kernels about patterns: products, stamps, symmetry, progressions, panels, and changes inside every
object."""

from solver.search.jit import inner, outer
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.draw import is_alone
from solver.search.kernels.holes import draw_around
from solver.search.kernels.move import chosen_colour, copy_to
from solver.search.kernels.objects import AREA, BOTTOM, LEFT, RIGHT, TOP, label, measure
from solver.search.kernels.panels import panel_cells, panel_fact, repeat_panels
from solver.search.kernels.redraw import bars, change_objects, frame_objects, turned_cell
from solver.search.kernels.shape import NONE, SIDE, most_frequent


@inner
def product(grid, y, x, what, out):
    """The image in every cell of itself that is chosen, nothing in the others.

    ``what``: 0 coloured cells; 1 empty cells; 2 cells of the most frequent colour (0 included); 3 of the
    rarest colour; 4 coloured cells, with empty and coloured cells exchanged inside; 5 coloured cells,
    mirrored left-right; 6 coloured cells, painted in their colour.
    """
    h, w = grid.shape
    if h * h > SIDE or w * w > SIDE or h * w == 1:
        return NONE
    colour = ranked_colour(grid, 0 if what == 4 else -1)
    if what == 2:
        colour = most_frequent(grid)
    elif colour == 0:
        return NONE
    for r in range(h):
        for c in range(w):
            own = grid[r, c]
            chosen = own == colour if what == 2 or what == 3 else (own == 0) == (what == 1)
            for i in range(h):
                for j in range(w):
                    value = grid[i, w - 1 - j if what == 5 else j]
                    if what == 4:
                        value = colour if value == 0 else 0
                    elif what == 6:
                        value = own if value != 0 else 0
                    out[r * h + i, c * w + j] = value if chosen else 0
    return h * h, w * w, y, x


@inner
def richest(grid, count, work):
    """The object with the most colours, of equals with the most cells; -1 where all are of one colour."""
    best, most = -1, 1
    for number in range(count):
        colours = measure(grid, number, count, 13, work)
        if colours > most or (best >= 0 and colours == most and work[AREA, number] > work[AREA, best]):
            best, most = number, colours
    return best


@inner
def body_colour(grid, number, work):
    """The most frequent colour of an object and how many of its cells have another one."""
    best = measure(grid, number, 0, 11, work)
    w = grid.shape[1]
    cells = 0
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            if work[0, r * w + c] == number + 1 and grid[r, c] != best:
                cells += 1
    return best, cells


@inner
def fits_here(grid, number, body, by_body, how, top, left, work):
    """How many cells of other objects the object agrees with when its box, turned, is put at (top, left).

    -1 where a cell that is not of its ``body`` colour (with ``by_body`` 1: one that is) is missing, where a
    coloured cell differs, or at its own place.
    """
    h, w = grid.shape
    height = work[BOTTOM, number] - work[TOP, number] + 1
    width = work[RIGHT, number] - work[LEFT, number] + 1
    agreed = 0
    for r in range(height):
        for c in range(width):
            place = (work[TOP, number] + r) * w + work[LEFT, number] + c
            if work[0, place] != number + 1:
                continue
            colour = grid[place // w, place % w]
            i, j = turned_cell(r, c, height, width, how)
            i += top
            j += left
            inside = 0 <= i < h and 0 <= j < w
            there = grid[i, j] if inside else 0
            if inside and work[0, i * w + j] == number + 1:
                return -1
            if (colour == body) == (by_body == 1) and there != colour:
                return -1
            if there != 0:
                if there != colour:
                    return -1
                agreed += 1
    return agreed


@inner
def complete_copies(grid, y, x, turned, by_body, out, work):
    """The richest object (8-connected) drawn wherever all its cells but those of its most frequent colour
    are there, or with ``by_body`` 1 all cells of that colour.

    ``turned`` 1: under the eight symmetries, where it has two such cells or more.
    """
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    number = richest(grid, count, work)
    if number < 0:
        return NONE
    body, keys = body_colour(grid, number, work)
    if by_body == 1:
        keys = int(work[AREA, number]) - keys
    if keys > 40 or (turned == 1 and keys < 2):
        return NONE
    copy_to(grid, out)
    height = int(work[BOTTOM, number] - work[TOP, number] + 1)
    width = int(work[RIGHT, number] - work[LEFT, number] + 1)
    for how in range(8 if turned == 1 else 1):
        tall, wide = (width, height) if how & 4 else (height, width)
        for top in range(1 - tall, h):
            for left in range(1 - wide, w):
                agreed = fits_here(grid, number, body, by_body, how, top, left, work)
                if agreed < 1 or agreed == work[AREA, number]:
                    continue
                for r in range(height):
                    for c in range(width):
                        place = (work[TOP, number] + r) * w + work[LEFT, number] + c
                        i, j = turned_cell(r, c, height, width, how)
                        i += top
                        j += left
                        if work[0, place] == number + 1 and 0 <= i < h and 0 <= j < w:
                            out[i, j] = grid[place // w, place % w]
    return h, w, y, x


@inner
def stamp(grid, y, x, what, out, work):
    """The largest object (8-connected) drawn at every cell without coloured neighbours, over empty cells.

    Put on the cell is: 0 the object's first cell of that cell's colour, 1 the middle of its box, 2 the same,
    painted in the cell's colour, 3 the upper left corner of its box.
    """
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    largest = 0
    for number in range(count):
        if work[AREA, number] > work[AREA, largest]:
            largest = number
    top, left = work[TOP, largest], work[LEFT, largest]
    height = work[BOTTOM, largest] - top + 1
    width = work[RIGHT, largest] - left + 1
    if work[AREA, largest] < 3:
        return NONE
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            mark = grid[r, c]
            if mark == 0 or not is_alone(grid, r, c):
                continue
            down, right = height // 2, width // 2
            if what == 3:
                down, right = 0, 0
            elif what == 0:
                down = -1
                for cell in range(height * width):
                    i, j = top + cell // width, left + cell % width
                    if down < 0 and grid[i, j] == mark and work[0, i * w + j] == largest + 1:
                        down, right = cell // width, cell % width
                if down < 0:
                    continue
            for cell in range(height * width):
                a, b = top + cell // width, left + cell % width
                i, j = r - down + cell // width, c - right + cell % width
                if 0 <= i < h and 0 <= j < w and out[i, j] == 0 and work[0, a * w + b] == largest + 1:
                    out[i, j] = mark if what == 2 else grid[a, b]
    return h, w, y, x


@inner
def mirror_cell(r, c, across, how):
    """Where a cell's image about an axis lies: ``how`` 0 left-right with columns that add up to ``across``,
    1 up-down with rows that do, 2 along the falling diagonal r - c = across, 3 along the rising one r + c =
    across."""
    if how == 0:
        return r, across - c
    if how == 1:
        return across - r, c
    if how == 2:
        return c + across, r - across
    return across - c, across - r


@inner
def best_axis(grid, number, how, work):
    """The axis about which the coloured cells (of object ``number``; -1: all) agree best with their images.

    An image may be empty or outside, but not of another colour. -1000 where less than half of the cells have
    an equal image.
    """
    h, w = grid.shape
    low, high = 0, 2 * (w if how == 0 else h)
    if how == 2:
        low, high = -w, h
    elif how == 3:
        low, high = 0, h + w
    best, most = -1000, 0
    for across in range(low, high):
        equal, cells = 0, 0
        for r in range(h):
            for c in range(w):
                if grid[r, c] == 0 or (number >= 0 and work[0, r * w + c] != number + 1):
                    continue
                cells += 1
                i, j = mirror_cell(r, c, across, how)
                if not (0 <= i < h and 0 <= j < w):
                    continue
                if grid[i, j] == grid[r, c]:
                    equal += 1
                elif grid[i, j] != 0:
                    equal = -100000
        if equal > most and equal * 2 >= cells:
            best, most = across, equal
    return best


@inner
def complete_about(grid, number, how, out, work):
    """Draw the images of the coloured cells (of one object, or all) about their best axis on empty cells of
    ``out``."""
    h, w = grid.shape
    across = best_axis(grid, number, how, work)
    if across == -1000:
        return
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0 or (number >= 0 and work[0, r * w + c] != number + 1):
                continue
            i, j = mirror_cell(r, c, across, how)
            if 0 <= i < h and 0 <= j < w and out[i, j] == 0:
                out[i, j] = grid[r, c]


@inner
def complete_symmetry(grid, y, x, how, objects, out, work):
    """Empty cells from mirror images about the best axis: 0 left-right, 1 up-down, 2, 3 the diagonals.

    With ``objects`` 1 each object (8-connected) about its own axis.
    """
    count = label(grid, 1, 0, work) if objects == 1 else 0
    h, w = grid.shape
    if count > 20:
        return NONE
    copy_to(grid, out)
    if objects == 0:
        complete_about(grid, -1, how, out, work)
    for number in range(count):
        if work[AREA, number] > 2:
            complete_about(grid, number, how, out, work)
    return h, w, y, x


@inner
def shift_agreement(grid, down, right):
    """How many coloured cells equal the cell ``down`` and ``right`` of them; -1 where two coloured ones
    differ."""
    h, w = grid.shape
    equal = 0
    for r in range(h):
        for c in range(w):
            i, j = r + down, c + right
            if grid[r, c] == 0 or not (0 <= i < h and 0 <= j < w) or grid[i, j] == 0:
                continue
            if grid[i, j] != grid[r, c]:
                return -1
            equal += 1
    return equal


@inner
def progress(grid, y, x, what, out):
    """What is drawn again after a fixed shift is continued by it to the edge: 0 onwards (down, or right), 1
    back, 2 both.

    The shift: the one with which most coloured cells meet an equal one and none another one, at least a
    third of them; of equals the shortest.
    """
    h, w = grid.shape
    cells = 0
    for r in range(h):
        for c in range(w):
            cells += 1 if grid[r, c] != 0 else 0
    if cells == 0:
        return NONE
    if cells == h * w:
        copy_to(grid, out)
        return h, w, y, x
    best, down, right = 0, 0, 0
    for size in range(1, h // 2 + w // 2 + 1):
        for i in range(min(size, h // 2) + 1):
            for sign in range(-1, 2, 2):
                j = (size - i) * sign
                if abs(j) > w // 2 or (j <= 0 and i == 0) or (j == 0 and sign == 1):
                    continue
                equal = shift_agreement(grid, i, j)
                if equal > best and equal * 3 >= cells:
                    best, down, right = equal, i, j
    if best == 0:
        return NONE
    copy_to(grid, out)
    for sign in range(-1, 2, 2):
        if (what == 0 and sign < 0) or (what == 1 and sign > 0):
            continue
        for k in range(1, 30):
            for r in range(h):
                for c in range(w):
                    i, j = r + sign * k * down, c + sign * k * right
                    if grid[r, c] != 0 and 0 <= i < h and 0 <= j < w and out[i, j] == 0:
                        out[i, j] = grid[r, c]
    return h, w, y, x


@inner
def mirror_about(grid, y, x, colour, how, out):
    """The images of all coloured cells about the middle of the box of one colour, on empty cells: 0
    left-right, 1 up-down, 2 both and turned by half, 3 turned by all quarters (where the box is square)."""
    h, w = grid.shape
    top, bottom, left, right = h, -1, w, -1
    for r in range(h):
        for c in range(w):
            if grid[r, c] == colour:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    if colour == 0 or bottom < 0 or (how == 3 and bottom - top != right - left):
        return NONE
    copy_to(grid, out)
    down, across = top + bottom, left + right
    for image in range(3):
        if (how == 0 and image != 0) or (how == 1 and image != 1):
            continue
        for r in range(h):
            for c in range(w):
                i = r if image == 0 else down - r
                j = c if image == 1 else across - c
                if how == 3 and image < 2:
                    turned = c - left + top, bottom - r + left
                    if image == 1:
                        turned = right - c + top, r - top + left
                    i, j = turned
                if grid[r, c] != 0 and 0 <= i < h and 0 <= j < w and out[i, j] == 0:
                    out[i, j] = grid[r, c]
    return h, w, y, x


@outer
def pattern_kernel(number, argument, grid, y, x, height, width, out, work):
    """The pattern transform of this number."""
    if number == 0:
        return product(grid, y, x, argument, out)
    if number == 1:
        if argument == 4:
            return draw_around(grid, y, x, out, work)
        return complete_copies(grid, y, x, argument % 2, argument // 2, out, work)
    if number == 2:
        return stamp(grid, y, x, argument, out, work)
    if number == 3:
        return complete_symmetry(grid, y, x, argument % 4, argument // 4, out, work)
    if number == 4:
        return progress(grid, y, x, argument, out)
    if number == 5:
        if argument > 12:
            return repeat_panels(grid, y, x, argument - 12, out, work)
        return panel_fact(grid, y, x, argument, out, work)
    if number == 6:
        return change_objects(grid, y, x, argument // 4, argument % 4, out, work)
    if number == 7:
        return frame_objects(grid, y, x, argument // 4, argument % 4, out, work)
    if number == 8:
        return bars(grid, y, x, argument, out, work)
    if number == 9:
        return panel_cells(grid, y, x, argument, out, work)
    if number == 10:
        return mirror_about(grid, y, x, chosen_colour(grid, argument // 4), argument % 4, out)
    return NONE
