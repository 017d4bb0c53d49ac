"""The table of transforms: what each is called, which kernel it runs, and what it does in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass

SHAPE, COLOUR, FILL, OBJECT, LIST = "shape", "colour", "fill", "object", "list"
IMAGE_TO_IMAGE, IMAGE_TO_LIST, LIST_TO_IMAGE, LIST_TO_LIST = range(4)


@dataclass(frozen=True)
class Transform:
    """One transform. ``name``: a stable key, for files and tests. ``family``: which kernel. ``number``,
    ``argument``: what the kernel is called with. ``kind``: from what to what. ``text``: what it does.
    ``sized``: it needs the size of the wanted output."""

    name: str
    family: str
    number: int
    argument: int
    kind: int
    text: str
    sized: bool = False


_TURNS = (
    "turn a quarter counter-clockwise",
    "turn by half",
    "turn a quarter clockwise",
    "mirror left-right",
    "mirror up-down",
    "mirror along the falling diagonal",
    "mirror along the rising diagonal",
)
_KINDS = ("4-connected", "8-connected", "4-connected one-coloured", "8-connected one-coloured")
_SIDES = ("left", "right", "top", "bottom")
_FALLS = ("down", "up", "right", "left")
_RANKS = ((0, "most frequent"), (1, "second most frequent"), (2, "third most frequent"), (-1, "rarest"))


def _shape() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str, sized: bool = False) -> Transform:
        return Transform(name, SHAPE, number, argument, IMAGE_TO_IMAGE, text, sized)

    for how, text in enumerate(_TURNS, 1):
        yield made(f"turn_{how}", 0, how, text)
    yield made("crop", 1, 0, "crop to the content")
    yield made("crop_ground", 2, 0, "crop to what is not the most frequent colour")
    for which, side in enumerate(_SIDES):
        yield made(f"half_{side}", 3, which, f"take the {side} half")
    for which, side in enumerate(("left", "middle", "right", "top", "centre", "bottom")):
        yield made(f"third_{side}", 4, which, f"take the {side} third")
    yield made("trim", 5, 0, "cut off the outer ring")
    yield made("pad", 6, 0, "add an empty ring")
    yield made("drop_empty", 7, 0, "remove empty rows and columns")
    yield made("drop_repeats", 7, 1, "remove rows and columns equal to the one before")
    yield made("smallest_tile", 8, 0, "take the smallest repeated tile")
    for factor in (2, 3, 4):
        yield made(f"enlarge_{factor}", 9, factor, f"enlarge every cell {factor} times")
    for factor in (2, 3, 4):
        yield made(f"shrink_{factor}", 10, factor, f"shrink {factor} times")
    for rows, columns in ((1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (3, 3)):
        yield made(f"tile_{rows}{columns}", 11, rows * 10 + columns, f"repeat {rows} x {columns} times")
    for rows, columns in ((1, 2), (2, 1), (2, 2), (3, 3)):
        argument = 100 + rows * 10 + columns
        yield made(f"mirror_tile_{rows}{columns}", 11, argument, f"repeat {rows} x {columns} times, mirrored")
    for wrap in (0, 1):
        for down, right, where in ((1, 0, "down"), (-1, 0, "up"), (0, 1, "right"), (0, -1, "left")):
            argument = wrap * 100 + (down + 1) * 10 + right + 1
            text = f"shift the content one cell {where}" + (", around the edge" if wrap else "")
            yield made(f"shift_{where}_{wrap}", 12, argument, text)
    for down, right, where in ((1, 0, "down"), (-1, 0, "up"), (0, 1, "right"), (0, -1, "left")):
        yield made(f"move_{where}", 13, (down + 1) * 10 + right + 1, f"move one cell {where}")
    yield made("to_origin", 14, 0, "move to the upper left corner")
    for where, text in enumerate(_FALLS):
        yield made(f"fall_{text}", 15, where, f"let all cells fall {text}")
    for argument, text in enumerate(("rows, fewest first", "rows, most first", "columns, fewest first", "columns, most first")):
        yield made(f"sort_lines_{argument}", 16, argument, f"sort by coloured cells: {text}")
    yield made("embed", 17, 0, "place on a canvas of the output's size", True)
    yield made("centre", 18, 0, "centre on a canvas of the output's size", True)
    yield made("repeat", 19, 0, "repeat over the output's size", True)
    yield made("repeat_mirrored", 19, 10, "repeat over the output's size, mirrored", True)
    yield made("repeat_gap", 19, 1, "repeat over the output's size with gaps", True)
    yield made("rewrap", 20, 0, "write the cells row by row into the output's size", True)
    yield made("stretch", 21, 0, "stretch to the output's size", True)


def _colour() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str) -> Transform:
        return Transform(name, COLOUR, number, argument, IMAGE_TO_IMAGE, text)

    for colour in range(1, 10):
        yield made(f"keep_{colour}", 0, colour, f"keep only colour {colour}")
        yield made(f"erase_{colour}", 1, colour, f"erase colour {colour}")
        yield made(f"paint_{colour}", 2, colour, f"paint everything in colour {colour}")
    for rank, text in _RANKS:
        yield made(f"keep_rank_{rank}", 3, rank, f"keep only the {text} colour")
        yield made(f"erase_rank_{rank}", 4, rank, f"erase the {text} colour")
    for rank, text in (_RANKS[0], _RANKS[3]):
        yield made(f"paint_rank_{rank}", 5, rank, f"paint everything in its {text} colour")
        yield made(f"swap_ground_rank_{rank}", 8, rank, f"exchange empty cells and the {text} colour")
        yield made(f"solid_rank_{rank}", 10, rank, f"fill the rectangle with its {text} colour")
        yield made(f"cell_rank_{rank}", 11, rank, f"take one cell of its {text} colour")
    for colour in (0, 1, 2, 3, 5, 8):
        text = f"colour {colour}" if colour else "the most frequent colour"
        yield made(f"invert_{colour}", 6, colour, f"exchange empty and coloured cells, in {text}")
    yield made("swap_ground", 7, 0, "take the most frequent colour as empty")
    yield made("swap_two", 9, 0, "exchange the two colours")
    counted = ("coloured cells", "colours", "height", "width", "cells of the rarest colour", "empty cells", "rows with colour", "columns with colour")
    forms = ("row", "column", "square", "diagonal")
    for what, text in enumerate(counted):
        for form, shape in enumerate(forms):
            if what not in (2, 3) or form < 3:
                yield made(f"amount_{what}_{form}", 12, what * 10 + form, f"draw the number of {text} as a {shape}")
    places = (
        "row modulo 2", "column modulo 2", "row + column modulo 2", "row modulo 3", "column modulo 3",
        "row + column modulo 3", "distance to the edge", "row - column modulo 3", "side of the diagonal",
        "edge or not", "row number", "column number", "rows from the end", "columns from the end",
        "ring modulo 2",
    )  # fmt: skip
    for what, text in enumerate(places):
        yield made(f"place_{what}", 13, what, f"number each cell by {text}")
    lines = (
        "most frequent colour", "whether it holds a colour", "number of coloured cells", "whether it is of one colour",
        "rarest colour", "first colour", "last colour", "number of colours",
    )  # fmt: skip
    for what, text in enumerate(lines):
        for columns, line in enumerate(("row", "column")):
            yield made(f"line_{what}_{line}", 14, what * 2 + columns, f"give each {line} its {text}")
    near = ("coloured cells beside it", "coloured cells around it", "equal cells beside it", "equal cells around it", "most frequent colour around it")
    for what, text in enumerate(near):
        yield made(f"near_{what}", 15, what, f"number each cell by {text}")
    yield made("erase_frequent", 16, 0, "erase the most frequent colour")


def _fill() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str) -> Transform:
        return Transform(name, FILL, number, argument, IMAGE_TO_IMAGE, text)

    for only in (0, 1):
        rest = " and keep only that" if only else ""
        for diagonal in (0, 1):
            way = "not even a diagonal path joins" if diagonal else "no path joins"
            for colour in (0, 1, 2, 3, 4) if only == 0 and diagonal == 0 else (0, 1):
                argument = only * 100 + diagonal * 10 + colour
                name = f"colour {colour}" if colour else "the most frequent colour"
                yield made(f"fill_{argument}", 0, argument, f"fill what {way} to the edge with {name}{rest}")
        yield made(f"fill_by_wall_{only}", 1, only, f"fill enclosed regions with the colour of their wall{rest}")
    for diagonal in (0, 1):
        yield made(f"outline_{diagonal}", 2, 2 * diagonal, f"keep the outline ({4 + 4 * diagonal} neighbours)")
        yield made(f"inside_{diagonal}", 2, 2 * diagonal + 1, f"keep what is not outline ({4 + 4 * diagonal} neighbours)")
    for grow in (0, 1):
        for diagonal in (0, 1):
            for colour in (0, 1, 2, 3) if grow == 0 else (0, 1):
                name = f"colour {colour}" if colour else "the same colour"
                more = ", one cell larger" if grow else ""
                argument = grow * 100 + diagonal * 10 + colour
                yield made(f"surround_{argument}", 3, argument, f"surround with {name} ({4 + 4 * diagonal} neighbours{more})")
    names = ("right", "left", "down", "up", "down right", "down left", "up right", "up left")
    for bits in (1, 2, 4, 8, 3, 12, 15, 16, 32, 64, 128, 144, 96, 240, 255, 5, 6, 9, 10):
        where = ", ".join(name for bit, name in enumerate(names) if bits >> bit & 1)
        yield made(f"smear_{bits}", 4, bits, f"run colours {where} over empty cells")
    for bits in (1, 2, 4, 8):
        yield made(f"smear_over_{bits}", 4, 1000 + bits, f"run colours {names[(1, 2, 4, 8).index(bits)]} to the edge")
    for bits, text in ((1, "in rows"), (2, "in columns"), (3, "in rows and columns"), (12, "in diagonals"), (15, "in all directions")):
        yield made(f"connect_{bits}", 5, bits, f"connect equal cells {text}")
        yield made(f"between_{bits}", 5, 100 + bits, f"keep the connections of equal cells {text}")
    yield made("spread_0", 6, 0, "give empty cells the nearest colour (4 neighbours)")
    yield made("spread_1", 6, 1, "give empty cells the nearest colour (8 neighbours)")
    for bits, text in ((1, "rows"), (2, "columns"), (3, "rows and columns"), (4, "falling diagonals"), (8, "rising diagonals"), (12, "both diagonals"), (15, "all lines")):
        yield made(f"lines_{bits}", 7, bits, f"draw {text} through coloured cells")
    mirrors = ("left-right", "up-down", "left-right and up-down", "the falling diagonal", "the rising diagonal", "a half turn", "all quarter turns")
    for how, text in enumerate(mirrors):
        yield made(f"overlay_mirror_{how}", 8, how, f"complete by {text} symmetry")
    for only in (0, 1):
        for colour in (0, 1, 2):
            name = f"colour {colour}" if colour else "the most frequent colour"
            rest = " and keep only that" if only else ""
            yield made(f"hull_{only}{colour}", 9, only * 10 + colour, f"fill the box of the content with {name}{rest}")
    yield made("middle", 10, 0, "take the middle")
    for colour in (1, 2, 3):
        yield made(f"fill_outside_{colour}", 11, colour, f"fill what a path joins to the edge with colour {colour}")
    for hole in range(10):
        yield made(f"mend_period_{hole}", 12, hole, f"continue the period over colour {hole}")
        yield made(f"mend_diagonal_{hole}", 12, 10 + hole, f"continue the diagonal period over colour {hole}")
        for how, text in enumerate(("left-right", "up-down", "both")):
            yield made(f"mend_mirror_{how}{hole}", 13, how * 10 + hole, f"mend colour {hole} by symmetry, {text}")


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


def _object() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str) -> Transform:
        return Transform(name, OBJECT, number, argument, IMAGE_TO_IMAGE, text)

    for kind, how in enumerate(_KINDS):
        for what, text in enumerate(_MEASURED):
            yield made(f"measure_{what}_{kind}", 0, what * 4 + kind, f"paint each object by {text} ({how})")
        for what, text in enumerate(_KEPT):
            if kind < 2 or what < 16:
                yield made(f"keep_{what}_of_{kind}", 1, what * 4 + kind, f"keep {text} ({how})")
    for kind in (0, 1):
        for what, text in ((13, "number of colours"), (14, "place from the left"), (15, "place from the top")):
            yield made(f"measure_{what}_{kind}", 0, what * 4 + kind, f"paint each object by {text} ({_KINDS[kind]})")
        yield made(f"common_colour_{kind}", 2, kind, f"paint each object in its most frequent colour ({_KINDS[kind]})")
        yield made(f"rare_colour_{kind}", 2, 4 + kind, f"paint each object in its rarest colour ({_KINDS[kind]})")
    for kind in (1, 3):
        boxes = ("fill the box of each object", "keep the empty cells in the box of each object", "outline the box of each object", "fill the box of each object with colour 1")
        for what, text in enumerate(boxes):
            yield made(f"box_{what}_{kind}", 3, what * 4 + kind, f"{text} ({_KINDS[kind]})")
        for where, text in enumerate(_FALLS):
            yield made(f"objects_fall_{text}_{kind}", 4, where * 4 + kind, f"let objects fall {text} ({_KINDS[kind]})")
    touches = ("paint each object in the colour that touches it", "paint each object by whether another touches it", "keep objects that touch another")
    for what, text in enumerate(touches):
        yield made(f"touch_{what}", 5, what * 4 + 1, text)
    yield made("inside_colour", 6, 0, "paint each object in the colour inside its box")
    yield made("inside_any", 6, 4, "paint each object by whether its box holds another colour")


SCORES = (
    "coloured cells", "colours", "area", "distance from the top", "distance from the left", "objects",
    "one-coloured objects", "empty cells", "symmetry", "cells of one colour", "copies", "place in the list",
    "enclosed cells", "height", "width", "colour number", "images of its colours", "images of its shape",
    "images of its size",
)  # fmt: skip


def _list() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str, sized: bool = False) -> Transform:
        kind = IMAGE_TO_LIST if number < 20 else LIST_TO_IMAGE if number < 40 else LIST_TO_LIST
        return Transform(name, LIST, number, argument, kind, text, sized)

    for kind, how in enumerate(_KINDS):
        yield made(f"objects_{kind}", 0, kind, f"split into objects ({how})")
        yield made(f"object_boxes_{kind}", 0, 4 + kind, f"split into the boxes of objects ({how})")
    yield made("colours_0", 1, 0, "split by colour")
    yield made("colours_1", 1, 1, "split by colour, cropped")
    yield made("colours_2", 1, 2, "split into the boxes of colours")
    for rows, columns in ((1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (3, 3), (1, 4), (4, 1), (1, 5), (5, 1)):
        yield made(f"parts_{rows}{columns}", 2, rows * 10 + columns, f"split into {rows} x {columns} equal parts")
    yield made("between_lines", 3, 0, "split at whole lines of one colour")
    yield made("rows", 4, 0, "split into rows")
    yield made("columns", 4, 1, "split into columns")
    yield made("windows", 5, 0, "list the full windows of the output's size", True)
    yield made("tiles", 5, 1, "cut into tiles of the output's size", True)
    yield made("frames", 6, 0, "list what frames enclose")
    yield made("framed", 6, 1, "list the frames")
    for what, text in enumerate(SCORES):
        for least in (0, 1):
            word = "least" if least else "most"
            yield made(f"pick_{what}_{least}", 20, what * 4 + least, f"pick the one with the {word} {text}")
            yield made(f"only_{what}_{least}", 20, what * 4 + 2 + least, f"pick the only one with the {word} {text}")
            if what not in (10, 11, 18):
                yield made(f"keep_most_{what}_{least}", 40, what * 4 + least, f"keep those with the {word} {text}")
                yield made(f"drop_most_{what}_{least}", 40, what * 4 + 2 + least, f"drop those with the {word} {text}")
    for what in (0, 1, 2, 3, 4, 7, 13, 14):
        for least in (0, 1):
            word = "least" if least else "most"
            yield made(f"order_{what}_{least}", 41, what * 2 + least, f"sort by {SCORES[what]}, {word} first")
    yield made("odd_one_out", 21, 0, "pick the odd one out")
    for how, text in enumerate(("the smallest on top", "later ones on top", "earlier ones on top")):
        yield made(f"compose_{how}", 22, how, f"draw all at their places, {text}")
    for gap in (0, 1):
        for down, text in enumerate(("side by side", "one below the other")):
            more = ", a cell apart" if gap else ""
            yield made(f"stack_{down}{gap}", 23, down + 2 * gap, f"put all {text}{more}")
    combined = (
        "the first colour", "the last colour", "where all are coloured", "where exactly one is coloured",
        "the most frequent colour", "the number of coloured ones", "where only the first is coloured",
        "where all are empty",
    )  # fmt: skip
    for how, text in enumerate(combined):
        yield made(f"combine_{how}", 24, how, f"combine cell by cell: {text}")
    forms = ("one cell each, in a row", "one cell each, in a column", "one cell each, where they lie", "their number as a row", "their number as a column", "their number as a square")
    for how, text in enumerate(forms):
        yield made(f"summary_{how}", 25, how, f"summarise: {text}")


TRANSFORMS: tuple[Transform, ...] = (*_shape(), *_colour(), *_fill(), *_object(), *_list())
NUMBER = {transform.name: place for place, transform in enumerate(TRANSFORMS)}
assert len(NUMBER) == len(TRANSFORMS), "a transform's name is given twice"
