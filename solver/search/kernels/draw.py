"""Kernels that draw from one thing towards another, let colours flow, and move objects among others."""

from solver.search.jit import inner, outer
from solver.search.kernels.colour import ranked_colour
from solver.search.kernels.move import chosen_colour, copy_to, fall_some, move_to, repeat_objects
from solver.search.kernels.objects import BOTTOM, LEFT, RIGHT, TOP, label
from solver.search.kernels.shape import NONE


@inner
def step_of(bit):
    """The step (down, right) of direction 0 to 7: right, left, down, up, then the diagonals."""
    if bit < 2:
        return 0, 1 - 2 * bit
    if bit < 4:
        return 5 - 2 * bit, 0
    return (1 if bit < 6 else -1), (1 if bit % 2 == 0 else -1)


@inner
def is_alone(grid, r, c):
    """Whether none of the eight neighbours is coloured."""
    for i in range(max(r - 1, 0), min(r + 2, grid.shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, grid.shape[1])):
            if grid[i, j] != 0 and (i != r or j != c):
                return False
    return True


@inner
def smear_some(grid, y, x, which, directions, out):
    """Cells of one colour (``chosen_colour``; 3: cells without coloured neighbours) run on over empty cells.

    ``directions`` as for ``smear``: bits 1 right, 2 left, 4 down, 8 up, 16 to 128 the diagonals.
    """
    colour = 0 if which == 3 else chosen_colour(grid, which)
    if colour == 0 and which != 3:
        return NONE
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0 or not (is_alone(grid, r, c) if which == 3 else grid[r, c] == colour):
                continue
            for bit in range(8):
                if not (directions >> bit) & 1:
                    continue
                down, right = step_of(bit)
                i, j = r + down, c + right
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    if out[i, j] == 0:
                        out[i, j] = grid[r, c]
                    i += down
                    j += right
    return h, w, y, x


@inner
def reach(grid, y, x, directions, what, out):
    """Coloured cells send rays over empty cells that stay only where they hit a cell of another colour.

    ``what``: 0 cells without coloured neighbours send, in their colour; 1 cells of the rarest colour, in
    their colour; 2 the same, in the colour that is hit; 3 all cells, in colour 1; 4 all equal or different,
    in colour 1.
    """
    h, w = grid.shape
    rare = ranked_colour(grid, -1)
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            colour = grid[r, c]
            if colour == 0 or (what == 0 and not is_alone(grid, r, c)) or (0 < what < 3 and colour != rare):
                continue
            for bit in range(8):
                if not (directions >> bit) & 1:
                    continue
                down, right = step_of(bit)
                i, j = r + down, c + right
                steps = 0
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    i += down
                    j += right
                    steps += 1
                if steps == 0 or not (0 <= i < h and 0 <= j < w) or (grid[i, j] == colour and what != 4):
                    continue
                for k in range(1, steps + 1):
                    out[r + k * down, c + k * right] = colour if what < 2 else grid[i, j] if what == 2 else 1
    return h, w, y, x


@inner
def connect_over(grid, y, x, directions, out):
    """Cells between two of one colour get it, whatever they are: bits 1 along rows, 2 columns, 4 and 8
    diagonals."""
    h, w = grid.shape
    copy_to(grid, out)
    for bit in range(4):
        if not (directions >> bit) & 1:
            continue
        down = 0 if bit == 0 else 1
        right = 1 if bit == 0 else 0 if bit == 1 else 1 if bit == 2 else -1
        for r in range(h):
            for c in range(w):
                if grid[r, c] == 0:
                    continue
                i, j = r + down, c + right
                steps = 0
                while 0 <= i < h and 0 <= j < w and grid[i, j] != grid[r, c]:
                    i += down
                    j += right
                    steps += 1
                if steps and 0 <= i < h and 0 <= j < w:
                    for k in range(1, steps + 1):
                        out[r + k * down, c + k * right] = grid[r, c]
    return h, w, y, x


@inner
def tail_step(grid, r, c):
    """The step from a cell to its only coloured neighbour: beside it, or diagonal where none is beside it;
    (0, 0)."""
    h, w = grid.shape
    for diagonal in range(2):
        found, down, right = 0, 0, 0
        for i in range(max(r - 1, 0), min(r + 2, h)):
            for j in range(max(c - 1, 0), min(c + 2, w)):
                if (i == r and j == c) or grid[i, j] == 0 or (i != r and j != c) != (diagonal == 1):
                    continue
                found += 1
                down, right = i - r, j - c
        if found == 1:
            return down, right
        if found > 1:
            break
    return 0, 0


@inner
def tails(grid, y, x, what, out):
    """Cells with a single neighbour (``tail_step``) run on in its direction over empty cells.

    ``what``: 0 ends of one-coloured lines run on away from the line; 1 cells beside another colour run away
    from it; 2 they run through what they touch and beyond it; 3 as 0, reflected at the edges and at coloured
    cells.
    """
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0:
                continue
            down, right = tail_step(grid, r, c)
            if down == 0 and right == 0:
                continue
            same = grid[r + down, c + right] == grid[r, c]
            if same != (what == 0 or what == 3):
                continue
            i, j = r, c
            if what == 2:
                i, j = i + down, j + right
                while 0 <= i + down < h and 0 <= j + right < w and grid[i + down, j + right] != 0:
                    i, j = i + down, j + right
            else:
                down, right = -down, -right
            for _ in range(120):
                if what == 3:
                    if not (0 <= j + right < w) or (
                        0 <= i + down < h and grid[i, j + right] != 0 and right != 0
                    ):
                        right = -right
                    elif 0 <= i + down < h and grid[i + down, j] != 0 and down != 0:
                        down = -down
                i, j = i + down, j + right
                if i < 0 or j < 0 or i >= h or j >= w or grid[i, j] != 0:
                    break
                if out[i, j] == 0:
                    out[i, j] = grid[r, c]
    return h, w, y, x


@inner
def to_edge(grid, y, x, what, out):
    """Cells without coloured neighbours run over empty cells to an edge: 0 the nearest one, 1 the farthest
    one, 2 both edges of the shorter way (rows or columns)."""
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0 or not is_alone(grid, r, c):
                continue
            best, chosen = -1, -1
            for bit in range(4):
                away = w - 1 - c if bit == 0 else c if bit == 1 else h - 1 - r if bit == 2 else r
                if best < 0 or (away > best if what == 1 else away < best):
                    best, chosen = away, bit
            for bit in range(4):
                if bit != chosen and not (what == 2 and bit // 2 == chosen // 2):
                    continue
                down, right = step_of(bit)
                i, j = r + down, c + right
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    out[i, j] = grid[r, c]
                    i += down
                    j += right
    return h, w, y, x


@inner
def flood(grid, y, x, which, diagonal, once, out, work):
    """One colour (``chosen_colour``) flows over the empty cells that it can reach; with ``once`` 1 a single
    step."""
    colour = chosen_colour(grid, which)
    if colour == 0:
        return NONE
    h, w = grid.shape
    first, last = 0, 0
    for r in range(h):
        for c in range(w):
            out[r, c] = grid[r, c]
            if grid[r, c] == colour:
                work[0, last] = r * w + c
                last += 1
    start = last
    while first < (start if once == 1 else last):
        r, c = work[0, first] // w, work[0, first] % w
        first += 1
        for i in range(max(r - 1, 0), min(r + 2, h)):
            for j in range(max(c - 1, 0), min(c + 2, w)):
                if (diagonal == 1 or i == r or j == c) and out[i, j] == 0:
                    out[i, j] = colour
                    work[0, last] = i * w + j
                    last += 1
    return h, w, y, x


@inner
def around(grid, h, w, r, c, beside, work):
    """Coloured neighbours of a cell, and the most frequent colour (0 included) of its 3 x 3 window.

    work[3, colour]: cells of each colour in the window.
    """
    for colour in range(10):
        work[3, colour] = 0
    near = 0
    for i in range(max(r - 1, 0), min(r + 2, h)):
        for j in range(max(c - 1, 0), min(c + 2, w)):
            work[3, grid[i, j]] += 1
            if (i != r or j != c) and (beside == 0 or i == r or j == c) and grid[i, j] != 0:
                near += 1
    best = 0
    for colour in range(1, 10):
        if work[3, colour] > work[3, best]:
            best = colour
    return near, best


@inner
def cell_rule(grid, y, x, what, out, work):
    """A rule for each cell: 0 empty cells with three coloured cells beside them take the most frequent
    colour around them, again and again; 1 coloured cells with at most one coloured neighbour of eight go,
    again and again; 2 every cell takes the most frequent colour of its 3 x 3 window; 3 only cells that
    differ from all around do."""
    h, w = grid.shape
    copy_to(grid, out)
    if what >= 2:
        for r in range(h):
            for c in range(w):
                _, best = around(grid, h, w, r, c, 0, work)
                if what == 2 or work[3, grid[r, c]] == 1:
                    out[r, c] = best
        return h, w, y, x
    again = True
    while again:
        again = False
        for r in range(h):
            for c in range(w):
                if (out[r, c] == 0) != (what == 0):
                    continue
                near, _ = around(out, h, w, r, c, 1 - what, work)
                if (near >= 3) if what == 0 else (near <= 1):
                    best = 0
                    if what == 0:
                        work[3, 0] = 0
                        for colour in range(1, 10):
                            if work[3, colour] > work[3, best]:
                                best = colour
                    out[r, c] = best
                    again = True
    return h, w, y, x


@inner
def meet(grid, y, x, directions, what, out):
    """Between two different colours with empty cells between, bits 1 along rows, 2 columns, each colours its
    half, the middle cell stays empty (``what`` 0) or gets colour 5 (1)."""
    h, w = grid.shape
    copy_to(grid, out)
    for bit in range(2):
        if not (directions >> bit) & 1:
            continue
        down, right = bit, 1 - bit
        for r in range(h):
            for c in range(w):
                i, j = r + down, c + right
                steps = 0
                while grid[r, c] != 0 and i < h and j < w and grid[i, j] == 0:
                    i += down
                    j += right
                    steps += 1
                if steps == 0 or i >= h or j >= w or grid[i, j] == grid[r, c]:
                    continue
                for k in range(1, steps + 1):
                    value = grid[r, c] if 2 * k <= steps else grid[i, j]
                    if 2 * k == steps + 1:
                        value = 5 if what == 1 else 0
                    out[r + k * down, c + k * right] = value
    return h, w, y, x


@inner
def project(grid, y, x, what, diagonal, out):
    """Cells without coloured neighbours look along rows and columns (``diagonal`` 1: diagonals too) and
    where they see an object over empty cells paint in their colour: 0 the cell that is hit, 1 the last empty
    cell before it."""
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h):
        for c in range(w):
            if grid[r, c] == 0 or not is_alone(grid, r, c):
                continue
            for bit in range(8 if diagonal == 1 else 4):
                down, right = step_of(bit)
                i, j = r + down, c + right
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    i += down
                    j += right
                if not (0 <= i < h and 0 <= j < w) or is_alone(grid, i, j):
                    continue
                if what == 0:
                    out[i, j] = grid[r, c]
                else:
                    out[i - down, j - right] = grid[r, c]
    return h, w, y, x


@inner
def corner_rays(grid, y, x, what, out):
    """Squares of two by two cells with three coloured ones send a ray of the colour of the cell opposite to
    the empty one through the empty one: 0 from it on, 1 from the next cell on."""
    h, w = grid.shape
    copy_to(grid, out)
    for r in range(h - 1):
        for c in range(w - 1):
            for corner in range(4):
                i, j = r + corner // 2, c + corner % 2
                empty = 0
                for k in range(4):
                    if grid[r + k // 2, c + k % 2] == 0:
                        empty += 1
                if empty != 1 or grid[i, j] != 0:
                    continue
                down, right = 2 * (corner // 2) - 1, 2 * (corner % 2) - 1
                colour = grid[i - down, j - right]
                if what == 1:
                    i += down
                    j += right
                while 0 <= i < h and 0 <= j < w and grid[i, j] == 0:
                    out[i, j] = colour
                    i += down
                    j += right
    return h, w, y, x


@inner
def mark_corners(grid, y, x, what, kind, out, work):
    """The four empty cells diagonal to the corners of each object's box: 0 in colours 1 to 4 in reading
    order, 1 in the colours of the corners of the box."""
    count = label(grid, kind % 2, kind // 2, work)
    h, w = grid.shape
    if count == 0 or count > 60:
        return NONE
    copy_to(grid, out)
    for number in range(count):
        for corner in range(4):
            down, right = 2 * (corner // 2) - 1, 2 * (corner % 2) - 1
            r = work[BOTTOM if down == 1 else TOP, number]
            c = work[RIGHT if right == 1 else LEFT, number]
            i, j = r + down, c + right
            colour = corner + 1 if what == 0 else int(grid[r, c])
            if 0 <= i < h and 0 <= j < w and out[i, j] == 0 and colour != 0:
                out[i, j] = colour
    return h, w, y, x


@outer
def draw_kernel(number, argument, grid, y, x, height, width, out, work):
    """The drawing transform of this number."""
    if number == 0:
        return smear_some(grid, y, x, argument // 256, argument % 256, out)
    if number == 1:
        return reach(grid, y, x, argument % 256, argument // 256, out)
    if number == 2:
        return connect_over(grid, y, x, argument, out)
    if number == 3:
        return tails(grid, y, x, argument, out)
    if number == 4:
        return to_edge(grid, y, x, argument, out)
    if number == 5:
        return flood(grid, y, x, argument // 4, argument // 2 % 2, argument % 2, out, work)
    if number == 6:
        return cell_rule(grid, y, x, argument, out, work)
    if number == 7:
        return move_to(grid, y, x, argument // 8, argument // 2 % 4, argument % 2, out, work)
    if number == 8:
        return repeat_objects(grid, y, x, argument % 4, argument // 4, out, work)
    if number == 9:
        return fall_some(grid, y, x, argument % 4, argument // 4, out, work)
    if number == 10:
        return meet(grid, y, x, argument // 2, argument % 2, out)
    if number == 11:
        return project(grid, y, x, argument % 2, argument // 2, out)
    if number == 12:
        return corner_rays(grid, y, x, argument, out)
    if number == 13:
        return mark_corners(grid, y, x, argument // 4, argument % 4, out, work)
    return NONE
