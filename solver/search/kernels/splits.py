"""Kernels that take an image apart into a list of images.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.arena import X, Y, push, push_again, view
from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.objects import BOTTOM, LEFT, RIGHT, TOP, label
from solver.search.kernels.panels import find_panels
from solver.search.kernels.relations import rooms_of
from solver.search.kernels.shape import most_frequent, turn

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
    y, x = arena.images[image, Y], arena.images[image, X]
    rows, columns = find_panels(grid, work)
    if rows * columns > MOST_PARTS:
        return 0
    for row in range(rows):
        for column in range(columns):
            top, left = int(work[2, row]), int(work[0, column])
            height, width = work[3, row] - top, work[1, column] - left
            if not push_part(arena, grid, top, left, height, width, y, x, out):
                return 0
    return rows * columns


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
    """The windows of the wanted size: all that hold no empty cell (``tiled`` 0), or the grid cut into
    them."""
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
def split_rooms(arena, image, diagonal, out, work):
    """The connected regions of empty cells, each drawn in colour 1 in its box."""
    grid = view(arena, image)
    w = grid.shape[1]
    y, x = arena.images[image, Y], arena.images[image, X]
    rooms = rooms_of(grid, 0, out)
    count = label(rooms, diagonal, 0, work)
    if count == 0 or count > MOST_PARTS:
        return 0
    for number in range(count):
        top, left = work[TOP, number], work[LEFT, number]
        height, width = work[BOTTOM, number] - top + 1, work[RIGHT, number] - left + 1
        for r in range(height):
            for c in range(width):
                out[r, c] = 1 if work[0, (top + r) * w + left + c] == number + 1 else 0
        if not push(arena, out, height, width, y + top, x + left):
            return 0
    return count


@inner
def split_marks(arena, image, radius, colour, out):
    """The windows of 2 * ``radius`` + 1 cells a side around the cells of a colour (0: the rarest), cut at the
    edges."""
    grid = view(arena, image)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    colour = colour if colour else ranked_colour(grid, -1)
    made = 0
    for r in range(h):
        for c in range(w):
            if colour == 0 or grid[r, c] != colour:
                continue
            top, left = max(r - radius, 0), max(c - radius, 0)
            height, width = min(r + radius + 1, h) - top, min(c + radius + 1, w) - left
            if made >= MOST_PARTS or not push_part(arena, grid, top, left, height, width, y, x, out):
                return 0
            made += 1
    return made


@inner
def split_symmetries(arena, image, what, out):
    """The image and its images: 0 left-right, 1 up-down, 2 left-right, up-down and turned by half, 3 turned
    by quarters, counter-clockwise."""
    grid = view(arena, image)
    y, x = arena.images[image, Y], arena.images[image, X]
    if not push_again(arena, image):
        return 0
    made = 1
    for k in range(3 if what >= 2 else 1):
        how = 4 + what if what < 2 else k + 1 if what == 3 else (4 if k == 0 else 5 if k == 1 else 2)
        height, width, _, _ = turn(grid, y, x, how, out)
        if not push(arena, out, height, width, y, x):
            return 0
        made += 1
    return made


@inner
def split_areas(arena, image, out, work):
    """The boxes of the 4-connected areas of more than one cell that are not of the most frequent colour (a
    coloured or the empty one), which becomes empty in them."""
    grid = view(arena, image)
    ground = most_frequent(grid)
    h, w = grid.shape
    y, x = arena.images[image, Y], arena.images[image, X]
    areas = out.reshape(900)[: h * w].reshape((h, w))
    for r in range(h):
        for c in range(w):
            areas[r, c] = 0 if grid[r, c] == ground else 1
    made = 0
    for number in range(label(areas, 0, 0, work)):
        top, left = work[TOP, number], work[LEFT, number]
        height, width = work[BOTTOM, number] - top + 1, work[RIGHT, number] - left + 1
        if height * width == 1:
            continue
        for r in range(height):
            for c in range(width):
                colour = grid[top + r, left + c]
                out[r, c] = 0 if colour == ground else colour
        if made >= MOST_PARTS or not push(arena, out, height, width, y + top, x + left):
            return 0
        made += 1
    return made


@inner
def is_mark(grid, r, c, side, main):
    """Whether a cell is coloured but not in the ``main`` colour (``side`` 1), or the upper left one of 2 x 2
    equal coloured cells (2)."""
    colour = grid[r, c]
    if side == 1:
        return colour != 0 and colour != main
    if colour == 0 or r + 1 >= grid.shape[0] or c + 1 >= grid.shape[1]:
        return False
    return grid[r + 1, c] == colour and grid[r, c + 1] == colour and grid[r + 1, c + 1] == colour


@inner
def split_spans(arena, image, side, out):
    """What lies in rows between a mark (``is_mark``, ``side`` cells high) and the next one, in reading
    order."""
    grid = view(arena, image)
    h, w = grid.shape
    main = ranked_colour(grid, 0)
    y, x = arena.images[image, Y], arena.images[image, X]
    made = 0
    for r in range(h):
        last = -1
        for c in range(w):
            if not is_mark(grid, r, c, side, main):
                continue
            if last >= 0 and c > last:
                if made >= MOST_PARTS or not push_part(arena, grid, r, last, side, c - last, y, x, out):
                    return 0
                made += 1
            last = c + side
    return made


@inner
def split_copies(arena, image, copies):
    """The image again and again."""
    for _ in range(copies):
        if not push_again(arena, image):
            return 0
    return copies
