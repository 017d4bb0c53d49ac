"""Kernels that draw along rows and columns, from what stands in them."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.draw import is_alone, step_of
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE


@inner
def run_on(grid, r, c, down, right, colour, out):
    """A colour runs from beside a cell over empty cells as far as they go."""
    h, w = grid.shape
    i, j = r + down, c + right
    while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
        out[i, j] = colour
        i += down
        j += right


@inner
def step_smear(grid, y, x, directions, out):
    """Empty cells beside a coloured one, on its chosen sides, get its colour (of several the first one's).

    ``directions`` as for ``smear``: bits 1 right, 2 left, 4 down, 8 up, 16 to 128 the diagonals.
    """
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            for bit in range(8 if grid[r, c] != 0 else 0):
                down, right = step_of(bit)
                i, j = r + down, c + right
                if (directions >> bit) & 1 and 0 <= i < h and 0 <= j < w and out[i, j] == 0:
                    out[i, j] = grid[r, c]
    return h, w, y, x


@inner
def bridge(grid, y, x, out):
    """Rows, then columns, with one colour at both ends get it from end to end."""
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w if grid[r, 0] != 0 and grid[r, 0] == grid[r, w - 1] else 0):
            out[r, c] = grid[r, 0]
    for c in range(w):
        for r in range(h if grid[0, c] != 0 and grid[0, c] == grid[h - 1, c] else 0):
            out[r, c] = grid[0, c]
    return h, w, y, x


@inner
def lines_cross(grid, y, x, out, work):
    """Rows and columns with a coloured cell in the colour of their last one, over everything; where two of
    them cross the cell stays as it was."""
    h, w = grid.shape
    for k in range(max(h, w)):
        work[0, k] = 0
        work[1, k] = 0
    for r in range(h):
        for c in range(w):
            if grid[r, c] != 0:
                work[0, r] = grid[r, c]
                work[1, c] = grid[r, c]
    for r in range(h):
        for c in range(w):
            both = work[0, r] != 0 and work[1, c] != 0
            out[r, c] = grid[r, c] if both else work[0, r] + work[1, c]
    return h, w, y, x


@inner
def line_full(grid, y, x, columns, out, work):
    """Rows (or columns) of 1 where no cell is empty, of 2 where one is."""
    h, w = grid.shape
    for k in range(max(h, w)):
        work[0, k] = 1
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0:
                work[0, c if columns == 1 else r] = 2
    for r in range(h):
        for c in range(w):
            out[r, c] = work[0, c if columns == 1 else r]
    return h, w, y, x


@inner
def between_dots(grid, y, x, out):
    """Between two coloured cells of a row or column with nothing between them every second empty cell,
    counted from the nearer one, gets its colour (the left or upper one's in the middle)."""
    h, w = grid.shape
    copy_to(grid, out)
    for bit in range(2):
        lines, length = (w, h) if bit else (h, w)
        for line in range(lines):
            first = -1
            for k in range(length):
                colour = grid[k, line] if bit else grid[line, k]
                if colour == 0:
                    continue
                for between in range(first + 1 if first >= 0 else k, k):
                    near = first if between - first <= k - between else k
                    if (between - near) % 2 == 0:
                        if bit:
                            out[between, line] = grid[near, line]
                        else:
                            out[line, between] = grid[line, near]
                first = k
    return h, w, y, x


@inner
def spans(grid, y, x, out):
    """What lies between the first and the last marker of each row, one below the other.

    Markers are the cells that are neither empty nor of the most frequent colour. Rows without two markers,
    or with nothing between them, are left out.
    """
    h, w = grid.shape
    main = ranked_colour(grid, 0)
    count, longest = 0, 0
    for r in range(h):
        first, last = -1, -1
        for c in range(w):
            out[r, c] = 0
            if grid[r, c] != 0 and grid[r, c] != main:
                first = c if first < 0 else first
                last = c
        if last - first < 2:
            continue
        for c in range(first + 1, last):
            out[count, c - first - 1] = grid[r, c]
        count += 1
        longest = max(longest, last - first - 1)
    return (count, longest, y, x) if count > 0 else NONE


@inner
def elbow(grid, y, x, out, work):
    """Of each colour that has two cells these are joined over empty cells, down from the upper one and then
    sideways; of a colour that has one cell this runs down to the edge."""
    h, w = grid.shape
    copy_to(grid, out)
    for colour in range(10):
        work[0, colour] = 0
    for r in range(h):
        for c in range(w):
            colour = int(grid[r, c])
            work[0, colour] += 1
            if work[0, colour] < 3:
                work[work[0, colour], colour] = r * w + c
    for colour in range(1, 10):
        if work[0, colour] == 0 or work[0, colour] > 2:
            continue
        r, c = work[1, colour] // w, work[1, colour] % w
        i, j = h - 1, c
        if work[0, colour] == 2:
            i, j = work[2, colour] // w, work[2, colour] % w
        for k in range(r, i + 1):
            if out[k, c] == 0:
                out[k, c] = colour
        for k in range(min(c, j), max(c, j) + 1):
            if out[i, k] == 0:
                out[i, k] = colour
    return h, w, y, x


@inner
def slant(grid, y, x, right, out):
    """Every row moved left (or right) by its distance from the last row with colour; cells that leave the
    image are lost."""
    h, w = grid.shape
    last = 0
    for r in range(h):
        for c in range(w):
            out[r, c] = 0
            if grid[r, c] != 0:
                last = r
    for r in range(last + 1):
        steps = last - r if right == 1 else r - last
        for c in range(w):
            if 0 <= c + steps < w:
                out[r, c + steps] = grid[r, c]
    return h, w, y, x


@inner
def space_out(grid, y, x, gap, out):
    """The image's cells with ``gap`` empty rows and columns between them."""
    h, w = grid.shape
    height, width = (h - 1) * (gap + 1) + 1, (w - 1) * (gap + 1) + 1
    if height > 30 or width > 30:
        return NONE
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    for r in range(h):
        for c in range(w):
            out[r * (gap + 1), c * (gap + 1)] = grid[r, c]
    return height, width, y, x


@inner
def corner_cells(grid, y, x, out):
    """The image's four corner cells as an image of two by two."""
    h, w = grid.shape
    for k in range(4):
        out[k // 2, k % 2] = grid[k // 2 * (h - 1), k % 2 * (w - 1)]
    return 2, 2, y, x


@inner
def lines_short(grid, y, x, out):
    """Columns, or rows where the image is higher than wide, are filled with the colour of their first
    coloured cell where they are empty."""
    h, w = grid.shape
    lines, length = (w, h) if w >= h else (h, w)
    for line in range(lines):
        colour = 0
        for repeat in range(2):  # the first round finds the colour, the second draws
            for k in range(length):
                r, c = (k, line) if w >= h else (line, k)
                if colour == 0 and grid[r, c] != 0:
                    colour = int(grid[r, c])
                out[r, c] = grid[r, c] if grid[r, c] != 0 or repeat == 0 else colour
    return h, w, y, x


@inner
def alternate(grid, y, x, out, work):
    """Columns, or rows where the image is higher than wide, of which two or more with colour follow each
    other in equal steps go on in these steps to the edge, in turn."""
    h, w = grid.shape
    copy_to(grid, out)
    lines, length = (w, h) if w >= h else (h, w)
    count = 0
    for line in range(lines):
        for k in range(length):
            if (grid[k, line] if w >= h else grid[line, k]) != 0:
                work[0, count] = line
                count += 1
                break
    step = work[0, 1] - work[0, 0] if count >= 2 else lines
    for k in range(2, count):
        if work[0, k] - work[0, k - 1] != step:
            return h, w, y, x
    for k in range(count, lines if count >= 2 else 0):
        line, source = work[0, 0] + k * step, work[0, k % count]
        for place in range(length if line < lines else 0):
            if w >= h:
                out[place, line] = grid[place, source]
            else:
                out[line, place] = grid[source, place]
    return h, w, y, x


@inner
def to_both_edges(grid, y, x, out):
    """Cells without coloured neighbours run over empty cells to the nearer one of the upper and lower edge
    (of equally near ones the lower) and of the left and right edge (the right)."""
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0 or not is_alone(grid, r, c):
                continue
            run_on(grid, r, c, -1 if r < h - 1 - r else 1, 0, grid[r, c], out)
            run_on(grid, r, c, 0, -1 if c < w - 1 - c else 1, grid[r, c], out)
    return h, w, y, x
