"""The transforms of objects compared with, moved to and copied onto each other."""

from collections.abc import Iterator

from solver.search.transform import FALLS, IMAGE_TO_IMAGE, MATCH, Transform


def _match(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, MATCH, number, argument, IMAGE_TO_IMAGE, text)


def _moved() -> Iterator[Transform]:
    """Objects moved to each other."""
    references = ("the largest object", "the lowest colour number", "the highest colour number")
    sides = ("top", "bottom", "left side", "right side", "middle row", "middle column")
    for who, reference in enumerate(references):
        for side, place in enumerate(sides):
            if side < (6 if who == 0 else 4):
                yield _match(
                    f"align_{who}_{side}",
                    0,
                    who * 8 + side,
                    f"align all objects by the {place} of {reference}",
                )
    for what, text in enumerate((", the others stay", ", the others vanish")):
        yield _match(f"to_own_colour_{what}", 1, what, f"move objects to the largest of their colour{text}")
    fixed = ("the largest object", "objects of several cells")
    for what, text in enumerate(fixed):
        yield _match(f"gather_{what}", 2, what, f"move objects to {text} and stack them there")
    for where, way in enumerate(FALLS):
        yield _match(f"cells_fall_{way}", 3, where, f"let each cell of the rarest colour fall {way}")
    turns = ("a quarter counter-clockwise", "by half", "a quarter clockwise")
    for how, text in enumerate(turns):
        yield _match(f"turn_about_{how}", 4, how, f"turn everything {text} about the rarest colour")
    yield _match("explode", 5, 0, "move the parts of each object away from its middle by half its size")
    yield _match("centre_in", 6, 0, "move everything to the middle of the single cells of one colour")


def _completed() -> Iterator[Transform]:
    """Objects completed to copies of others."""
    for turned, more in enumerate(("", ", turned and mirrored too")):
        yield _match(
            f"complete_parts_{turned}", 7, turned, f"complete objects that are parts of others{more}"
        )
        text = f"complete the enlarged copies of the richest objects{more}"
        yield _match(f"complete_scaled_{turned}", 9, turned, text)
    text = "complete the enlarged copies of the richest objects, turned and mirrored too, and erase these"
    yield _match("complete_scaled_3", 9, 3, text)
    text = "complete the copies of all objects by their cells of one colour"
    yield _match("complete_by_colour", 8, 0, text)
    text = "give objects of one colour the look of the one with the same cells"
    yield _match("copy_look", 11, 0, text)
    text = "paint objects from top to bottom in the colours of the richest object's cells"
    yield _match("legend_order", 10, 0, text)


def _compared() -> Iterator[Transform]:
    """Objects and colours kept, numbered or painted by the others."""
    for where, way in enumerate(("below", "above", "to the right", "to the left")):
        yield _match(f"keep_beside_{where}", 12, where, f"keep objects that have another directly {way}")
    text = "number each object by its place from the left, odd or even"
    yield _match("order_modulo_2", 13, 2, text)
    text = "number each empty room by its place from the left, modulo 3"
    yield _match("order_rooms_modulo_3", 13, 8 + 3, text)
    text = "paint each object in the colour of the nearest, measured between cells"
    yield _match("nearest_colour", 14, 0, text)
    yield _match("enclosed_0", 15, 0, "keep objects that others enclose")
    yield _match("enclosed_1", 15, 1, "paint objects in the colour of the enclosed object of equal shape")
    yield _match("guests", 16, 0, "paint each colour in the colour of the single cells inside it")
    yield _match("reverse_rank", 17, 0, "exchange frequent and rare colours by rank")


def _stamped() -> Iterator[Transform]:
    """Objects drawn on marks, marks on objects."""
    yield _match("stamp_owners", 18, 0, "draw on single cells the object that has one cell of their colour")
    yield _match("stamp_middle", 19, 0, "replace single cells by the largest object, by its middle")
    for how, more in ((0, ""), (2, ", mirrored left-right")):
        text = f"draw the richest object on rectangles of its size{more}"
        yield _match(f"stamp_boxes_{how}", 20, how, text)
    yield _match("project_nearest", 21, 0, "move single cells into the box of the largest object")
    yield _match(
        "project_to_largest", 22, 0, "let all cells paint the cell of the largest object that they see"
    )
    yield _match("repeat_to_marks", 23, 0, "repeat objects to the edge towards the rarest colour")
    text = "mirror objects over the nearest edge of the most frequent colour"
    yield _match("mirror_over", 24, 0, text)


def _redrawn() -> Iterator[Transform]:
    """Objects drawn anew."""
    yield _match("mirror_axes", 25, 0, "make each object symmetric about the line of its rarest colour")
    for own, more in enumerate(("in that colour", "in its own colour, for them")):
        text = f"mirror each object to where other colours touch it, {more}"
        yield _match(f"mirror_to_marks_{own}", 26, own, text)


def match_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _moved()
    yield from _completed()
    yield from _compared()
    yield from _stamped()
    yield from _redrawn()
