"""What a transform is: its name, the kernel that it runs, and what it does in plain words."""

from dataclasses import dataclass

SHAPE, COLOUR, FILL, OBJECT, LIST = "shape", "colour", "fill", "object", "list"
RELATION, DRAW, PATTERN = "relation", "draw", "pattern"
RUN, MATCH = "run", "match"
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


KINDS = ("4-connected", "8-connected", "4-connected one-coloured", "8-connected one-coloured")
FALLS = ("down", "up", "right", "left")
