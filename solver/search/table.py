"""The table of all transforms."""

from solver.search.table_images import colour_transforms, fill_transforms, shape_transforms
from solver.search.table_lists import list_transforms
from solver.search.table_match import match_transforms
from solver.search.table_objects import (
    draw_transforms,
    object_transforms,
    pattern_transforms,
    relation_transforms,
)
from solver.search.table_runs import run_transforms
from solver.search.transform import (
    COLOUR,
    DRAW,
    FILL,
    IMAGE_TO_IMAGE,
    IMAGE_TO_LIST,
    LIST,
    LIST_TO_IMAGE,
    LIST_TO_LIST,
    MATCH,
    OBJECT,
    PATTERN,
    RELATION,
    RUN,
    SHAPE,
    Transform,
)

__all__ = [
    "COLOUR", "DRAW", "FILL", "IMAGE_TO_IMAGE", "IMAGE_TO_LIST", "LIST", "LIST_TO_IMAGE", "LIST_TO_LIST",
    "MATCH", "NUMBER", "OBJECT", "PATTERN", "RELATION", "RUN", "SHAPE", "TRANSFORMS", "Transform",
]  # fmt: skip

TRANSFORMS: tuple[Transform, ...] = (
    *shape_transforms(),
    *colour_transforms(),
    *fill_transforms(),
    *object_transforms(),
    *relation_transforms(),
    *draw_transforms(),
    *pattern_transforms(),
    *run_transforms(),
    *match_transforms(),
    *list_transforms(),
)
NUMBER = {transform.name: place for place, transform in enumerate(TRANSFORMS)}
assert len(NUMBER) == len(TRANSFORMS), "a transform's name is given twice"
