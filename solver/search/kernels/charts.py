"""Kernels that draw a list of images as one image: rings, bars, numbers, and images along their axis.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.arena import HEIGHT, WIDTH, X, Y, push
from solver.search.jit import inner
from solver.search.kernels.choose import score
from solver.search.kernels.join import stack
from solver.search.kernels.shape import SIDE


@inner
def nest(arena, first, count, inside, out, work):
    """Square rings in the main colours of the images, the first one outside.

    The side is the longer side of the first image, or with ``inside`` 1 such that the innermost square has
    the shorter side of the last image.
    """
    last = first + count - 1
    side = max(arena.images[first, HEIGHT], arena.images[first, WIDTH])
    if inside == 1:
        side = 2 * (count - 1) + min(arena.images[last, HEIGHT], arena.images[last, WIDTH])
    if side > SIDE:
        return 0
    for k in range(count):
        colour = score(arena, first, count, first + k, 15, work)
        for r in range(k, side - k):
            for c in range(k, side - k):
                out[r, c] = colour
    return 1 if push(arena, out, side, side, 0, 0) else 0


@inner
def chart(arena, first, count, what, down, out, work):
    """A row for each image in its main colour, as long as its score ``what``; with ``down`` 1 a column."""
    longest = 0
    if count > SIDE:
        return 0
    for k in range(count):
        work[10, k] = score(arena, first, count, first + k, what, work)
        longest = max(longest, work[10, k])
    if longest == 0 or longest > SIDE:
        return 0
    for k in range(count):
        colour = score(arena, first, count, first + k, 15, work)
        for place in range(longest):
            value = colour if place < work[10, k] else 0
            if down == 1:
                out[place, k] = value
            else:
                out[k, place] = value
    height, width = (longest, count) if down == 1 else (count, longest)
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def along(arena, first, count, gap, out, work):
    """The images side by side or one below the other, in the order of their places on the axis on which
    their middles lie further apart (columns where both are alike), ``gap`` cells apart."""
    low_y, high_y, low_x, high_x = 1000, -1000, 1000, -1000
    for k in range(count):
        image = first + k
        work[8, k] = 2 * arena.images[image, Y] + arena.images[image, HEIGHT]
        work[9, k] = 2 * arena.images[image, X] + arena.images[image, WIDTH]
        low_y, high_y = min(low_y, work[8, k]), max(high_y, work[8, k])
        low_x, high_x = min(low_x, work[9, k]), max(high_x, work[9, k])
    down = 1 if high_y - low_y > high_x - low_x else 0
    row = 9 - down
    for k in range(count):
        rank = 0
        for other in range(count):
            if work[row, other] < work[row, k] or (work[row, other] == work[row, k] and other < k):
                rank += 1
        work[10, rank] = k
    return stack(arena, first, count, down, gap, out, work)
