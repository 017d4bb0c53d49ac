"""The transforms that draw and measure on the grid without comparing objects."""

from collections.abc import Iterator

from solver.search.transform import IMAGE_TO_IMAGE, KINDS, RUN, Transform


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
    yield _run("bridge", 1, 0, "fill rows and columns that have the same colour at both ends")
    yield _run(
        "lines_cross", 2, 0, "draw rows and columns through coloured cells, crossings stay as they are"
    )
    for columns, lines in enumerate(("row", "column")):
        yield _run(f"line_full_{lines}", 3, columns, f"number each {lines} by whether it has an empty cell")
    yield _run("between_dots", 4, 0, "draw every second cell between neighbours in rows and columns")
    yield _run("spans", 5, 0, "take what lies between the markers of each row")
    yield _run("elbow", 6, 0, "connect two cells of one colour down, then sideways; cells alone run down")
    for right, way in enumerate(("left", "right")):
        yield _run(f"slant_{way}", 7, right, f"move rows {way} by their distance from the last one")
    for gap, cells in ((1, "one empty cell"), (3, "three empty cells")):
        yield _run(f"space_out_{gap}", 8, gap, f"put {cells} between all cells")
    yield _run("corner_cells", 9, 0, "take the four corner cells")
    yield _run("lines_short", 10, 0, "draw lines along the shorter side through coloured cells")
    yield _run("alternate", 11, 0, "continue lines with equal gaps along the longer side in turn")
    yield _run("to_both_edges", 12, 0, "draw from single cells to the nearest two edges")


def _by_place() -> Iterator[Transform]:
    """What is numbered by its place, and large empty areas."""
    for diagonal, way in enumerate(("4 neighbours", "8 neighbours")):
        for modulo in (0, 2, 3) if diagonal else (0, 2):
            more = f" modulo {modulo}" if modulo else ""
            yield _run(
                f"distance_{4 + 4 * diagonal}_{modulo}",
                13,
                diagonal * 4 + modulo,
                f"number each cell by steps to the nearest coloured one{more} ({way})",
            )
        yield _run(
            f"spread_ties_{diagonal}",
            14,
            diagonal,
            f"give empty cells the nearest colour, none where two are equally near ({way})",
        )
    for what, text in enumerate(("row", "column")):
        for modulo in (3, 4) if what == 1 else (2, 3):
            yield _run(
                f"offset_{text}_{modulo}",
                15,
                what * 5 + modulo,
                f"number each cell by {text} modulo {modulo} from the first coloured {text} on",
            )
        for modulo in (2, 3):
            yield _run(
                f"offset_end_{text}_{modulo}",
                15,
                (what + 2) * 5 + modulo,
                f"number each cell by {text} from the end modulo {modulo}",
            )
    yield _run("largest_rectangle", 16, 0, "keep only the largest empty rectangle")


def _from_objects() -> Iterator[Transform]:
    """What is drawn from each object by itself."""
    yield _run("leak", 17, 0, "fill the box of each object with colour 1 that leaks out of its openings")
    for kind in (1, 3):
        yield _run(
            f"middle_each_{kind}", 18, kind, f"keep the middle of the box of each object ({KINDS[kind]})"
        )
    yield _run("point_each", 18, 6, f"keep one cell of each object ({KINDS[2]})")
    for colour, name in enumerate(("their colour", "colour 1")):
        yield _run(f"outer_rays_{colour}", 19, colour, f"draw diagonals away from full rectangles in {name}")
    yield _run("burst", 20, 0, "let the cells of each object run away from its middle")
    yield _run("grow_square", 21, 0, "grow each cell of the rarest colour to a square up to other colours")
    yield _run("cluster_boxes", 24, 0, "fill the boxes of groups of one colour with gaps of one cell")
    yield _run("bends", 25, 0, "number corners of lines by whether they bend around an enclosed area")
    yield _run("local_skeleton", 22, 0, "number cells by lying on their object's middle lines")
    yield _run("room_corner", 23, 0, "number empty rooms by the corner or edge of the image that they hold")


def _walking() -> Iterator[Transform]:
    """What walks over the grid, and turns."""
    ways = ("right", "left", "down", "up")
    for way, side in ((3, 0), (2, 0)):
        yield _run(
            f"detour_{ways[way]}_{ways[side]}",
            26,
            way * 4 + side,
            f"let the rarest colour run {ways[way]}, around others on the {ways[side]} side",
        )
    yield _run("spiral_around", 27, 0, "draw a spiral around the only cell of the rarest colour")
    yield _run("spiral_inside", 27, 1, "draw a spiral over an empty image of the same size")
    yield _run("flow_alternate", 28, 0, "let rare colours flow in turns through empty cells")
    yield _run("smear_within", 29, 0, "extend odd cells across stripes to the end of their area")
    yield _run("hits", 30, 0, "keep the cells that the rarest colour sees in rows and columns")
    for quarter, text in enumerate(("half", "quarter")):
        yield _run(f"turn_symmetry_{text}", 31, quarter, f"complete by the best {text} turn about a middle")


def run_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _along_lines()
    yield from _by_place()
    yield from _from_objects()
    yield from _walking()
