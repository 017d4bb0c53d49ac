"""Kernels that move, crop, turn, repeat and resize a whole image.

A kernel reads ``grid`` (uint8 [height, width], 0 is empty) at the position (``y``, ``x``), draws on ``out``
(uint8 [30, 30]) and returns (height, width, y, x) of what it drew; height 0 says that it does not apply.
"""

from solver.search.jit import inner

NONE = (0, 0, 0, 0)
SIDE = 30


@inner
def turn(grid, y, x, how, out):
    """One of the symmetries: 1 to 3 quarter turns counter-clockwise, 4 left-right, 5 up-down, 6 and 7
    diagonals."""
    h, w = grid.shape
    swap = how == 1 or how == 3 or how >= 6
    for r in range(h):
        for c in range(w):
            if how == 1:
                i, j = w - 1 - c, r
            elif how == 2:
                i, j = h - 1 - r, w - 1 - c
            elif how == 3:
                i, j = c, h - 1 - r
            elif how == 4:
                i, j = r, w - 1 - c
            elif how == 5:
                i, j = h - 1 - r, c
            elif how == 6:
                i, j = c, r
            else:
                i, j = w - 1 - c, h - 1 - r
            out[i, j] = grid[r, c]
    if swap:
        return w, h, y, x
    return h, w, y, x


@inner
def copy_part(grid, top, left, height, width, y, x, out):
    """The rectangle of the grid at (top, left)."""
    if height <= 0 or width <= 0:
        return NONE
    for r in range(height):
        for c in range(width):
            out[r, c] = grid[top + r, left + c]
    return height, width, y + top, x + left


@inner
def crop_to_content(grid, y, x, ground, out):
    """The smallest rectangle around all cells that are not ``ground``."""
    h, w = grid.shape
    top, bottom, left, right = h, -1, w, -1
    for r in range(h):
        for c in range(w):
            if grid[r, c] != ground:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    if bottom < 0:
        return NONE
    return copy_part(grid, top, left, bottom - top + 1, right - left + 1, y, x, out)


@inner
def count_colours(grid, top, bottom, left, right):
    """How many cells of each colour rows ``top`` to before ``bottom`` and these columns have: two numbers
    that hold 12 bits a colour, 0 to 4 in the first and 5 to 9 in the second; read by ``cells_of_colour``."""
    low, high = 0, 0
    for r in range(top, bottom):
        for c in range(left, right):
            colour = int(grid[r, c])
            if colour < 5:
                low += 1 << (12 * colour)
            else:
                high += 1 << (12 * (colour - 5))
    return low, high


@inner
def cells_of_colour(low, high, colour):
    """The number of cells of a colour in what ``count_colours`` returned."""
    if colour < 5:
        return (low >> (12 * colour)) & 4095
    return (high >> (12 * (colour - 5))) & 4095


@inner
def most_frequent(grid):
    """The colour of most cells, 0 included; the smaller one of equals."""
    low, high = count_colours(grid, 0, grid.shape[0], 0, grid.shape[1])
    best, most = 0, -1
    for colour in range(10):
        cells = cells_of_colour(low, high, colour)
        if cells > most:
            best, most = colour, cells
    return best


@inner
def half(grid, y, x, which, out):
    """Left, right, top or bottom half; a middle line belongs to neither."""
    h, w = grid.shape
    if which == 0:
        return copy_part(grid, 0, 0, h, w // 2, y, x, out)
    if which == 1:
        return copy_part(grid, 0, w - w // 2, h, w // 2, y, x, out)
    if which == 2:
        return copy_part(grid, 0, 0, h // 2, w, y, x, out)
    return copy_part(grid, h - h // 2, 0, h // 2, w, y, x, out)


@inner
def third(grid, y, x, which, out):
    """Left, middle, right, top, centre or bottom third; separating lines of one cell are left out."""
    h, w = grid.shape
    side = w if which < 3 else h
    gap = 1 if side % 3 == 2 else 0
    if (side - 2 * gap) % 3:
        return NONE
    part = (side - 2 * gap) // 3
    start = (which % 3) * (part + gap)
    if which < 3:
        return copy_part(grid, 0, start, h, part, y, x, out)
    return copy_part(grid, start, 0, part, w, y, x, out)


@inner
def trim(grid, y, x, out):
    """Without the outermost ring of cells."""
    return copy_part(grid, 1, 1, grid.shape[0] - 2, grid.shape[1] - 2, y, x, out)


@inner
def pad(grid, y, x, colour, out):
    """One more ring of cells around it."""
    h, w = grid.shape
    if h + 2 > SIDE or w + 2 > SIDE:
        return NONE
    for r in range(h + 2):
        for c in range(w + 2):
            inside = 0 < r <= h and 0 < c <= w
            out[r, c] = grid[r - 1, c - 1] if inside else colour
    return h + 2, w + 2, y - 1, x - 1


@inner
def drop_lines(grid, y, x, repeats, out, work):
    """Without empty rows and columns; with ``repeats`` 1 without those equal to the one before them."""
    h, w = grid.shape
    for k in range(max(h, w)):
        work[0, k], work[1, k] = 0, 0
    for r in range(h):
        for c in range(w):
            if repeats == 0:
                if grid[r, c] != 0:
                    work[0, r], work[1, c] = 1, 1
            else:
                if r == 0 or grid[r, c] != grid[r - 1, c]:
                    work[0, r] = 1
                if c == 0 or grid[r, c] != grid[r, c - 1]:
                    work[1, c] = 1
    height, width = 0, 0
    for r in range(h):
        if work[0, r]:
            width = 0
            for c in range(w):
                if work[1, c]:
                    out[height, width] = grid[r, c]
                    width += 1
            height += 1
    if height == 0:
        return NONE
    return height, width, y, x


@inner
def shift(grid, y, x, down, right, wrap, out):
    """The content moved inside the grid; what leaves it is lost, or with ``wrap`` comes in on the other
    side."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            i, j = r - down, c - right
            if wrap == 1:
                out[r, c] = grid[i % h, j % w]
            else:
                out[r, c] = grid[i, j] if 0 <= i < h and 0 <= j < w else 0
    return h, w, y, x


@inner
def move(grid, y, x, down, right, out):
    """The same image at another position."""
    return copy_part(grid, 0, 0, grid.shape[0], grid.shape[1], y + down, x + right, out)


@inner
def to_origin(grid, y, x, out):
    """The same image at the position (0, 0)."""
    return copy_part(grid, 0, 0, grid.shape[0], grid.shape[1], 0, 0, out)


@inner
def fall(grid, y, x, where, out):
    """All coloured cells fall: 0 down, 1 up, 2 right, 3 left."""
    h, w = grid.shape
    lines, length = (w, h) if where < 2 else (h, w)
    for line in range(lines):
        free = 0
        for step in range(length):
            place = length - 1 - step if where % 2 == 0 else step
            r, c = (place, line) if where < 2 else (line, place)
            colour = grid[r, c]
            out[r, c] = 0
            if colour != 0:
                to = length - 1 - free if where % 2 == 0 else free
                i, j = (to, line) if where < 2 else (line, to)
                out[i, j] = colour
                free += 1
    return h, w, y, x


@inner
def sort_lines(grid, y, x, columns, descending, out, work):
    """The rows (or columns) ordered by their number of coloured cells; equals keep their order."""
    h, w = grid.shape
    lines = w if columns == 1 else h
    for line in range(lines):
        cells = 0
        for k in range(h if columns == 1 else w):
            if (grid[k, line] if columns == 1 else grid[line, k]) != 0:
                cells += 1
        work[0, line] = -cells if descending == 1 else cells
    for line in range(lines):
        place = 0
        for other in range(lines):
            if work[0, other] < work[0, line] or (work[0, other] == work[0, line] and other < line):
                place += 1
        for k in range(h if columns == 1 else w):
            if columns == 1:
                out[k, place] = grid[k, line]
            else:
                out[place, k] = grid[line, k]
    return h, w, y, x


@inner
def embed(grid, y, x, height, width, out):
    """The image at its position on an empty canvas of the wanted size."""
    if height == 0:
        return NONE
    h, w = grid.shape
    for r in range(height):
        for c in range(width):
            i, j = r - y, c - x
            out[r, c] = grid[i, j] if 0 <= i < h and 0 <= j < w else 0
    return height, width, 0, 0


@inner
def centre(grid, height, width, out):
    """The image in the middle of an empty canvas of the wanted size."""
    h, w = grid.shape
    if height < h or width < w:
        return NONE
    return embed(grid, (height - h) // 2, (width - w) // 2, height, width, out)
