"""Kernels that take an image apart into a list of images, choose among the list, and put it together again.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.jit import inner

from solver.search.arena import HEIGHT, OFFSET, WIDTH, Arena, X, Y, push, push_again, same_image, view
from solver.search.kernels.objects import BOTTOM, LEFT, RIGHT, TOP, label
from solver.search.kernels.shape import SIDE

MOST_PARTS = 60


@inner
def split_objects(arena, image, kind, context, out, work):
    """The objects of an image; with ``context`` 1 everything inside the box of each."""
    grid = view(arena, image)
    count = label(grid, kind % 2, kind // 2, work)
    if count == 0 or count > MOST_PARTS:
        return 0
    w = grid.shape[1]
    y, x = arena.images[image, Y], arena.images[image, X]
    for number in range(count):
        top, left = work[TOP, number], work[LEFT, number]
        height = work[BOTTOM, number] - top + 1
        width = work[RIGHT, number] - left + 1
        for r in range(height):
            for c in range(width):
                own = context == 1 or work[0, (top + r) * w + left + c] == number + 1
                out[r, c] = grid[top + r, left + c] if own else 0
        if not push(arena, out, height, width, y + top, x + left):
            return 0
    return count


@inner
def split_colours(arena, image, crop, out):
    """One image for each colour; with ``crop`` 1 cropped to it, with 2 everything inside its box."""
    grid = view(arena, image)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    made = 0
    for colour in range(1, 10):
        top, bottom, left, right = h, -1, w, -1
        for r in range(h):
            for c in range(w):
                if grid[r, c] == colour:
                    top, bottom = min(top, r), max(bottom, r)
                    left, right = min(left, c), max(right, c)
        if bottom < 0:
            continue
        if crop == 0:
            top, left, bottom, right = 0, 0, h - 1, w - 1
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                keep = crop == 2 or grid[r, c] == colour
                out[r - top, c - left] = grid[r, c] if keep else 0
        if not push(arena, out, bottom - top + 1, right - left + 1, y + top, x + left):
            return 0
        made += 1
    return made


@inner
def push_part(arena, grid, top, left, height, width, y, x, out):
    """Append a rectangle of the grid at its place."""
    for r in range(height):
        for c in range(width):
            out[r, c] = grid[top + r, left + c]
    return push(arena, out, height, width, y + top, x + left)


@inner
def split_evenly(arena, image, rows, columns, out):
    """``rows`` x ``columns`` equal parts in reading order, with or without separating lines of one cell."""
    grid = view(arena, image)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    down = 1 if h % rows else 0
    right = 1 if w % columns else 0
    if (h - down * (rows - 1)) % rows or (w - right * (columns - 1)) % columns:
        return 0
    height = (h - down * (rows - 1)) // rows
    width = (w - right * (columns - 1)) // columns
    if height < 1 or width < 1 or rows * columns > MOST_PARTS:
        return 0
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + down), column * (width + right)
            if not push_part(arena, grid, top, left, height, width, y, x, out):
                return 0
    return rows * columns


@inner
def split_lines(arena, image, out, work):
    """The parts between whole lines of one colour, in reading order."""
    grid = view(arena, image)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    for colour in range(10):
        for line in range(2):
            length, across = (h, w) if line == 0 else (w, h)
            spans, start = 0, 0
            for place in range(length + 1):
                whole = True
                if place < length:
                    for k in range(across):
                        if (grid[place, k] if line == 0 else grid[k, place]) != colour:
                            whole = False
                            break
                if whole:
                    if place > start:
                        work[2 * line, spans], work[2 * line + 1, spans] = start, place
                        spans += 1
                    start = place + 1
            work[4, line] = spans
        rows, columns = work[4, 0], work[4, 1]
        if rows * columns < 2 or rows * columns > MOST_PARTS:
            continue
        for row in range(rows):
            for column in range(columns):
                top, left = work[0, row], work[2, column]
                if not push_part(
                    arena, grid, top, left, work[1, row] - top, work[3, column] - left, y, x, out
                ):
                    return 0
        return rows * columns
    return 0


@inner
def split_single_lines(arena, image, columns, out):
    """Every row (or column) as an image."""
    grid = view(arena, image)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    count = w if columns == 1 else h
    if count < 2:
        return 0
    for line in range(count):
        if columns == 1:
            done = push_part(arena, grid, 0, line, h, 1, y, x, out)
        else:
            done = push_part(arena, grid, line, 0, 1, w, y, x, out)
        if not done:
            return 0
    return count


@inner
def split_windows(arena, image, height, width, tiled, out):
    """The windows of the wanted size: all that hold no empty cell (``tiled`` 0), or the grid cut into them."""
    grid = view(arena, image)
    h, w = grid.shape
    if height == 0 or height > h or width > w or (height == h and width == w):
        return 0
    y, x = arena.images[image, Y], arena.images[image, X]
    if tiled == 1:
        if h % height or w % width:
            return 0
        return split_evenly(arena, image, h // height, w // width, out)
    made = 0
    for top in range(h - height + 1):
        for left in range(w - width + 1):
            full = True
            for r in range(height):
                for c in range(width):
                    if grid[top + r, left + c] == 0:
                        full = False
                        break
                if not full:
                    break
            if full:
                if made >= MOST_PARTS or not push_part(arena, grid, top, left, height, width, y, x, out):
                    return 0
                made += 1
    return made


@inner
def split_frames(arena, image, border, out):
    """What lies inside rectangles that are outlined in one colour; with ``border`` 1 the outline too."""
    grid = view(arena, image)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    made = 0
    for top in range(h - 2):
        for left in range(w - 2):
            colour = grid[top, left]
            if colour == 0 or grid[top + 1, left] != colour or grid[top, left + 1] != colour:
                continue
            right = left
            while right + 1 < w and grid[top, right + 1] == colour:
                right += 1
            bottom = top
            while bottom + 1 < h and grid[bottom + 1, left] == colour:
                bottom += 1
            if right < left + 2 or bottom < top + 2:
                continue
            closed = True
            for c in range(left, right + 1):
                if grid[bottom, c] != colour:
                    closed = False
            for r in range(top, bottom + 1):
                if grid[r, right] != colour:
                    closed = False
            same = True
            for r in range(top + 1, bottom):
                for c in range(left + 1, right):
                    if grid[r, c] != colour:
                        same = False
            if not closed or same:
                continue
            edge = 1 - border
            if made >= MOST_PARTS or not push_part(
                arena,
                grid,
                top + edge,
                left + edge,
                bottom - top + 1 - 2 * edge,
                right - left + 1 - 2 * edge,
                y,
                x,
                out,
            ):
                return 0
            made += 1
    return made


@inner
def score(arena, first, count, image, what, work):
    """A number by which images of a list are compared.

    0 coloured cells, 1 colours, 2 area of the box, 3 top, 4 left, 5 objects, 6 objects of one colour, 7 empty
    cells, 8 symmetric left-right + up-down, 9 cells of the most frequent colour, 10 how often the image is in
    the list, 11 its place in the list, 12 enclosed empty cells, 13 height, 14 width, 15 colour number,
    16 how many images hold its colours, 17 how many have its shape (colours aside), 18 how many have its size.
    """
    grid = view(arena, image)
    h, w = grid.shape
    if what == 2:
        return h * w
    if what == 3:
        return arena.images[image, Y]
    if what == 4:
        return arena.images[image, X]
    if what == 13:
        return h
    if what == 14:
        return w
    if what == 11:
        return image - first
    if what == 5:
        return label(grid, 1, 0, work)
    if what == 6:
        return label(grid, 1, 1, work)
    if what == 8:
        across, down = 1, 1
        for r in range(h):
            for c in range(w):
                if grid[r, c] != grid[r, w - 1 - c]:
                    across = 0
                if grid[r, c] != grid[h - 1 - r, c]:
                    down = 0
        return across + down
    if what == 10 or what == 17 or what == 18:
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
    cells, seen, best, most = 0, 0, 0, 0
    for colour in range(1, 10):
        alike = 0
        for r in range(h):
            for c in range(w):
                if grid[r, c] == colour:
                    alike += 1
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
    if what == 15:
        return best
    if what == 16:
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
    enclosed = 0
    count_inside(grid, work)
    for cell in range(h * w):
        if grid[cell // w, cell % w] == 0 and work[0, cell] == 0:
            enclosed += 1
    return enclosed


@inner
def count_inside(grid, work):
    """work[0, cell] = 1 for empty cells that a path joins to the edge."""
    h, w = grid.shape
    top = 0
    for cell in range(h * w):
        r, c = cell // w, cell % w
        work[0, cell] = 0
        if (r == 0 or c == 0 or r == h - 1 or c == w - 1) and grid[r, c] == 0:
            work[0, cell] = 1
            work[1, top] = cell
            top += 1
    while top > 0:
        top -= 1
        r, c = work[1, top] // w, work[1, top] % w
        for step in range(4):
            i = r + (1 if step == 0 else -1 if step == 1 else 0)
            j = c + (1 if step == 2 else -1 if step == 3 else 0)
            if 0 <= i < h and 0 <= j < w and grid[i, j] == 0 and work[0, i * w + j] == 0:
                work[0, i * w + j] = 1
                work[1, top] = i * w + j
                top += 1


@inner
def pick(arena, first, count, what, least, alone, work):
    """The image with the greatest (or ``least``) score; with ``alone`` 1 it must be the only one."""
    if count < 2:
        return 0
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
def keep(arena, first, count, what, least, others, work):
    """The images with the greatest (or ``least``) score, or all ``others``."""
    if count < 2:
        return 0
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
    return 0 if made == count else made


@inner
def order(arena, first, count, what, least, work):
    """The list ordered by a score; equals keep their order."""
    if count < 2:
        return 0
    for image in range(first, first + count):
        now = score(arena, first, count, image, what, work)
        work[11, image - first] = -now if least == 1 else now
    for place in range(count):
        for image in range(count):
            rank = 0
            for other in range(count):
                if work[11, other] > work[11, image] or (
                    work[11, other] == work[11, image] and other < image
                ):
                    rank += 1
            if rank == place:
                if not push_again(arena, first + image):
                    return 0
                break
    return count


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


@inner
def compose(arena, first, count, how, out, work):
    """All images drawn at their positions on one canvas: 0 large ones first, 1 in order, 2 in reverse order."""
    top, left, bottom, right = 1000, 1000, -1000, -1000
    for image in range(first, first + count):
        y, x = arena.images[image, Y], arena.images[image, X]
        top, left = min(top, y), min(left, x)
        bottom, right = max(bottom, y + arena.images[image, HEIGHT]), max(right, x + arena.images[image, WIDTH])
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
def stack(arena, first, count, down, gap, out):
    """The images side by side, or one below the other with ``down`` 1, with ``gap`` empty cells between."""
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
    if height > SIDE or width > SIDE or count < 2:
        return 0
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
    at = 0
    for image in range(first, first + count):
        grid = view(arena, image)
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                if down == 1:
                    out[at + r, c] = grid[r, c]
                else:
                    out[r, at + c] = grid[r, c]
        at += (grid.shape[0] if down == 1 else grid.shape[1]) + gap
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def combine(arena, first, count, how, out):
    """Images of one size cell by cell: 0 the first colour, 1 the last, 2 only where all are coloured (the first),
    3 where exactly one is, 4 the most frequent colour (the first of equals), 5 the number of coloured ones,
    6 where the first is and none of the others, 7: 1 where all are empty."""
    if count < 2:
        return 0
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
def summary(arena, first, count, how, out, work):
    """A small image of a list: one cell for each image in its most frequent colour, 0 in a row, 1 in a column,
    2 placed as the images lie (rows and columns of equal positions); 3 a row of 1s as long as the list,
    4 a column, 5 a square."""
    if how == 3 or how == 4 or how == 5:
        if count > SIDE:
            return 0
        height = 1 if how == 3 else count
        width = 1 if how == 4 else count
        for r in range(height):
            for c in range(width):
                out[r, c] = 1
        return 1 if push(arena, out, height, width, 0, 0) else 0
    if count < 2:
        return 0
    if how < 2:
        if count > SIDE:
            return 0
        for k in range(count):
            colour = score(arena, first, count, first + k, 15, work)
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
        out[work[9, k], work[10, k]] = score(arena, first, count, first + k, 15, work)
    return 1 if push(arena, out, height, width, 0, 0) else 0


@inner
def list_kernel(
    arena: Arena, number: int, argument: int, first: int, count: int, height: int, width: int, out, work
) -> int:
    """The transform of this number: below 20 of one image into a list, below 40 of a list into one image,
    then of a list into a list."""
    if count == 0 or count > 900:
        return 0
    if number == 0:
        return split_objects(arena, first, argument % 4, argument // 4, out, work)
    if number == 1:
        return split_colours(arena, first, argument, out)
    if number == 2:
        return split_evenly(arena, first, argument // 10, argument % 10, out)
    if number == 3:
        return split_lines(arena, first, out, work)
    if number == 4:
        return split_single_lines(arena, first, argument, out)
    if number == 5:
        return split_windows(arena, first, height, width, argument, out)
    if number == 6:
        return split_frames(arena, first, argument, out)
    if number == 20:
        return pick(arena, first, count, argument // 4, argument % 2, argument // 2 % 2, work)
    if number == 21:
        return odd_one_out(arena, first, count, work)
    if number == 22:
        return compose(arena, first, count, argument, out, work)
    if number == 23:
        return stack(arena, first, count, argument % 2, argument // 2, out)
    if number == 24:
        return combine(arena, first, count, argument, out)
    if number == 25:
        return summary(arena, first, count, argument, out, work)
    if number == 40:
        return keep(arena, first, count, argument // 4, argument % 2, argument // 2 % 2, work)
    if number == 41:
        return order(arena, first, count, argument // 2, argument % 2, work)
    return 0


