"""Slow, obvious twins of the search's kernels that take an image apart. An image is (grid, y, x); a twin
returns images, or an empty list where it does not apply."""

from itertools import pairwise, product

import numpy as np

from tests.naive_search import by_rank, cells_of, ground, ranked, turned
from tests.naive_search_objects import things
from tests.naive_search_pattern import panels_of

MOST = 60  # images of a list


def cut(image, top, left, height, width):
    """A rectangle of an image, at its place."""
    grid, y, x = image
    return grid[top : top + height, left : left + width], y + top, x + left


def box_of(mask):
    """Top, left, height and width of the box around what is true."""
    rows, columns = np.nonzero(mask)
    return rows.min(), columns.min(), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def objects_of(image, argument):
    """Twin of ``split_objects``."""
    grid, y, x = image
    return [
        (thing.box(grid) if argument >= 4 else thing.grid, y + thing.top, x + thing.left)
        for thing in things(grid, argument % 4)
    ]


def colours_of(image, crop):
    """Twin of ``split_colours``."""
    grid, y, x = image
    found = []
    for colour in sorted(by_rank(grid)):
        own = np.where(grid == colour, grid, 0)
        if crop == 0:
            found.append((own, y, x))
        else:
            found.append(cut((own if crop == 1 else grid, y, x), *box_of(own)))
    return found


def evenly(image, rows, columns):
    """Twin of ``split_evenly``."""
    h, w = image[0].shape
    down, right = int(h % rows > 0), int(w % columns > 0)
    tall, high = divmod(h - down * (rows - 1), rows)
    wide, broad = divmod(w - right * (columns - 1), columns)
    if high or broad or tall < 1 or wide < 1 or rows * columns > MOST:
        return []
    return [
        cut(image, i * (tall + down), j * (wide + right), tall, wide)
        for i, j in product(range(rows), range(columns))
    ]


def between_lines(image):
    """Twin of ``split_lines``."""
    rows, columns = panels_of(image[0])
    return [
        cut(image, row.start, column.start, row.stop - row.start, column.stop - column.start)
        for row, column in product(rows, columns)
    ]


def single_lines(image, columns):
    """Twin of ``split_single_lines``."""
    h, w = image[0].shape
    if (w if columns else h) < 2:
        return []
    return (
        [cut(image, 0, c, h, 1) for c in range(w)] if columns else [cut(image, r, 0, 1, w) for r in range(h)]
    )


def windows(image, height, width, tiled):
    """Twin of ``split_windows``."""
    h, w = image[0].shape
    if height > h or width > w or (height, width) == (h, w):
        return []
    if tiled:
        return [] if h % height or w % width else evenly(image, h // height, w // width)
    places = product(range(h - height + 1), range(w - width + 1))
    every = [cut(image, top, left, height, width) for top, left in places]
    return [window for window in every if window[0].all()]


def frames(image, border):
    """Twin of ``split_frames``."""
    grid = image[0]
    found = []
    for r, c in cells_of(grid):
        colour = grid[r, c]
        tall = next((k for k, v in enumerate(grid[r:, c]) if v != colour), grid.shape[0] - r)
        wide = next((k for k, v in enumerate(grid[r, c:]) if v != colour), grid.shape[1] - c)
        box = grid[r : r + tall, c : c + wide]
        if tall < 3 or wide < 3 or (box[1:-1, 1:-1] == colour).all():
            continue
        if (box[-1] == colour).all() and (box[:, -1] == colour).all():
            inset = 0 if border else 1
            found.append(cut(image, r + inset, c + inset, tall - 2 * inset, wide - 2 * inset))
    return found


def rooms(image, diagonal):
    """Twin of ``split_rooms``."""
    grid, y, x = image
    return [(t.grid, y + t.top, x + t.left) for t in things((grid == 0).astype(np.uint8), diagonal)]


def marks(image, argument):
    """Twin of ``split_marks``."""
    grid = image[0]
    radius, colour = argument % 10, argument // 10 or ranked(grid, -1)
    found = []
    for r, c in cells_of(grid, lambda v: v == colour) if colour else ():
        top, left = max(r - radius, 0), max(c - radius, 0)
        inner = grid[top : r + radius + 1, left : c + radius + 1]
        found.append(cut(image, top, left, *inner.shape))
    return found


def symmetries(image, what):
    """Twin of ``split_symmetries``."""
    grid, y, x = image
    return [image] + [(turned(grid, how), y, x) for how in ((4,), (5,), (4, 5, 2), (1, 2, 3))[what]]


def areas(image):
    """Twin of ``split_areas``."""
    grid, y, x = image
    least = ground(grid)
    found = [thing for thing in things((grid != least).astype(np.uint8), 0) if thing.area > 1]
    emptied = np.where(grid == least, 0, grid)
    return [(thing.box(emptied), y + thing.top, x + thing.left) for thing in found]


def spans(image, side):
    """Twin of ``split_spans``."""
    grid = image[0]
    main, found = ranked(grid, 0), []
    for r in range(grid.shape[0] - side + 1):
        marks = [
            c
            for c in range(grid.shape[1] - side + 1)
            if len(set(block := grid[r : r + side, c : c + side].ravel().tolist())) == 1
            and block[0]
            and (side == 2 or block[0] != main)
        ]
        for one, two in pairwise(marks):
            if two > one + side:
                found.append(cut(image, r, one + side, side, two - one - side))
    return found
