"""A kernel that finds again what an object encloses, and draws the object around it."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.fill import mark_outside
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE


@inner
def same_hole(grid, down, right, colour, inside, work):
    """Whether all cells that ``colour`` encloses have the colour ``inside`` when moved, and stay on the
    grid."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            if grid[r, c] == colour or work[0, r * w + c] == 1:
                continue
            i, j = r + down, c + right
            if not (0 <= i < h and 0 <= j < w) or grid[i, j] != inside:
                return False
    return True


@inner
def draw_around(grid, y, x, out, work):
    """The cells of the rarest colour, which enclose cells of one colour, moved to wherever such cells lie in
    the same form again, as far as all stay on the grid."""
    h, w = grid.shape
    colour = ranked_colour(grid, -1)
    if colour == 0:
        return NONE
    mark_outside(grid, colour, 0, work)
    inside = -1
    top, bottom, left, right = h, -1, w, -1
    for r in range(h):
        for c in range(w):
            if grid[r, c] == colour:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
            elif work[0, r * w + c] == 0:
                if inside >= 0 and grid[r, c] != inside:
                    return NONE
                inside = int(grid[r, c])
    if inside < 0:
        return NONE
    copy_to(grid, out)
    for down in range(-top, h - bottom):
        for across in range(-left, w - right):
            if (down == 0 and across == 0) or not same_hole(grid, down, across, colour, inside, work):
                continue
            for r in range(top, bottom + 1):
                for c in range(left, right + 1):
                    if grid[r, c] == colour:
                        out[r + down, c + across] = colour
    return h, w, y, x
