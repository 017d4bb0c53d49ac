"""The kernel of each family of transforms of images."""

from solver.search.kernels.colour import colour_kernel
from solver.search.kernels.draw import draw_kernel
from solver.search.kernels.fill import fill_kernel
from solver.search.kernels.neighbours import object_kernel
from solver.search.kernels.pattern import pattern_kernel
from solver.search.kernels.relations import relation_kernel
from solver.search.kernels.resize import shape_kernel
from solver.search.transform import COLOUR, DRAW, FILL, OBJECT, PATTERN, RELATION, SHAPE

FAMILIES = {
    SHAPE: shape_kernel,
    COLOUR: colour_kernel,
    FILL: fill_kernel,
    OBJECT: object_kernel,
    RELATION: relation_kernel,
    DRAW: draw_kernel,
    PATTERN: pattern_kernel,
}
