"""Kernels about blocks of equal cells, and about lines that hold every colour once."""

from solver.search.jit import inner
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE


@inner
def keep_blocks(grid, y, x, side, empty, out):
    """The cells that lie in a square of ``side`` x ``side`` cells of their colour, others become empty.

    With ``empty`` 1 the empty cells that lie in such a square of empty cells get colour 1, others stay.
    """
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c] if empty == 1 else 0
    some = False
    for top in range(h - side + 1):
        for left in range(w - side + 1):
            colour = grid[top, left]
            if (colour == 0) != (empty == 1):
                continue
            equal = True
            for r in range(top, top + side):
                for c in range(left, left + side):
                    if grid[r, c] != colour:
                        equal = False
                        break
                if not equal:
                    break
            if not equal:
                continue
            some = True
            for r in range(top, top + side):
                for c in range(left, left + side):
                    out[r, c] = 1 if empty == 1 else colour
    if empty == 0 and not some:
        return NONE
    return h, w, y, x


@inner
def empty_squares(grid, y, x, out):
    """Squares of empty cells in colour 1, the largest first, none on another, down to 2 x 2."""
    h, w = grid.shape
    copy_to(grid, out)
    for side in range(min(h, w), 1, -1):
        for top in range(h - side + 1):
            for left in range(w - side + 1):
                empty = True
                for cell in range(side * side):
                    if out[top + cell // side, left + cell % side] != 0:
                        empty = False
                        break
                if empty:
                    for cell in range(side * side):
                        out[top + cell // side, left + cell % side] = 1
    return h, w, y, x


@inner
def complete_lines(grid, y, x, out):
    """Empty cells of a square with as many colours as rows, so that every row and column holds each colour
    once, as far as single cells follow; only where all do."""
    h, w = grid.shape
    palette, colours, empty = 0, 0, 0
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c]
            if grid[r, c] == 0:
                empty += 1
            elif not (palette >> grid[r, c]) & 1:
                palette |= 1 << grid[r, c]
                colours += 1
    if h != w or colours != h:
        return NONE
    moved = True
    while empty > 0 and moved:
        moved = False
        for r in range(h):
            for c in range(w):
                if out[r, c] != 0:
                    continue
                seen = 0
                for k in range(h):
                    seen |= (1 << out[r, k]) | (1 << out[k, c])
                left, only = 0, 0
                for colour in range(1, 10):
                    if (palette >> colour) & 1 and not (seen >> colour) & 1:
                        left += 1
                        only = colour
                if left == 1:
                    out[r, c] = only
                    empty -= 1
                    moved = True
    if empty > 0:
        return NONE
    return h, w, y, x
