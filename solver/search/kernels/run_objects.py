"""Kernels that draw from single objects, each by itself: their middle, their corners, their openings."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.draw import step_of
from solver.search.kernels.fill import mark_outside
from solver.search.kernels.move import copy_to
from solver.search.kernels.objects import AREA, BOTTOM, LEFT, RIGHT, TOP, label, own_colours
from solver.search.kernels.relations import rooms_of
from solver.search.kernels.run_lines import run_on
from solver.search.kernels.run_paths import rarest_from
from solver.search.kernels.shape import NONE


@inner
def leak(grid, y, x, out, work):
    """The empty cells in the box of each object of one colour, if it has at least three rows and columns, get
    colour 1, which runs out of the box straight over empty cells through each opening in its border."""
    h, w = grid.shape
    copy_to(grid, out)
    for number in range(label(grid, 1, 1, work)):
        top, bottom = work[TOP, number], work[BOTTOM, number]
        left, right = work[LEFT, number], work[RIGHT, number]
        if bottom - top < 2 or right - left < 2:
            continue
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if grid[r, c] != 0:
                    continue
                out[r, c] = 1
                for bit in range(4):
                    down, along = step_of(bit)
                    if not (top <= r + down <= bottom and left <= c + along <= right):
                        run_on(grid, r, c, down, along, 1, out)
    return h, w, y, x


@inner
def middle_each(grid, y, x, first, kind, out, work):
    """Of each object only the middle of its box, one cell, two or four, in the object's most frequent colour;
    with ``first`` 1 instead its first cell in reading order."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = 0
    for number in range(label(grid, kind % 2, kind // 2, work)):
        top, bottom = work[TOP, number], work[BOTTOM, number]
        left, right = work[LEFT, number], work[RIGHT, number]
        colour = own_colours(grid, number, 11, work)
        if first == 1:
            while work[0, top * w + left] != number + 1:
                left += 1
            bottom, right = top, left
        for r in range((top + bottom) // 2, (top + bottom + 1) // 2 + 1):
            for c in range((left + right) // 2, (left + right + 1) // 2 + 1):
                out[r, c] = colour
    return h, w, y, x


@inner
def outer_rays(grid, y, x, colour, out, work):
    """From the corners of each object that fills its box diagonals run outwards over empty cells, in a colour
    (0: that of the corner)."""
    h, w = grid.shape
    copy_to(grid, out)
    for number in range(label(grid, 1, 0, work)):
        height = work[BOTTOM, number] - work[TOP, number] + 1
        width = work[RIGHT, number] - work[LEFT, number] + 1
        for bit in range(4, 8 if work[AREA, number] == height * width else 4):
            down, right = step_of(bit)
            r = work[BOTTOM if down == 1 else TOP, number]
            c = work[RIGHT if right == 1 else LEFT, number]
            run_on(grid, r, c, down, right, grid[r, c] if colour == 0 else colour, out)
    return h, w, y, x


@inner
def burst(grid, y, x, out, work):
    """Cells of an object of several cells run away from the middle cell of its box over empty cells, where
    they lie in its row, column or diagonals."""
    h, w = grid.shape
    copy_to(grid, out)
    label(grid, 1, 0, work)
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c] - 1
            if number < 0 or work[AREA, number] < 2:
                continue
            # twice the way from the middle: an object without a middle cell has an odd one
            down = 2 * r - work[TOP, number] - work[BOTTOM, number]
            right = 2 * c - work[LEFT, number] - work[RIGHT, number]
            straight = down == 0 or right == 0 or abs(down) == abs(right)
            if straight and (down != 0 or right != 0) and down % 2 == 0 and right % 2 == 0:
                down = 1 if down > 0 else -1 if down < 0 else 0
                right = 1 if right > 0 else -1 if right < 0 else 0
                run_on(grid, r, c, down, right, grid[r, c], out)
    return h, w, y, x


@inner
def grow_square(grid, y, x, out):
    """Each cell of the rarest colour (of equally rare ones the smallest) becomes the largest square around it
    without another colour, cut at the edges, over empty cells."""
    h, w = grid.shape
    colour = rarest_from(grid, 0, 0)
    if ranked_colour(grid, 1) == 0:  # without another colour nothing bounds the square
        return NONE
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] != colour:
                continue
            nearest = max(h, w)
            for i in range(h):
                for j in range(w):
                    if grid[i, j] != 0 and grid[i, j] != colour:
                        nearest = min(nearest, max(abs(i - r), abs(j - c)))
            for i in range(max(r - nearest + 1, 0), min(r + nearest, h)):
                for j in range(max(c - nearest + 1, 0), min(c + nearest, w)):
                    if out[i, j] == 0:
                        out[i, j] = colour
    return h, w, y, x


@inner
def local_skeleton(grid, y, x, out, work):
    """Cells of objects: 1 on the diagonals from the corners of the box up to its middle line and on what of
    that line joins them, 2 elsewhere."""
    h, w = grid.shape
    label(grid, 0, 0, work)
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c] - 1
            if number < 0:
                out[r, c] = 0
                continue
            top, bottom = work[TOP, number], work[BOTTOM, number]
            left, right = work[LEFT, number], work[RIGHT, number]
            down, along = min(r - top, bottom - r), min(c - left, right - c)
            joined = (down < along and down == (bottom - top) // 2) or (
                along < down and along == (right - left) // 2
            )
            out[r, c] = 1 if down == along or joined else 2
    return h, w, y, x


@inner
def room_corner(grid, y, x, out, work):
    """Empty rooms (four neighbours): 1 to 4 with the upper left, upper right, lower left, lower right corner
    of the image, 6 with its middle, 5 that touch its edge elsewhere, 7 all others."""
    h, w = grid.shape
    count = label(rooms_of(grid, 0, out), 0, 0, work)
    for number in range(count):
        inside = work[TOP, number] > 0 and work[BOTTOM, number] < h - 1
        inside = inside and work[LEFT, number] > 0 and work[RIGHT, number] < w - 1
        work[8, number] = 7 if inside else 5
    for k in range(8):  # the middle's four (of which some may be the same), then the corners
        r = (h - 1 + k // 2) // 2 if k < 4 else (7 - k) // 2 * (h - 1)
        c = (w - 1 + k % 2) // 2 if k < 4 else (7 - k) % 2 * (w - 1)
        number = work[0, r * w + c] - 1
        if number >= 0:
            work[8, number] = 6 if k < 4 else 8 - k
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c] - 1
            out[r, c] = work[8, number] if number >= 0 else 0
    return h, w, y, x


@inner
def cluster_boxes(grid, y, x, out, work):
    """The empty cells in the box of each group of cells of one colour, any two of which are joined by steps
    of at most two rows and columns, get this colour; the first group's where boxes overlap."""
    h, w = grid.shape
    copy_to(grid, out)
    for cell in range(h * w):
        work[0, cell] = 0
    for start in range(h * w):
        colour = grid[start // w, start % w]
        if colour == 0 or work[0, start]:
            continue
        work[0, start] = 1
        work[1, 0] = start
        end = 1
        top, bottom, left, right = h, -1, w, -1
        while end > 0:
            end -= 1
            r, c = work[1, end] // w, work[1, end] % w
            top, bottom = min(top, r), max(bottom, r)
            left, right = min(left, c), max(right, c)
            for i in range(max(r - 2, 0), min(r + 3, h)):
                for j in range(max(c - 2, 0), min(c + 3, w)):
                    if grid[i, j] == colour and not work[0, i * w + j]:
                        work[0, i * w + j] = 1
                        work[1, end] = i * w + j
                        end += 1
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if out[r, c] == 0:
                    out[r, c] = colour
    return h, w, y, x


@inner
def bends(grid, y, x, out, work):
    """Coloured cells with two coloured ones beside them at a right angle: 1 where the empty cell diagonal
    between these is enclosed, 2 where a path joins it to the edge; all others empty."""
    h, w = grid.shape
    mark_outside(grid, 0, 0, work)
    for r in range(h):
        for c in range(w):
            rows, columns, down, right = 0, 0, 0, 0
            for bit in range(4 if grid[r, c] != 0 else 0):
                i, j = r + step_of(bit)[0], c + step_of(bit)[1]
                if 0 <= i < h and 0 <= j < w and grid[i, j] != 0:
                    rows += abs(i - r)
                    columns += abs(j - c)
                    down, right = down + i - r, right + j - c
            out[r, c] = 0
            if rows == 1 and columns == 1 and grid[r + down, c + right] == 0:
                out[r, c] = 2 if work[0, (r + down) * w + c + right] else 1
    return h, w, y, x
