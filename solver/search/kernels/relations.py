"""Kernels about objects among others: relations, places inside an object, rooms of empty cells, and keys."""

from solver.search.jit import inner, outer
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.objects import (
    AREA,
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    label,
    measure,
    object_fact,
    same_shape,
)
from solver.search.kernels.shape import NONE

COLOUR = 8  # row of ``work`` with the most frequent colour of each object
MOST = 60  # more objects than this have no relations


@inner
def same_rows(one, two, work):
    """Whether the boxes of two objects share a row."""
    return work[TOP, one] <= work[BOTTOM, two] and work[TOP, two] <= work[BOTTOM, one]


@inner
def same_columns(one, two, work):
    """Whether the boxes of two objects share a column."""
    return work[LEFT, one] <= work[RIGHT, two] and work[LEFT, two] <= work[RIGHT, one]


@inner
def lies_inside(one, two, work):
    """Whether the box of the first object lies inside the box of the second and is not the same."""
    inside = work[TOP, one] >= work[TOP, two] and work[BOTTOM, one] <= work[BOTTOM, two]
    inside = inside and work[LEFT, one] >= work[LEFT, two] and work[RIGHT, one] <= work[RIGHT, two]
    same = work[TOP, one] == work[TOP, two] and work[BOTTOM, one] == work[BOTTOM, two]
    return inside and not (
        same and work[LEFT, one] == work[LEFT, two] and work[RIGHT, one] == work[RIGHT, two]
    )


@inner
def box_gap(one, two, work):
    """Steps between the boxes of two objects: rows plus columns, 0 where they overlap."""
    down = max(work[TOP, two] - work[BOTTOM, one], work[TOP, one] - work[BOTTOM, two])
    right = max(work[LEFT, two] - work[RIGHT, one], work[LEFT, one] - work[RIGHT, two])
    return max(down, 0) + max(right, 0)


@inner
def same_turned(grid, one, two, work):
    """Whether two objects have the same cells under one of the eight symmetries."""
    if work[AREA, one] != work[AREA, two]:
        return False
    w = grid.shape[1]
    height, width = work[BOTTOM, one] - work[TOP, one], work[RIGHT, one] - work[LEFT, one]
    for how in range(8):
        tall, wide = (width, height) if how >= 4 else (height, width)
        if work[BOTTOM, two] - work[TOP, two] != tall or work[RIGHT, two] - work[LEFT, two] != wide:
            continue
        equal = True
        for r in range(height + 1):
            for c in range(width + 1):
                i = height - r if how & 1 else r
                j = width - c if how & 2 else c
                if how >= 4:
                    i, j = j, i
                a = work[0, (work[TOP, one] + r) * w + work[LEFT, one] + c] == one + 1
                b = work[0, (work[TOP, two] + i) * w + work[LEFT, two] + j] == two + 1
                if a != b:
                    equal = False
                    break
            if not equal:
                break
        if equal:
            return True
    return False


@inner
def touches(grid, one, two, work):
    """Whether a cell of the first object is one of the eight neighbours of a cell of the second."""
    h, w = grid.shape
    for r in range(work[TOP, one], work[BOTTOM, one] + 1):
        for c in range(work[LEFT, one], work[RIGHT, one] + 1):
            if work[0, r * w + c] != one + 1:
                continue
            for i in range(max(r - 1, 0), min(r + 2, h)):
                for j in range(max(c - 1, 0), min(c + 2, w)):
                    if work[0, i * w + j] == two + 1:
                        return True
    return False


@inner
def is_related(grid, one, two, what, work):
    """Whether the second object counts for the relation ``what`` of the first; see ``relation``."""
    if what == 0:
        return work[COLOUR, one] == work[COLOUR, two]
    if what == 1 or what == 9:
        return same_rows(one, two, work) and (what == 1 or work[COLOUR, one] != work[COLOUR, two])
    if what == 2 or what == 10:
        return same_columns(one, two, work) and (what == 2 or work[COLOUR, one] != work[COLOUR, two])
    if what == 3 or what == 11:
        return lies_inside(one, two, work)
    if what == 4:
        return lies_inside(two, one, work)
    if what == 6:
        return work[AREA, two] > work[AREA, one]
    if what == 7:
        return work[COLOUR, one] != work[COLOUR, two] and same_shape(grid, one, two, work)
    if what == 8:
        return work[COLOUR, one] != work[COLOUR, two] and same_turned(grid, one, two, work)
    if what == 13:
        return work[COLOUR, one] == work[COLOUR, two] and work[AREA, two] > work[AREA, one]
    if what == 14 or what == 15:
        return box_gap(one, two, work) <= 2 and touches(grid, one, two, work)
    if what == 16:
        return work[AREA, one] == work[AREA, two]
    return True


@inner
def relation(grid, one, count, what, work):
    """A number of an object among the others.

    How many others, + 1: 0 have its colour, 1 share a row, 2 share a column, 3 have it in their box, 4 lie in
    its box, 13 are larger and of its colour, 14 touch it, 16 have its size. The colour of the nearest (of
    equally near ones the largest, then the first) that: 5 is there, 6 is larger, 7 has its shape in another
    colour, 8 has it turned or mirrored, 9 is of another colour and shares a row, 10 a column, 11 has it in
    its box, 15 touches it; its own colour where there is none. 12: steps to the nearest + 1.
    """
    counting = what <= 4 or what == 13 or what == 14 or what == 16
    value, best = 1, -1
    nearest = 1000
    for two in range(count):
        if two == one or not is_related(grid, one, two, what, work):
            continue
        value += 1
        away = box_gap(one, two, work)
        if best < 0 or away < nearest or (away == nearest and work[AREA, two] > work[AREA, best]):
            best, nearest = two, away
    if counting:
        return value
    if what == 12:
        return nearest + 1 if best >= 0 else 1
    return int(work[COLOUR, best if best >= 0 else one])


@inner
def label_coloured(grid, kind, work):
    """``label`` and the most frequent colour of each object in row COLOUR; 0 objects where there are too
    many."""
    count = label(grid, kind % 2, kind // 2, work)
    if count > MOST:
        return 0
    for number in range(count):
        work[COLOUR, number] = measure(grid, number, count, 11, work)
    return count


@inner
def related_fact(grid, y, x, what, kind, out, work):
    """Every object painted in the colour that is its ``relation``, at most 9."""
    count = label_coloured(grid, kind, work)
    if count == 0:
        return NONE
    for number in range(count):
        work[9, number] = min(relation(grid, number, count, what, work), 9)
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = work[9, number - 1] if number else 0
    return h, w, y, x


@inner
def keep_related(grid, y, x, what, kind, out, work):
    """Only objects that (with ``what`` odd: that do not): 0 lie in another's box, 2 have another in theirs, 4
    touch another, 6 touch one of the rarest colour, 8 have a colour of their own, 10 share rows or columns
    with another, 12 are the largest of their colour, 14 have the shape of the largest object."""
    count = label_coloured(grid, kind, work)
    if count == 0:
        return NONE
    rarest = ranked_colour(grid, -1)
    largest = 0
    for number in range(count):
        if work[AREA, number] > work[AREA, largest]:
            largest = number
    asked = what // 2
    kept = 0
    for number in range(count):
        fits = False
        if asked == 3:
            for other in range(count):
                if work[COLOUR, other] == rarest and work[COLOUR, number] != rarest:
                    fits = fits or touches(grid, number, other, work)
        elif asked == 5:
            fits = relation(grid, number, count, 1, work) + relation(grid, number, count, 2, work) > 2
        elif asked == 7:
            fits = number != largest and same_turned(grid, number, largest, work)
        else:
            of = 3 if asked == 0 else 4 if asked == 1 else 14 if asked == 2 else 0 if asked == 4 else 13
            fits = (relation(grid, number, count, of, work) > 1) == (asked < 4)
        keep = fits == (what % 2 == 0)
        work[9, number] = 1 if keep else 0
        kept += work[9, number]
    if kept == 0:
        return NONE
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = grid[r, c] if number and work[9, number - 1] else 0
    return h, w, y, x


@inner
def layers_of(grid, diagonal, work):
    """work[2, cell]: steps from a coloured cell to the nearest cell of another object, empty cell or the
    outside."""
    h, w = grid.shape
    for cell in range(h * w):
        work[2, cell] = 0
    layer, left = 0, True
    while left:
        layer += 1
        left = False
        for r in range(h):
            for c in range(w):
                if grid[r, c] == 0 or work[2, r * w + c]:
                    continue
                edge = False
                for i in range(r - 1, r + 2):
                    for j in range(c - 1, c + 2):
                        if diagonal == 0 and i != r and j != c:
                            continue
                        on_grid = 0 <= i < h and 0 <= j < w
                        if not on_grid or work[0, i * w + j] != work[0, r * w + c]:
                            edge = True
                        edge = edge or 0 < work[2, i * w + j] < layer
                if edge:
                    work[2, r * w + c] = layer
                else:
                    left = True


@inner
def local_fact(grid, y, x, what, kind, out, work):
    """A number for each coloured cell by its place in its object, at most 9.

    0 row, 1 column, 2 row + column of the box modulo 2, + 1; 3 distance to the edge of the box + 1; 4, 5
    layer from outside (four, eight neighbours); 6: 1 corner of the box, 2 edge, 3 inside; 7, 8 row, column +
    1; 9, 10 from the end; 11: 1 on the middle row or column of the box, 2 not; 12: 1 to 4, the quarter of
    the box.
    """
    count = label(grid, kind % 2, kind // 2, work)
    if count == 0:
        return NONE
    if what == 4 or what == 5:
        layers_of(grid, what - 4, work)
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c] - 1
            value = 0
            if number >= 0:
                row, column = r - work[TOP, number], c - work[LEFT, number]
                up, back = work[BOTTOM, number] - r, work[RIGHT, number] - c
                if what == 0:
                    value = 1 + row % 2
                elif what == 1:
                    value = 1 + column % 2
                elif what == 2:
                    value = 1 + (row + column) % 2
                elif what == 3:
                    value = 1 + min(min(row, up), min(column, back))
                elif what == 4 or what == 5:
                    value = work[2, r * w + c]
                elif what == 6:
                    ends = (1 if row == 0 or up == 0 else 0) + (1 if column == 0 or back == 0 else 0)
                    value = 3 - ends
                elif what == 7:
                    value = row + 1
                elif what == 8:
                    value = column + 1
                elif what == 9:
                    value = up + 1
                elif what == 10:
                    value = back + 1
                elif what == 11:
                    value = 1 if row == up or column == back else 2
                else:
                    value = 1 + (2 if row > up else 0) + (1 if column > back else 0)
            out[r, c] = min(value, 9)
    return h, w, y, x


@inner
def rooms_of(grid, kind, out):
    """A grid of the same size on the memory of ``out``: empty cells as 1 (``kind`` 0, 1), or every colour +
    1 (2)."""
    h, w = grid.shape
    rooms = out.reshape(900)[: h * w].reshape((h, w))
    for r in range(h):
        for c in range(w):
            if kind == 2:
                rooms[r, c] = grid[r, c] + 1
            else:
                rooms[r, c] = 1 if grid[r, c] == 0 else 0
    return rooms


@inner
def room_fact(grid, y, x, what, kind, out, work):
    """Rooms painted in the colour that is their ``measure``: 4- or 8-connected empty cells (``kind`` 0, 1),
    or all 4-connected regions of one colour, empty ones too (2)."""
    rooms = rooms_of(grid, kind, out)
    return object_fact(rooms, y, x, what, 1 if kind == 1 else kind, out, work)


@inner
def room_wall(grid, y, x, what, out, work):
    """Rooms (4-connected empty cells) painted by their coloured neighbours: 0 the most frequent colour, 1
    the rarest colour, 2 their number of colours, 3: 1 where they are of one colour, else 2; 4 the number of
    cells, at most 9."""
    rooms = rooms_of(grid, 0, out)
    count = label(rooms, 0, 0, work)
    h, w = grid.shape
    if count == 0 or count > 100:
        return NONE
    for place in range(count * 10):
        work[9, place] = 0
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0:
                continue
            for step in range(4):
                i = r + (1 if step == 0 else -1 if step == 1 else 0)
                j = c + (1 if step == 2 else -1 if step == 3 else 0)
                if 0 <= i < h and 0 <= j < w and work[0, i * w + j]:
                    work[9, (work[0, i * w + j] - 1) * 10 + grid[r, c]] += 1
    for number in range(count):
        best, most, rare, least, colours, cells = 0, 0, 0, 10000, 0, 0
        for colour in range(1, 10):
            near = work[9, number * 10 + colour]
            cells += near
            colours += 1 if near > 0 else 0
            if near > most:
                best, most = colour, near
            if 0 < near < least:
                rare, least = colour, near
        one = 1 if colours == 1 else 2
        work[8, number] = (
            best
            if what == 0
            else rare
            if what == 1
            else colours
            if what == 2
            else one
            if what == 3
            else min(cells, 9)
        )
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = work[8, number - 1] if number else 0
    return h, w, y, x


@inner
def follow_key(grid, y, x, way, erase, out, work):
    """Recolour by a key: every object of two cells in two colours says that one colour becomes the other.

    ``way``: 0 the left or upper becomes the right or lower one, 1 the other way round, 2 both. ``erase`` 1:
    the key goes.
    """
    count = label(grid, 0, 0, work)
    h, w = grid.shape
    for colour in range(10):
        work[9, colour] = colour
    keys = 0
    for number in range(count):
        work[8, number] = 0
        if work[AREA, number] != 2:
            continue
        one = grid[work[TOP, number], work[LEFT, number]]
        two = grid[work[BOTTOM, number], work[RIGHT, number]]
        if one == two:
            continue
        work[8, number] = 1
        keys += 1
        if way != 1:
            if work[9, one] != one and work[9, one] != two:
                return NONE
            work[9, one] = two
        if way != 0:
            if work[9, two] != two and work[9, two] != one:
                return NONE
            work[9, two] = one
    if keys == 0 or keys == count:
        return NONE
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            value = 0
            if number:
                is_key = work[8, number - 1] == 1
                value = (0 if erase == 1 else grid[r, c]) if is_key else work[9, grid[r, c]]
            out[r, c] = value
    return h, w, y, x


@outer
def relation_kernel(number, argument, grid, y, x, height, width, out, work):
    """The transform of relations of this number; arguments: what * 4 + kind."""
    what, kind = argument // 4, argument % 4
    if number == 0:
        return related_fact(grid, y, x, what, kind, out, work)
    if number == 1:
        return keep_related(grid, y, x, what, kind, out, work)
    if number == 2:
        return local_fact(grid, y, x, what, kind, out, work)
    if number == 3:
        return room_fact(grid, y, x, what, kind, out, work)
    if number == 4:
        return room_wall(grid, y, x, what, out, work)
    if number == 5:
        return follow_key(grid, y, x, what, kind, out, work)
    return NONE
