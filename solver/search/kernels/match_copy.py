"""Kernels that complete objects to copies of others: parts, colours alone, in any scale, by their outline or
by a legend."""

from solver.search.jit import inner
from solver.search.kernels.move import copy_to
from solver.search.kernels.objects import AREA, BOTTOM, LEFT, RIGHT, TOP, label, measure
from solver.search.kernels.redraw import turned_cell
from solver.search.kernels.shape import NONE

COLOURS, MARK = 8, 9  # rows of ``work``: the number of colours of each object, and what a check has visited


@inner
def label_with_colours(grid, diagonal, most, work):
    """``label``, with the number of colours of each object in row COLOURS; how many objects there are, the
    most colours that one has, and the first one with so many; 0 objects where there are too many."""
    count = label(grid, diagonal, 0, work)
    if count > most:
        return 0, 0, 0
    best, richest = 0, 0
    for number in range(count):
        work[COLOURS, number] = measure(grid, number, count, 13, work)
        if work[COLOURS, number] > best:
            best, richest = int(work[COLOURS, number]), number
    return count, best, richest


@inner
def box_size(number, work):
    """Height and width of an object's box."""
    return work[BOTTOM, number] - work[TOP, number] + 1, work[RIGHT, number] - work[LEFT, number] + 1


@inner
def own_cell(grid, number, r, c, work):
    """The colour of an object's cell in row r and column c of its box; 0 where it has none there."""
    i, j = work[TOP, number] + r, work[LEFT, number] + c
    return int(grid[i, j]) if work[0, i * grid.shape[1] + j] == number + 1 else 0


@inner
def agrees(grid, part, whole, how, top, left, work):
    """Whether all cells of an object are those of another one that is turned and put with its box at (top,
    left)."""
    height, width = box_size(whole, work)
    equal = 0
    for r in range(height):
        for c in range(width):
            colour = own_cell(grid, whole, r, c, work)
            i, j = turned_cell(r, c, height, width, how)
            i, j = i + top, j + left
            if colour == 0 or not (0 <= i < grid.shape[0] and 0 <= j < grid.shape[1]):
                continue
            if work[0, i * grid.shape[1] + j] == part + 1:
                if grid[i, j] != colour:
                    return False
                equal += 1
    return equal == work[AREA, part]


@inner
def draw_whole(grid, whole, how, top, left, out, work):
    """Draw an object turned, with its box at (top, left)."""
    height, width = box_size(whole, work)
    for r in range(height):
        for c in range(width):
            colour = own_cell(grid, whole, r, c, work)
            i, j = turned_cell(r, c, height, width, how)
            i, j = i + top, j + left
            if colour != 0 and 0 <= i < grid.shape[0] and 0 <= j < grid.shape[1]:
                out[i, j] = colour


@inner
def complete_part(grid, part, whole, turned, out, work):
    """Draw an object where another one is a part of it, at the first place; whether there is one."""
    height, width = box_size(whole, work)
    tall, wide = box_size(part, work)
    for how in range(8 if turned == 1 else 1):
        high, broad = (width, height) if how & 4 else (height, width)
        for down in range(high - tall + 1):
            for right in range(broad - wide + 1):
                top, left = work[TOP, part] - down, work[LEFT, part] - right
                if agrees(grid, part, whole, how, top, left, work):
                    draw_whole(grid, whole, how, top, left, out, work)
                    return True
    return False


@inner
def complete_parts(grid, y, x, turned, out, work):
    """Every object (8-connected) of several colours that is a part of a larger one is completed to it: the
    one of most colours, of equals of most cells, in which it fits first.

    ``turned`` 1: turned and mirrored too.
    """
    count, most, _ = label_with_colours(grid, 1, 40, work)
    if most < 2:
        return NONE
    copy_to(grid, out)
    for part in range(count):
        last, found = 1000000, work[COLOURS, part] < 2
        while not found:
            # The next template in the order of colours and cells.
            best, whole = -1, -1
            for number in range(count):
                value = (work[COLOURS, number] * 1000 + work[AREA, number]) * 100 + 99 - number
                if best < value < last and work[AREA, number] > work[AREA, part]:
                    best, whole = value, number
            if whole < 0:
                break
            last = best
            found = complete_part(grid, part, whole, turned, out, work)
    return grid.shape[0], grid.shape[1], y, x


@inner
def keys_stand(grid, number, keys, how, scale, top, left, mark, work):
    """Whether an object's cells of certain colours (bits of ``keys``) stand alone where it is turned,
    enlarged and put with its box at (top, left): they are there, no other coloured cell touches them, and
    the object's other cells are empty or outside.

    work[MARK, cell]: ``mark`` where a key was found.
    """
    h, w = grid.shape
    height, width = box_size(number, work)
    for check in range(2):
        for cell in range(height * width * scale * scale):
            r, c = cell // (width * scale), cell % (width * scale)
            colour = own_cell(grid, number, r // scale, c // scale, work)
            if colour == 0:
                continue
            i, j = turned_cell(r, c, height * scale, width * scale, how)
            i, j = i + top, j + left
            inside = 0 <= i < h and 0 <= j < w
            if (keys >> colour) & 1 == 0:
                if inside and grid[i, j] != 0:
                    return False
            elif check == 0:
                if not inside or grid[i, j] != colour:
                    return False
                work[MARK, i * w + j] = mark
            else:
                for a in range(max(i - 1, 0), min(i + 2, h)):
                    for b in range(max(j - 1, 0), min(j + 2, w)):
                        if grid[a, b] != 0 and work[MARK, a * w + b] != mark:
                            return False
    return True


@inner
def complete_keys(grid, number, keys, turned, scale, mark, out, work):
    """Draw the other cells of an object wherever its cells of some colours stand alone (``keys_stand``);
    turned where there are two such cells or more. The last mark that was used."""
    h, w = grid.shape
    height, width = box_size(number, work)
    found, row, column = 0, 0, 0
    for cell in range(height * width):
        colour = own_cell(grid, number, cell // width, cell % width, work)
        if colour != 0 and (keys >> colour) & 1:
            if found == 0:
                row, column = cell // width, cell % width
            found += 1
    if found == 0 or found == work[AREA, number]:
        return mark
    for how in range(8 if turned == 1 and found > 1 else 1):
        i, j = turned_cell(row * scale, column * scale, height * scale, width * scale, how)
        for place in range(h * w):
            if grid[place // w, place % w] != own_cell(grid, number, row, column, work):
                continue
            mark += 1
            top, left = place // w - i, place % w - j
            if not keys_stand(grid, number, keys, how, scale, top, left, mark, work):
                continue
            for cell in range(height * width * scale * scale):
                r, c = cell // (width * scale), cell % (width * scale)
                colour = own_cell(grid, number, r // scale, c // scale, work)
                a, b = turned_cell(r, c, height * scale, width * scale, how)
                a, b = a + top, b + left
                if colour != 0 and 0 <= a < h and 0 <= b < w and out[a, b] == 0:
                    out[a, b] = colour
    return mark


@inner
def complete_by_colour(grid, y, x, out, work):
    """Wherever the cells of one colour of an object (8-connected, of several colours) stand alone, its other
    cells are drawn."""
    count, most, _ = label_with_colours(grid, 1, 40, work)
    if most < 2:
        return NONE
    copy_to(grid, out)
    mark = 0
    for cell in range(grid.shape[0] * grid.shape[1]):
        work[MARK, cell] = 0
    for number in range(count):
        for colour in range(1, 10 if work[COLOURS, number] > 1 else 1):
            mark = complete_keys(grid, number, 1 << colour, 0, 1, mark, out, work)
    return grid.shape[0], grid.shape[1], y, x


@inner
def complete_scaled(grid, y, x, turned, erase, out, work):
    """Wherever the cells of the objects of most colours (8-connected) whose colours stand outside of them too
    stand alone, enlarged 1 to 4 times, their other cells are drawn; ``turned`` 1: turned and mirrored too;
    ``erase`` 1: those objects go."""
    count, most, _ = label_with_colours(grid, 1, 100, work)
    h, w = grid.shape
    if most < 2:
        return NONE
    copy_to(grid, out)
    keys = 0
    for cell in range(h * w):
        work[MARK, cell] = 0
        number = work[0, cell] - 1
        if number >= 0 and work[COLOURS, number] < most:
            keys |= 1 << int(grid[cell // w, cell % w])
    mark = 0
    for number in range(count):
        for scale in range(1, 5 if work[COLOURS, number] == most else 1):
            mark = complete_keys(grid, number, keys, turned, scale, mark, out, work)
    for cell in range(h * w if erase == 1 else 0):
        if work[0, cell] and work[COLOURS, work[0, cell] - 1] == most:
            out[cell // w, cell % w] = 0
    return h, w, y, x


@inner
def legend_order(grid, y, x, out, work):
    """The objects but the one of most colours (8-connected), from top to bottom, take the colours of
    its cells in reading order: of all, or where that are too many of all but its most frequent colour."""
    count, most, legend = label_with_colours(grid, 1, 100, work)
    if most < 2:
        return NONE
    main = measure(grid, legend, count, 11, work) if work[AREA, legend] != count - 1 else 0
    height, width = box_size(legend, work)
    found = 0
    for cell in range(height * width):
        colour = own_cell(grid, legend, cell // width, cell % width, work)
        if colour != 0 and colour != main:
            work[10, found] = colour
            found += 1
    if found != count - 1:
        return NONE
    h, w = grid.shape
    for number in range(count):
        rank = 0
        for other in range(count):
            before = work[TOP, other] < work[TOP, number]
            if work[TOP, other] == work[TOP, number]:
                before = work[LEFT, other] < work[LEFT, number]
                before = before or (work[LEFT, other] == work[LEFT, number] and other < number)
            rank += 1 if other != legend and before else 0
        work[11, number] = work[10, rank] if number != legend else 0
    for r in range(h):
        for c in range(w):
            number = work[0, r * w + c]
            out[r, c] = work[11, number - 1] if number and number - 1 != legend else grid[r, c]
    return h, w, y, x


@inner
def same_outline(grid, one, two, how, work):
    """Whether an object has the same cells as another one that is turned."""
    height, width = box_size(two, work)
    tall, wide = box_size(one, work)
    if work[AREA, one] != work[AREA, two]:
        return False
    if tall != (width if how & 4 else height) or wide != (height if how & 4 else width):
        return False
    for r in range(height):
        for c in range(width):
            i, j = turned_cell(r, c, height, width, how)
            if own_cell(grid, two, r, c, work) != 0 and own_cell(grid, one, i, j, work) == 0:
                return False
    return True


@inner
def copy_look(grid, y, x, out, work):
    """Every one-coloured object (4-connected) takes the look of the first object of several colours with the
    same cells, or else of one that has them when it is turned or mirrored."""
    count, most, _ = label_with_colours(grid, 0, 60, work)
    if most < 2:
        return NONE
    copy_to(grid, out)
    for one in range(count):
        done = work[COLOURS, one] > 1
        for how in range(8):
            for two in range(count):
                if done or work[COLOURS, two] < 2 or not same_outline(grid, one, two, how, work):
                    continue
                draw_whole(grid, two, how, work[TOP, one], work[LEFT, one], out, work)
                done = True
    return grid.shape[0], grid.shape[1], y, x
