"""Slow, obvious twins of the search's kernels of lists. An image is (grid, y, x); a twin returns images, or
None."""

from collections import Counter

import numpy as np

from tests.naive_search import by_rank, cells_of, placed, ranked
from tests.naive_search_fill import outside
from tests.naive_search_objects import things
from tests.naive_search_splits import (
    MOST,
    areas,
    between_lines,
    colours_of,
    evenly,
    frames,
    marks,
    objects_of,
    rooms,
    single_lines,
    spans,
    symmetries,
    windows,
)


def number_of(image, images, what):
    """Twin of ``score``."""
    grid, y, x = image
    counts = Counter(int(v) for v in grid.ravel() if v)
    if what in (10, 17, 18):
        same_size = [other for other, _, _ in images if other.shape == grid.shape]
        if what == 18:
            return len(same_size)
        return sum(
            np.array_equal(o, grid) if what == 10 else np.array_equal(o != 0, grid != 0) for o in same_size
        )
    if what == 16:
        return sum(set(by_rank(other)) == set(counts) for other, _, _ in images)
    if what == 8:
        return int((grid == grid[:, ::-1]).all()) + int((grid == grid[::-1]).all())
    if what > 20:
        return counts[what - 20]
    if what == 12:
        return len(set(cells_of(grid, lambda v: v == 0)) - outside(grid, False))
    return {
        0: counts.total(), 1: len(counts), 2: grid.size, 3: y, 4: x, 5: len(things(grid, 1)),
        6: len(things(grid, 3)),
        7: grid.size - counts.total(), 9: max(counts.values(), default=0),
        11: next(k for k, other in enumerate(images) if other is image), 13: grid.shape[0], 14: grid.shape[1],
        15: ranked(grid, 0), 19: counts.total() - max(counts.values(), default=0),
    }[what]  # fmt: skip


def scores(images, what, least):
    """All scores, less is more where ``least``."""
    return [number_of(image, images, what) * (-1 if least else 1) for image in images]


def same(one, two):
    """Whether two images are equal."""
    return one[1:] == two[1:] and np.array_equal(one[0], two[0])


def picked(images, what, least, alone):
    """Twin of ``pick``."""
    values = scores(images, what, least)
    best = images[values.index(max(values))]
    others = [i for i, v in zip(images, values, strict=True) if v == max(values) and not same(i, best)]
    return [] if alone and others else [best]


def picked_second(images, what, least):
    """Twin of ``pick_second``."""
    values = scores(images, what, least)
    below = [v for v in values if v < max(values)]
    return [images[values.index(max(below))]] if below else []


def kept(images, what, least, others):
    """Twin of ``keep``."""
    values = scores(images, what, least)
    chosen = [i for i, v in zip(images, values, strict=True) if (v == max(values)) != others]
    return chosen


def ordered(images, what, least):
    """Twin of ``order``."""
    values = scores(images, what, least)
    return [images[k] for k in sorted(range(len(images)), key=lambda k: -values[k])]


def odd(images):
    """Twin of ``odd_one_out``."""
    found = set()
    for what in (1, 15, 17, 10, 2, 0, 8, 5, 12, 18):
        values = scores(images, what, 0)
        for k, value in enumerate(values):
            others = values[:k] + values[k + 1 :]
            if len(set(others)) == 1 and value not in others:
                found.add(k)
    return [images[k] for k in found] if len(found) == 1 and len(images) > 2 else []


def composed(images, how):
    """Twin of ``compose``."""
    top, left = min(y for _, y, _ in images), min(x for _, _, x in images)
    height = max(y + g.shape[0] for g, y, _ in images) - top
    width = max(x + g.shape[1] for g, _, x in images) - left
    if max(height, width) > 30:
        return []
    order = (
        images
        if how == 1
        else images[::-1]
        if how == 2
        else sorted(images, key=lambda i: -np.count_nonzero(i[0]))
    )
    made = np.zeros((height, width), np.uint8)
    for grid, y, x in order:
        layer = placed(made.shape, grid, y - top, x - left)
        made = np.where(layer != 0, layer, made)
    return [(made, top, left)]


def stacked(images, down, gap):
    """Twin of ``stack``."""
    grids = [grid if down else grid.T for grid, _, _ in images]
    width = max(grid.shape[1] for grid in grids)
    lines = [np.zeros((0, width), np.uint8)]
    for k, grid in enumerate(grids):
        lines.append(np.zeros((gap if k else 0, width), np.uint8))
        lines.append(np.pad(grid, ((0, 0), (0, width - grid.shape[1]))))
    made = np.vstack(lines)
    return [(made if down else made.T, 0, 0)] if max(made.shape) <= 30 else []


def combined(images, how):
    """Twin of ``combine``."""
    if len({grid.shape for grid, _, _ in images}) > 1:
        return []
    made = np.zeros_like(images[0][0])
    for place in np.ndindex(made.shape):
        values = [int(grid[place]) for grid, _, _ in images]
        some = [v for v in values if v]
        counts = Counter(values)
        first, last = (some[0], some[-1]) if some else (0, 0)
        made[place] = (
            first, last, first if len(some) == len(values) else 0, first if len(some) == 1 else 0,
            max(counts, key=lambda v: (counts[v], -values.index(v))), min(9, len(some)),
            values[0] if len(some) == 1 else 0, int(not some),
        )[how]  # fmt: skip
    return [(made, 0, 0)]


def summed_up(images, how, what=15):
    """Twin of ``summary``."""
    count = len(images)
    if how >= 3:
        shape = ((1, count), (count, 1), (count, count))[how - 3]
        return [(np.ones(shape, np.uint8), 0, 0)] if count <= 30 else []
    colours = [min(9, value) for value in scores(images, what, 0)]
    if how < 2 and count > 30:
        return []
    if how < 2:
        row = np.array([colours], np.uint8)
        return [(row if how == 0 else row.T, 0, 0)]
    rows, columns = sorted({y for _, y, _ in images}), sorted({x for _, _, x in images})
    if max(len(rows), len(columns)) > 30 or len(rows) * len(columns) > 2 * count:
        return []
    made = np.zeros((len(rows), len(columns)), np.uint8)
    for colour, (_, y, x) in zip(colours, images, strict=True):
        made[rows.index(y), columns.index(x)] = colour
    return [(made, 0, 0)]


def chained(images, apart):
    """Twin of ``chain``."""
    tops = np.cumsum([0, *(grid.shape[0] - 1 + apart for grid, _, _ in images)])
    lefts = np.cumsum([0, *(grid.shape[1] - 1 + apart for grid, _, _ in images)])
    if max(tops[-1], lefts[-1]) + 1 - apart > 30:
        return []
    made = np.zeros((tops[-1] + 1 - apart, lefts[-1] + 1 - apart), np.uint8)
    for (grid, _, _), top, left in zip(images, tops[:-1], lefts[:-1], strict=True):
        for r, c in cells_of(grid, lambda v: v != 0):
            made[top + r, left + c] = grid[r, c]
    return [(made, 0, 0)]


def pinwheeled(images, how):
    """Twin of ``pinwheel``."""
    grid = images[0][0]
    h, w = grid.shape
    if h + 2 * w > 30:
        return []
    made = np.zeros((h + 2 * w, h + 2 * w), np.uint8)
    sides = slice(w, w + h)
    made[sides, :w] = grid
    made[:w, sides] = np.rot90(grid, -1)
    made[sides, w + h :] = np.rot90(grid, 2) if how == 0 else grid[:, ::-1]
    made[w + h :, sides] = np.rot90(grid) if how == 0 else np.rot90(grid, -1)[::-1]
    return [(made, 0, 0)]


def laid_out(images, columns, gap):
    """Twin of ``layout``."""
    count = len(images)
    if columns == 0:
        columns = round(count**0.5)
        if columns**2 != count:
            return []
    if count < 4 or count % columns or count // columns < 2 or len({grid.shape for grid, _, _ in images}) > 1:
        return []
    padded = [np.pad(grid, ((0, gap), (0, gap))) for grid, _, _ in images]
    made = np.vstack([np.hstack(padded[k : k + columns]) for k in range(0, count, columns)])
    made = made[: len(made) - gap, : made.shape[1] - gap]
    return [(made, 0, 0)] if max(made.shape) <= 30 else []


def multiplied(images, what):
    """Twin of ``product_of``."""
    if len(images) != 2:
        return []
    large, small = images[what % 2][0], images[1 - what % 2][0]
    if (
        large.size == 1
        or small.size == 1
        or any(a * b > 30 for a, b in zip(large.shape, small.shape, strict=True))
    ):
        return []
    cells = (large != 0, large, large == 0)[what // 2].astype(np.uint8)
    return [(np.kron(cells, small != 0 if what // 2 == 1 else small).astype(np.uint8), 0, 0)]


def overlaid(images, centred):
    """Twin of ``overlay``."""
    height, width = max(g.shape[0] for g, _, _ in images), max(g.shape[1] for g, _, _ in images)
    made = np.zeros((height, width), np.uint8)
    for grid, _, _ in images:
        top, left = ((height - grid.shape[0]) // 2, (width - grid.shape[1]) // 2) if centred else (0, 0)
        layer = placed(made.shape, grid, top, left)
        made = np.where(layer != 0, layer, made)
    return [(made, 0, 0)]


def nested(images, how):
    """Twin of ``nest``: the rings from the inside outwards."""
    side = max(images[0][0].shape) if how == 0 else 2 * (len(images) - 1) + min(images[-1][0].shape)
    if side > 30:
        return []
    inner = side - 2 * (len(images) - 1)
    colours = [ranked(grid, 0) for grid, _, _ in images][: (side + 1) // 2]
    made = np.full((max(inner, side % 2 or 2),) * 2, colours.pop(), np.uint8)
    for colour in reversed(colours):
        made = np.pad(made, 1, constant_values=colour)
    return [(made, 0, 0)]


def charted(images, what, down):
    """Twin of ``chart``."""
    lengths = scores(images, what, 0)
    if max(len(images), max(lengths)) > 30 or not max(lengths):
        return []
    rows = [[ranked(i[0], 0)] * n + [0] * (max(lengths) - n) for i, n in zip(images, lengths, strict=True)]
    made = np.array(rows, np.uint8)
    return [(made.T if down else made, 0, 0)]


def lined_up(images, gap):
    """Twin of ``along``."""
    middles = [(y + (grid.shape[0] - 1) / 2, x + (grid.shape[1] - 1) / 2) for grid, y, x in images]
    down = np.ptp([middle[0] for middle in middles]) > np.ptp([middle[1] for middle in middles])
    order = sorted(range(len(images)), key=lambda k: middles[k][0 if down else 1])
    return stacked([images[k] for k in order], down, gap)


def read(images, columns):
    """Twin of ``reading_order``."""
    if columns:
        by_top = sorted(range(len(images)), key=lambda k: images[k][1])
        lines = [sorted(by_top[k : k + columns]) for k in range(0, len(images), columns)]
        return [images[k] for line in lines for k in sorted(line, key=lambda k: images[k][2])]

    def key(image):
        grid, y, x = image
        tops = [top for other, top, _ in images if top < y + len(grid) and top + len(other) > y]
        return min(tops), x

    return sorted(images, key=key)


def list_twin(number, argument, images, height, width):
    """The twin of ``list_kernel``; None where it does not apply."""
    image = images[0]
    pair = divmod(argument, 2)
    twins = {
        0: lambda: objects_of(image, argument),
        1: lambda: colours_of(image, argument),
        2: lambda: evenly(image, *divmod(argument, 10)),
        3: lambda: between_lines(image),
        4: lambda: single_lines(image, argument),
        5: lambda: windows(image, height, width, argument),
        6: lambda: frames(image, argument),
        7: lambda: rooms(image, argument),
        8: lambda: marks(image, argument),
        9: lambda: symmetries(image, argument),
        10: lambda: pinwheeled([image], argument),
        11: lambda: areas(image),
        12: lambda: spans(image, argument),
        13: lambda: [image] * argument,
        20: lambda: picked(images, argument // 4, argument % 2, argument // 2 % 2),
        21: lambda: odd(images),
        22: lambda: composed(images, argument),
        23: lambda: chained(images, argument - 10) if argument >= 10 else stacked(images, *pair[::-1]),
        24: lambda: combined(images, argument),
        25: lambda: summed_up(images, argument),
        26: lambda: laid_out(images, argument % 10, argument // 10),
        27: lambda: multiplied(images, argument),
        28: lambda: overlaid(images, argument),
        29: lambda: picked_second(images, *pair),
        30: lambda: nested(images, argument),
        31: lambda: charted(images, *pair),
        32: lambda: summed_up(images, 2, argument),
        33: lambda: lined_up(images, argument),
        40: lambda: kept(images, argument // 4, argument % 2, argument // 2 % 2),
        41: lambda: ordered(images, *pair),
        42: lambda: read(images, argument),
        43: lambda: [image for image in images if image[0].any()],
    }
    made = twins[number]()
    return made if made and (number >= 20 or number == 4 or len(made) <= MOST) else None
