"""Kernels that walk over the grid: around obstacles, in spirals, and by turning about a middle."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.draw import step_of
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE, cells_of_colour, count_colours


@inner
def rarest_from(grid, down, right):
    """The rarest colour (of equally rare ones the smallest) of those that have a cell on the edge that one
    leaves by stepping ``down`` and ``right``; of all where both are 0; 0 where there is none."""
    h, w = grid.shape
    low, high = count_colours(grid, 0, h, 0, w)
    best, least = 0, 1000
    for r in range(h):
        for c in range(w):
            inside = 0 <= r - down < h and 0 <= c - right < w
            colour = int(grid[r, c])
            if colour == 0 or (inside and (down != 0 or right != 0)):
                continue
            cells = cells_of_colour(low, high, colour)
            if cells < least or (cells == least and colour < best):
                best, least = colour, cells
    return best


@inner
def detour(grid, y, x, way, side, out):
    """The rarest colour on the edge opposite to its way runs on over empty cells; before a cell of another
    colour it steps aside and runs on.

    ``way``, ``side``: directions as for ``step_of``. It ends at the edge, or where the cell aside is of
    another colour.
    """
    h, w = grid.shape
    copy_to(grid, out)
    down, right = step_of(way)
    colour = rarest_from(grid, down, right)
    for r in range(h):
        for c in range(w):
            if colour == 0 or grid[r, c] != colour:
                continue
            i, j = r + down, c + right
            while 0 <= i < h and 0 <= j < w:
                if grid[i, j] != 0 and grid[i, j] != colour:
                    aside, along = step_of(side)
                    i, j = i - down + aside, j - right + along
                    if not (0 <= i < h and 0 <= j < w) or (grid[i, j] != 0 and grid[i, j] != colour):
                        break
                out[i, j] = colour
                i += down
                j += right
    return h, w, y, x


@inner
def spiral_around(grid, y, x, out):
    """From the only cell of the rarest colour a spiral: up two cells, right two, down four, left four, and so
    on, outside the image too, to the first coloured cell."""
    h, w = grid.shape
    colour = ranked_colour(grid, -1)
    r, c, cells = 0, 0, 0
    for i in range(h):
        for j in range(w):
            out[i, j] = grid[i, j]
            if grid[i, j] == colour:
                r, c = i, j
                cells += 1
    if colour == 0 or cells != 1:
        return NONE
    for leg in range(2 * max(h, w) + 2):
        down, right = 0, 0
        if leg % 2 == 0:
            down = -1 if leg % 4 == 0 else 1
        else:
            right = 1 if leg % 4 == 1 else -1
        for _ in range(2 * (leg // 2) + 2):
            r += down
            c += right
            if 0 <= r < h and 0 <= c < w:
                if grid[r, c] != 0:
                    return h, w, y, x
                out[r, c] = colour
    return h, w, y, x


@inner
def is_drawn(out, h, w, r, c):
    """Whether a cell lies on the canvas and is coloured."""
    return 0 <= r < h and 0 <= c < w and out[r, c] != 0


@inner
def spiral_inside(grid, y, x, out):
    """On an empty canvas of the image's size a spiral of colour 1 from the upper left corner to the right and
    inwards, an empty cell between its turns."""
    h, w = grid.shape
    for i in range(h):
        for j in range(w):
            out[i, j] = 0
    r, c, down, right, turns = 0, 0, 0, 1, 0
    out[0, 0] = 1
    while turns < 2:
        i, j = r + down, c + right
        inside = 0 <= i < h and 0 <= j < w
        if inside and out[i, j] == 0 and not is_drawn(out, h, w, i + down, j + right):
            r, c, turns = i, j, 0
            out[r, c] = 1
        else:
            down, right = right, -down
            turns += 1
    return h, w, y, x


@inner
def flow_alternate(grid, y, x, out, work):
    """All colours but the most frequent flow through empty cells (four neighbours); each cell that is reached
    gets the colour two steps back on its way.

    Two steps back from the first one is another colour beside the cell that it comes from; cells without that
    do not flow.
    """
    h, w = grid.shape
    wall = ranked_colour(grid, 0)
    copy_to(grid, out)
    first, last = 0, 0
    for cell in range(h * w):
        colour = grid[cell // w, cell % w]
        work[1, cell] = -1  # the cell before on the way
        for bit in range(4 if colour != 0 and colour != wall else 0):
            down, right = step_of(bit)
            i, j = cell // w + down, cell % w + right
            found = work[1, cell] < 0 and 0 <= i < h and 0 <= j < w
            if found and grid[i, j] != 0 and grid[i, j] != wall and grid[i, j] != colour:
                work[1, cell] = i * w + j
        if work[1, cell] >= 0:
            work[0, last] = cell
            last += 1
    while first < last:
        cell = work[0, first]
        first += 1
        before = work[1, cell]
        for bit in range(4):
            down, right = step_of(bit)
            i, j = cell // w + down, cell % w + right
            if 0 <= i < h and 0 <= j < w and out[i, j] == 0:
                out[i, j] = out[before // w, before % w]
                work[1, i * w + j] = cell
                work[0, last] = i * w + j
                last += 1
    return h, w, y, x


@inner
def across_stripes(grid):
    """The directions, as for ``smear``, at right angles to those in which neighbours are equal more often."""
    h, w = grid.shape
    rows, columns = 0, 0
    for r in range(h):
        for c in range(w):
            rows += 1 if c > 0 and grid[r, c] == grid[r, c - 1] else 0
            columns += 1 if r > 0 and grid[r, c] == grid[r - 1, c] else 0
    return 12 if rows * max(h - 1, 1) * w > columns * h * max(w - 1, 1) else 3


@inner
def smear_within(grid, y, x, out, work):
    """Cells whose colour (0 too) none of their eight neighbours has run on over cells of the colour that more
    than half of these have, and over their own, up to the end of it, ``across_stripes``."""
    h, w = grid.shape
    copy_to(grid, out)
    directions = across_stripes(grid)
    for r in range(h):
        for c in range(w):
            for colour in range(10):
                work[0, colour] = 0
            near, around = 0, 0
            for i in range(max(r - 1, 0), min(r + 2, h)):
                for j in range(max(c - 1, 0), min(c + 2, w)):
                    if i == r and j == c:
                        continue
                    work[0, grid[i, j]] += 1
                    near += 1
                    if work[0, grid[i, j]] > work[0, around]:
                        around = int(grid[i, j])
            if work[0, grid[r, c]] > 0 or work[0, around] * 2 <= near:
                continue
            for bit in range(4):
                down, right = step_of(bit)
                i, j = r + down, c + right
                while (directions >> bit) & 1 and 0 <= i < h and 0 <= j < w:
                    if grid[i, j] != around and grid[i, j] != grid[r, c]:
                        break
                    out[i, j] = grid[r, c]
                    i += down
                    j += right
    return h, w, y, x


@inner
def hits(grid, y, x, out):
    """Only the cells of other colours that cells of the rarest colour see along rows and columns, in that
    colour."""
    h, w = grid.shape
    colour = ranked_colour(grid, -1)
    for r in range(h):
        for c in range(w):
            out[r, c] = 0
    for r in range(h):
        for c in range(w):
            for bit in range(4 if grid[r, c] == colour and colour != 0 else 0):
                down, right = step_of(bit)
                i, j = r + down, c + right
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    i += down
                    j += right
                if 0 <= i < h and 0 <= j < w and grid[i, j] != colour:
                    out[i, j] = colour
    return h, w, y, x


@inner
def turned_place(r, c, down, right, turn):
    """Where a cell comes to when turned by half (``turn`` 0) or a quarter (1, 2) about a middle, given as
    twice its row and column."""
    if turn == 0:
        return down - r, right - c
    away, along = 2 * r - down, 2 * c - right
    if turn == 1:
        return (down + along) // 2, (right - away) // 2
    return (down - along) // 2, (right + away) // 2


@inner
def turn_needs(grid, down, right, quarter, most, count, stamp, work):
    """How many empty cells the turned copies of all coloured cells colour; -1 where they leave the image,
    meet another colour, or colour ``most`` cells or more.

    work[0, :count]: the coloured cells. Cells that get a colour: work[1, cell] = 10 * stamp + colour.
    """
    h, w = grid.shape
    needed = 0
    for k in range(count):
        r, c = work[0, k] // w, work[0, k] % w
        for turn in range(3 if quarter == 1 else 1):
            i, j = turned_place(r, c, down, right, turn)
            if i < 0 or j < 0 or i >= h or j >= w:
                return -1
            there = int(grid[i, j])
            if there == 0 and work[1, i * w + j] // 10 == stamp:
                there = work[1, i * w + j] % 10
            if there == 0:
                work[1, i * w + j] = 10 * stamp + int(grid[r, c])
                needed += 1
            if (there != 0 and there != grid[r, c]) or needed >= most:
                return -1
    return needed


@inner
def turn_symmetry(grid, y, x, quarter, out, work):
    """What is missing for the image to be its own half (or quarter) turn is coloured.

    The middle, in half cells, is the one in the box of the coloured cells for which fewest cells are missing
    (of several the first), no cell leaves the image, and no two colours meet.
    """
    h, w = grid.shape
    top, bottom, left, right, count = h, -1, w, -1, 0
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c]
            work[1, r * w + c] = 0
            if grid[r, c] != 0:
                work[0, count] = r * w + c
                count += 1
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    most, stamp = h * w + 1, 0
    for down in range(max(2 * top, bottom), min(2 * bottom, h - 1 + top) + 1):
        for along in range(max(2 * left, right), min(2 * right, w - 1 + left) + 1):
            if (quarter == 1 and (down + along) % 2 == 1) or most == 0:
                continue
            stamp += 1
            needed = turn_needs(grid, down, along, quarter, most, count, stamp, work)
            if needed < 0:
                continue
            most = needed
            for cell in range(h * w):
                added = work[1, cell]
                out[cell // w, cell % w] = added % 10 if added // 10 == stamp else grid[cell // w, cell % w]
    return h, w, y, x
