"""Kernels about objects: connected cells, what they measure, and what each cell learns from its object."""

from solver.search.jit import inner
from solver.search.kernels.shape import NONE, cells_of_colour

AREA, TOP, BOTTOM, LEFT, RIGHT = 3, 4, 5, 6, 7  # rows of ``work`` after ``label``: an entry for each object


@inner
def label(grid, diagonal, one_colour, work):
    """Number the objects of a grid in reading order; how many there are.

    work[0, cell]: 1 + the object's number, 0 for empty cells. Rows AREA to RIGHT: cells and box of each
    object.
    """
    h, w = grid.shape
    for cell in range(h * w):
        work[0, cell] = 0
    count = 0
    for start in range(h * w):
        if grid[start // w, start % w] == 0 or work[0, start]:
            continue
        work[0, start] = count + 1
        work[1, 0] = start
        top = 1
        area, first, last, left, right = 0, h, -1, w, -1
        while top > 0:
            top -= 1
            cell = work[1, top]
            r, c = cell // w, cell % w
            area += 1
            first, last = min(first, r), max(last, r)
            left, right = min(left, c), max(right, c)
            for i in range(max(r - 1, 0), min(r + 2, h)):
                for j in range(max(c - 1, 0), min(c + 2, w)):
                    if (diagonal == 0 and i != r and j != c) or grid[i, j] == 0 or work[0, i * w + j]:
                        continue
                    if one_colour == 1 and grid[i, j] != grid[r, c]:
                        continue
                    work[0, i * w + j] = count + 1
                    work[1, top] = i * w + j
                    top += 1
        work[AREA, count] = area
        work[TOP, count], work[BOTTOM, count] = first, last
        work[LEFT, count], work[RIGHT, count] = left, right
        count += 1
    return count


@inner
def same_shape(grid, one, two, work):
    """Whether two objects cover the same cells of their boxes."""
    height = work[BOTTOM, one] - work[TOP, one]
    width = work[RIGHT, one] - work[LEFT, one]
    if work[AREA, one] != work[AREA, two]:
        return False
    if height != work[BOTTOM, two] - work[TOP, two] or width != work[RIGHT, two] - work[LEFT, two]:
        return False
    w = grid.shape[1]
    for r in range(height + 1):
        for c in range(width + 1):
            a = work[0, (work[TOP, one] + r) * w + work[LEFT, one] + c] == one + 1
            b = work[0, (work[TOP, two] + r) * w + work[LEFT, two] + c] == two + 1
            if a != b:
                return False
    return True


@inner
def holes_of(grid, number, work):
    """How many regions of other cells the object encloses in its box (four neighbours)."""
    w = grid.shape[1]
    top, left = work[TOP, number], work[LEFT, number]
    height = work[BOTTOM, number] - top + 1
    width = work[RIGHT, number] - left + 1
    for cell in range(height * width):
        work[2, cell] = 0
    holes = 0
    for start in range(height * width):
        r, c = start // width, start % width
        if work[2, start] or work[0, (top + r) * w + left + c] == number + 1:
            continue
        work[1, 0] = start
        work[2, start] = 1
        end = 1
        open_ = False
        while end > 0:
            end -= 1
            r, c = work[1, end] // width, work[1, end] % width
            if r == 0 or c == 0 or r == height - 1 or c == width - 1:
                open_ = True
            for step in range(4):
                i = r + (1 if step == 0 else -1 if step == 1 else 0)
                j = c + (1 if step == 2 else -1 if step == 3 else 0)
                if i < 0 or j < 0 or i >= height or j >= width or work[2, i * width + j]:
                    continue
                if work[0, (top + i) * w + left + j] == number + 1:
                    continue
                work[2, i * width + j] = 1
                work[1, end] = i * width + j
                end += 1
        if not open_:
            holes += 1
    return holes


@inner
def mirrored(grid, number, across, work):
    """Whether the object's own cells are their own mirror image: ``across`` 1 left-right, 0 up-down."""
    w = grid.shape[1]
    top, bottom = work[TOP, number], work[BOTTOM, number]
    left, right = work[LEFT, number], work[RIGHT, number]
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            i, j = (r, left + right - c) if across == 1 else (top + bottom - r, c)
            a = work[0, r * w + c] == number + 1
            b = work[0, i * w + j] == number + 1
            if a != b or (a and grid[r, c] != grid[i, j]):
                return False
    return True


@inner
def own_colours(grid, number, what, work):
    """The object's most frequent colour (``what`` 11), its rarest (12), or its number of colours (13)."""
    w = grid.shape[1]
    top, bottom = work[TOP, number], work[BOTTOM, number]
    left, right = work[LEFT, number], work[RIGHT, number]
    low, high = 0, 0
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            if work[0, r * w + c] == number + 1:
                colour = int(grid[r, c])
                if colour < 5:
                    low += 1 << (12 * colour)
                else:
                    high += 1 << (12 * (colour - 5))
    best, most, rare, least, colours = 0, 0, 0, 10000, 0
    for colour in range(1, 10):
        cells = cells_of_colour(low, high, colour)
        if cells > most:
            best, most = colour, cells
        if 0 < cells < least:
            rare, least = colour, cells
        colours += 1 if cells > 0 else 0
    if what == 11:
        return best
    if what == 12:
        return rare
    return colours


@inner
def measure(grid, number, count, what, work):
    """A number of an object.

    0 rank of its area from the largest on + 1; 1 rank from the smallest on + 1; 2 area; 3 height; 4 width;
    5 holes + 1; 6: 1 symmetric left-right, 2 up-down, 3 both, 4 neither; 7 objects of the same shape;
    8: 1 touches the edge, 2 not; 9: 1 fills its box, 2 not; 10: 1 wider than high, 2 higher, 3 as high as
    wide; 11: its most frequent colour; 12: its rarest; 13: its number of colours; 14: its place from left to
    right; 15: from top to bottom; 16: 1 a single cell, 2 more.
    """
    h, w = grid.shape
    top, bottom = work[TOP, number], work[BOTTOM, number]
    left, right = work[LEFT, number], work[RIGHT, number]
    area = work[AREA, number]
    if what <= 1:
        rank = 1
        for other in range(count):
            work[2, work[AREA, other]] = 0
        for other in range(count):
            size = work[AREA, other]
            if (size > area if what == 0 else size < area) and not work[2, size]:
                work[2, size] = 1
                rank += 1
        return rank
    if what == 2:
        return area
    if what == 16:
        return 1 if area == 1 else 2
    if what == 3:
        return bottom - top + 1
    if what == 4:
        return right - left + 1
    if what == 5:
        return holes_of(grid, number, work) + 1
    if what == 6:
        across = mirrored(grid, number, 1, work)
        down = mirrored(grid, number, 0, work)
        return 3 if across and down else 1 if across else 2 if down else 4
    if what == 7:
        alike = 0
        for other in range(count):
            if same_shape(grid, number, other, work):
                alike += 1
        return alike
    if what == 8:
        return 1 if top == 0 or left == 0 or bottom == h - 1 or right == w - 1 else 2
    if what == 9:
        return 1 if area == (bottom - top + 1) * (right - left + 1) else 2
    if what == 10:
        return 1 if right - left > bottom - top else 2 if right - left < bottom - top else 3
    if what == 14 or what == 15:
        rank = 1
        for other in range(count):
            if (work[LEFT, other] < left) if what == 14 else (work[TOP, other] < top):
                rank += 1
        return rank
    return own_colours(grid, number, what, work)


@inner
def object_fact(grid, y, x, what, kind, out, work):
    """Every object painted in the colour that is its measure ``what``, at most 9; ``kind``: diagonal + 2 one
    colour."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    for number in range(count):
        value = measure(grid, number, count, what, work)
        work[8, number] = min(max(value, 0), 9)
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = work[8, number - 1] if number else 0
    return h, w, y, x


@inner
def keep_objects(grid, y, x, what, kind, out, work):
    """Only some objects: 0 the largest, 1 the smallest, 2 those of more than one cell, 3 of one cell, 4 that
    touch the edge, 5 that do not, 6 with holes, 7 without, 8 symmetric left-right, 9 not, 10 whose shape
    stands alone, 11 whose shape is there again, 12 that fill their box, 13 that do not, 14 not the largest,
    15 of more than two cells, 16 of one colour only, 17 of several colours."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    kept = 0
    for number in range(count):
        keep = False
        if what == 0 or what == 14:
            keep = (measure(grid, number, count, 0, work) == 1) == (what == 0)
        elif what == 1:
            keep = measure(grid, number, count, 1, work) == 1
        elif what == 2:
            keep = work[AREA, number] > 1
        elif what == 3:
            keep = work[AREA, number] == 1
        elif what == 4 or what == 5:
            keep = measure(grid, number, count, 8, work) == what - 3
        elif what == 6 or what == 7:
            keep = (measure(grid, number, count, 5, work) > 1) == (what == 6)
        elif what == 8 or what == 9:
            keep = (measure(grid, number, count, 6, work) % 2 == 1) == (what == 8)
        elif what == 10 or what == 11:
            keep = (measure(grid, number, count, 7, work) == 1) == (what == 10)
        elif what == 12 or what == 13:
            keep = measure(grid, number, count, 9, work) == what - 11
        elif what == 15:
            keep = work[AREA, number] > 2
        else:
            keep = (measure(grid, number, count, 13, work) == 1) == (what == 16)
        work[8, number] = 1 if keep else 0
        kept += work[8, number]
    if kept == 0:
        return NONE
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = grid[r, c] if number and work[8, number - 1] else 0
    return h, w, y, x


@inner
def paint_objects(grid, y, x, what, kind, out, work):
    """Every object in one colour that it holds: 0 its most frequent, 1 its rarest colour."""
    return object_fact(grid, y, x, 11 + what, kind, out, work)


@inner
def box_objects(grid, y, x, what, kind, out, work):
    """The box of every object: 0 filled, 1 its empty cells only, 2 its outline, in the object's most frequent
    colour; 3 its empty cells as 1; drawn in reading order."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 200:
        return NONE
    for r in range(h):
        for c in range(w):
            out[r, c] = 0 if what == 1 else grid[r, c]
    for number in range(count):
        colour = 1 if what == 3 else measure(grid, number, count, 11, work)
        top, bottom = work[TOP, number], work[BOTTOM, number]
        left, right = work[LEFT, number], work[RIGHT, number]
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if what == 2:
                    if r in (top, bottom) or c in (left, right):
                        out[r, c] = colour
                elif grid[r, c] == 0:
                    out[r, c] = colour
    return h, w, y, x


@inner
def falls_farther(grid, number, steps, where, work):
    """Whether an object that fell ``steps`` can fall one more: inside the grid and over cells with work[9,
    cell] 0."""
    h, w = grid.shape
    down = steps + 1 if where == 0 else -steps - 1 if where == 1 else 0
    right = steps + 1 if where == 2 else -steps - 1 if where == 3 else 0
    for r in range(work[TOP, number], work[BOTTOM, number] + 1):
        for c in range(work[LEFT, number], work[RIGHT, number] + 1):
            if work[0, r * w + c] == number + 1:
                i, j = r + down, c + right
                if i < 0 or j < 0 or i >= h or j >= w or work[9, i * w + j]:
                    return False
    return True


@inner
def fall_flagged(grid, y, x, where, count, out, work):
    """Objects with work[8, object] = 0 fall as rigid bodies on those with 1: 0 down, 1 up, 2 right, 3 left.

    Those nearest to the ground fall first.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            fixed = number > 0 and work[8, number - 1] == 1
            out[r, c] = grid[r, c] if fixed else 0
            work[9, r * w + c] = 1 if fixed else 0
    while True:
        best, key = -1, 0
        for number in range(count):
            if work[8, number]:
                continue
            value = int(
                work[RIGHT if where == 2 else LEFT if where == 3 else BOTTOM if where == 0 else TOP, number]
            )
            if where % 2 == 1:
                value = -value
            if best < 0 or value > key:
                best, key = number, value
        if best < 0:
            return h, w, y, x
        work[8, best] = 1
        steps = 0
        while falls_farther(grid, best, steps, where, work):
            steps += 1
        down = steps if where == 0 else -steps if where == 1 else 0
        right = steps if where == 2 else -steps if where == 3 else 0
        for r in range(work[TOP, best], work[BOTTOM, best] + 1):
            for c in range(work[LEFT, best], work[RIGHT, best] + 1):
                if work[0, r * w + c] == best + 1:
                    out[r + down, c + right] = grid[r, c]
                    work[9, (r + down) * w + c + right] = 1


@inner
def fall_objects(grid, y, x, where, kind, out, work):
    """All objects fall as rigid bodies: 0 down, 1 up, 2 right, 3 left."""
    count = label(grid, kind % 2, kind // 2, work)
    if count == 0 or count > 60:
        return NONE
    for number in range(count):
        work[8, number] = 0
    return fall_flagged(grid, y, x, where, count, out, work)
