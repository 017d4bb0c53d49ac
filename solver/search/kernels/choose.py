"""Kernels that compare the images of a list, choose among them and sort them.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.arena import HEIGHT, WIDTH, X, Y, push_again, same_image, view
from solver.search.jit import inner
from solver.search.kernels.fill import mark_outside
from solver.search.kernels.objects import label
from solver.search.kernels.shape import cells_of_colour, count_colours


@inner
def alike_images(arena, first, count, image, what):
    """How many images of the list are equal to one (``what`` 10), of its shape (17), or of its size (18)."""
    grid = view(arena, image)
    h, w = grid.shape
    alike = 0
    for other in range(first, first + count):
        if arena.images[other, HEIGHT] != h or arena.images[other, WIDTH] != w:
            continue
        equal = True
        if what != 18:
            theirs = view(arena, other)
            for r in range(h):
                for c in range(w):
                    if what == 10:
                        if theirs[r, c] != grid[r, c]:
                            equal = False
                            break
                    elif (theirs[r, c] == 0) != (grid[r, c] == 0):
                        equal = False
                        break
                if not equal:
                    break
        if equal:
            alike += 1
    return alike


@inner
def alike_palettes(arena, first, count, seen):
    """How many images of the list hold exactly the colours of the bits ``seen``, empty cells aside."""
    alike = 0
    for other in range(first, first + count):
        theirs = view(arena, other)
        some = 0
        for r in range(theirs.shape[0]):
            for c in range(theirs.shape[1]):
                some |= 1 << theirs[r, c]
        if (some | 1) == (seen | 1):
            alike += 1
    return alike


@inner
def mirror_count(grid):
    """2 for a grid that is its own mirror image left-right and up-down, 1 for one of them, else 0."""
    h, w = grid.shape
    across, down = 1, 1
    for r in range(h):
        for c in range(w):
            if grid[r, c] != grid[r, w - 1 - c]:
                across = 0
            if grid[r, c] != grid[h - 1 - r, c]:
                down = 0
    return across + down


@inner
def enclosed_cells(grid, work):
    """How many empty cells no path over empty cells joins to the edge."""
    enclosed = 0
    mark_outside(grid, 0, 0, work)
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            if grid[r, c] == 0 and work[0, r * grid.shape[1] + c] == 0:
                enclosed += 1
    return enclosed


@inner
def score(arena, first, count, image, what, work):
    """A number by which images of a list are compared.

    0 coloured cells, 1 colours, 2 area of the box, 3 top, 4 left, 5 objects, 6 objects of one colour, 7 empty
    cells, 8 symmetric left-right + up-down, 9 cells of the most frequent colour, 10 how often the image is in
    the list, 11 its place in the list, 12 enclosed empty cells, 13 height, 14 width, 15 colour number,
    16 how many images hold its colours, 17 how many have its shape, 18 how many its size, 19 coloured
    cells that are not of its most frequent colour, 20 + k cells of colour k.
    """
    grid = view(arena, image)
    h, w = grid.shape
    if what == 2:
        return h * w
    if what == 3 or what == 4:
        return arena.images[image, Y if what == 3 else X]
    if what == 13 or what == 14:
        return h if what == 13 else w
    if what == 11:
        return image - first
    if what == 5:
        return label(grid, 1, 0, work)
    if what == 6:
        return label(grid, 1, 1, work)
    if what == 8:
        return mirror_count(grid)
    if what == 10 or what == 17 or what == 18:
        return alike_images(arena, first, count, image, what)
    low, high = count_colours(grid, 0, h, 0, w)
    if what > 20:
        return cells_of_colour(low, high, what - 20)
    cells, seen, best, most = 0, 0, 0, 0
    for colour in range(1, 10):
        alike = cells_of_colour(low, high, colour)
        if alike > most:
            best, most = colour, alike
        cells += alike
        if alike:
            seen |= 1 << colour
    if what == 0:
        return cells
    if what == 1:
        colours = 0
        for colour in range(1, 10):
            colours += (seen >> colour) & 1
        return colours
    if what == 7:
        return h * w - cells
    if what == 9:
        return most
    if what == 19:
        return cells - most
    if what == 15:
        return best
    if what == 16:
        return alike_palettes(arena, first, count, seen)
    return enclosed_cells(grid, work)


@inner
def pick(arena, first, count, what, least, alone, work):
    """The image with the greatest (or ``least``) score; with ``alone`` 1 it must be the only one."""
    best, value, equals = first, 0, 0
    for image in range(first, first + count):
        now = score(arena, first, count, image, what, work)
        if least == 1:
            now = -now
        if image == first or now > value:
            best, value, equals = image, now, 1
        elif now == value and not same_image(arena, best, image):
            equals += 1
    if alone == 1 and equals > 1:
        return 0
    return 1 if push_again(arena, best) else 0


@inner
def pick_second(arena, first, count, what, least, work):
    """The image with the second greatest (or second least) score, the first of equals."""
    if count < 2:
        return 0
    for image in range(first, first + count):
        now = score(arena, first, count, image, what, work)
        work[11, image - first] = -now if least == 1 else now
    top, best = 0, -1
    for k in range(count):
        if k == 0 or work[11, k] > top:
            top = int(work[11, k])
    for k in range(count):
        if work[11, k] < top and (best < 0 or work[11, k] > work[11, best]):
            best = k
    if best < 0:
        return 0
    return 1 if push_again(arena, first + best) else 0


@inner
def keep(arena, first, count, what, least, others, work):
    """The images with the greatest (or ``least``) score, or all ``others``."""
    value = 0
    for image in range(first, first + count):
        now = score(arena, first, count, image, what, work)
        now = -now if least == 1 else now
        work[11, image - first] = now
        if image == first or now > value:
            value = now
    made = 0
    for image in range(first, first + count):
        if (work[11, image - first] == value) == (others == 0):
            if not push_again(arena, image):
                return 0
            made += 1
    return made


@inner
def order(arena, first, count, what, least, work):
    """The list ordered by a score; equals keep their order."""
    for image in range(first, first + count):
        work[11, image - first] = score(arena, first, count, image, what, work)
    return by_rank(arena, first, count, -1 if least == 1 else 1, work)


@inner
def by_rank(arena, first, count, sign, work):
    """The list ordered by work[11], the greatest first, or with ``sign`` -1 the least; equals keep their
    order."""
    for image in range(count):
        rank = 0
        for other in range(count):
            more = sign * (work[11, other] - work[11, image])
            if more > 0 or (more == 0 and other < image):
                rank += 1
        work[10, rank] = image
    for rank in range(count):
        if not push_again(arena, first + work[10, rank]):
            return 0
    return count


@inner
def drop_blank(arena, first, count):
    """The images that hold a coloured cell."""
    made = 0
    for image in range(first, first + count):
        if view(arena, image).max() > 0:
            if not push_again(arena, image):
                return 0
            made += 1
    return made


@inner
def reading_order(arena, first, count, columns, work):
    """The list in reading order: by the upper edge of the highest image that shares a row with an image, or
    where they are ``columns`` in a row by upper edges; then from left to right; equals keep their order."""
    for image in range(first, first + count):
        y = arena.images[image, Y]
        row, before = y, 0
        for other in range(first, first + count):
            above = arena.images[other, Y]
            if above < row and above + arena.images[other, HEIGHT] > y:
                row = above
            if above < y or (above == y and other < image):
                before += 1
        row = before // columns if columns > 0 else row
        work[11, image - first] = row * 1024 + arena.images[image, X]
    return by_rank(arena, first, count, -1, work)


@inner
def odd_one_out(arena, first, count, work):
    """The only image that differs from all others in one of its scores, when the others agree in it."""
    if count < 3:
        return 0
    chosen = -1
    for what in (1, 15, 17, 10, 2, 0, 8, 5, 12, 18):
        for image in range(first, first + count):
            now = score(arena, first, count, image, what, work)
            work[11, image - first] = now
        for odd in range(count):
            common = work[11, 1 if odd == 0 else 0]
            alone = work[11, odd] != common
            for other in range(count):
                if other != odd and work[11, other] != common:
                    alone = False
                    break
            if alone:
                if chosen >= 0 and chosen != odd:
                    return 0
                chosen = odd
    if chosen < 0:
        return 0
    return 1 if push_again(arena, first + chosen) else 0
