"""The transforms of objects compared with, moved to and copied onto each other."""

from collections.abc import Iterator

from solver.search.transform import FALLS, IMAGE_TO_IMAGE, MATCH, Transform


def _match(name: str, number: int, argument: int, text: str) -> Transform:
    return Transform(name, MATCH, number, argument, IMAGE_TO_IMAGE, text)


def _moved() -> Iterator[Transform]:
    """Objects moved to each other."""
    references = ("the largest object", "the lowest colour", "the highest colour")
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
    for what, text in enumerate((", the others stay", ", the others vanish", ", leaving a trail")):
        yield _match(f"to_own_colour_{what}", 1, what, f"move objects to the largest of their colour{text}")
    fixed = (
        "the largest object",
        "the most frequent colour",
        "the rarest colour",
        "objects of several cells",
    )
    for what, text in enumerate(fixed):
        yield _match(f"gather_{what}", 2, what, f"move objects to {text} and stack them there")
    for which, who in enumerate(("the most frequent colour", "the rarest colour")):
        for where, way in enumerate(FALLS):
            yield _match(
                f"cells_fall_{which}_{way}", 3, which * 4 + where, f"let each cell of {who} fall {way}"
            )
    changes = (
        "turn everything a quarter counter-clockwise", "turn everything by half",
        "turn everything a quarter clockwise", "mirror everything left-right", "mirror everything up-down",
    )  # fmt: skip
    for how, text in enumerate(changes):
        yield _match(f"turn_about_{how}", 4, 8 + how, f"{text} about the middle of the rarest colour")
    yield _match("explode_0", 5, 0, "move the parts of each object away from its middle by half its size")
    for steps in (1, 2):
        yield _match(f"explode_{steps}", 5, steps, f"move all cells away from the middle by {steps}")
    yield _match("centre_in", 6, 0, "move everything to the middle of the single cells of one colour")


def _completed() -> Iterator[Transform]:
    """Objects completed to copies of others."""
    for turned, more in enumerate(("", ", turned and mirrored too")):
        yield _match(
            f"complete_parts_{turned}", 7, turned, f"complete objects that are parts of others{more}"
        )
        text = "complete the copies of all objects by their cells of one colour"
        yield _match(f"complete_by_colour_{turned}", 8, turned, text + more)
        text = f"complete the enlarged copies of the richest objects{more}"
        yield _match(f"complete_scaled_{turned}", 9, turned, text)
        text = "give objects of one colour the look of the one with the same cells"
        yield _match(f"copy_look_{turned}", 11, turned, text + more)
    text = "complete the enlarged copies of the richest objects, turned and mirrored too, and erase these"
    yield _match("complete_scaled_3", 9, 3, text)
    for across, way in enumerate(("from top to bottom", "from left to right")):
        text = f"paint objects {way} in the colours of the richest object's cells"
        yield _match(f"legend_order_{across}", 10, across, text)


def match_transforms() -> Iterator[Transform]:
    """All of them."""
    yield from _moved()
    yield from _completed()
