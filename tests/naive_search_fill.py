"""Slow, obvious twins of the search's kernels that fill, smear, connect and mend."""

from itertools import product

import numpy as np

from tests.naive_search import ALL_ROUND, BESIDE, cells_of, inside, neighbours, ranked, turned

# The eight directions in the order of their bits.
DIRECTIONS = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
LINES = [(0, 1), (1, 0), (1, 1), (1, -1)]


def chosen(directions, bits):
    """The directions whose bits are set."""
    return [step for k, step in enumerate(directions) if bits >> k & 1]


def reachable(grid, starts, free, diagonal):
    """All places that a path over places that are ``free`` joins to the starts."""
    seen, waiting = set(starts), list(starts)
    while waiting:
        for place in neighbours(grid, waiting.pop(), diagonal):
            if place not in seen and free(place):
                seen.add(place)
                waiting.append(place)
    return seen


def outside(grid, diagonal):
    """The empty places that a path over empty places joins to the edge."""
    h, w = grid.shape
    starts = [(r, c) for r, c in cells_of(grid, lambda v: v == 0) if r in (0, h - 1) or c in (0, w - 1)]
    return reachable(grid, starts, lambda place: grid[place] == 0, diagonal)


def ray(grid, r, c, step):
    """The places on the way from a place to the edge."""
    places = []
    r, c = r + step[0], c + step[1]
    while inside(grid, r, c):
        places.append((r, c))
        r, c = r + step[0], c + step[1]
    return places


def until_coloured(grid, places):
    """The empty places of a way before the first coloured one, and that one or None."""
    free = []
    for place in places:
        if grid[place]:
            return free, place
        free.append(place)
    return free, None


def enclosed(grid, argument):
    """Twin of ``fill_enclosed``."""
    only, diagonal, colour = argument // 100, argument // 10 % 10, argument % 10
    colour = colour or ranked(grid, 0)
    filled = set(cells_of(grid, lambda v: v == 0)) - outside(grid, diagonal)
    if only and not filled:
        return None
    made = np.zeros_like(grid) if only else grid.copy()
    for place in filled:
        made[place] = colour
    return made


def by_wall(grid, only):
    """Twin of ``fill_by_wall``."""
    made = np.zeros_like(grid) if only else grid.copy()
    left = set(cells_of(grid, lambda v: v == 0)) - outside(grid, False)
    some = False
    while left:
        region = reachable(grid, [min(left)], lambda place: grid[place] == 0, False)
        left -= region
        wall = {int(grid[n]) for place in region for n in neighbours(grid, place, False)} - {0}
        if len(wall) == 1:
            some = True
            for place in region:
                made[place] = min(wall)
    return None if only and not some else made


def outlined(grid, argument):
    """Twin of ``outline``."""
    made = np.zeros_like(grid)
    for r, c in cells_of(grid):
        steps = ALL_ROUND if argument // 2 else BESIDE
        on_edge = any(inside(grid, r + i, c + j) and grid[r + i, c + j] == 0 for i, j in steps)
        on_edge = on_edge or r in (0, grid.shape[0] - 1) or c in (0, grid.shape[1] - 1)
        if on_edge == (argument % 2 == 0):
            made[r, c] = grid[r, c]
    return made if made.any() else None


def surrounded(grid, argument):
    """Twin of ``surround``."""
    grow, diagonal, colour = argument // 100, argument // 10 % 10, argument % 10
    canvas = np.pad(grid, grow)
    if max(canvas.shape) > 30:
        return None
    made = canvas.copy()
    for place in cells_of(canvas, lambda v: v == 0):
        near = max((int(canvas[n]) for n in neighbours(canvas, place, diagonal)), default=0)
        if near:
            made[place] = colour or near
    return made


def smeared(grid, argument):
    """Twin of ``smear``."""
    made = grid.copy()
    over = argument >= 1000
    for step in chosen(DIRECTIONS, argument % 1000):
        for r, c in cells_of(grid):
            places = ray(grid, r, c, step)
            for place in places if over else until_coloured(grid, places)[0]:
                if over or made[place] == 0:
                    made[place] = grid[r, c]
    return np.where(grid != 0, grid, made) if over else made


def connected(grid, argument):
    """Twin of ``connect``."""
    made = np.zeros_like(grid) if argument >= 100 else grid.copy()
    some = False
    for step in chosen(LINES, argument % 100):
        for r, c in cells_of(grid):
            free, end = until_coloured(grid, ray(grid, r, c, step))
            if free and end and grid[end] == grid[r, c]:
                some = True
                for place in free:
                    made[place] = grid[r, c]
    return None if argument >= 100 and not some else made


def spread_out(grid, diagonal):
    """Twin of ``spread``: whole layers at a time, a cell's neighbours in the order in which they were
    coloured."""
    if not grid.any():
        return None
    made = grid.copy()
    layer = cells_of(grid)
    while layer:
        fresh = []
        for place in layer:
            for near in neighbours(grid, place, diagonal):
                if made[near] == 0:
                    made[near] = made[place]
                    fresh.append(near)
        layer = fresh
    return made


def lined(grid, bits):
    """Twin of ``lines_through``."""
    made = grid.copy()
    for r, c in cells_of(grid):
        for i, j in chosen(LINES, bits):
            for place in ray(grid, r, c, (-i, -j)) + ray(grid, r, c, (i, j)):
                if made[place] == 0:
                    made[place] = grid[r, c]
    return made


def mirrored(grid, how):
    """Twin of ``overlay_mirror``: the images in the order in which they are asked."""
    h, w = grid.shape
    if how in (3, 4, 6) and h != w:
        return None
    names = ((4,), (5,), (4, 5, 2), (6,), (7,), (2,), (2, 1, 3))[how]
    images = [turned(grid, name) for name in names]
    made = grid.copy()
    for image in images:
        made = np.where(made == 0, image, made)
    return made


def boxed(grid, argument):
    """Twin of ``hull``."""
    colour = argument % 10 or ranked(grid, 0)
    if not grid.any():
        return None
    rows, columns = np.nonzero(grid)
    box = np.zeros(grid.shape, bool)
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    fill = box & (grid == 0)
    return np.where(fill, colour, 0 if argument >= 10 else grid)


def period_keys(h, w, down, right, diagonal):
    """The class of each place of a grid with a period."""
    if not diagonal:
        return {(r, c): (r % down, c % right) for r, c in product(range(h), range(w))}
    size = down * right
    return {(r, c): ((r + c) if down == 1 else (r - c)) % size for r, c in product(range(h), range(w))}


def mended_period(grid, hole, diagonal):
    """Twin of ``mend_period``."""
    h, w = grid.shape
    holes = int((grid == hole).sum())
    if holes == 0 or (not diagonal and holes * 2 > h * w):
        return None
    for size in range(2, h + w + 1):
        for down in range(1, min(size, h + 1)):
            right = size - down
            if not 1 <= right <= w or down * right * 2 > h * w or (diagonal and 1 not in (down, right)):
                continue
            keys = period_keys(h, w, down, right, diagonal)
            seen = {}
            for place in cells_of(grid, lambda v: v != hole):
                seen.setdefault(keys[place], set()).add(int(grid[place]))
            if len(seen) == down * right and all(len(colours) == 1 for colours in seen.values()):
                return np.array([[min(seen[keys[r, c]]) for c in range(w)] for r in range(h)])
    return None


def axis_of(grid, hole):
    """The vertical axis (sum of two mirrored columns) nearest to the middle with which nothing disagrees, or
    None."""
    h, w = grid.shape
    for away in range(w // 2):
        for total in (w - 1 - away, w - 1 + away):
            pairs = [((r, c), (r, total - c)) for r, c in product(range(h), range(w)) if 0 <= total - c < w]
            if all(grid[a] == grid[b] or hole in (grid[a], grid[b]) for a, b in pairs) and total:
                return total
    return None


def mended_symmetry(grid, hole):
    """Twin of ``mend_symmetry``."""
    h, w = grid.shape
    holes = int((grid == hole).sum())
    if holes == 0 or holes * 2 > h * w:
        return None
    across, down = axis_of(grid, hole), axis_of(grid.T, hole)
    if across is None and down is None:
        return None
    both = [(c, r) for r, c in product(range(h), range(w)) if inside(grid, c, r)]
    turned = across == down and all(
        grid[c, r] == grid[r, c] or hole in (grid[c, r], grid[r, c]) for r, c in both
    )
    made = grid.copy()
    for r, c in cells_of(grid, lambda v: v == hole):
        places = [] if across is None else [(r, across - c)]
        places += [] if down is None else [(down - r, c)]
        if across is not None and down is not None:
            places.append((down - r, across - c))
        if turned and inside(grid, c, r):
            places += [(c, r), (down - c, across - r), (c, across - r), (down - c, r)]
        for place in places:
            if made[r, c] == hole and inside(grid, *place):
                made[r, c] = grid[place]
    return made


def mended(grid, argument):
    """Twin of ``mend``."""
    hole = argument % 10
    if not (grid == hole).any():
        return None if argument >= 10 else grid
    symmetric = mended_symmetry(grid, hole)
    if symmetric is not None and not (symmetric == hole).any():
        return symmetric
    ways = (mended_period(grid, hole, False), mended_period(grid, hole, True), symmetric)
    return next((made for made in ways if made is not None), None)


def blocked(grid, argument):
    """Twin of ``keep_blocks``."""
    side, empty = argument % 10, argument >= 10
    h, w = grid.shape
    inside_blocks = np.zeros((h, w), bool)
    for r, c in product(range(h - side + 1), range(w - side + 1)):
        block = grid[r : r + side, c : c + side]
        if len(set(block.ravel().tolist())) == 1 and (block[0, 0] == 0) == empty:
            inside_blocks[r : r + side, c : c + side] = True
    if not empty and not inside_blocks.any():
        return None
    return np.where(inside_blocks, 1 if empty else grid, grid if empty else 0)


def squared(grid, _):
    """Twin of ``empty_squares``."""
    made = grid.copy()
    h, w = grid.shape
    for side in range(min(h, w), 1, -1):
        for r, c in product(range(h - side + 1), range(w - side + 1)):
            square = made[r : r + side, c : c + side]
            if not square.any():
                square[...] = 1
    return made


def completed_lines(grid, _):
    """Twin of ``complete_lines``."""
    h, w = grid.shape
    palette = set(grid.ravel().tolist()) - {0}
    if h != w or len(palette) != h:
        return None
    made = grid.copy()
    for _ in range(grid.size):
        for r, c in cells_of(made, lambda v: v == 0):
            left = palette - set(made[r].tolist()) - set(made[:, c].tolist())
            if len(left) == 1:
                made[r, c] = left.pop()
    return made if made.all() else None


def fill_twin(number, argument, grid, y, x, height, width):
    """The twin of ``fill_kernel``."""
    h, w = grid.shape
    if number == 3:
        made = surrounded(grid, argument)
        return None if made is None else (made, y - argument // 100, x - argument // 100)
    if number == 10:
        top, left = (h - 1) // 2, (w - 1) // 2
        return grid[top : h // 2 + 1, left : w // 2 + 1], y + top, x + left
    if number == 11:
        places = outside(grid, False)
        made = grid.copy()
        for place in places:
            made[place] = argument
        return made, y, x
    if number == 12 and argument >= 10:
        made = mended(grid, argument)
        if made is None:
            return None
        rows, columns = np.nonzero(grid == argument - 10)
        top, left = rows.min(), columns.min()
        return made[top : rows.max() + 1, left : columns.max() + 1], y + top, x + left
    twins = {
        0: enclosed, 1: by_wall, 2: outlined, 4: smeared, 5: connected, 6: spread_out, 7: lined,
        8: mirrored, 9: boxed,
        12: mended, 13: blocked, 14: completed_lines, 15: squared,
    }  # fmt: skip
    made = twins[number](grid, argument)
    return None if made is None else (made, y, x)
