"""The transforms of objects, relations, drawing and patterns."""

from collections.abc import Iterator

from solver.search.transform import DRAW, FALLS, IMAGE_TO_IMAGE, KINDS, OBJECT, PATTERN, RELATION, Transform

_KEPT = (
    "the largest objects", "the smallest objects", "objects of more than one cell", "objects of one cell",
    "objects that touch the edge", "objects that do not touch the edge", "objects with holes",
    "objects without holes", "objects symmetric left-right", "objects not symmetric left-right",
    "objects whose shape stands alone", "objects whose shape is there again", "objects that fill their box",
    "objects that do not fill their box", "all but the largest objects", "objects of more than two cells",
    "objects of one colour", "objects of several colours",
)  # fmt: skip
_MEASURED = (
    "rank by size", "rank by size from the smallest", "number of cells", "height", "width", "holes",
    "symmetry", "number of equal shapes", "touching the edge", "filling its box", "wider or higher",
)  # fmt: skip


def object_transforms() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str) -> Transform:
        return Transform(name, OBJECT, number, argument, IMAGE_TO_IMAGE, text)

    for kind, how in enumerate(KINDS):
        for what, text in enumerate(_MEASURED):
            yield made(f"measure_{what}_{kind}", 0, what * 4 + kind, f"number each object by {text} ({how})")
        for what, text in enumerate(_KEPT):
            if kind < 2 or what < 16:
                yield made(f"keep_{what}_of_{kind}", 1, what * 4 + kind, f"keep {text} ({how})")
    for kind in (0, 1):
        for what, text in (
            (13, "number of colours"),
            (14, "place from the left"),
            (15, "place from the top"),
        ):
            yield made(
                f"measure_{what}_{kind}", 0, what * 4 + kind, f"number each object by {text} ({KINDS[kind]})"
            )
        yield made(
            f"common_colour_{kind}", 2, kind, f"paint each object in its most frequent colour ({KINDS[kind]})"
        )
        yield made(
            f"rare_colour_{kind}", 2, 4 + kind, f"paint each object in its rarest colour ({KINDS[kind]})"
        )
    for kind in (1, 3):
        boxes = (
            "fill the box of each object",
            "keep the empty cells in the box of each object",
            "outline the box of each object",
            "fill the box of each object with colour 1",
        )
        for what, text in enumerate(boxes):
            yield made(f"box_{what}_{kind}", 3, what * 4 + kind, f"{text} ({KINDS[kind]})")
        for where, text in enumerate(FALLS):
            yield made(
                f"objects_fall_{text}_{kind}", 4, where * 4 + kind, f"let objects fall {text} ({KINDS[kind]})"
            )
    touches = (
        "paint each object in the colour that touches it",
        "number each object by whether another touches it",
        "keep objects that touch another",
    )
    for what, text in enumerate(touches):
        yield made(f"touch_{what}", 5, what * 4 + 1, text)
    yield made("inside_colour", 6, 0, "paint each object in the colour inside its box")
    yield made("inside_any", 6, 4, "number each object by whether its box holds another colour")


_RELATED = (
    "how many have its colour", "how many share a row with it", "how many share a column with it",
    "whether it lies in the box of another", "how many lie in its box", "the colour of the nearest",
    "the colour of the nearest larger one", "the colour of the one of equal shape",
    "the colour of the one of equal shape, turned or mirrored", "the nearest other colour in its rows",
    "the nearest other colour in its columns", "the colour of the one around it",
    "the steps to the nearest", "its rank by size in its colour", "how many touch it",
    "the colour of the one that touches it", "how many have its size",
)  # fmt: skip
_COLOURS = (5, 6, 7, 8, 9, 10, 11, 15)  # of _RELATED: what is a colour and not a number
_KEPT_AMONG = (
    "lie in the box of another", "have another in their box", "touch another", "touch the rarest colour",
    "have a colour of their own", "share rows or columns with another", "are the largest of their colour",
    "have the shape of the largest",
)  # fmt: skip
_LOCAL = (
    "row modulo 2", "column modulo 2", "row + column modulo 2", "distance to the edge",
    "layer (4 neighbours)",
    "layer (8 neighbours)", "corner, edge or inside", "row", "column", "row from the end",
    "column from the end",
    "on a middle line or not", "quarter",
)  # fmt: skip


def relation_transforms() -> Iterator[Transform]:
    def made(name: str, number: int, what: int, kind: int, text: str) -> Transform:
        return Transform(name, RELATION, number, what * 4 + kind, IMAGE_TO_IMAGE, text)

    for kind in (1, 3):
        how = KINDS[kind]
        for what, text in enumerate(_RELATED):
            word = "paint each object in" if what in _COLOURS else "number each object by"
            if kind == 3 or what not in (0, 8, 13, 14, 15):
                yield made(f"relate_{what}_{kind}", 0, what, kind, f"{word} {text} ({how})")
        for what, text in enumerate(_KEPT_AMONG):
            if kind == 3 or what in (0, 1, 5, 7):
                yield made(
                    f"keep_among_{what}_{kind}", 1, 2 * what, kind, f"keep objects that {text} ({how})"
                )
                yield made(
                    f"drop_among_{what}_{kind}", 1, 2 * what + 1, kind, f"drop objects that {text} ({how})"
                )
    for what, text in enumerate(_LOCAL):
        yield made(f"local_{what}", 2, what, 1, f"number each cell in its object by {text}")
    rooms = (
        "rank by size",
        "rank by size from the smallest",
        "number of cells",
        "height",
        "width",
        "touching the edge",
        "being a rectangle",
        "wider or higher",
    )
    for what, text in zip((0, 1, 2, 3, 4, 8, 9, 10), rooms, strict=True):
        for kind, where in enumerate(
            ("empty room (4-connected)", "empty room (8-connected)", "region of one colour")
        ):
            if kind != 1 or what in (0, 1, 8):
                yield made(f"room_{what}_{kind}", 3, what, kind, f"number each {where} by {text}")
    for what, text in ((14, "place from the left"), (15, "place from the top"), (16, "being a single cell")):
        yield made(f"room_{what}_0", 3, what, 0, f"number each empty room (4-connected) by {text}")
    walls = (
        "most frequent colour",
        "rarest colour",
        "number of colours",
        "being of one colour",
        "number of cells",
    )
    for what, text in enumerate(walls):
        yield made(f"wall_{what}", 4, what, 0, f"paint each empty room by its wall: {text}")
    ways = ("left or upper to right or lower", "right or lower to left or upper", "both ways")
    for way, text in enumerate(ways):
        yield made(f"key_{way}_0", 5, way, 0, f"recolour by a legend of two-cell pairs, {text}")
        yield made(f"key_{way}_1", 5, way, 1, f"recolour by a legend of two-cell pairs, {text}, and erase it")


_CHOSEN = ("the most frequent colour", "the rarest colour", "the second most frequent colour", "single cells")
_BITS = {
    1: "right", 2: "left", 4: "down", 8: "up", 3: "in rows", 12: "in columns", 15: "in rows and columns",
    240: "in diagonals", 255: "in all directions",
}  # fmt: skip


def _draw(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, DRAW, number, argument, IMAGE_TO_IMAGE, text)


def _towards() -> Iterator[Transform]:
    """Lines and rays."""
    for which, who in enumerate(_CHOSEN):
        for bits, way in _BITS.items():
            if which != 2 or bits in (3, 12, 15, 240):
                yield _draw(
                    f"smear_some_{which}_{bits}",
                    0,
                    which * 256 + bits,
                    f"extend {who} {way} over empty cells",
                )
    for colour in (1, 2, 3, 8):
        argument = (10 + colour) * 256 + 15
        text = f"extend colour {colour} in rows and columns over empty cells"
        yield _draw(f"smear_some_c{colour}_15", 0, argument, text)
    rays = (
        "single cells, in their colour", "the rarest colour", "the rarest colour, in the colour that is hit",
        "all cells, to another colour, in colour 1", "all cells, in colour 1",
    )  # fmt: skip
    for what, who in enumerate(rays):
        for bits in (3, 12, 15, 240, 255):
            if what < 3 or bits < 255:
                yield _draw(
                    f"reach_{what}_{bits}",
                    1,
                    what * 256 + bits,
                    f"draw lines {_BITS[bits]} up to the next coloured cell from {who}",
                )
    for bits, text in ((1, "rows"), (2, "columns"), (3, "rows and columns"), (12, "diagonals")):
        yield _draw(f"connect_over_{bits}", 2, bits, f"connect equal cells in {text} over all others")
    ways = (
        "lines beyond their ends",
        "cells away from the colour they touch",
        "cells through the object they touch",
        "lines beyond their ends, reflected",
    )
    for what, text in enumerate(ways):
        yield _draw(f"tail_{what}", 3, what, f"continue {text}")
    for what, text in enumerate(("the nearest edge", "the farthest edge", "both edges of the shorter way")):
        yield _draw(f"to_edge_{what}", 4, what, f"draw from single cells to {text}")


def _repeated() -> Iterator[Transform]:
    """Movements, and rules repeated until nothing changes."""
    for which, who in enumerate(_CHOSEN[:3]):
        for diagonal in (0, 1):
            for once, text in enumerate(("as far as it goes", "by one cell")):
                argument = which * 4 + diagonal * 2 + once
                yield _draw(
                    f"flood_{argument}", 5, argument, f"let {who} flow {text} ({4 + 4 * diagonal} neighbours)"
                )
    for colour in (1, 2, 3, 4, 8):
        argument = (10 + colour) * 4
        yield _draw(
            f"flood_c{colour}", 5, argument, f"let colour {colour} flow over empty cells (4 neighbours)"
        )
    rules = (
        "fill empty cells with three coloured cells beside them until nothing changes",
        "erase cells with at most one coloured neighbour until nothing changes",
        "give each cell the most frequent colour around it",
        "give cells that are unlike all around them the colour there",
    )  # fmt: skip
    for what, text in enumerate(rules):
        yield _draw(f"cell_rule_{what}", 6, what, text)
    fixed = (
        "the largest object",
        "the most frequent colour",
        "the rarest colour",
        "objects of more than one cell",
    )
    for what, text in enumerate(fixed):
        for trail in (0, 1):
            more = ", leaving a trail" if trail else ""
            yield _draw(
                f"move_to_{what}_{trail}",
                7,
                what * 8 + 6 + trail,
                f"move objects until they touch {text}{more}",
            )


def _copied() -> Iterator[Transform]:
    """Copies, movements and lines between panels."""
    copies = (
        "copy each object, mirrored,",
        "copy each object",
        "move each object by its own size",
        "repeat each object",
    )
    for what, text in enumerate(copies):
        for where, way in enumerate(("down", "up", "right", "left")):
            yield _draw(f"beside_{what}_{way}", 8, what * 4 + where, f"{text} {way}")
    for which, who in enumerate(_CHOSEN[:3]):
        for where, way in enumerate(FALLS):
            yield _draw(f"fall_some_{which}_{way}", 9, which * 4 + where, f"let objects of {who} fall {way}")

    for bits, way in ((1, "rows"), (2, "columns"), (3, "rows and columns")):
        for what, text in enumerate(("stays empty", "gets colour 5")):
            yield _draw(
                f"meet_{bits}_{what}",
                10,
                bits * 2 + what,
                f"let two colours meet in {way}, the middle {text}",
            )
    for diagonal, way in enumerate(("in rows and columns", "in all directions")):
        yield _draw(
            f"project_0_{diagonal}", 11, diagonal * 2, f"let single cells paint the cell that they see {way}"
        )
        yield _draw(
            f"project_1_{diagonal}", 11, diagonal * 2 + 1, f"copy single cells up to what they see {way}"
        )
    yield _draw("corner_rays_0", 12, 0, "draw diagonals out of inner corners")
    yield _draw("corner_rays_1", 12, 1, "draw diagonals out of inner corners, a cell apart")
    yield _draw("corners_0", 13, 1, "mark the corners around each object in colours 1 to 4")
    yield _draw("corners_1", 13, 5, "mark the corners around each object in the colours of its corners")


def draw_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _towards()
    yield from _repeated()
    yield from _copied()


def _pattern(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, PATTERN, number, argument, IMAGE_TO_IMAGE, text)


def _products() -> Iterator[Transform]:
    """Products and axes."""
    products = (
        "coloured cells", "empty cells", "cells of the most frequent colour", "cells of the rarest colour",
        "coloured cells, inverted", "coloured cells, mirrored", "coloured cells, in their colour",
    )  # fmt: skip
    for what, text in enumerate(products):
        yield _pattern(f"product_{what}", 0, what, f"put a copy of the image on each of its own {text}")
    yield _pattern("complete_copies_0", 1, 0, "complete the copies of the richest object")
    yield _pattern(
        "complete_copies_1", 1, 1, "complete the copies of the richest object, turned and mirrored too"
    )
    yield _pattern("complete_copies_2", 1, 2, "complete the copies of the richest object by its main colour")
    yield _pattern(
        "complete_copies_3",
        1,
        3,
        "complete the copies of the richest object by its main colour, turned and mirrored too",
    )
    text = "draw the rarest colour around what it encloses, wherever that is again"
    yield _pattern("draw_around", 1, 4, text)
    anchors = (
        "by its cell of that colour",
        "by its middle",
        "by its middle, in the cell's colour",
        "by its upper left corner",
    )
    for what, text in enumerate(anchors):
        yield _pattern(f"stamp_{what}", 2, what, f"draw the largest object on single cells, {text}")
    axes = ("left-right", "up-down", "along the falling diagonal", "along the rising diagonal")
    for how, text in enumerate(axes):
        yield _pattern(f"symmetry_{how}", 3, how, f"complete by the best {text} axis")
        yield _pattern(f"symmetry_each_{how}", 3, 4 + how, f"complete each object by its best {text} axis")
    for what, text in enumerate(("onwards", "back", "in both directions")):
        yield _pattern(f"progress_{what}", 4, what, f"continue what is repeated {text}")


def _panels() -> Iterator[Transform]:
    """Panels, forms and stripes."""
    panels = (
        "their most frequent colour", "their coloured cells", "their number of colours",
        "rank by coloured cells",
        "rank by coloured cells, fewest first", "their row", "their column", "what any of them has there",
        "the fullest panel, taken as a picture of them", "the fullest, all others emptied",
        "whether they are the fullest", "the emptiest panel, taken as a picture of them",
        "the main colour of the fullest, all others emptied",
    )  # fmt: skip
    for what, text in enumerate(panels):
        yield _pattern(f"panel_{what}", 5, what, f"paint panels between lines by {text}")
    for step, text in enumerate(("every panel", "every second panel"), 1):
        yield _pattern(
            f"panel_repeat_{step}", 5, 12 + step, f"put what a panel between lines holds into {text}"
        )
    changes = (
        "mirror each object left-right",
        "mirror each object up-down",
        "turn each object by half",
        "transpose each object",
        "exchange the two colours of each object",
    )
    for what, text in enumerate(changes):
        for kind in (1,) if what == 4 else (1, 3):
            yield _pattern(f"change_{what}_{kind}", 6, what * 4 + kind, f"{text} ({KINDS[kind]})")
    for colour in (0, 1, 2, 3):
        name = f"colour {colour}" if colour else "its colour"
        yield _pattern(f"frame_{colour}", 7, colour * 4 + 1, f"frame each object in {name}")
    forms = ("rows", "columns", "columns from the bottom", "a row of cells", "a column of cells")
    for what, text in enumerate(forms):
        yield _pattern(f"bars_{what}", 8, what, f"draw the colours by their number of cells as {text}")
    cells = (
        "most frequent colour",
        "coloured cells",
        "number of colours",
        "most frequent colour, the fullest ones only",
        "holding anything",
    )
    for what, text in enumerate(cells):
        yield _pattern(f"panel_cells_{what}", 9, what, f"draw one cell for each panel: {text}")
    ways = ("left-right", "up-down", "left-right and up-down", "by quarter turns")
    for which, who in enumerate(_CHOSEN[:3]):
        for how, text in enumerate(ways):
            yield _pattern(
                f"mirror_about_{which}_{how}",
                10,
                which * 4 + how,
                f"mirror all {text} about the middle of {who}",
            )


def pattern_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _products()
    yield from _panels()
