"""Slow, obvious twins of the search's kernels about patterns: products, copies, symmetry, progressions,
panels."""

from itertools import product

import numpy as np

from tests.naive_search import by_rank, cells_of, ground, inside, ranked
from tests.naive_search_draw import alone, by_choice
from tests.naive_search_fill import reachable
from tests.naive_search_objects import things


def multiplied(grid, what):
    """Twin of ``product``."""
    h, w = grid.shape
    if max(h, w) > 5 or grid.size == 1 or (what != 2 and not grid.any()):
        return None
    colour = ranked(grid, 0)
    chosen_cells = (
        grid != 0, grid == 0, grid == ground(grid), grid == ranked(grid, -1), grid != 0, grid != 0, grid != 0,
    )[what].astype(np.uint8)  # fmt: skip
    inner = np.where(grid == 0, colour, 0) if what == 4 else grid[:, ::-1] if what == 5 else grid
    if what == 6:
        return np.kron(grid, (grid != 0).astype(np.uint8))
    return np.kron(chosen_cells, inner)


def eight(grid):
    """The grid under the eight symmetries in the kernels' order."""
    forms = [grid, grid[::-1], grid[:, ::-1], grid[::-1, ::-1]]
    return forms + [form.T for form in forms]


def copied(grid, turned, by_body):
    """Twin of ``complete_copies``."""
    objects = things(grid, 1)
    several = [thing for thing in objects if len(thing.counts) > 1]
    if not several:
        return None
    model = max(several, key=lambda thing: (len(thing.counts), thing.area))
    keys = model.counts[model.colour] if by_body else model.area - model.counts[model.colour]
    if keys > 40 or (turned and keys < 2):
        return None
    made = grid.copy()
    for form in eight(model.grid) if turned else [model.grid]:
        for top in range(1 - form.shape[0], grid.shape[0]):
            for left in range(1 - form.shape[1], grid.shape[1]):
                pairs = [((top + r, left + c), form[r, c]) for r, c in cells_of(form)]
                there = [int(grid[place]) if inside(grid, *place) else 0 for place, _ in pairs]
                own = any(place in model.places for place, _ in pairs)
                wrong = any(
                    t not in (0, v) or (t == 0 and (v == model.colour) == by_body)
                    for t, (_, v) in zip(there, pairs, strict=True)
                )
                if own or wrong or not any(there) or all(there):
                    continue
                for place, colour in pairs:
                    if inside(grid, *place):
                        made[place] = colour
    return made


def stamped(grid, what):
    """Twin of ``stamp``."""
    objects = things(grid, 1)
    if not objects:
        return None
    model = max(objects, key=lambda thing: thing.area)
    if model.area < 3:
        return None
    made = grid.copy()
    for r, c in cells_of(grid):
        if not alone(grid, (r, c)):
            continue
        anchors = [(0, 0)] if what == 3 else [(model.shape[0] // 2, model.shape[1] // 2)]
        if what == 0:
            anchors = cells_of(model.grid, lambda v, mark=grid[r, c]: v == mark)
        for down, right in anchors[:1]:
            for i, j in cells_of(model.grid):
                place = r - down + i, c - right + j
                if inside(grid, *place) and not made[place]:
                    made[place] = grid[r, c] if what == 2 else model.grid[i, j]
    return made


def images_about(place, across, how):
    """Where a place lies after a reflection."""
    r, c = place
    return ((r, across - c), (across - r, c), (c + across, r - across), (across - c, across - r))[how]


def completed(grid, places, how, made):
    """Draw the images of places about the best axis."""
    h, w = grid.shape
    scores = {}
    for across in (range(2 * w), range(2 * h), range(-w, h), range(h + w))[how]:
        pairs = [(grid[place], images_about(place, across, how)) for place in places]
        met = [(own, grid[image]) for own, image in pairs if inside(grid, *image)]
        equal = sum(own == other for own, other in met)
        if equal > 0 and equal * 2 >= len(places) and all(other in (0, own) for own, other in met):
            scores[across] = equal
    if not scores:
        return
    across = max(scores, key=lambda axis: (scores[axis], -axis))
    for place in places:
        image = images_about(place, across, how)
        if inside(grid, *image) and not made[image]:
            made[image] = grid[place]


def symmetric(grid, how, each):
    """Twin of ``complete_symmetry``."""
    made = grid.copy()
    if not each:
        completed(grid, cells_of(grid), how, made)
        return made
    objects = things(grid, 1)
    if len(objects) > 20:
        return None
    for thing in objects:
        if thing.area > 2:
            completed(grid, thing.places, how, made)
    return made


def progressed(grid, what):
    """Twin of ``progress``."""
    h, w = grid.shape
    cells = cells_of(grid)
    if not cells or grid.all():
        return grid if cells else None
    shifts = [(i, j) for i in range(h // 2 + 1) for j in range(-(w // 2), w // 2 + 1) if i > 0 or j > 0]
    scores = {}
    for i, j in shifts:
        met = [(grid[r, c], grid[r + i, c + j]) for r, c in cells if inside(grid, r + i, c + j)]
        equal = sum(a == b for a, b in met)
        if equal and equal * 3 >= len(cells) and all(b in (0, a) for a, b in met):
            scores[i, j] = equal
    if not scores:
        return None
    down, right = max(scores, key=lambda s: (scores[s], -(s[0] + abs(s[1])), -s[0], -s[1]))
    made = grid.copy()
    for sign in ((1,), (-1,), (-1, 1))[what]:
        for k in range(1, 30):
            for r, c in cells:
                place = r + sign * k * down, c + sign * k * right
                if inside(grid, *place) and not made[place]:
                    made[place] = grid[r, c]
    return made


def stretches(lines, colour):
    """The stretches (slices) between lines that are of one colour."""
    whole = [bool((line == colour).all()) for line in lines] + [True]
    found, start = [], 0
    for place, is_line in enumerate(whole):
        if is_line:
            if place > start:
                found.append(slice(start, place))
            start = place + 1
    return found


def panels_of(grid):
    """The stretches of rows and of columns of the first colour that makes two equal panels or more, else of
    the first but 0 that makes two at all."""
    found = [(stretches(grid, colour), stretches(grid.T, colour)) for colour in range(10)]
    found = [(k, pair) for k, pair in enumerate(found) if len(pair[0]) * len(pair[1]) >= 2]

    def order(item):
        colour, pair = item
        unequal = any(len({line.stop - line.start for line in lines}) > 1 for lines in pair)
        return unequal, unequal and colour == 0

    return min(found, key=order)[1] if found else ([], [])


def panelled(grid, what):
    """Twin of ``panel_fact``."""
    rows, columns = panels_of(grid)
    if not rows:
        return None
    panels = {(i, j): grid[row, column] for i, row in enumerate(rows) for j, column in enumerate(columns)}
    cells = {key: int(np.count_nonzero(panel)) for key, panel in panels.items()}
    shapes = {panel.shape for panel in panels.values()}
    fullest = panels[max(cells, key=cells.get) if what != 11 else min(cells, key=cells.get)]
    if (what == 7 and len(shapes) > 1) or (what in (8, 11) and fullest.shape != (len(rows), len(columns))):
        return None
    made = grid.copy()
    for (i, j), panel in panels.items():
        if what == 7:
            value = np.zeros_like(panel)
            for other in panels.values():
                value = np.where(value == 0, other, value)
        elif what == 9:
            value = panel if cells[i, j] == max(cells.values()) else 0
        elif what in (8, 11):
            value = fullest[i, j]
        elif what == 10:
            value = cells[i, j] == max(cells.values())
        elif what == 12:
            value = ranked(panel, 0) if cells[i, j] == max(cells.values()) else 0
        else:
            value = {
                0: ranked(panel, 0), 1: cells[i, j], 2: len(by_rank(panel)),
                3: 1 + sum(other > cells[i, j] for other in cells.values()),
                4: 1 + sum(other < cells[i, j] for other in cells.values()), 5: i + 1, 6: j + 1,
            }[what]  # fmt: skip
        made[rows[i], columns[j]] = np.minimum(value, 9)
    return made


def panels_again(grid, step):
    """Twin of ``repeat_panels``."""
    rows, columns = panels_of(grid)
    if not rows:
        return None
    made = grid.copy()
    places = list(product(range(len(rows)), range(len(columns))))
    for i, j in places:
        panel = grid[rows[i], columns[j]]
        for u, v in places if panel.any() else ():
            if (u - i) % step == 0 and (v - j) % step == 0:
                target = made[rows[u], columns[v]]
                tall, wide = np.minimum(target.shape, panel.shape)
                target[:tall, :wide] = panel[:tall, :wide]
    return made


def drawn_around(grid):
    """Twin of ``draw_around``."""
    own = set(cells_of(grid, lambda v: v == ranked(grid, -1))) if grid.any() else set()
    if not own:
        return None
    free = (set(np.ndindex(grid.shape))) - own
    on_edge = [p for p in free if p[0] in (0, grid.shape[0] - 1) or p[1] in (0, grid.shape[1] - 1)]
    hole = free - reachable(grid, on_edge, lambda place: place in free, False)
    if len({int(grid[place]) for place in hole}) != 1:
        return None
    made, inner = grid.copy(), int(grid[min(hole)])
    h, w = grid.shape
    for down, right in product(range(-h, h), range(-w, w)):
        moved = [(r + down, c + right) for r, c in own]
        there = [(r + down, c + right) for r, c in hole]
        if all(inside(grid, *place) for place in moved) and all(grid[place] == inner for place in there):
            for place in moved:
                made[place] = ranked(grid, -1)
    return made


def panel_summary(grid, what):
    """Twin of ``panel_cells``."""
    rows, columns = panels_of(grid)
    if not rows:
        return None
    panels = [[grid[row, column] for column in columns] for row in rows]
    most = max(int(np.count_nonzero(panel)) for line in panels for panel in line)
    rules = (
        lambda panel: ranked(panel, 0), np.count_nonzero, lambda panel: len(by_rank(panel)),
        lambda panel: ranked(panel, 0) if np.count_nonzero(panel) == most else 0, np.any,
    )  # fmt: skip
    return np.array([[min(9, int(rules[what](panel))) for panel in line] for line in panels])


def reflected(grid, colour, how):
    """Twin of ``mirror_about``: doubled coordinates from the middle of the box."""
    rows, columns = np.nonzero(grid == colour)
    if not colour or not len(rows) or (how == 3 and np.ptp(rows) != np.ptp(columns)):
        return None
    down, right = rows.min() + rows.max(), columns.min() + columns.max()
    across, up, half = (lambda a, b: (a, -b)), (lambda a, b: (-a, b)), (lambda a, b: (-a, -b))
    quarters = (lambda a, b: (b, -a)), (lambda a, b: (-b, a)), half
    made = grid.copy()
    for image in ((across,), (up,), (across, up, half), quarters)[how]:
        for r, c in cells_of(grid):
            a, b = image(2 * r - down, 2 * c - right)
            place = ((a + down) // 2, (b + right) // 2)
            if inside(grid, *place) and not made[place]:
                made[place] = grid[r, c]
    return made


def altered(grid, what, kind):
    """Twin of ``change_objects``."""
    objects = things(grid, kind)
    if not objects or len(objects) > 100 or (what == 3 and any(t.shape[0] != t.shape[1] for t in objects)):
        return None
    made = grid.copy()
    for thing in objects:
        box = thing.box(grid)
        target = thing.box(made)
        if what < 4:
            target[...] = (box[:, ::-1], box[::-1], box[::-1, ::-1], box.T)[what]
        elif len(thing.counts) == 2:
            one, two = sorted(thing.counts)
            target[thing.grid == one], target[thing.grid == two] = two, one
    return made


def framed(grid, colour, kind):
    """Twin of ``frame_objects``."""
    objects = things(grid, kind)
    if not objects or len(objects) > 60:
        return None
    made = np.pad(grid, 1)
    for thing in objects:
        ring = np.ones((thing.shape[0] + 2, thing.shape[1] + 2), bool)
        ring[1:-1, 1:-1] = False
        target = made[thing.top : thing.bottom + 3, thing.left : thing.right + 3]
        target[ring & (target == 0)] = colour or thing.colour
    return made[1:-1, 1:-1]


def barred(grid, what):
    """Twin of ``bars``."""
    colours = by_rank(grid)
    sizes = [1 if what >= 3 else int((grid == colour).sum()) for colour in colours]
    if not colours or max(sizes) > 30:
        return None
    rows = np.array([[c] * n + [0] * (max(sizes) - n) for c, n in zip(colours, sizes, strict=True)])
    return (rows, rows.T, rows.T[::-1], rows.T, rows)[what]


def pattern_twin(number, argument, grid, y, x, height, width):
    """The twin of ``pattern_kernel``."""
    twins = (
        lambda: multiplied(grid, argument),
        lambda: drawn_around(grid) if argument == 4 else copied(grid, argument % 2, argument >= 2),
        lambda: stamped(grid, argument),
        lambda: symmetric(grid, argument % 4, argument // 4),
        lambda: progressed(grid, argument),
        lambda: panels_again(grid, argument - 12) if argument > 12 else panelled(grid, argument),
        lambda: altered(grid, *divmod(argument, 4)),
        lambda: framed(grid, *divmod(argument, 4)),
        lambda: barred(grid, argument),
        lambda: panel_summary(grid, argument),
        lambda: reflected(grid, by_choice(grid, argument // 4), argument % 4),
    )
    made = twins[number]()
    if made is None:
        return None
    return (made, 0, 0) if number in (8, 9) else (made, y, x)
