"""The transforms of lists of images."""

from collections.abc import Iterator

from solver.search.transform import IMAGE_TO_LIST, KINDS, LIST, LIST_TO_IMAGE, LIST_TO_LIST, Transform

_COUNTED = {
    0: "coloured cells", 1: "colours", 5: "objects", 6: "one-coloured objects", 7: "empty cells",
    9: "cells of one colour", 10: "equal images", 12: "enclosed cells", 16: "images of its colours",
    17: "images of its shape", 18: "images of its size", 19: "cells that are not of its main colour",
}  # fmt: skip
_MEASURED = {
    2: "area", 3: "distance from the top", 4: "distance from the left", 8: "symmetry",
    11: "place", 13: "height", 14: "width", 15: "colour number",
}  # fmt: skip
_SCORES = range(len(_COUNTED) + len(_MEASURED))


def _score(what: int, least: int) -> str:
    """The words for the greatest or least of a score."""
    if what == 11:
        return f"{('last', 'first')[least]} place in the list"
    if what in _COUNTED:
        return f"{('most', 'fewest')[least]} {_COUNTED[what]}"
    return f"{('greatest', 'smallest')[least]} {_MEASURED[what]}"


def _list(name: str, number: int, argument: int, text: str, sized: bool = False) -> Transform:
    kind = IMAGE_TO_LIST if number < 20 else LIST_TO_IMAGE if number < 40 else LIST_TO_LIST
    return Transform(name, LIST, number, argument, kind, text, sized)


def _splitting() -> Iterator[Transform]:
    """An image into a list."""
    for kind, how in enumerate(KINDS):
        yield _list(f"objects_{kind}", 0, kind, f"split into objects ({how})")
        yield _list(f"object_boxes_{kind}", 0, 4 + kind, f"cut out the box of each object ({how})")
    yield _list("colours_0", 1, 0, "split by colour")
    yield _list("colours_1", 1, 1, "split by colour, cropped")
    yield _list("colours_2", 1, 2, "cut out the box of each colour")
    for rows, columns in ((1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (3, 3), (1, 4), (4, 1), (1, 5), (5, 1)):
        yield _list(
            f"parts_{rows}{columns}", 2, rows * 10 + columns, f"split into {rows} x {columns} equal parts"
        )
    yield _list("between_lines", 3, 0, "split at whole lines of one colour")
    yield _list("rows", 4, 0, "split into rows")
    yield _list("columns", 4, 1, "split into columns")
    yield _list("windows", 5, 0, "list all windows of the output's size without empty cells", True)
    yield _list("tiles", 5, 1, "cut into tiles of the output's size", True)
    yield _list("frames", 6, 0, "cut out what frames enclose")
    yield _list("framed", 6, 1, "cut out the frames with what they enclose")
    for diagonal in (0, 1):
        yield _list(f"rooms_{diagonal}", 7, diagonal, f"list the empty rooms ({4 + 4 * diagonal}-connected)")
    for radius in (1, 2):
        yield _list(
            f"marks_{radius}",
            8,
            radius,
            f"list the {2 * radius + 1} x {2 * radius + 1} windows around the rarest colour",
        )
    yield _list("marks_c5_1", 8, 51, "list the 3 x 3 windows around colour 5")
    for what, text in enumerate(
        ("mirrored left-right", "mirrored up-down", "its three mirror images", "turned by quarters")
    ):
        yield _list(
            f"symmetries_{what}",
            9,
            what,
            f"list the image and it {text}" if what != 2 else f"list the image and {text}",
        )
    for how, text in enumerate(("carried around", "mirrored")):
        yield _list(f"pinwheel_{how}", 10, how, f"put copies at the four sides of a square, {text}")
    yield _list("areas", 11, 0, "cut out the box of each area that is not of the most frequent colour")
    for side, text in ((1, "cells that are not of the main colour"), (2, "2 x 2 blocks of one colour")):
        yield _list(f"spans_{side}", 12, side, f"list what lies in rows between {text}")
    for copies in (2, 3):
        yield _list(f"copies_{copies}", 13, copies, f"list the image {copies} times")


def _choosing() -> Iterator[Transform]:
    """Some of a list."""
    for what in _SCORES:
        for least in (0, 1):
            text = _score(what, least)
            yield _list(f"pick_{what}_{least}", 20, what * 4 + least, f"pick the one with the {text}")
            yield _list(
                f"only_{what}_{least}", 20, what * 4 + 2 + least, f"pick the only one with the {text}"
            )
            if what not in (10, 11, 18):
                yield _list(f"keep_most_{what}_{least}", 40, what * 4 + least, f"keep those with the {text}")
                yield _list(
                    f"drop_most_{what}_{least}",
                    40,
                    what * 4 + 2 + least,
                    f"drop those with the {text}",
                )
    for what in (0, 1, 2, 3, 4, 7, 9, 12, 13, 14, 15, 19):
        for least in (0, 1):
            yield _list(f"order_{what}_{least}", 41, what * 2 + least, f"sort, {_score(what, least)} first")
    for colour in (1, 2, 3, 4, 8):
        what = 20 + colour
        yield _list(f"pick_{what}_0", 20, what * 4, f"pick the one with the most cells of colour {colour}")
    yield _list("drop_blank", 43, 0, "drop images without a coloured cell")
    for columns in (0, 2, 3):
        more = f", {columns} in a row" if columns else ""
        yield _list(f"reading_order_{columns}", 42, columns, f"sort in reading order{more}")


def _joining() -> Iterator[Transform]:
    """A list into an image."""
    yield _list("odd_one_out", 21, 0, "pick the odd one out")
    for how, text in enumerate(("the smallest on top", "later ones on top", "earlier ones on top")):
        yield _list(f"compose_{how}", 22, how, f"draw all images at their places, {text}")
    for gap in (0, 1):
        for down, text in enumerate(("side by side", "one below the other")):
            more = ", a cell apart" if gap else ""
            yield _list(f"stack_{down}{gap}", 23, down + 2 * gap, f"put all images {text}{more}")
    combined = (
        "the first that is coloured", "the last that is coloured", "where all are coloured",
        "where exactly one is coloured",
        "the most frequent colour", "the number of coloured ones", "where only the first is coloured",
        "where all are empty",
    )  # fmt: skip
    for how, text in enumerate(combined):
        yield _list(f"combine_{how}", 24, how, f"combine cell by cell: {text}")
    forms = (
        "one cell for each, in a row",
        "one cell for each, in a column",
        "one cell for each, as they lie",
        "their number as a row",
        "their number as a column",
        "their number as a square",
    )
    for how, text in enumerate(forms):
        yield _list(f"summary_{how}", 25, how, f"summarise: {text}")
    for apart, text in enumerate(("its corner on the last one's", "its corner beyond the last one's")):
        yield _list(
            f"chain_{apart}", 23, 10 + apart, f"put each image down and right of the one before, {text}"
        )
    for gap, more in enumerate(("", ", a cell apart")):
        for columns in (0, 2, 3):
            row = f"{columns} in a row" if columns else "as a square"
            yield _list(
                f"layout_{columns}{gap}", 26, 10 * gap + columns, f"put all images side by side, {row}{more}"
            )
    products = (
        "{} in the coloured cells of the {}",
        "{} in the coloured cells of the {}, in their colour",
        "{} in the empty cells of the {}",
    )
    for what in range(6):
        names = ("second", "first") if what % 2 == 0 else ("first", "second")
        yield _list(f"product_of_{what}", 27, what, "draw the " + products[what // 2].format(*names))
    yield _list("overlay_0", 28, 0, "draw all on each other, upper left corners together")
    yield _list("overlay_1", 28, 1, "draw all on each other, middles together")
    for what in (0, 1, 2, 4):
        for least in (0, 1):
            yield _list(
                f"second_{what}_{least}",
                29,
                what * 2 + least,
                f"pick the one with the second {_score(what, least)}",
            )


def _drawing() -> Iterator[Transform]:
    """A list into an image that shows facts about its images."""
    for inside, text in enumerate(("as wide as the first one", "around a square as wide as the last one")):
        yield _list(f"nest_{inside}", 30, inside, f"draw square rings in their main colours, {text}")
    lengths = {**_COUNTED, **_MEASURED}
    for what in (0, 13, 14, 19):
        length = f"number of {lengths[what]}" if what in _COUNTED else lengths[what]
        for down, form in enumerate(("row", "column")):
            yield _list(
                f"chart_{what}_{form}",
                31,
                what * 2 + down,
                f"draw a {form} for each in its main colour, as long as its {length}",
            )
    for what in (0, 1, 5, 7, 8, 12):
        text = f"number of {lengths[what]}" if what in _COUNTED else lengths[what]
        yield _list(f"numbers_{what}", 32, what, f"draw one cell for each, as they lie: its {text}")
    for gap, more in enumerate(("", ", a cell apart")):
        yield _list(f"along_{gap}", 33, gap, f"put all images along the line on which they lie{more}")


def list_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _splitting()
    yield from _choosing()
    yield from _joining()
    yield from _drawing()
