"""Kernels that complete an image by its symmetry or its period."""

from solver.search.jit import inner
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
def mend_period(grid, y, x, hole, both, out, work):
    """Cells of the colour ``hole`` as the smallest period that all other cells agree with says.

    ``both`` 0: one period for rows and one for columns; 1: a shift along a diagonal.
    """
    h, w = grid.shape
    holes = 0
    for r in range(h):
        for c in range(w):
            if grid[r, c] == hole:
                holes += 1
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
def mend_symmetry(grid, y, x, hole, how, out):
    """Cells of the colour ``hole`` from their mirror images about the best axes that the others agree with.

    ``how``: 0 a vertical axis, 1 a horizontal one, 2 both; the axes nearest to the middle are tried first.
    """
    h, w = grid.shape
    holes = 0
    for r in range(h):
        for c in range(w):
            if grid[r, c] == hole:
                holes += 1
    if holes == 0 or holes * 2 > h * w:
        return NONE
    across, down = 0, 0
    for axis in range(2):
        if (axis == 0 and how == 1) or (axis == 1 and how == 0):
            continue
        side = w if axis == 0 else h
        found = 0
        for away in range(side // 2):
            for sign in range(-1, 2, 2):
                total = side - 1 + sign * away
                fits = True
                for r in range(h):
                    for c in range(w):
                        i, j = (r, total - c) if axis == 0 else (total - r, c)
                        known = 0 <= i < h and 0 <= j < w and grid[i, j] != hole and grid[r, c] != hole
                        if known and grid[i, j] != grid[r, c]:
                            fits = False
                            break
                    if not fits:
                        break
                if fits and found == 0:
                    found = total
            if found:
                break
        if not found:
            return NONE
        if axis == 0:
            across = found
        else:
            down = found
    for r in range(h):
        for c in range(w):
            value = grid[r, c]
            if value == hole and how != 1 and 0 <= across - c < w:
                value = grid[r, across - c]
            if value == hole and how != 0 and 0 <= down - r < h:
                value = grid[down - r, c]
            if value == hole and how == 2 and 0 <= across - c < w and 0 <= down - r < h:
                value = grid[down - r, across - c]
            out[r, c] = value
    return h, w, y, x
