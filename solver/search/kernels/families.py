"""The kernel of each family of transforms of images."""

from collections.abc import Callable

from numba import types

from solver.search.jit import compiled
from solver.search.kernels.colour import colour_kernel
from solver.search.kernels.draw import draw_kernel
from solver.search.kernels.fill import fill_kernel
from solver.search.kernels.match_kernel import match_kernel
from solver.search.kernels.neighbours import object_kernel
from solver.search.kernels.pattern import pattern_kernel
from solver.search.kernels.relations import relation_kernel
from solver.search.kernels.resize import shape_kernel
from solver.search.kernels.run import run_kernel
from solver.search.transform import COLOUR, DRAW, FILL, MATCH, OBJECT, PATTERN, RELATION, RUN, SHAPE

FAMILIES = {
    SHAPE: shape_kernel,
    COLOUR: colour_kernel,
    FILL: fill_kernel,
    OBJECT: object_kernel,
    RELATION: relation_kernel,
    DRAW: draw_kernel,
    PATTERN: pattern_kernel,
    RUN: run_kernel,
    MATCH: match_kernel,
}
GRID = types.Array(types.uint8, 2, "C")
WORK = types.Array(types.int32, 2, "C")
# kernel(number, argument, grid, y, x, wanted height, wanted width, out, work) -> height, width, y, x;
# height 0: it does not apply
IMAGE_KERNEL = types.FunctionType(
    types.UniTuple(types.int64, 4)(
        types.int64, types.int64, GRID, types.int64, types.int64, types.int64, types.int64, GRID, WORK
    )
)


def kernel_of(family: str) -> Callable:
    """The family's kernel, compiled for the signature that the runner calls."""
    return compiled(FAMILIES[family], IMAGE_KERNEL.signature)
