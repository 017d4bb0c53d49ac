"""Kernels that put a list of images together.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.arena import HEIGHT, OFFSET, WIDTH, X, Y, push, view
from solver.search.jit import inner
from solver.search.kernels.choose import score
from solver.search.kernels.shape import SIDE


@inner
def compose(arena, first, count, how, out, work):
    """All images drawn at their positions on one canvas: 0 large ones first, 1 in order, 2 in reverse
    order."""
    top, left, bottom, right = 1000, 1000, -1000, -1000
    for image in range(first, first + count):
        y, x = arena.images[image, Y], arena.images[image, X]
        top, left = min(top, y), min(left, x)
        bottom, right = (
            max(bottom, y + arena.images[image, HEIGHT]),
            max(right, x + arena.images[image, WIDTH]),
        )
    height, width = bottom - top, right - left
    if height > SIDE or width > SIDE or count > 1000:
        return 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    for k in range(count):
        work[10, k] = score(arena, first, count, first + k, 0, work) if how == 0 else (-k if how == 1 else k)
        work[9, k] = 0
    for _ in range(count):
        best = -1
        for k in range(count):
            if not work[9, k] and (best < 0 or work[10, k] > work[10, best]):
                best = k
        work[9, best] = 1
        grid = view(arena, first + best)
        y, x = arena.images[first + best, Y] - top, arena.images[first + best, X] - left
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                if grid[r, c] != 0:
                    out[y + r, x + c] = grid[r, c]
    return 1 if push(arena, out, height, width, top, left) else 0


@inner
def stack(arena, first, count, down, gap, out, work):
    """The images side by side, or one below the other with ``down`` 1, with ``gap`` empty cells between.

    work[10, k]: which of them comes as the k-th.
    """
    height, width = 0, 0
    for image in range(first, first + count):
        h, w = arena.images[image, HEIGHT], arena.images[image, WIDTH]
        between = gap if image > first else 0
        if down == 1:
            height += h + between
            width = max(width, w)
        else:
            width += w + between
            height = max(height, h)
    if height > SIDE or width > SIDE:
        return 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    at = 0
    for k in range(count):
        grid = view(arena, first + work[10, k])
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                if down == 1:
                    out[at + r, c] = grid[r, c]
                else:
                    out[r, at + c] = grid[r, c]
        at += (grid.shape[0] if down == 1 else grid.shape[1]) + gap
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def chain(arena, first, count, apart, out):
    """Each image with its upper left corner on the lower right cell of the one before, or with ``apart`` 1
    one cell further down and right."""
    height, width = 1 - apart, 1 - apart
    for image in range(first, first + count):
        height += arena.images[image, HEIGHT] - 1 + apart
        width += arena.images[image, WIDTH] - 1 + apart
    if height > SIDE or width > SIDE:
        return 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    top, left = 0, 0
    for image in range(first, first + count):
        grid = view(arena, image)
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                if grid[r, c] != 0:
                    out[top + r, left + c] = grid[r, c]
        top += grid.shape[0] - 1 + apart
        left += grid.shape[1] - 1 + apart
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def combine(arena, first, count, how, out):
    """Images of one size cell by cell: 0 the first colour, 1 the last, 2 only where all are coloured (the
    first), 3 where exactly one is, 4 the most frequent colour (the first of equals), 5 the number of
    coloured ones, 6 where the first is and none of the others, 7: 1 where all are empty."""
    h, w = arena.images[first, HEIGHT], arena.images[first, WIDTH]
    for image in range(first, first + count):
        if arena.images[image, HEIGHT] != h or arena.images[image, WIDTH] != w:
            return 0
    size = h * w
    for r in range(h):
        for c in range(w):
            one, last, coloured = 0, 0, 0
            for image in range(first, first + count):
                colour = arena.cells[arena.images[image, OFFSET] + r * w + c]
                if colour != 0:
                    coloured += 1
                    last = colour
                    if one == 0:
                        one = colour
            value = 0
            if how == 0:
                value = one
            elif how == 1:
                value = last
            elif how == 2:
                value = one if coloured == count else 0
            elif how == 3:
                value = one if coloured == 1 else 0
            elif how == 4:
                most = 0
                for image in range(first, first + count):
                    colour = arena.cells[arena.images[image, OFFSET] + r * w + c]
                    alike = 0
                    for other in range(first, first + count):
                        if arena.cells[arena.images[other, OFFSET] + r * w + c] == colour:
                            alike += 1
                    if alike > most:
                        value, most = colour, alike
            elif how == 5:
                value = min(coloured, 9)
            elif how == 6:
                value = arena.cells[arena.images[first, OFFSET] + r * w + c] if coloured == 1 else 0
            else:
                value = 1 if coloured == 0 else 0
            out[r, c] = value
    return 1 if size and push(arena, out, h, w, 0, 0) else 0


@inner
def summary(arena, first, count, how, what, out, work):
    """A small image of a list: one cell for each image that is its score ``what``, at most 9: 0 in a row, 1
    in a column, 2 placed as the images lie (rows and columns of equal positions); 3 a row of 1s as long as
    the list, 4 a column, 5 a square."""
    if how == 3 or how == 4 or how == 5:
        if count > SIDE:
            return 0
        height = 1 if how == 3 else count
        width = 1 if how == 4 else count
        for r in range(height):
            for c in range(width):
                out[r, c] = 1
        return 1 if push(arena, out, height, width, 0, 0) else 0
    if how < 2:
        if count > SIDE:
            return 0
        for k in range(count):
            colour = min(score(arena, first, count, first + k, what, work), 9)
            if how == 0:
                out[0, k] = colour
            else:
                out[k, 0] = colour
        return 1 if push(arena, out, 1 if how == 0 else count, count if how == 0 else 1, 0, 0) else 0
    height, width = 0, 0
    for k in range(count):
        row, column = 0, 0
        for other in range(count):
            new_row, new_column = True, True
            for before in range(other):
                if arena.images[first + before, Y] == arena.images[first + other, Y]:
                    new_row = False
                if arena.images[first + before, X] == arena.images[first + other, X]:
                    new_column = False
            if new_row and arena.images[first + other, Y] < arena.images[first + k, Y]:
                row += 1
            if new_column and arena.images[first + other, X] < arena.images[first + k, X]:
                column += 1
        work[9, k], work[10, k] = row, column
        height, width = max(height, row + 1), max(width, column + 1)
    if height > SIDE or width > SIDE or height * width > 2 * count:
        return 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    for k in range(count):
        value = score(arena, first, count, first + k, what, work)
        out[work[9, k], work[10, k]] = min(value, 9)
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def layout(arena, first, count, columns, gap, out):
    """The images of one size in reading order, ``columns`` in a row (0: as many rows as columns), with
    ``gap`` empty cells between them."""
    if columns == 0:
        while (columns + 1) * (columns + 1) <= count:
            columns += 1
        if columns * columns != count:
            return 0
    h, w = arena.images[first, HEIGHT], arena.images[first, WIDTH]
    rows = count // columns
    height, width = rows * (h + gap) - gap, columns * (w + gap) - gap
    if count < 4 or count % columns or rows < 2 or height > SIDE or width > SIDE:
        return 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    for k in range(count):
        if arena.images[first + k, HEIGHT] != h or arena.images[first + k, WIDTH] != w:
            return 0
        grid = view(arena, first + k)
        for r in range(h):
            for c in range(w):
                out[k // columns * (h + gap) + r, k % columns * (w + gap) + c] = grid[r, c]
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def pinwheel(arena, first, how, out):
    """The image turned by quarters, one copy at each side of an empty square as wide as it is high.

    ``how`` 0: each copy as it comes when the left one is carried around; 1: the left one as it is and the
    others mirrored from their opposites.
    """
    grid = view(arena, first)
    h, w = grid.shape
    side = h + 2 * w
    if side > SIDE:
        return 0
    for r in range(side):
        for c in range(side):
            out[r, c] = 0
    for r in range(h):
        for c in range(w):
            ahead, back = w + r, w + h - 1 - r
            out[ahead, c] = grid[r, c]
            out[c, back] = grid[r, c]
            if how == 0:
                out[back, side - 1 - c] = grid[r, c]
                out[side - 1 - c, ahead] = grid[r, c]
            else:
                out[ahead, side - 1 - c] = grid[r, c]
                out[side - 1 - c, back] = grid[r, c]
    return 1 if push(arena, out, side, side, 0, 0) else 0


@inner
def product_of(arena, first, count, what, out):
    """The second of two images in every coloured cell of the first; with ``what`` odd the other way round.

    From 2 on the copies are painted in the colour of the cell; from 4 on they are in the empty cells.
    """
    if count != 2:
        return 0
    large = view(arena, first + what % 2)
    small = view(arena, first + 1 - what % 2)
    height, width = large.shape[0] * small.shape[0], large.shape[1] * small.shape[1]
    if height > SIDE or width > SIDE or large.size == 1 or small.size == 1:
        return 0
    for r in range(height):
        for c in range(width):
            own = large[r // small.shape[0], c // small.shape[1]]
            value = small[r % small.shape[0], c % small.shape[1]]
            if (own == 0) != (what >= 4):
                value = 0
            elif what // 2 == 1 and value != 0:
                value = own
            out[r, c] = value
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def overlay(arena, first, count, centred, out):
    """All images on one canvas of the largest height and width, later ones on top: at its upper left corner,
    or with ``centred`` 1 in its middle."""
    height, width = 0, 0
    for image in range(first, first + count):
        height = max(height, arena.images[image, HEIGHT])
        width = max(width, arena.images[image, WIDTH])
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    for image in range(first, first + count):
        grid = view(arena, image)
        top = (height - grid.shape[0]) // 2 if centred == 1 else 0
        left = (width - grid.shape[1]) // 2 if centred == 1 else 0
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                if grid[r, c] != 0:
                    out[top + r, left + c] = grid[r, c]
    return 1 if push(arena, out, height, width, 0, 0) else 0
