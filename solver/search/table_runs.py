"""The transforms that draw and measure on the grid without comparing objects."""

from collections.abc import Iterator

from solver.search.transform import IMAGE_TO_IMAGE, RUN, Transform


def _run(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, RUN, number, argument, IMAGE_TO_IMAGE, text)


def _along_lines() -> Iterator[Transform]:
    """What is drawn along rows and columns."""
    ways = {
        1: "on the right", 2: "on the left", 4: "below", 8: "above", 3: "left and right",
        12: "above and below", 240: "diagonally",
    }  # fmt: skip
    for bits, way in ways.items():
        yield _run(f"step_smear_{bits}", 0, bits, f"extend colours by one empty cell {way}")
    for bits, lines in ((1, "rows"), (2, "columns"), (3, "rows and columns")):
        yield _run(f"bridge_{bits}", 1, bits, f"fill {lines} that have the same colour at both ends")
    yield _run("lines_cross", 2, 0, "draw rows and columns through coloured cells, crossings empty")
    for columns, lines in enumerate(("row", "column")):
        yield _run(f"line_full_{lines}", 3, columns, f"number each {lines} by whether it has an empty cell")
    yield _run("between_dots", 4, 0, "draw every second cell between neighbours in rows and columns")
    for columns, lines in enumerate(("row", "column")):
        yield _run(f"spans_{lines}", 5, columns, f"take what lies between the markers of each {lines}")
    ways = ("down, then sideways", "sideways, then down", "down, then sideways; cells alone run down")
    for what, text in enumerate(ways):
        yield _run(f"elbow_{what}", 6, what, f"connect two cells of one colour {text}")
    for argument in range(4):
        way, end = ("left", "right")[argument % 2], ("first", "last")[argument // 2]
        yield _run(f"slant_{argument}", 7, argument, f"move rows {way} by their distance from the {end} one")
    for gap, cells in ((1, "one empty cell"), (3, "three empty cells")):
        yield _run(f"space_out_{gap}", 8, gap, f"put {cells} between all cells")
    yield _run("corner_cells", 9, 0, "take the four corner cells")


def _by_place() -> Iterator[Transform]:
    """What is numbered by its place, and large empty areas."""
    for diagonal, way in enumerate(("4 neighbours", "8 neighbours")):
        for modulo in (0, 2, 3):
            more = f" modulo {modulo}" if modulo else ""
            yield _run(
                f"distance_{4 + 4 * diagonal}_{modulo}",
                10,
                diagonal * 4 + modulo,
                f"number each cell by steps to the nearest coloured one{more} ({way})",
            )
        yield _run(
            f"spread_ties_{diagonal}",
            11,
            diagonal,
            f"give empty cells the nearest colour, none where two are equally near ({way})",
        )
    for what, text in enumerate(("row", "column")):
        for modulo in (2, 3, 4):
            yield _run(
                f"offset_{text}_{modulo}",
                12,
                what * 5 + modulo,
                f"number each cell by {text} modulo {modulo} from the first coloured {text} on",
            )
        for modulo in (2, 3):
            yield _run(
                f"offset_end_{text}_{modulo}",
                12,
                (what + 2) * 5 + modulo,
                f"number each cell by {text} from the end modulo {modulo}",
            )
    yield _run("largest_rectangle", 13, 0, "keep only the largest empty rectangle")
    yield _run("empty_squares", 14, 0, "paint empty squares in colour 1, the largest first")


def run_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _along_lines()
    yield from _by_place()
