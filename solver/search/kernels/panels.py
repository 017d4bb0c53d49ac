"""Kernels about the panels between whole lines of one colour."""

from solver.search.jit import inner
from solver.search.kernels.move import copy_to
from solver.search.kernels.shape import NONE, cells_of_colour, count_colours


@inner
def line_spans(grid, down, work):
    """The stretches between whole rows (``down`` 1) or columns (0) of one colour, the first colour that has
    both.

    Written to work[2 * down, k] (start) and work[2 * down + 1, k] (end); how many there are.
    """
    h, w = grid.shape
    colour = int(work[4, 0])
    length, across = (h, w) if down == 1 else (w, h)
    spans, start = 0, 0
    for place in range(length + 1):
        whole = True
        if place < length:
            for k in range(across):
                if (grid[place, k] if down == 1 else grid[k, place]) != colour:
                    whole = False
                    break
        if whole:
            if place > start:
                work[2 * down, spans], work[2 * down + 1, spans] = start, place
                spans += 1
            start = place + 1
    return spans


@inner
def equal_spans(down, spans, work):
    """Whether the stretches of ``line_spans`` are of one length."""
    shortest, longest = 1000, 0
    for k in range(spans):
        length = work[2 * down + 1, k] - work[2 * down, k]
        shortest, longest = min(shortest, length), max(longest, length)
    return shortest == longest


@inner
def find_panels(grid, work):
    """The panels between whole lines of the first colour that makes two or more equal ones, else of the first
    that makes two or more at all, empty lines last: rows and columns of panels, or 0, 0.

    Rows of panels go from work[2, k] to before work[3, k], columns from work[0, k] to work[1, k].
    """
    unequal = -1
    for colour in range(10):
        work[4, 0] = colour
        rows, columns = line_spans(grid, 1, work), line_spans(grid, 0, work)
        if rows * columns >= 2:
            if equal_spans(1, rows, work) and equal_spans(0, columns, work):
                return rows, columns
            if unequal <= 0:
                unequal = colour
    if unequal < 0:
        return 0, 0
    work[4, 0] = unequal
    return line_spans(grid, 1, work), line_spans(grid, 0, work)


@inner
def panel_number(grid, row, column, what, work):
    """Of a panel: 0 its most frequent colour, 1 its coloured cells, 2 its number of colours."""
    top, bottom = int(work[2, row]), int(work[3, row])
    low, high = count_colours(grid, top, bottom, int(work[0, column]), int(work[1, column]))
    best, most, cells, colours = 0, 0, 0, 0
    for colour in range(1, 10):
        alike = cells_of_colour(low, high, colour)
        cells += alike
        colours += 1 if alike > 0 else 0
        if alike > most:
            best, most = colour, alike
    return best if what == 0 else cells if what == 1 else colours


@inner
def panel_value(grid, what, place, rows, columns, first, most, work):
    """The number that a panel is painted with; 0 where ``panel_fact`` looks at single cells."""
    row, column = place // columns, place % columns
    top, left = work[2, first // columns], work[0, first % columns]
    value = 0
    if what == 0 or what == 2:
        value = panel_number(grid, row, column, what, work)
    elif what == 1:
        value = work[5, place]
    elif what == 3 or what == 4:
        value = 1
        for other in range(rows * columns):
            more = work[5, other] > work[5, place] if what == 3 else work[5, other] < work[5, place]
            value += 1 if more else 0
    elif what == 5:
        value = row + 1
    elif what == 6:
        value = column + 1
    elif what == 8 or what == 11:
        value = grid[top + row, left + column]
    elif what == 10:
        value = 1 if work[5, place] == most else 0
    elif what == 12 and work[5, place] == most:
        value = panel_number(grid, row, column, 0, work)
    return value


@inner
def panel_fact(grid, y, x, what, out, work):
    """Panels between whole lines painted by what they hold; the lines stay.

    0 most frequent colour, 1 number of coloured cells, 2 number of colours (at most 9); 3: 1 + how many
    panels hold more cells, 4: fewer; 5 row, 6 column of panels + 1; 7 at each place the first colour that
    any panel has there; 8 the panel with the most coloured cells as a picture of the panels; 9 only the
    panels with most cells; 10: 1 in these, nothing in others; 11 the panel with the fewest coloured cells as
    a picture; 12 the most frequent colour of the panels with most cells, nothing in others.
    """
    rows, columns = find_panels(grid, work)
    h, w = grid.shape
    if rows == 0 or rows * columns > 400:
        return NONE
    most, first = -1, -1
    for place in range(rows * columns):
        cells = panel_number(grid, place // columns, place % columns, 1, work)
        work[5, place] = cells
        if cells > most if what != 11 else (first < 0 or cells < most):
            most, first = cells, place
    height, width = work[3, 0] - work[2, 0], work[1, 0] - work[0, 0]
    for place in range(rows * columns):
        row, column = place // columns, place % columns
        equal = work[3, row] - work[2, row] == height and work[1, column] - work[0, column] == width
        if what == 7 and not equal:
            return NONE
    top, left = work[2, first // columns], work[0, first % columns]
    if (what == 8 or what == 11) and (
        work[3, first // columns] - top != rows or work[1, first % columns] - left != columns
    ):
        return NONE
    copy_to(grid, out)
    for place in range(rows * columns):
        row, column = place // columns, place % columns
        value = panel_value(grid, what, place, rows, columns, first, most, work)
        for r in range(work[2, row], work[3, row]):
            for c in range(work[0, column], work[1, column]):
                if what == 9:
                    value = grid[r, c] if work[5, place] == most else 0
                elif what == 7:
                    value = 0
                    for other in range(rows * columns):
                        i = work[2, other // columns] + r - work[2, row]
                        j = work[0, other % columns] + c - work[0, column]
                        if value == 0:
                            value = grid[i, j]
                out[r, c] = min(value, 9)
    return h, w, y, x


@inner
def repeat_panels(grid, y, x, step, out, work):
    """What a panel between whole lines holds goes into every ``step``-th panel from it in rows and columns,
    cut at its edges; of two that meet the later one stays."""
    rows, columns = find_panels(grid, work)
    h, w = grid.shape
    if rows == 0:
        return NONE
    copy_to(grid, out)
    for place in range(rows * columns):
        row, column = place // columns, place % columns
        if panel_number(grid, row, column, 1, work) == 0:
            continue
        top, left = work[2, row], work[0, column]
        for other in range(rows * columns):
            i, j = other // columns, other % columns
            if (i - row) % step or (j - column) % step:
                continue
            down, right = work[2, i] - top, work[0, j] - left
            for r in range(top, min(work[3, row], work[3, i] - down)):
                for c in range(left, min(work[1, column], work[1, j] - right)):
                    out[r + down, c + right] = grid[r, c]
    return h, w, y, x


@inner
def panel_cells(grid, y, x, what, out, work):
    """One cell for each panel: 0 its most frequent colour, 1 its number of coloured cells, 2 of colours, at
    most 9; 3 as 0 for the panels with most coloured cells, nothing for others, 4: 1 where a panel holds
    anything."""
    rows, columns = find_panels(grid, work)
    if rows == 0:
        return NONE
    most = 0
    for place in range(rows * columns):
        most = max(most, panel_number(grid, place // columns, place % columns, 1, work))
    for place in range(rows * columns):
        row, column = place // columns, place % columns
        cells = panel_number(grid, row, column, 1, work)
        value = panel_number(grid, row, column, 0 if what == 3 else 1 if what == 4 else what, work)
        if what == 4:
            value = min(value, 1)
        elif what == 3 and cells < most:
            value = 0
        out[row, column] = min(value, 9)
    return rows, columns, 0, 0
