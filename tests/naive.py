"""Slow, obvious twins of the compiled kernels, written from their documentation alone."""

import numpy as np

SYMMETRIES = (
    lambda grid: grid,
    lambda grid: np.rot90(grid, 1),
    lambda grid: np.rot90(grid, 2),
    lambda grid: np.rot90(grid, 3),
    np.fliplr,
    np.flipud,
    np.transpose,
    lambda grid: np.rot90(np.transpose(grid), 2),
)


def transform(grid, symmetry, palette):
    """A grid moved by one of numpy's own symmetries, then each cell looked up in the palette."""
    return np.asarray(palette, np.uint8)[SYMMETRIES[symmetry](grid)]


def draw_tokens(shape, grid, row, column):
    """The canvas as a dictionary of cells: colours first, border where it falls inside, the rest pad."""
    height, width = grid.shape
    cells = {(row + r, column + c): int(grid[r, c]) + 2 for r in range(height) for c in range(width)}
    for c in range(width):
        cells.setdefault((row + height, column + c), 1)
    for r in range(height):
        cells.setdefault((row + r, column + width), 1)
    return np.array([[cells.get((r, c), 0) for c in range(shape[1])] for r in range(shape[0])], np.uint8)


def crop_shape(canvas):
    """Every rectangle at the top-left corner tried; the largest of colours alone, fewest rows first."""
    best = (0, 0)
    for rows in range(1, canvas.shape[0] + 1):
        for columns in range(1, canvas.shape[1] + 1):
            part = canvas[:rows, :columns]
            if ((part >= 2) & (part < 12)).all() and rows * columns > best[0] * best[1]:
                best = (rows, columns)
    return best


def label(grid, ignored, diagonal, one_colour):
    """Components by joining neighbours' numbers until nothing changes, then numbered in reading order."""
    height, width = grid.shape
    names = {(r, c): (r, c) for r in range(height) for c in range(width) if grid[r, c] != ignored}
    changed = True
    while changed:
        changed = False
        for r, c in names:
            for dr in (-1, 0, 1):
                for dc in (-1, 0, 1):
                    other = (r + dr, c + dc)
                    if other not in names or (dr and dc and not diagonal):
                        continue
                    if one_colour and grid[other] != grid[r, c]:
                        continue
                    if names[other] < names[r, c]:
                        names[r, c], changed = names[other], True
    order = {name: number for number, name in enumerate(sorted(set(names.values())), 1)}
    labels = [[order[names[r, c]] if (r, c) in names else 0 for c in range(width)] for r in range(height)]
    return np.array(labels), len(order)


def agreeing_pairs(facts, colours, wanted):
    """Pairs (i, j), i < j, for which a dictionary of (colour, fact i, fact j) never disagrees."""
    pairs = set()
    for i in range(len(facts)):
        for j in range(i + 1, len(facts)):
            seen = {}
            keys = zip(colours, facts[i], facts[j], wanted, strict=True)
            if all(seen.setdefault(tuple(map(int, key)), int(want)) == want for *key, want in keys):
                pairs.add((i, j))
    return pairs
