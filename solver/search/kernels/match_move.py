"""Kernels that move objects to each other: aligned, gathered, turned about a colour, or apart."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.move import copy_to, steps_to_fixed, way_to_fixed
from solver.search.kernels.objects import AREA, BOTTOM, LEFT, RIGHT, TOP, label
from solver.search.kernels.shape import NONE

COLOUR = 8  # row of ``work`` with the colour of each object
MOST = 100  # more objects than this are not compared


@inner
def clear(grid, out):
    """Zeros of the grid's size."""
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            out[r, c] = 0


@inner
def label_one_coloured(grid, diagonal, work):
    """``label`` by colour, with each object's colour in row COLOUR; 0 objects where there are too many."""
    h, w = grid.shape
    count = label(grid, diagonal, 1, work)
    if count > MOST:
        return 0
    for cell in range(h * w):
        if work[0, cell]:
            work[COLOUR, work[0, cell] - 1] = grid[cell // w, cell % w]
    return count


@inner
def largest_of(count, work):
    """The object of most cells, of equals the first."""
    largest = 0
    for number in range(count):
        if work[AREA, number] > work[AREA, largest]:
            largest = number
    return largest


@inner
def put_object(grid, number, down, right, out, work):
    """Draw an object, moved; whether all of it lies inside."""
    h, w = grid.shape
    whole = True
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            if work[0, r * w + c] != number + 1:
                continue
            i, j = r + down, c + right
            if 0 <= i < h and 0 <= j < w:
                out[i, j] = grid[r, c]
            else:
                whole = False
    return whole


@inner
def side_of(number, side, work):
    """Twice the place of a side of an object's box: 0 top, 1 bottom, 2 left, 3 right, 4 its middle row, 5
    its middle column."""
    if side < 4:
        return 2 * work[TOP + side, number]
    first = TOP if side == 4 else LEFT
    return work[first, number] + work[first + 1, number]


@inner
def align(grid, y, x, who, side, out, work):
    """All objects (8-connected, one-coloured) moved along one axis until a side (``side_of``) lies where
    that of the reference lies.

    ``who``: 0 the largest objects, 1 those of the lowest colour, 2 of the highest.
    """
    count = label_one_coloured(grid, 1, work)
    if count < 2:
        return NONE
    lowest, highest = 9, 0
    for number in range(count):
        lowest = min(lowest, work[COLOUR, number])
        highest = max(highest, work[COLOUR, number])
    colour = lowest if who == 1 else highest
    area = work[AREA, largest_of(count, work)]
    place, known = 0, False
    for number in range(count):
        if (work[AREA, number] == area) if who == 0 else (work[COLOUR, number] == colour):
            if known and place != side_of(number, side, work):
                return NONE
            place, known = side_of(number, side, work), True
    clear(grid, out)
    for number in range(count):
        steps = (place - side_of(number, side, work)) // 2
        rows = side < 2 or side == 4
        if not put_object(grid, number, steps if rows else 0, 0 if rows else steps, out, work):
            return NONE
    return grid.shape[0], grid.shape[1], y, x


@inner
def steps_to(grid, number, home, where, work):
    """How far an object is from touching another one when it moves straight over everything: 0 down, 1 up, 2
    right, 3 left; 1000 where it would pass by."""
    h, w = grid.shape
    down = 1 if where == 0 else -1 if where == 1 else 0
    right = 1 if where == 2 else -1 if where == 3 else 0
    least = 1000
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            if work[0, r * w + c] != number + 1:
                continue
            i, j = r + down, c + right
            steps = 0
            while 0 <= i < h and 0 <= j < w and work[0, i * w + j] != home + 1:
                i += down
                j += right
                steps += 1
            if 0 <= i < h and 0 <= j < w:
                least = min(least, steps)
    return least


@inner
def to_own_colour(grid, y, x, what, out, work):
    """Each object (4-connected, one-coloured) moves straight, the shortest way and over everything, until it
    touches the largest object of its colour, where that has more than one cell.

    ``what``: 0 objects without such a way stay, 1 they vanish.
    """
    count = label_one_coloured(grid, 0, work)
    if count == 0:
        return NONE
    for colour in range(10):
        work[9, colour] = -1
    for number in range(count):
        home = work[9, work[COLOUR, number]]
        if work[AREA, number] > 1 and (home < 0 or work[AREA, number] > work[AREA, home]):
            work[9, work[COLOUR, number]] = number
    clear(grid, out)
    for number in range(count):
        home = work[9, work[COLOUR, number]]
        least, where = 1000, 0
        for way in range(4):
            steps = 1000 if home < 0 or home == number else steps_to(grid, number, home, way, work)
            if steps < least:
                least, where = steps, way
        work[10, number], work[11, number] = least, where
        if home == number or (least == 1000 and what != 1):
            put_object(grid, number, 0, 0, out, work)
    for number in range(count):
        far, where = work[10, number], work[11, number]
        if far == 1000:
            continue
        down = far if where == 0 else -far if where == 1 else 0
        right = far if where == 2 else -far if where == 3 else 0
        put_object(grid, number, down, right, out, work)
    return grid.shape[0], grid.shape[1], y, x


@inner
def gather(grid, y, x, what, out, work):
    """Objects (8-connected, one-coloured) move along rows or columns to the nearest fixed one, the nearest
    first, until they touch it or one that came before: they are stacked.

    Fixed: 0 the largest object, 1 all of more than one cell.
    """
    count = label_one_coloured(grid, 1, work)
    h, w = grid.shape
    if count < 2 or count > 60:
        return NONE
    largest = largest_of(count, work)
    for number in range(count):
        fixed = number == largest if what == 0 else work[AREA, number] > 1
        work[10, number] = 1 if fixed else 0
    for number in range(count):
        work[8, number] = work[10, number]
    clear(grid, out)
    for cell in range(h * w):
        fixed = work[0, cell] > 0 and work[8, work[0, cell] - 1] == 1
        work[9, cell] = 1 if fixed else 0
        if fixed:
            out[cell // w, cell % w] = grid[cell // w, cell % w]
    for number in range(count):
        work[11, number] = -1 if work[8, number] else way_to_fixed(number, count, work)
    for _ in range(count):
        best, least = -1, 0
        for number in range(count):
            if work[10, number]:
                continue
            where = work[11, number]
            steps = steps_to_fixed(grid, number, where, work) if where >= 0 else 0
            if best < 0 or steps < least:
                best, least = number, steps
        if best < 0:
            break
        work[10, best] = 1
        where = work[11, best]
        down = least if where == 0 else -least if where == 1 else 0
        right = least if where == 2 else -least if where == 3 else 0
        put_object(grid, best, down, right, out, work)
        for cell in range(h * w):
            if work[0, cell] == best + 1:
                work[9, cell + down * w + right] = 1
    return h, w, y, x


@inner
def fall_cells(grid, y, x, where, out):
    """Each cell of the rarest colour falls by itself until the next cell is coloured: 0 down, 1 up, 2 right,
    3 left."""
    colour = ranked_colour(grid, -1)
    if colour == 0:
        return NONE
    h, w = grid.shape
    down = 1 if where == 0 else -1 if where == 1 else 0
    right = 1 if where == 2 else -1 if where == 3 else 0
    copy_to(grid, out)
    for cell in range(h * w):
        # Those nearest to the ground fall first.
        place = h * w - 1 - cell if where % 2 == 0 else cell
        i, j = place // w, place % w
        if grid[i, j] != colour:
            continue
        out[i, j] = 0
        while 0 <= i + down < h and 0 <= j + right < w and out[i + down, j + right] == 0:
            i += down
            j += right
        out[i, j] = colour
    return h, w, y, x


@inner
def turn_about(grid, y, x, how, out):
    """Everything turned about the middle of the box of the rarest colour on the same canvas: 0 a quarter
    counter-clockwise, 1 half, 2 a quarter clockwise; what leaves is lost."""
    colour = ranked_colour(grid, -1)
    h, w = grid.shape
    top, bottom, left, right = h, -1, w, -1
    for r in range(h):
        for c in range(w):
            if grid[r, c] == colour:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    if colour == 0 or (how != 1 and (top + bottom + left + right) % 2):
        return NONE
    clear(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0:
                continue
            # Twice the way from the middle.
            down, across = 2 * r - top - bottom, 2 * c - left - right
            if how == 0:
                down, across = -across, down
            elif how == 1:
                down, across = -down, -across
            else:
                down, across = across, -down
            i, j = (down + top + bottom) // 2, (across + left + right) // 2
            if 0 <= i < h and 0 <= j < w:
                out[i, j] = grid[r, c]
    return h, w, y, x


@inner
def explode(grid, y, x, out, work):
    """The cells of each object (8-connected) move away from the middle of its box by half of it, in rows and
    in columns; those on a middle line stay on it."""
    count = label(grid, 1, 0, work)
    h, w = grid.shape
    if count == 0:
        return NONE
    clear(grid, out)
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c] - 1
            if number < 0:
                continue
            down = 2 * r - work[TOP, number] - work[BOTTOM, number]
            across = 2 * c - work[LEFT, number] - work[RIGHT, number]
            far = (work[BOTTOM, number] - work[TOP, number] + 1) // 2
            i = r + (far if down > 0 else -far if down < 0 else 0)
            far = (work[RIGHT, number] - work[LEFT, number] + 1) // 2
            j = c + (far if across > 0 else -far if across < 0 else 0)
            if 0 <= i < h and 0 <= j < w:
                out[i, j] = grid[r, c]
    return h, w, y, x


@inner
def centre_in(grid, y, x, out, work):
    """All but the markers moved so that its box has the middle of theirs; markers: the only colour of which
    every object is a single cell."""
    count = label_one_coloured(grid, 1, work)
    h, w = grid.shape
    for colour in range(10):
        work[9, colour] = 0
    for number in range(count):
        colour = work[COLOUR, number]
        work[9, colour] = 2 if work[AREA, number] > 1 or work[9, colour] == 2 else 1
    marker = 0
    for colour in range(1, 10):
        if work[9, colour] == 1:
            if marker:
                return NONE
            marker = colour
    top, bottom, left, right = h, -1, w, -1  # of the rest
    high, low, first, last = h, -1, w, -1  # of the markers
    for r in range(h):
        for c in range(w):
            if grid[r, c] == marker:
                high, low = min(high, r), max(low, r)
                first, last = min(first, c), max(last, c)
            elif grid[r, c] != 0:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    if marker == 0 or bottom < 0:
        return NONE
    down, across = (high + low - top - bottom) // 2, (first + last - left - right) // 2
    if top + down < 0 or bottom + down >= h or left + across < 0 or right + across >= w:
        return NONE
    clear(grid, out)
    for cell in range(2 * h * w):
        r, c = cell % (h * w) // w, cell % w
        if cell < h * w and grid[r, c] == marker:
            out[r, c] = marker
        elif cell >= h * w and grid[r, c] != 0 and grid[r, c] != marker:
            out[r + down, c + across] = grid[r, c]
    return h, w, y, x
