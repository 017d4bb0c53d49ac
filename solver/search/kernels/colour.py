"""Kernels that choose, rename and count colours, and facts about rows, columns and places."""

from solver.search.jit import inner, outer
from solver.search.kernels.shape import NONE, SIDE, cells_of_colour, count_colours, most_frequent


@inner
def ranked_colour(grid, rank):
    """The colour other than 0 with the ``rank``-th most cells (-1: the fewest); 0 where there is none.

    Of colours with equally many cells the smaller one comes first.
    """
    low, high = count_colours(grid, 0, grid.shape[0], 0, grid.shape[1])
    found, last = 0, 1000
    for _ in range(9 if rank < 0 else rank + 1):
        best, most = 0, 0
        for colour in range(1, 10):
            cells = cells_of_colour(low, high, colour)
            if cells > most and (cells < last or (cells == last and colour > found)):
                best, most = colour, cells
        if best == 0:
            return found if rank < 0 else 0
        found, last = best, most
    return found


@inner
def keep_colour(grid, y, x, colour, out):
    """Only the cells of one colour."""
    h, w = grid.shape
    some = False
    for r in range(h):
        for c in range(w):
            hit = grid[r, c] == colour
            out[r, c] = colour if hit else 0
            some = some or hit
    if not some or colour == 0:
        return NONE
    return h, w, y, x


@inner
def erase_colour(grid, y, x, colour, out):
    """Without the cells of one colour."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = 0 if grid[r, c] == colour else grid[r, c]
    return h, w, y, x


@inner
def border_colour(grid, corner):
    """The colour of the most cells of the outermost ring, empty ones aside, or with ``corner`` 1 the one of
    its lower right corner; 0 where there is none."""
    h, w = grid.shape
    if corner == 1:
        return int(grid[h - 1, w - 1])
    low, high = count_colours(grid, 0, h, 0, w)
    inner_low, inner_high = count_colours(grid, 1, h - 1, 1, w - 1)
    best, most = 0, 0
    for colour in range(1, 10):
        cells = cells_of_colour(low, high, colour) - cells_of_colour(inner_low, inner_high, colour)
        if cells > most:
            best, most = colour, cells
    return best


@inner
def paint(grid, y, x, colour, out):
    """Every coloured cell in one colour."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = colour if grid[r, c] != 0 else 0
    return h, w, y, x


@inner
def invert(grid, y, x, colour, out):
    """Empty cells in one colour (0: the most frequent colour other than 0), coloured cells emptied."""
    if colour == 0:
        colour = ranked_colour(grid, 0)
        if colour == 0:
            return NONE
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = colour if grid[r, c] == 0 else 0
    return h, w, y, x


@inner
def swap_colours(grid, y, x, one, two, out):
    """Two colours exchanged."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            colour = grid[r, c]
            out[r, c] = two if colour == one else one if colour == two else colour
    return h, w, y, x


@inner
def only_two(grid):
    """The two colours other than 0, smaller first; (0, 0) unless there are exactly two."""
    one, two = 0, 0
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            colour = grid[r, c]
            if colour != 0 and colour != one and colour != two:
                if one == 0:
                    one = colour
                elif two == 0:
                    two = colour
                else:
                    return 0, 0
    if two == 0:
        return 0, 0
    return min(one, two), max(one, two)


@inner
def solid(grid, y, x, colour, out):
    """The whole rectangle in one colour."""
    if colour == 0:
        return NONE
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = colour
    return h, w, y, x


@inner
def one_cell(colour, y, x, out):
    """One cell of the colour."""
    if colour == 0:
        return NONE
    out[0, 0] = colour
    return 1, 1, y, x


@inner
def amount(grid, what):
    """How many: 0 coloured cells, 1 colours, 2 height, 3 width, 4 cells of the rarest colour, 5 empty cells,
    6 rows with coloured cells, 7 columns with coloured cells."""
    h, w = grid.shape
    if what == 2:
        return h
    if what == 3:
        return w
    cells, seen = 0, 0
    rare = ranked_colour(grid, -1)
    rarest, rows, columns = 0, 0, 0
    for r in range(h):
        hit = False
        for c in range(w):
            if grid[r, c] != 0:
                cells += 1
                seen |= 1 << grid[r, c]
                hit = True
                if grid[r, c] == rare:
                    rarest += 1
        if hit:
            rows += 1
    for c in range(w):
        for r in range(h):
            if grid[r, c] != 0:
                columns += 1
                break
    if what == 0:
        return cells
    if what == 1:
        colours = 0
        for colour in range(1, 10):
            colours += (seen >> colour) & 1
        return colours
    if what == 4:
        return rarest
    if what == 5:
        return h * w - cells
    return rows if what == 6 else columns


@inner
def draw_amount(number, colour, form, out):
    """A number as 0 a row, 1 a column, 2 a square, 3 a diagonal, of so many cells."""
    if number <= 0 or number > SIDE or colour == 0:
        return NONE
    height = 1 if form == 0 else number
    width = 1 if form == 1 else number
    for r in range(height):
        for c in range(width):
            out[r, c] = colour if form != 3 or r == c else 0
    return height, width, 0, 0


@inner
def place_fact(grid, y, x, what, out):
    """A small number for each cell as a colour, from its place alone.

    0 to 2: 1 + row, column, row + column modulo 2; 3 to 5: modulo 3; 6: distance to the edge + 1 (at most 9);
    7: 1 + row - column modulo 3; 8: 1 where row = column, 2 below, 3 above; 9: 1 on the edge, 2 elsewhere;
    10, 11: row, column + 1 up to 9; 12, 13: rows, columns from the end; 14: row + column odd and inside.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            edge = min(min(r, h - 1 - r), min(c, w - 1 - c))
            value = 0
            if what < 6:
                base = r if what % 3 == 0 else c if what % 3 == 1 else r + c
                value = 1 + base % (2 if what < 3 else 3)
            elif what == 6:
                value = min(edge + 1, 9)
            elif what == 7:
                value = 1 + (r - c + 30) % 3
            elif what == 8:
                value = 1 if r == c else 2 if r > c else 3
            elif what == 9:
                value = 1 if edge == 0 else 2
            elif what == 10:
                value = min(r + 1, 9)
            elif what == 11:
                value = min(c + 1, 9)
            elif what == 12:
                value = min(h - r, 9)
            elif what == 13:
                value = min(w - c, 9)
            else:
                value = 1 + edge % 2
            out[r, c] = value
    return h, w, y, x


@inner
def line_fact(grid, y, x, what, columns, out):
    """The same colour for all cells of a row (or column), by what the row holds.

    0: its most frequent colour other than 0; 1: 1 where it holds a coloured cell; 2: its number of coloured
    cells, at most 9; 3: 1 where all its cells are one colour; 4: its rarest colour; 5: its first colour;
    6: its last colour; 7: its number of colours; 8: its place among those that hold a colour, at most 9.
    """
    h, w = grid.shape
    lines, length = (w, h) if columns == 1 else (h, w)
    some, place = False, 0
    for line in range(lines):
        if columns == 1:
            low, high = count_colours(grid, 0, h, line, line + 1)
        else:
            low, high = count_colours(grid, line, line + 1, 0, w)
        best, most, rare, least = 0, 0, 0, 99
        cells, first, last, different = 0, 0, 0, 0
        for colour in range(1, 10):
            count = cells_of_colour(low, high, colour)
            if count > most:
                best, most = colour, count
            if 0 < count < least:
                rare, least = colour, count
            cells += count
            if count > 0:
                different += 1
        for k in range(length):
            colour = grid[k, line] if columns == 1 else grid[line, k]
            if colour != 0:
                last = colour
                if first == 0:
                    first = colour
        value = 0
        if what == 0:
            value = best
        elif what == 1:
            value = 1 if cells > 0 else 0
        elif what == 2:
            value = min(cells, 9)
        elif what == 3:
            value = 1 if most == length or cells == 0 else 0
        elif what == 4:
            value = rare
        elif what == 5 or what == 6:
            value = first if what == 5 else last
        elif what == 7:
            value = different
        elif cells > 0:
            place += 1
            value = min(place, 9)
        some = some or value != 0
        for k in range(length):
            if columns == 1:
                out[k, line] = value
            else:
                out[line, k] = value
    if not some:
        return NONE
    return h, w, y, x


@inner
def near_fact(grid, y, x, what, out):
    """A number of 1 to 9 for each cell from its neighbours.

    0: coloured cells beside it (4) + 1; 1: around it (8) + 1; 2: cells of its own colour beside it + 1;
    3: around it + 1; 4: most frequent colour other than 0 around it.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            top, left, bottom, right = max(r - 1, 0), max(c - 1, 0), min(r + 2, h), min(c + 2, w)
            low, high = count_colours(grid, top, bottom, left, right)
            cells = 0
            best, most = 0, 0
            for i in range(top, bottom):
                for j in range(left, right):
                    if (i == r and j == c) or ((what == 0 or what == 2) and i != r and j != c):
                        continue
                    if what < 2:
                        if grid[i, j] != 0:
                            cells += 1
                    elif what < 4:
                        if grid[i, j] == grid[r, c]:
                            cells += 1
                    elif grid[i, j] != 0:
                        alike = cells_of_colour(low, high, int(grid[i, j]))
                        if grid[i, j] == grid[r, c]:
                            alike -= 1
                        if alike > most:
                            best, most = int(grid[i, j]), alike
            out[r, c] = best if what == 4 else min(cells + 1, 9)
    return h, w, y, x


@outer
def colour_kernel(number, argument, grid, y, x, height, width, out, work):
    """The colour transform of this number."""
    if number == 0:
        return keep_colour(grid, y, x, argument, out)
    if number == 1:
        return erase_colour(grid, y, x, argument, out)
    if number == 2:
        return paint(grid, y, x, argument, out)
    if number == 3:
        return keep_colour(grid, y, x, ranked_colour(grid, argument), out)
    if number == 4:
        return erase_colour(grid, y, x, ranked_colour(grid, argument), out)
    if number == 5:
        colour = ranked_colour(grid, argument)
        return paint(grid, y, x, colour, out) if colour else NONE
    if number == 6:
        return invert(grid, y, x, argument, out)
    if number == 7:
        return swap_colours(grid, y, x, 0, most_frequent(grid), out)
    if number == 8:
        return swap_colours(grid, y, x, 0, ranked_colour(grid, argument), out)
    if number == 9:
        one, two = only_two(grid)
        if two == 0:
            return NONE
        return swap_colours(grid, y, x, one, two, out)
    if number == 10:
        return solid(grid, y, x, ranked_colour(grid, argument), out)
    if number == 11:
        return one_cell(ranked_colour(grid, argument), y, x, out)
    if number == 12:
        return draw_amount(amount(grid, argument // 10), ranked_colour(grid, 0), argument % 10, out)
    if number == 13:
        return place_fact(grid, y, x, argument, out)
    if number == 14:
        return line_fact(grid, y, x, argument // 2, argument % 2, out)
    if number == 15:
        return near_fact(grid, y, x, argument, out)
    if number == 16:
        return erase_colour(grid, y, x, most_frequent(grid), out)
    if number == 18:
        return erase_colour(grid, y, x, border_colour(grid, argument), out)
    if number == 19:
        return keep_colour(grid, y, x, border_colour(grid, argument), out)
    if number == 17:
        return solid(grid, y, x, argument, out)
    return NONE
