"""The transforms of whole images: shape, colours and places, filling."""

from collections.abc import Iterator

from solver.search.transform import COLOUR, FALLS, FILL, IMAGE_TO_IMAGE, SHAPE, Transform

_TURNS = (
    "turn a quarter counter-clockwise",
    "turn by half",
    "turn a quarter clockwise",
    "mirror left-right",
    "mirror up-down",
    "mirror along the falling diagonal",
    "mirror along the rising diagonal",
)
_SIDES = ("left", "right", "top", "bottom")
_WAYS = ("right", "left", "down", "up", "down right", "down left", "up right", "up left")
_TOGETHER = {15: "in rows and columns", 240: "along diagonals", 255: "in all directions"}
_RANKS = ((0, "most frequent"), (1, "second most frequent"), (2, "third most frequent"), (-1, "rarest"))


def shape_transforms() -> Iterator[Transform]:
    def made(name: str, number: int, argument: int, text: str) -> Transform:
        return Transform(name, SHAPE, number, argument, IMAGE_TO_IMAGE, text)

    for how, text in enumerate(_TURNS, 1):
        yield made(f"turn_{how}", 0, how, text)
    yield made("crop", 1, 0, "crop to the coloured cells")
    yield made("crop_ground", 2, 0, "crop to what is not the most frequent colour")
    for which, side in enumerate(_SIDES):
        yield made(f"half_{side}", 3, which, f"take the {side} half")
    for which, side in enumerate(("left", "middle", "right", "top", "centre", "bottom")):
        yield made(f"third_{side}", 4, which, f"take the {side} third")
    yield made("trim", 5, 0, "cut off the outer ring")
    yield made("pad", 6, 0, "add an empty ring")
    yield made("drop_empty", 7, 0, "remove empty rows and columns")
    yield made("drop_repeats", 7, 1, "remove rows and columns equal to the one before")
    yield made("smallest_tile", 8, 0, "take the smallest tile that the image repeats")
    for factor in (2, 3, 4):
        yield made(f"enlarge_{factor}", 9, factor, f"enlarge every cell to {factor} x {factor}")
    for factor in (2, 3, 4):
        yield made(f"shrink_{factor}", 10, factor, f"shrink {factor} x {factor} cells to one")
    for factor in (2, 3):
        text = f"shrink {factor} x {factor} cells to one of their most frequent colour"
        yield made(f"shrink_any_{factor}", 10, 10 + factor, text)
    for rows, columns in ((1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (3, 3)):
        yield made(
            f"tile_{rows}{columns}", 11, rows * 10 + columns, f"repeat the image {rows} x {columns} times"
        )
    for rows, columns in ((1, 2), (2, 1), (2, 2), (3, 3)):
        argument = 100 + rows * 10 + columns
        yield made(
            f"mirror_tile_{rows}{columns}",
            11,
            argument,
            f"repeat the image {rows} x {columns} times, mirrored",
        )
    for wrap in (0, 1):
        for down, right, where in ((1, 0, "down"), (-1, 0, "up"), (0, 1, "right"), (0, -1, "left")):
            argument = wrap * 100 + (down + 1) * 10 + right + 1
            text = f"shift all cells one {where}" + (", around the edge" if wrap else "")
            yield made(f"shift_{where}_{wrap}", 12, argument, text)
    for down, right, where in ((1, 0, "down"), (-1, 0, "up"), (0, 1, "right"), (0, -1, "left")):
        yield made(f"move_{where}", 13, (down + 1) * 10 + right + 1, f"move the image one cell {where}")
    yield made("to_origin", 14, 0, "move the image to the upper left corner")
    for where, text in enumerate(FALLS):
        yield made(f"fall_{text}", 15, where, f"let every coloured cell fall {text}")
    for argument, text in enumerate(
        ("rows, fewest first", "rows, most first", "columns, fewest first", "columns, most first")
    ):
        yield made(f"sort_lines_{argument}", 16, argument, f"sort by number of coloured cells: {text}")
    for what, text in enumerate(("colours", "coloured cells")):
        yield made(f"enlarge_by_{what}", 22, what, f"enlarge every cell by the number of {text}")
        yield made(
            f"tile_by_{what}", 22, 10 + what, f"repeat the image in both directions as often as it has {text}"
        )
    yield from _sized()


def _sized() -> Iterator[Transform]:
    """Those that need the size of the wanted output."""

    def made(name: str, number: int, argument: int, text: str) -> Transform:
        return Transform(name, SHAPE, number, argument, IMAGE_TO_IMAGE, text, True)

    yield made("embed", 17, 0, "place on a canvas of the output's size")
    yield made("centre", 18, 0, "centre on a canvas of the output's size")
    yield made("repeat", 19, 0, "repeat the image over the output's size")
    yield made("repeat_mirrored", 19, 10, "repeat the image over the output's size, mirrored")
    yield made("repeat_gap", 19, 1, "repeat the image over the output's size with gaps")
    yield made("rewrap", 20, 0, "write the cells row by row into the output's size")
    yield made("rewrap_snake", 20, 1, "write the cells to and fro into the output's size")
    yield made("stretch", 21, 0, "stretch to the output's size")
    yield made("carry_on", 23, 0, "continue the repeated pattern over the output's size")
    yield made("condense", 24, 0, "shrink to the output's size by most frequent colours")
    text = "enlarge as far as the output's size allows, in its middle"
    yield made("enlarge_fit", 25, 0, text)
    text = "write the cells of each colour from a new row on into the output's size"
    yield made("bars_wrapped", 26, 0, text)


def _colour(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, COLOUR, number, argument, IMAGE_TO_IMAGE, text)


def _choosing() -> Iterator[Transform]:
    """Colours chosen, painted and exchanged."""
    for colour in range(1, 10):
        yield _colour(f"keep_{colour}", 0, colour, f"keep only colour {colour}")
        yield _colour(f"erase_{colour}", 1, colour, f"erase colour {colour}")
        yield _colour(f"paint_{colour}", 2, colour, f"paint all coloured cells in colour {colour}")
    for rank, text in _RANKS:
        yield _colour(f"keep_rank_{rank}", 3, rank, f"keep only the {text} colour")
        yield _colour(f"erase_rank_{rank}", 4, rank, f"erase the {text} colour")
    for rank, text in (_RANKS[0], _RANKS[3]):
        yield _colour(f"paint_rank_{rank}", 5, rank, f"paint all coloured cells in the {text} colour")
        yield _colour(f"swap_ground_rank_{rank}", 8, rank, f"exchange empty cells and the {text} colour")
        yield _colour(f"solid_rank_{rank}", 10, rank, f"paint the whole image in the {text} colour")
        yield _colour(f"cell_rank_{rank}", 11, rank, f"make a single cell of the {text} colour")
    for colour in (0, 1, 2, 3, 5, 8):
        text = f"colour {colour}" if colour else "the most frequent colour"
        yield _colour(
            f"invert_{colour}", 6, colour, f"empty the coloured cells and paint the empty ones in {text}"
        )
    yield _colour("swap_ground", 7, 0, "take the most frequent colour as empty")
    yield _colour("swap_two", 9, 0, "exchange the two colours")
    yield _colour("erase_border", 18, 0, "erase the most frequent colour of the outer ring")
    yield _colour("keep_border", 19, 0, "keep only the most frequent colour of the outer ring")
    yield _colour("erase_corner", 18, 1, "erase the colour of the lower right corner")


def _numbering() -> Iterator[Transform]:
    """Amounts, and facts about places, lines and neighbours."""
    counted = (
        "the number of coloured cells",
        "the number of colours",
        "the height",
        "the width",
        "the number of cells of the rarest colour",
        "the number of empty cells",
        "the number of rows with colour",
        "the number of columns with colour",
    )
    forms = ("row", "column", "square", "diagonal")
    for what, text in enumerate(counted):
        for form, shape in enumerate(forms):
            if what not in (2, 3) or form < 3:
                yield _colour(
                    f"amount_{what}_{form}",
                    12,
                    what * 10 + form,
                    f"draw {text} as a {shape} of cells",
                )
    places = (
        "row modulo 2", "column modulo 2", "row + column modulo 2", "row modulo 3", "column modulo 3",
        "row + column modulo 3", "distance to the edge", "row - column modulo 3", "side of the diagonal",
        "edge or not", "row number", "column number", "rows from the end", "columns from the end",
        "ring modulo 2",
    )  # fmt: skip
    for what, text in enumerate(places):
        yield _colour(f"place_{what}", 13, what, f"number each cell by {text}")
    lines = (
        "its most frequent colour", "holding a colour", "its number of coloured cells",
        "being of one colour", "its rarest colour", "its first colour", "its last colour",
        "its number of colours", "its place among those with colour",
    )  # fmt: skip
    for what, text in enumerate(lines):
        for columns, line in enumerate(("row", "column")):
            yield _colour(f"line_{what}_{line}", 14, what * 2 + columns, f"paint each {line} by {text}")
    near = (
        "its coloured neighbours (4)",
        "its coloured neighbours (8)",
        "its equal neighbours (4)",
        "its equal neighbours (8)",
        "the most frequent colour of its neighbours (8)",
    )
    for what, text in enumerate(near):
        yield _colour(f"near_{what}", 15, what, f"number each cell by {text}")
    yield _colour("erase_frequent", 16, 0, "erase the most frequent colour")


def colour_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _choosing()
    yield from _numbering()


def _fill(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, FILL, number, argument, IMAGE_TO_IMAGE, text)


def _enclosing() -> Iterator[Transform]:
    """Regions, outlines and surroundings."""
    for only in (0, 1):
        rest = " and keep only that" if only else ""
        for diagonal in (0, 1):
            way = "not even a diagonal path" if diagonal else "no path"
            for colour in (0, 1, 2, 3, 4) if only == 0 and diagonal == 0 else (0, 1):
                argument = only * 100 + diagonal * 10 + colour
                name = f"colour {colour}" if colour else "the most frequent colour"
                yield _fill(
                    f"fill_{argument}",
                    0,
                    argument,
                    f"fill empty cells that {way} joins to the edge with {name}{rest}",
                )
        yield _fill(
            f"fill_by_wall_{only}", 1, only, f"fill enclosed regions with the colour of their wall{rest}"
        )
    for diagonal in (0, 1):
        yield _fill(
            f"outline_{diagonal}",
            2,
            2 * diagonal,
            f"keep the outline of coloured areas ({4 + 4 * diagonal} neighbours)",
        )
        yield _fill(
            f"inside_{diagonal}",
            2,
            2 * diagonal + 1,
            f"keep coloured areas without their outline ({4 + 4 * diagonal} neighbours)",
        )
    for grow in (0, 1):
        for diagonal in (0, 1):
            for colour in (0, 1, 2, 3) if grow == 0 else (0, 1):
                name = f"colour {colour}" if colour else "the same colour"
                more = ", one cell larger" if grow else ""
                argument = grow * 100 + diagonal * 10 + colour
                yield _fill(
                    f"surround_{argument}",
                    3,
                    argument,
                    f"surround coloured cells with {name} ({4 + 4 * diagonal} neighbours{more})",
                )


def _running() -> Iterator[Transform]:
    """Colours that run, connect and spread."""
    for bits in (1, 2, 4, 8, 3, 12, 15, 16, 32, 64, 128, 144, 96, 240, 255, 5, 6, 9, 10):
        where = _TOGETHER.get(bits) or " and ".join(name for bit, name in enumerate(_WAYS) if bits >> bit & 1)
        yield _fill(f"smear_{bits}", 4, bits, f"extend colours {where} over empty cells")
    for bits in (1, 2, 4, 8):
        yield _fill(
            f"smear_over_{bits}",
            4,
            1000 + bits,
            f"extend colours {_WAYS[(1, 2, 4, 8).index(bits)]} to the edge over other colours",
        )
    for bits, text in (
        (1, "in rows"),
        (2, "in columns"),
        (3, "in rows and columns"),
        (12, "in diagonals"),
        (15, "in all directions"),
    ):
        yield _fill(f"connect_{bits}", 5, bits, f"connect cells of equal colour {text}")
        yield _fill(
            f"between_{bits}", 5, 100 + bits, f"keep only the connections of cells of equal colour {text}"
        )
    yield _fill("spread_0", 6, 0, "give empty cells the nearest colour (4 neighbours)")
    yield _fill("spread_1", 6, 1, "give empty cells the nearest colour (8 neighbours)")
    for bits, text in (
        (1, "rows"),
        (2, "columns"),
        (3, "rows and columns"),
        (4, "falling diagonals"),
        (8, "rising diagonals"),
        (12, "both diagonals"),
        (15, "all lines"),
    ):
        yield _fill(f"lines_{bits}", 7, bits, f"draw {text} through coloured cells")


def _completing() -> Iterator[Transform]:
    """Symmetry, boxes and periods."""
    mirrors = (
        "left-right",
        "up-down",
        "left-right and up-down",
        "the falling diagonal",
        "the rising diagonal",
        "a half turn",
        "all quarter turns",
    )
    for how, text in enumerate(mirrors):
        yield _fill(f"overlay_mirror_{how}", 8, how, f"fill empty cells by {text} symmetry")
    for only in (0, 1):
        for colour in (0, 1, 2):
            name = f"colour {colour}" if colour else "the most frequent colour"
            rest = " and keep only that" if only else ""
            yield _fill(
                f"hull_{only}{colour}",
                9,
                only * 10 + colour,
                f"fill empty cells in the box of all coloured cells with {name}{rest}",
            )
    yield _fill("middle", 10, 0, "take the cell or the 2 x 2 cells in the middle")
    for side in (2, 3, 4):
        text = f"keep only {side} x {side} blocks of one colour and what overlaps such blocks"
        yield _fill(f"blocks_{side}", 13, side, text)
    for side in (2, 3):
        yield _fill(f"empty_blocks_{side}", 13, 10 + side, f"paint empty {side} x {side} blocks in colour 1")
    yield _fill("empty_squares", 15, 0, "paint the largest empty squares in colour 1, then smaller ones")
    yield _fill("complete_lines", 14, 0, "complete rows and columns so that each holds every colour once")
    for colour in (1, 2, 3):
        yield _fill(
            f"fill_outside_{colour}",
            11,
            colour,
            f"fill empty cells that a path joins to the edge with colour {colour}",
        )
    for hole in range(10):
        yield _fill(
            f"mend_{hole}", 12, hole, f"replace colour {hole} by what symmetry or a repeated pattern says"
        )
        yield _fill(
            f"hidden_{hole}",
            12,
            10 + hole,
            f"cut out what colour {hole} hides of a symmetry or a repeated pattern",
        )


def fill_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _enclosing()
    yield from _running()
    yield from _completing()
