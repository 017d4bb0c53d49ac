"""Kernels that fill, outline, smear, connect and complete what is drawn on an image."""

from solver.search.jit import inner, outer
from solver.search.kernels.blocks import complete_lines, empty_squares, keep_blocks
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.mend import mend, overlay_mirror
from solver.search.kernels.shape import NONE, SIDE


@inner
def mark_outside(grid, wall, diagonal, work):
    """work[0, cell] = 1 for the cells that a path over cells of no wall joins to the edge.

    ``wall``: every coloured cell where it is 0, else the cells of that colour.
    """
    h, w = grid.shape
    for cell in range(h * w):
        work[0, cell] = 0
    top = 0
    for r in range(h):
        for c in range(w):
            if r == 0 or c == 0 or r == h - 1 or c == w - 1:
                closed = grid[r, c] != 0 if wall == 0 else grid[r, c] == wall
                if not closed:
                    work[0, r * w + c] = 1
                    work[1, top] = r * w + c
                    top += 1
    while top > 0:
        top -= 1
        r, c = work[1, top] // w, work[1, top] % w
        for i in range(max(r - 1, 0), min(r + 2, h)):
            for j in range(max(c - 1, 0), min(c + 2, w)):
                if diagonal == 0 and i != r and j != c:
                    continue
                if work[0, i * w + j]:
                    continue
                closed = grid[i, j] != 0 if wall == 0 else grid[i, j] == wall
                if not closed:
                    work[0, i * w + j] = 1
                    work[1, top] = i * w + j
                    top += 1


@inner
def fill_enclosed(grid, y, x, colour, diagonal, only, out, work):
    """Empty cells that no path joins to the edge get a colour (0: the most frequent one of the image).

    With ``only`` 1 nothing but these cells is kept.
    """
    h, w = grid.shape
    if colour == 0:
        colour = ranked_colour(grid, 0)
    mark_outside(grid, 0, diagonal, work)
    some = False
    for r in range(h):
        for c in range(w):
            inside = grid[r, c] == 0 and work[0, r * w + c] == 0
            some = some or inside
            out[r, c] = colour if inside else (0 if only == 1 else grid[r, c])
    if only == 1 and not some:
        return NONE
    return h, w, y, x


@inner
def fill_by_wall(grid, y, x, only, out, work):
    """Enclosed empty regions in the colour of their wall where it is one colour."""
    h, w = grid.shape
    mark_outside(grid, 0, 0, work)
    for r in range(h):
        for c in range(w):
            out[r, c] = 0 if only == 1 else grid[r, c]
            work[2, r * w + c] = 0
    some = False
    for start in range(h * w):
        if grid[start // w, start % w] != 0 or work[0, start] or work[2, start]:
            continue
        top, size, wall = 1, 0, 0
        work[1, 0] = start
        work[2, start] = 1
        while top > 0:
            top -= 1
            cell = work[1, top]
            work[3, size] = cell
            size += 1
            r, c = cell // w, cell % w
            for step in range(4):
                i = r + (1 if step == 0 else -1 if step == 1 else 0)
                j = c + (1 if step == 2 else -1 if step == 3 else 0)
                if i < 0 or j < 0 or i >= h or j >= w:
                    continue
                if grid[i, j] != 0:
                    if wall == 0:
                        wall = grid[i, j]
                    elif wall != grid[i, j]:
                        wall = -1
                elif work[2, i * w + j] == 0:
                    work[2, i * w + j] = 1
                    work[1, top] = i * w + j
                    top += 1
        if wall > 0:
            some = True
            for k in range(size):
                out[work[3, k] // w, work[3, k] % w] = wall
    if only == 1 and not some:
        return NONE
    return h, w, y, x


@inner
def outline(grid, y, x, inner, diagonal, out):
    """The coloured cells beside an empty cell or the edge (``inner`` 0), or all the others (1)."""
    h, w = grid.shape
    some = False
    for r in range(h):
        for c in range(w):
            edge = r == 0 or c == 0 or r == h - 1 or c == w - 1
            for i in range(max(r - 1, 0), min(r + 2, h)):
                for j in range(max(c - 1, 0), min(c + 2, w)):
                    if (diagonal == 1 or i == r or j == c) and grid[i, j] == 0:
                        edge = True
            keep = grid[r, c] != 0 and edge == (inner == 0)
            out[r, c] = grid[r, c] if keep else 0
            some = some or keep
    if not some:
        return NONE
    return h, w, y, x


@inner
def surround(grid, y, x, colour, diagonal, grow, out):
    """Empty cells beside coloured ones get a colour (0: that of the neighbour); ``grow`` 0: inside the
    image."""
    h, w = grid.shape
    if h + 2 * grow > SIDE or w + 2 * grow > SIDE:
        return NONE
    for r in range(-grow, h + grow):
        for c in range(-grow, w + grow):
            inside = 0 <= r < h and 0 <= c < w
            own = grid[r, c] if inside else 0
            value = own
            if own == 0:
                for i in range(max(r - 1, 0), min(r + 2, h)):
                    for j in range(max(c - 1, 0), min(c + 2, w)):
                        if (diagonal == 1 or i == r or j == c) and grid[i, j] != 0:
                            value = colour if colour else max(value, grid[i, j])
            out[r + grow, c + grow] = value
    return h + 2 * grow, w + 2 * grow, y - grow, x - grow


@inner
def smear(grid, y, x, directions, over, out):
    """Colours run on over empty cells: bits 1 right, 2 left, 4 down, 8 up, 16 to 128 the four diagonals.

    Each direction starts from the image itself, later ones fill what is still empty. With ``over`` 1 colours
    run over others too until the edge.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c]
    for bit in range(8):
        if not (directions >> bit) & 1:
            continue
        down = 0
        right = 0
        if bit == 0:
            right = 1
        elif bit == 1:
            right = -1
        elif bit == 2:
            down = 1
        elif bit == 3:
            down = -1
        else:
            down = 1 if bit < 6 else -1
            right = 1 if bit % 2 == 0 else -1
        for r in range(h):
            for c in range(w):
                if grid[r, c] == 0:
                    continue
                i, j = r + down, c + right
                while 0 <= i < h and 0 <= j < w and (over == 1 or grid[i, j] == 0):
                    if over == 1 or out[i, j] == 0:
                        out[i, j] = grid[r, c]
                    i += down
                    j += right
    if over == 1:
        for r in range(h):
            for c in range(w):
                if grid[r, c] != 0:
                    out[r, c] = grid[r, c]
    return h, w, y, x


@inner
def connect(grid, y, x, directions, only, out):
    """Empty cells between two coloured cells of one colour: bits 1 along rows, 2 columns, 4 and 8 diagonals.

    With ``only`` 1 nothing but the connections is kept.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = 0 if only == 1 else grid[r, c]
    some = False
    for bit in range(4):
        if not (directions >> bit) & 1:
            continue
        down = 0 if bit == 0 else 1
        right = 1 if bit == 0 else 0 if bit == 1 else 1 if bit == 2 else -1
        for r in range(h):
            for c in range(w):
                if grid[r, c] == 0:
                    continue
                i, j = r + down, c + right
                steps = 0
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    i += down
                    j += right
                    steps += 1
                if steps and 0 <= i < h and 0 <= j < w and grid[i, j] == grid[r, c]:
                    some = True
                    for k in range(1, steps + 1):
                        out[r + k * down, c + k * right] = grid[r, c]
    if only == 1 and not some:
        return NONE
    return h, w, y, x


@inner
def spread(grid, y, x, diagonal, out, work):
    """Every empty cell gets the colour of the coloured cell nearest to it; of equally near ones the first."""
    h, w = grid.shape
    first, last = 0, 0
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c]
            if grid[r, c] != 0:
                work[0, last] = r * w + c
                last += 1
    if last == 0:
        return NONE
    while first < last:
        r, c = work[0, first] // w, work[0, first] % w
        first += 1
        for i in range(max(r - 1, 0), min(r + 2, h)):
            for j in range(max(c - 1, 0), min(c + 2, w)):
                if (diagonal == 1 or i == r or j == c) and out[i, j] == 0:
                    out[i, j] = out[r, c]
                    work[0, last] = i * w + j
                    last += 1
    return h, w, y, x


@inner
def lines_through(grid, y, x, directions, out):
    """Every coloured cell sends its colour to the edges over empty cells and over others.

    Bits 1 row, 2 column, 4 falling diagonal, 8 rising diagonal; what was drawn first stays.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c]
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0:
                continue
            for bit in range(4):
                if not (directions >> bit) & 1:
                    continue
                down = 0 if bit == 0 else 1
                right = 1 if bit == 0 else 0 if bit == 1 else 1 if bit == 2 else -1
                for sign in range(-1, 2, 2):
                    i, j = r + sign * down, c + sign * right
                    while 0 <= i < h and 0 <= j < w:
                        if out[i, j] == 0:
                            out[i, j] = grid[r, c]
                        i += sign * down
                        j += sign * right
    return h, w, y, x


@inner
def hull(grid, y, x, colour, only, out):
    """The empty cells of the box around the content in one colour (0: the most frequent)."""
    h, w = grid.shape
    if colour == 0:
        colour = ranked_colour(grid, 0)
    top, bottom, left, right = h, -1, w, -1
    for r in range(h):
        for c in range(w):
            if grid[r, c] != 0:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    if bottom < 0:
        return NONE
    for r in range(h):
        for c in range(w):
            inside = top <= r <= bottom and left <= c <= right
            if inside and grid[r, c] == 0:
                out[r, c] = colour
            else:
                out[r, c] = 0 if only == 1 else grid[r, c]
    return h, w, y, x


@inner
def middle(grid, y, x, out):
    """The middle cell, or the middle two by two, of the rectangle."""
    h, w = grid.shape
    height, width = 2 - h % 2, 2 - w % 2
    top, left = (h - height) // 2, (w - width) // 2
    for r in range(height):
        for c in range(width):
            out[r, c] = grid[top + r, left + c]
    return height, width, y + top, x + left


@inner
def fill_outside(grid, y, x, colour, out, work):
    """Empty cells that a path joins to the edge get a colour."""
    h, w = grid.shape
    mark_outside(grid, 0, 0, work)
    for r in range(h):
        for c in range(w):
            out[r, c] = colour if work[0, r * w + c] == 1 else grid[r, c]
    return h, w, y, x


@outer
def fill_kernel(number, argument, grid, y, x, height, width, out, work):
    """The fill transform of this number."""
    if number == 0:
        return fill_enclosed(grid, y, x, argument % 10, argument // 10 % 10, argument // 100, out, work)
    if number == 1:
        return fill_by_wall(grid, y, x, argument, out, work)
    if number == 2:
        return outline(grid, y, x, argument % 2, argument // 2, out)
    if number == 3:
        return surround(grid, y, x, argument % 10, argument // 10 % 10, argument // 100, out)
    if number == 4:
        return smear(grid, y, x, argument % 1000, argument // 1000, out)
    if number == 5:
        return connect(grid, y, x, argument % 100, argument // 100, out)
    if number == 6:
        return spread(grid, y, x, argument, out, work)
    if number == 7:
        return lines_through(grid, y, x, argument, out)
    if number == 8:
        return overlay_mirror(grid, y, x, argument, out)
    if number == 9:
        return hull(grid, y, x, argument % 10, argument // 10, out)
    if number == 10:
        return middle(grid, y, x, out)
    if number == 11:
        return fill_outside(grid, y, x, argument, out, work)
    if number == 12:
        return mend(grid, y, x, argument % 10, argument // 10, out, work)
    if number == 13:
        return keep_blocks(grid, y, x, argument % 10, argument // 10, out)
    if number == 14:
        return complete_lines(grid, y, x, out)
    if number == 15:
        return empty_squares(grid, y, x, out)
    return NONE
