"""Kernels that enlarge, shrink, repeat and continue a whole image, and the kernel of all of shape."""

from solver.search.jit import inner, outer
from solver.search.kernels.shape import (
    NONE,
    SIDE,
    cells_of_colour,
    centre,
    copy_part,
    count_colours,
    crop_to_content,
    drop_lines,
    embed,
    fall,
    half,
    most_frequent,
    move,
    pad,
    shift,
    sort_lines,
    third,
    to_origin,
    trim,
    turn,
)


@inner
def smallest_tile(grid, y, x, out):
    """The smallest rectangle whose repetition is the grid, where it is repeated at all."""
    h, w = grid.shape
    height, width = h, w
    for period in range(1, h):
        fits = True
        for r in range(period, h):
            for c in range(w):
                if grid[r, c] != grid[r - period, c]:
                    fits = False
                    break
            if not fits:
                break
        if fits:
            height = period
            break
    for period in range(1, w):
        fits = True
        for r in range(h):
            for c in range(period, w):
                if grid[r, c] != grid[r, c - period]:
                    fits = False
                    break
            if not fits:
                break
        if fits:
            width = period
            break
    return copy_part(grid, 0, 0, height, width, y, x, out)


@inner
def enlarge(grid, y, x, factor, out):
    """Every cell as a square of ``factor`` x ``factor``."""
    h, w = grid.shape
    if h * factor > SIDE or w * factor > SIDE:
        return NONE
    for r in range(h * factor):
        for c in range(w * factor):
            out[r, c] = grid[r // factor, c // factor]
    return h * factor, w * factor, y * factor, x * factor


@inner
def shrink(grid, y, x, factor, out):
    """One cell for every square of ``factor`` x ``factor``: its upper left one."""
    h, w = grid.shape
    if h % factor or w % factor:
        return NONE
    for r in range(h // factor):
        for c in range(w // factor):
            out[r, c] = grid[r * factor, c * factor]
    return h // factor, w // factor, y // factor, x // factor


@inner
def condense(grid, y, x, down, right, out):
    """One cell for every rectangle of ``down`` x ``right``: its most frequent colour other than 0."""
    h, w = grid.shape
    if down < 1 or right < 1 or h % down or w % right:
        return NONE
    for r in range(h // down):
        for c in range(w // right):
            low, high = count_colours(grid, r * down, (r + 1) * down, c * right, (c + 1) * right)
            best, most = 0, 0
            for colour in range(1, 10):
                cells = cells_of_colour(low, high, colour)
                if cells > most:
                    best, most = colour, cells
            out[r, c] = best
    return h // down, w // right, y // down, x // right


@inner
def tile(grid, y, x, rows, columns, mirror, out):
    """``rows`` x ``columns`` copies; with ``mirror`` every second one is reflected."""
    h, w = grid.shape
    if h * rows > SIDE or w * columns > SIDE:
        return NONE
    for r in range(h * rows):
        for c in range(w * columns):
            i, j = r % h, c % w
            if mirror == 1:
                if (r // h) % 2:
                    i = h - 1 - i
                if (c // w) % 2:
                    j = w - 1 - j
            out[r, c] = grid[i, j]
    return h * rows, w * columns, y, x


@inner
def repeat(grid, y, x, height, width, mirror, gap, out):
    """The image repeated over a canvas of the wanted size, from its position, ``gap`` empty cells between
    copies."""
    if height == 0:
        return NONE
    h, w = grid.shape
    for r in range(height):
        for c in range(width):
            i, j = (r - y) % (h + gap), (c - x) % (w + gap)
            if mirror == 1:
                if ((r - y) // (h + gap)) % 2:
                    i = h - 1 - i
                if ((c - x) // (w + gap)) % 2:
                    j = w - 1 - j
            out[r, c] = grid[i, j] if i < h and j < w else 0
    return height, width, 0, 0


@inner
def rewrap(grid, height, width, snake, out):
    """The cells in reading order on a canvas of the wanted size, empty where they end; with ``snake`` 1 every
    second row runs back."""
    h, w = grid.shape
    if height == 0:
        return NONE
    for r in range(height):
        for c in range(width):
            place = r * width + (width - 1 - c if snake == 1 and r % 2 == 1 else c)
            out[r, c] = grid[place // w, place % w] if place < h * w else 0
    return height, width, 0, 0


@inner
def stretch(grid, height, width, out):
    """Every cell as a rectangle, so that the image has the wanted size; only whole factors."""
    h, w = grid.shape
    if height == 0 or height % h or width % w:
        return NONE
    for r in range(height):
        for c in range(width):
            out[r, c] = grid[r * h // height, c * w // width]
    return height, width, 0, 0


@inner
def enlarge_fit(grid, height, width, out):
    """Enlarged by the greatest whole factor that fits the wanted size, in the middle of an empty canvas."""
    h, w = grid.shape
    factor = min(height // h, width // w)
    if factor < 1:
        return NONE
    top, left = (height - h * factor) // 2, (width - w * factor) // 2
    for r in range(height):
        for c in range(width):
            i, j = r - top, c - left
            inside = 0 <= i < h * factor and 0 <= j < w * factor
            out[r, c] = grid[i // factor, j // factor] if inside else 0
    return height, width, 0, 0


@inner
def bars_wrapped(grid, height, width, out):
    """Every colour's cells row by row on a canvas of the wanted size, each colour from a new row on, in the
    order of their first columns."""
    h, w = grid.shape
    row, seen = 0, 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    low, high = count_colours(grid, 0, h, 0, w)
    for place in range(h * w):
        colour = int(grid[place % h, place // h])
        if colour == 0 or (seen >> colour) & 1:
            continue
        seen |= 1 << colour
        cells = cells_of_colour(low, high, colour)
        if width == 0 or row + (cells + width - 1) // width > height:
            return NONE
        for k in range(cells):
            out[row + k // width, k % width] = colour
        row += (cells + width - 1) // width
    return (height, width, 0, 0) if row > 0 else NONE


@inner
def by_number(grid, y, x, what, tiled, out):
    """Enlarged (or ``tiled``) by the number of its colours (``what`` 0) or of its coloured cells (1)."""
    h, w = grid.shape
    low, high = count_colours(grid, 0, h, 0, w)
    factor = 0
    for colour in range(1, 10):
        cells = cells_of_colour(low, high, colour)
        if what == 0:
            factor += 1 if cells > 0 else 0
        else:
            factor += cells
    if factor == 0:
        return NONE
    if tiled == 1:
        return tile(grid, y, x, factor, factor, 0, out)
    return enlarge(grid, y, x, factor, out)


@inner
def line_period(grid, columns):
    """The smallest number of rows (or ``columns``) after which the grid repeats as far as it goes."""
    h, w = grid.shape
    side = w if columns == 1 else h
    for period in range(1, side):
        fits = True
        for r in range(h):
            for c in range(w):
                i, j = (r, c - period) if columns == 1 else (r - period, c)
                if i >= 0 and j >= 0 and grid[i, j] != grid[r, c]:
                    fits = False
                    break
            if not fits:
                break
        if fits:
            return period
    return side


@inner
def carry_on(grid, height, width, out):
    """The image's own period continued over a canvas of the wanted size."""
    h, w = grid.shape
    down, right = line_period(grid, 0), line_period(grid, 1)
    if height == 0 or (down == h and right == w and (height != h or width != w)):
        return NONE
    for r in range(height):
        for c in range(width):
            out[r, c] = grid[r % down, c % right]
    return height, width, 0, 0


@inner
def sized_kernel(number, argument, grid, y, x, height, width, out):
    """The transform of this number that needs the size of the wanted output."""
    if number == 17:
        return embed(grid, y, x, height, width, out)
    if number == 18:
        return centre(grid, height, width, out)
    if number == 19:
        return repeat(grid, y, x, height, width, argument // 10, argument % 10, out)
    if number == 20:
        return rewrap(grid, height, width, argument, out)
    if number == 21:
        return stretch(grid, height, width, out)
    if number == 23:
        return carry_on(grid, height, width, out)
    if number == 24:
        if height == 0 or grid.shape[0] % height or grid.shape[1] % width:
            return NONE
        return condense(grid, y, x, grid.shape[0] // height, grid.shape[1] // width, out)
    if number == 25:
        return enlarge_fit(grid, height, width, out)
    if number == 26:
        return bars_wrapped(grid, height, width, out)
    return NONE


@outer
def shape_kernel(number, argument, grid, y, x, height, width, out, work):
    """The shape transform of this number."""
    if number == 0:
        return turn(grid, y, x, argument, out)
    if number == 1:
        return crop_to_content(grid, y, x, 0, out)
    if number == 2:
        return crop_to_content(grid, y, x, most_frequent(grid), out)
    if number == 3:
        return half(grid, y, x, argument, out)
    if number == 4:
        return third(grid, y, x, argument, out)
    if number == 5:
        return trim(grid, y, x, out)
    if number == 6:
        return pad(grid, y, x, argument, out)
    if number == 7:
        return drop_lines(grid, y, x, argument, out, work)
    if number == 8:
        return smallest_tile(grid, y, x, out)
    if number == 9:
        return enlarge(grid, y, x, argument, out)
    if number == 10:
        if argument > 10:
            return condense(grid, y, x, argument - 10, argument - 10, out)
        return shrink(grid, y, x, argument, out)
    if number == 11:
        return tile(grid, y, x, argument // 10 % 10, argument % 10, argument // 100, out)
    if number == 12:
        return shift(grid, y, x, argument // 10 % 10 - 1, argument % 10 - 1, argument // 100, out)
    if number == 13:
        return move(grid, y, x, argument // 10 - 1, argument % 10 - 1, out)
    if number == 14:
        return to_origin(grid, y, x, out)
    if number == 15:
        return fall(grid, y, x, argument, out)
    if number == 16:
        return sort_lines(grid, y, x, argument // 2, argument % 2, out, work)
    if number == 22:
        return by_number(grid, y, x, argument % 10, argument // 10, out)
    return sized_kernel(number, argument, grid, y, x, height, width, out)
