"""Kernels that keep, number or paint objects and colours by the others: sides, order, nearest, enclosed,
guests, rank."""

from solver.search.jit import inner
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.match_move import COLOUR, label_one_coloured
from solver.search.kernels.objects import LEFT, label, same_shape
from solver.search.kernels.relations import rooms_of
from solver.search.kernels.shape import NONE


@inner
def draw_values(grid, row, out, work):
    """Every object of ``label`` in the colour that this row of ``work`` holds for it."""
    h, w = grid.shape
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = work[row, number - 1] if number else 0


@inner
def keep_beside(grid, y, x, where, out, work):
    """Only objects (8-connected, one-coloured) with a cell of another one directly: 0 below them, 1 above, 2
    to the right, 3 to the left."""
    count = label_one_coloured(grid, 1, work)
    h, w = grid.shape
    if count == 0:
        return NONE
    for number in range(count):
        work[9, number] = 0
    down = 1 if where == 0 else -1 if where == 1 else 0
    right = 1 if where == 2 else -1 if where == 3 else 0
    for r in range(max(0, -down), h - max(0, down)):
        for c in range(max(0, -right), w - max(0, right)):
            number, other = work[0, r * w + c], work[0, (r + down) * w + c + right]
            if number and other and number != other:
                work[9, number - 1] = work[COLOUR, number - 1]
    draw_values(grid, 9, out, work)
    return h, w, y, x


@inner
def order_modulo(grid, y, x, rooms, modulo, out, work):
    """Every object (8-connected) numbered by its place from the left, modulo a number, from 1 on; ``rooms``
    1: every empty room (4-connected)."""
    made = rooms_of(grid, 0, out) if rooms == 1 else grid
    count = label(made, 1 - rooms, 0, work)
    if count == 0 or count > 100:
        return NONE
    for number in range(count):
        rank = 0
        for other in range(count):
            if work[LEFT, other] == work[LEFT, number]:
                rank += 1 if other < number else 0
            elif work[LEFT, other] < work[LEFT, number]:
                rank += 1
        work[9, number] = rank % modulo + 1
    draw_values(grid, 9, out, work)
    return grid.shape[0], grid.shape[1], y, x


@inner
def nearest_colour(grid, y, x, out, work):
    """Every object (8-connected, one-coloured) in the colour of the nearest other one: by king's steps
    between their nearest cells, then by steps in rows and columns, then the first."""
    count = label_one_coloured(grid, 1, work)
    h, w = grid.shape
    if count < 2 or count > 60:
        return NONE
    for number in range(count):
        work[9, number] = 1000000
    for cell in range(h * w):
        for place in range(h * w):
            one, two = work[0, cell], work[0, place]
            if one == 0 or two == 0 or one == two:
                continue
            down, right = abs(cell // w - place // w), abs(cell % w - place % w)
            value = (max(down, right) * 100 + down + right) * 128 + two - 1
            work[9, one - 1] = min(work[9, one - 1], value)
    for number in range(count):
        work[10, number] = work[COLOUR, work[9, number] % 128]
    draw_values(grid, 10, out, work)
    return h, w, y, x


@inner
def is_enclosed(grid, number, work):
    """Whether no path over empty cells and cells of the object itself (four neighbours) leads from it to the
    edge."""
    h, w = grid.shape
    last = 0
    for cell in range(h * w):
        work[2, cell] = 1 if work[0, cell] == number + 1 else 0
        if work[2, cell]:
            work[1, last] = cell
            last += 1
    while last > 0:
        last -= 1
        r, c = work[1, last] // w, work[1, last] % w
        if r == 0 or c == 0 or r == h - 1 or c == w - 1:
            return False
        for step in range(4):
            i = r + (1 if step == 0 else -1 if step == 1 else 0)
            j = c + (1 if step == 2 else -1 if step == 3 else 0)
            place = i * w + j
            if work[2, place] == 0 and work[0, place] == 0:
                work[2, place] = 1
                work[1, last] = place
                last += 1
    return True


@inner
def enclosed(grid, y, x, what, out, work):
    """Objects (8-connected, one-coloured) from which no way over empty cells leads to the edge: 0 only they
    are kept, 1 objects of the same shape take their colour."""
    count = label_one_coloured(grid, 1, work)
    if count == 0 or count > 60:
        return NONE
    for number in range(count):
        work[9, number] = work[COLOUR, number] if is_enclosed(grid, number, work) else 0
        work[10, number] = work[COLOUR, number]
    for number in range(count if what == 1 else 0):
        for other in range(count):
            same = work[10, number] == work[COLOUR, number] and work[9, other] != 0
            if same and work[9, other] != work[COLOUR, number] and same_shape(grid, other, number, work):
                work[10, number] = work[9, other]
    draw_values(grid, 9 + what, out, work)
    return grid.shape[0], grid.shape[1], y, x


@inner
def guests(grid, y, x, out, work):
    """Each colour (0 too) painted in the colour of most of its guests, colours without guests in 0.

    A guest is a cell with no equal cell beside it; it belongs to the most frequent colour around it.
    """
    h, w = grid.shape
    for place in range(100):
        work[9, place] = 0
    some = False
    for r in range(h):
        for c in range(w):
            for colour in range(10):
                work[10, colour] = 0
            alone = True
            for i in range(max(r - 1, 0), min(r + 2, h)):
                for j in range(max(c - 1, 0), min(c + 2, w)):
                    if i == r and j == c:
                        continue
                    work[10, grid[i, j]] += 1
                    if (i == r or j == c) and grid[i, j] == grid[r, c]:
                        alone = False
            host = 0
            for colour in range(10):
                if work[10, colour] > work[10, host]:
                    host = colour
            if alone and h * w > 1:
                some = True
                work[9, host * 10 + grid[r, c]] += 1
    if not some:
        return NONE
    for host in range(10):
        best = 0
        for colour in range(10):
            if work[9, host * 10 + colour] > work[9, host * 10 + best]:
                best = colour
        work[10, host] = best
    for r in range(h):
        for c in range(w):
            out[r, c] = work[10, grid[r, c]]
    return h, w, y, x


@inner
def reverse_rank(grid, y, x, out, work):
    """The most frequent colour becomes the rarest and back, the second most frequent the second rarest, and
    so on."""
    colours = 0
    while colours < 9 and ranked_colour(grid, colours) != 0:
        work[9, colours] = ranked_colour(grid, colours)
        colours += 1
    work[10, 0] = 0
    for rank in range(colours):
        work[10, work[9, rank]] = work[9, colours - 1 - rank]
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            out[r, c] = work[10, grid[r, c]]
    return grid.shape[0], grid.shape[1], y, x
