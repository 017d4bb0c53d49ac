"""Slow, obvious twins of the search's kernels: shape and colour. A twin returns (grid, y, x), or None."""

from collections import Counter

import numpy as np

ALL_ROUND = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
BESIDE = [(0, 1), (0, -1), (1, 0), (-1, 0)]


def cells_of(grid, test=bool):
    """The places, in reading order, whose colour passes the test."""
    return [(r, c) for r, c in np.ndindex(grid.shape) if test(int(grid[r, c]))]


def neighbours(grid, place, diagonal):
    """The places of the grid around one."""
    steps = ALL_ROUND if diagonal else BESIDE
    places = sorted((place[0] + i, place[1] + j) for i, j in steps)
    return [(r, c) for r, c in places if inside(grid, r, c)]


def inside(grid, r, c):
    """Whether a place is on the grid."""
    return 0 <= r < grid.shape[0] and 0 <= c < grid.shape[1]


def by_rank(grid):
    """The colours other than 0, most frequent first."""
    counts = Counter(int(v) for v in grid.ravel() if v)
    return sorted(counts, key=lambda colour: (-counts[colour], colour))


def ranked(grid, rank):
    """One colour of ``by_rank``; 0 where there is none."""
    colours = by_rank(grid)
    return colours[rank] if colours and rank < len(colours) else 0


def ground(grid):
    """The most frequent colour, 0 included."""
    return int(np.bincount(grid.ravel(), minlength=10).argmax())


def crop(grid, y, x, colour):
    """The box around what is not of the colour."""
    rows, columns = np.nonzero(grid != colour)
    if len(rows) == 0:
        return None
    top, left = rows.min(), columns.min()
    return grid[top : rows.max() + 1, left : columns.max() + 1], y + top, x + left


def part(grid, y, x, top, left, height, width):
    """A rectangle of the grid, None where it is empty."""
    if height <= 0 or width <= 0:
        return None
    return grid[top : top + height, left : left + width], y + top, x + left


def turned(grid, how):
    """The grid under one of the symmetries 1 to 7."""
    turns = (
        None, np.rot90(grid), np.rot90(grid, 2), np.rot90(grid, 3), grid[:, ::-1], grid[::-1], grid.T,
        grid[::-1, ::-1].T,
    )  # fmt: skip
    return turns[how]


def fallen(line):
    """The coloured cells of a line at its end."""
    coloured = [v for v in line if v]
    return [0] * (len(line) - len(coloured)) + coloured


def placed(canvas_shape, grid, y, x):
    """An empty canvas with the grid at a position, cut at the edges."""
    canvas = np.zeros(canvas_shape, np.uint8)
    for r, c in np.ndindex(grid.shape):
        if inside(canvas, r + y, c + x):
            canvas[r + y, c + x] = grid[r, c]
    return canvas


def shape_twin(number, argument, grid, y, x, height, width):
    """The twin of ``shape_kernel``."""
    h, w = grid.shape
    if number == 0:
        return turned(grid, argument), y, x
    if number in (1, 2):
        return crop(grid, y, x, 0 if number == 1 else ground(grid))
    if number == 3:
        across, down = w // 2, h // 2
        top, left, tall, wide = (
            (0, 0, h, across),
            (0, w - across, h, across),
            (0, 0, down, w),
            (h - down, 0, down, w),
        )[argument]
        return part(grid, y, x, top, left, tall, wide)
    if number == 4:
        line = grid if argument >= 3 else grid.T
        side = len(line)
        if side % 3 == 1:
            return None
        size = (side - 2) // 3 if side % 3 == 2 else side // 3
        start = argument % 3 * (size + (side % 3 == 2))
        if argument < 3:
            return part(grid, y, x, 0, start, h, size)
        return part(grid, y, x, start, 0, size, w)
    if number == 5:
        return part(grid, y, x, 1, 1, h - 2, w - 2)
    if number == 6:
        return (np.pad(grid, 1, constant_values=argument), y - 1, x - 1) if max(h, w) <= 28 else None
    if number == 7:
        if argument == 0:
            rows, columns = grid.any(1), grid.any(0)
        else:
            rows = np.array([r == 0 or (grid[r] != grid[r - 1]).any() for r in range(h)])
            columns = np.array([c == 0 or (grid[:, c] != grid[:, c - 1]).any() for c in range(w)])
        return (grid[rows][:, columns], y, x) if rows.any() else None
    if number == 8:
        tall = next(p for p in range(1, h + 1) if (grid[p:] == grid[:-p]).all() or p == h)
        wide = next(p for p in range(1, w + 1) if (grid[:, p:] == grid[:, :-p]).all() or p == w)
        return grid[:tall, :wide], y, x
    if number == 9:
        fits = max(h, w) * argument <= 30
        return (
            (np.kron(grid, np.ones((argument, argument), np.uint8)), y * argument, x * argument)
            if fits
            else None
        )
    if number == 24 or (number == 10 and argument > 10):
        down, right = argument - 10, argument - 10
        if number == 24:
            down, right = h // height if h % height == 0 else 0, w // width if w % width == 0 else 0
        if not down or not right or h % down or w % right:
            return None
        blocks = grid.reshape(h // down, down, w // right, right).swapaxes(1, 2)
        made = np.array([[ranked(block, 0) for block in line] for line in blocks], np.uint8)
        return made, y // down, x // right
    if number == 25:
        factor = min(height // h, width // w)
        if not factor:
            return None
        large = grid.repeat(factor, 0).repeat(factor, 1)
        top, left = (height - h * factor) // 2, (width - w * factor) // 2
        return placed((height, width), large, top, left), 0, 0
    if number == 26:
        lines = []
        for colour in dict.fromkeys(v for v in grid.T.ravel().tolist() if v):
            left = int((grid == colour).sum())
            while left > 0:
                lines.append([colour] * min(left, width) + [0] * max(width - left, 0))
                left -= width
        if not 0 < len(lines) <= height:
            return None
        return np.array(lines + [[0] * width] * (height - len(lines)), np.uint8), 0, 0
    if number == 10:
        fits = h % argument == 0 and w % argument == 0
        return (grid[::argument, ::argument], y // argument, x // argument) if fits else None
    if number == 11:
        rows, columns, mirror = argument // 10 % 10, argument % 10, argument >= 100
        if h * rows > 30 or w * columns > 30:
            return None
        lines = []
        for i in range(rows):
            row = [
                grid[:: -1 if mirror and i % 2 else 1, :: -1 if mirror and j % 2 else 1]
                for j in range(columns)
            ]
            lines.append(np.hstack(row))
        return np.vstack(lines), y, x
    if number in (12, 13):
        down, right = argument // 10 % 10 - 1, argument % 10 - 1
        if number == 13:
            return grid, y + down, x + right
        if argument >= 100:
            return np.roll(grid, (down, right), (0, 1)), y, x
        return placed((h, w), grid, down, right), y, x
    if number == 14:
        return grid, 0, 0
    if number == 22:
        factor = len(set(grid.ravel().tolist()) - {0}) if argument % 10 == 0 else int(np.count_nonzero(grid))
        if factor == 0 or factor * max(h, w) > 30:
            return None
        if argument >= 10:
            return np.tile(grid, (factor, factor)), y, x
        return np.kron(grid, np.ones((factor, factor), np.uint8)), y * factor, x * factor
    if number == 23:
        tall = next(p for p in range(1, h + 1) if (grid[p:] == grid[:-p]).all() or p == h)
        wide = next(p for p in range(1, w + 1) if (grid[:, p:] == grid[:, :-p]).all() or p == w)
        if (tall, wide) == (h, w) != (height, width):
            return None
        rows, columns = np.arange(height) % tall, np.arange(width) % wide
        return grid[rows][:, columns], 0, 0
    if number == 15:
        lines = (grid.T, grid.T[:, ::-1], grid, grid[:, ::-1])[argument]
        done = np.array([fallen(list(line)) for line in lines], np.uint8)
        return (done.T, done[:, ::-1].T, done, done[:, ::-1])[argument], y, x
    if number == 16:
        lines = grid.T if argument >= 2 else grid
        lines = np.array(sorted(lines, key=lambda line: np.count_nonzero(line) * (-1) ** (argument % 2)))
        return (lines.T if argument >= 2 else lines), y, x
    if number == 20:
        cells = np.zeros(max(height * width, h * w), np.uint8)
        cells[: h * w] = grid.ravel()
        made = cells[: height * width].reshape(height, width).copy()
        if argument == 1:
            made[1::2] = made[1::2, ::-1].copy()
        return made, 0, 0
    if number == 21:
        if height % h or width % w:
            return None
        return grid.repeat(height // h, 0).repeat(width // w, 1), 0, 0
    if number == 17:
        return placed((height, width), grid, y, x), 0, 0
    if number == 18:
        if height < h or width < w:
            return None
        return placed((height, width), grid, (height - h) // 2, (width - w) // 2), 0, 0
    assert number == 19, f"no twin of shape transform {number}"
    tile = np.pad(grid, ((0, argument % 10), (0, argument % 10)))
    made = np.zeros((height, width), np.uint8)
    for r, c in np.ndindex(height, width):
        (up, i), (back, j) = divmod(r - y, len(tile)), divmod(c - x, tile.shape[1])
        mirrored = tile[
            :: -1 if argument >= 10 and up % 2 else 1, :: -1 if argument >= 10 and back % 2 else 1
        ]
        made[r, c] = mirrored[i, j]
    return made, 0, 0


def amount(grid, what):
    """A number of the whole grid."""
    counts = Counter(int(v) for v in grid.ravel() if v)
    rare = ranked(grid, -1)
    return (
        np.count_nonzero(grid), len(counts), grid.shape[0], grid.shape[1], counts[rare] if rare else 0,
        np.count_nonzero(grid == 0), grid.any(1).sum(), grid.any(0).sum(),
    )[what]  # fmt: skip


def place_number(r, c, h, w, what):
    """The number of a place; what: as for ``place_fact``."""
    edge = min(r, c, h - 1 - r, w - 1 - c)
    return (
        1 + r % 2, 1 + c % 2, 1 + (r + c) % 2, 1 + r % 3, 1 + c % 3, 1 + (r + c) % 3, min(9, edge + 1),
        1 + (r - c) % 3, 1 if r == c else 2 if r > c else 3, 1 if edge == 0 else 2, min(9, r + 1), min(9,
        c + 1),
        min(9, h - r), min(9, w - c), 1 + edge % 2,
    )[what]  # fmt: skip


def line_number(line, what):
    """The number of a row or column; what: as for ``line_fact``."""
    coloured = [int(v) for v in line if v]
    counts = Counter(coloured)
    rare = min(counts, key=lambda colour: (counts[colour], colour)) if counts else 0
    ends = (coloured[0], coloured[-1]) if coloured else (0, 0)
    return (
        ranked(line, 0), int(bool(coloured)), min(9, len(coloured)), int(len(set(line.tolist())) == 1),
        rare, *ends,
        len(counts), 0,
    )[what]  # fmt: skip


def near_number(grid, r, c, what):
    """The number of a cell among its neighbours; what: as for ``near_fact``."""
    around = [int(grid[place]) for place in neighbours(grid, (r, c), what not in (0, 2))]
    if what == 4:
        counts = Counter(v for v in around if v)
        return max(counts, key=lambda colour: (counts[colour], -around.index(colour))) if counts else 0
    return min(9, 1 + sum(v != 0 if what < 2 else v == grid[r, c] for v in around))


def exchanged(grid, one, two):
    """The grid with two colours exchanged."""
    return np.where(grid == one, two, np.where(grid == two, one, grid))


def border(grid, corner):
    """Twin of ``border_colour``."""
    h, w = grid.shape
    ring = [grid[r, c] for r, c in np.ndindex(h, w) if r in (0, h - 1) or c in (0, w - 1)]
    return int(grid[-1, -1]) if corner else ranked(np.array(ring), 0)


def colour_twin(number, argument, grid, y, x, height, width):
    """The twin of ``colour_kernel``."""
    h, w = grid.shape
    colour = argument
    if number in (3, 4, 5, 8, 10, 11):
        colour = ranked(grid, argument)
    made = None
    if number in (0, 3):
        made = np.where(grid == colour, grid, 0) if colour and (grid == colour).any() else None
    elif number == 19:
        colour = border(grid, argument)
        made = np.where(grid == colour, grid, 0) if colour else None
    elif number in (1, 4, 16, 18):
        colour = ground(grid) if number == 16 else border(grid, argument) if number == 18 else colour
        made = np.where(grid == colour, 0, grid)
    elif number in (2, 5):
        made = np.where(grid != 0, colour, 0) if colour else None
    elif number == 6:
        colour = colour or ranked(grid, 0)
        made = np.where(grid == 0, colour, 0) if colour else None
    elif number == 7:
        made = exchanged(grid, 0, ground(grid))
    elif number == 8:
        made = exchanged(grid, 0, colour)
    elif number == 9:
        colours = by_rank(grid)
        made = exchanged(grid, *colours) if len(colours) == 2 else None
    elif number in (10, 17):
        made = np.full((h, w), colour) if colour else None
    elif number == 11:
        made = np.full((1, 1), colour) if colour else None
    elif number == 12:
        size, form, colour = amount(grid, argument // 10), argument % 10, ranked(grid, 0)
        if colour == 0 or not 0 < size <= 30:
            return None
        ones = (np.ones((1, size)), np.ones((size, 1)), np.ones((size, size)), np.eye(size))[form]
        return ones.astype(np.uint8) * colour, 0, 0
    elif number == 13:
        made = np.array([[place_number(r, c, h, w, argument) for c in range(w)] for r in range(h)])
    elif number == 14:
        what, columns = divmod(argument, 2)
        lines = grid.T if columns else grid
        values = np.array([line_number(line, what) for line in lines])
        if what == 8:
            values = np.minimum(np.cumsum(lines.any(1)), 9) * lines.any(1)
        if values.any():
            made = np.broadcast_to(values, (h, w)) if columns else np.broadcast_to(values[:, None], (h, w))
    else:
        assert number == 15, f"no twin of colour transform {number}"
        made = np.array([[near_number(grid, r, c, argument) for c in range(w)] for r in range(h)])
    return None if made is None else (made, y, x)
