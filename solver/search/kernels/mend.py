"""Kernels that complete an image by its symmetry or its period."""

from solver.search.jit import inner
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE


@inner
def overlay_mirror(grid, y, x, how, out):
    """Empty cells take the colour of their mirror image: 0 left-right, 1 up-down, 2 both, 3 diagonal, 4
    rising diagonal, 5 half turn, 6 all quarter turns."""
    h, w = grid.shape
    if how in (3, 4, 6) and h != w:
        return NONE
    for r in range(h):
        for c in range(w):
            value = grid[r, c]
            if value == 0 and (how == 0 or how == 2):
                value = grid[r, w - 1 - c]
            if value == 0 and (how == 1 or how == 2):
                value = grid[h - 1 - r, c]
            if value == 0 and (how == 2 or how == 5 or how == 6):
                value = grid[h - 1 - r, w - 1 - c]
            if value == 0 and how == 3:
                value = grid[c, r]
            if value == 0 and how == 4:
                value = grid[w - 1 - c, h - 1 - r]
            if value == 0 and how == 6:
                value = grid[c, h - 1 - r]
                if value == 0:
                    value = grid[w - 1 - c, r]
            out[r, c] = value
    return h, w, y, x


@inner
def count_holes(grid, hole):
    """How many cells have the colour ``hole``."""
    holes = 0
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            if grid[r, c] == hole:
                holes += 1
    return holes


@inner
def mend_period(grid, y, x, hole, both, out, work):
    """Cells of the colour ``hole`` as the smallest period that all other cells agree with says.

    ``both`` 0: one period for rows and one for columns; 1: a shift along a diagonal.
    """
    h, w = grid.shape
    holes = count_holes(grid, hole)
    if holes == 0 or (both == 0 and holes * 2 > h * w):
        return NONE
    for size in range(2, h + w + 1):
        for down in range(1, min(size, h + 1)):
            right = size - down
            if right > w or right < 1 or (both == 1 and down != 1 and right != 1):
                continue
            if down * right * 2 > h * w:
                continue
            for k in range(down * right):
                work[0, k] = -1
            fits = True
            for r in range(h):
                for c in range(w):
                    if grid[r, c] == hole:
                        continue
                    if both == 1:
                        k = (r + c) % (down * right) if down == 1 else (r - c + 60 * down) % (down * right)
                    else:
                        k = (r % down) * right + c % right
                    if work[0, k] < 0:
                        work[0, k] = grid[r, c]
                    elif work[0, k] != grid[r, c]:
                        fits = False
                        break
                if not fits:
                    break
            if not fits:
                continue
            for k in range(down * right):
                if work[0, k] < 0:
                    fits = False
            if not fits:
                continue
            for r in range(h):
                for c in range(w):
                    if both == 1:
                        k = (r + c) % (down * right) if down == 1 else (r - c + 60 * down) % (down * right)
                    else:
                        k = (r % down) * right + c % right
                    out[r, c] = work[0, k]
            return h, w, y, x
    return NONE


@inner
def mirror_axis(grid, hole, down):
    """The sum of the numbers of two rows (``down`` 1) or columns that mirror each other, for the axis nearest
    to the middle that all cells but holes agree with; -1 where there is none."""
    h, w = grid.shape
    side = h if down == 1 else w
    for away in range(side // 2):
        for sign in range(-1, 2, 2):
            total = side - 1 + sign * away
            fits = True
            for r in range(h):
                for c in range(w):
                    i, j = (total - r, c) if down == 1 else (r, total - c)
                    if i < 0 or j < 0 or i >= h or j >= w or grid[i, j] == grid[r, c]:
                        continue
                    if grid[i, j] != hole and grid[r, c] != hole:
                        fits = False
                        break
                if not fits:
                    break
            if fits:
                return total
    return -1


@inner
def mend_symmetry(grid, y, x, hole, out):
    """Cells of the colour ``hole`` from their mirror images, left-right and up-down, and where both axes have
    one place, along the diagonal; as far as all other cells agree with these symmetries."""
    h, w = grid.shape
    holes = count_holes(grid, hole)
    if holes == 0 or holes * 2 > h * w:
        return NONE
    across, down = mirror_axis(grid, hole, 0), mirror_axis(grid, hole, 1)
    if across < 0 and down < 0:
        return NONE
    turned = across >= 0 and across == down
    if turned:
        for r in range(h):
            for c in range(w):
                if c < h and r < w and grid[c, r] != grid[r, c] and grid[c, r] != hole and grid[r, c] != hole:
                    turned = False
    for r in range(h):
        for c in range(w):
            value = grid[r, c]
            if value == hole and across >= 0 and 0 <= across - c < w:
                value = grid[r, across - c]
            if value == hole and down >= 0 and 0 <= down - r < h:
                value = grid[down - r, c]
            if value == hole and across >= 0 and down >= 0 and 0 <= across - c < w and 0 <= down - r < h:
                value = grid[down - r, across - c]
            if value == hole and turned and c < h and r < w:
                value = grid[c, r]
                if value == hole and 0 <= across - r < w and 0 <= down - c < h:
                    value = grid[down - c, across - r]
                if value == hole and 0 <= across - r < w:
                    value = grid[c, across - r]
                if value == hole and 0 <= down - c < h:
                    value = grid[down - c, r]
            out[r, c] = value
    return h, w, y, x


@inner
def mend(grid, y, x, hole, only, out, work):
    """Cells of the colour ``hole`` by the image's symmetry; where that leaves some, by its period or its
    diagonal period, if it has one.

    With ``only`` 1 just the box of the holes, mended.
    """
    h, w = grid.shape
    if count_holes(grid, hole) == 0:
        if only == 1:
            return NONE
        copy_to(grid, out)
        return h, w, y, x
    mended = mend_symmetry(grid, y, x, hole, out)[0] > 0
    # Symmetry may leave holes; a period that is found draws over all of them.
    if not mended or count_holes(out[:h, :w], hole) > 0:
        for both in range(2):
            if mend_period(grid, y, x, hole, both, out, work)[0] > 0:
                mended = True
                break
    if not mended:
        return NONE
    if only == 0:
        return h, w, y, x
    top, bottom, left, right = h, -1, w, -1
    for r in range(h):
        for c in range(w):
            if grid[r, c] == hole:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            out[r - top, c - left] = out[r, c]
    return bottom + 1 - top, right + 1 - left, y + top, x + left
