"""The kernel of the family that draws and measures on the grid."""

from solver.search.jit import inner, outer
from solver.search.kernels.run_lines import (
    alternate,
    between_dots,
    bridge,
    corner_cells,
    elbow,
    line_full,
    lines_cross,
    lines_short,
    slant,
    space_out,
    spans,
    step_smear,
    to_both_edges,
)
from solver.search.kernels.run_objects import (
    bends,
    burst,
    cluster_boxes,
    grow_square,
    leak,
    local_skeleton,
    middle_each,
    outer_rays,
    room_corner,
)
from solver.search.kernels.run_paths import (
    detour,
    flow_alternate,
    hits,
    smear_within,
    spiral_around,
    spiral_inside,
    turn_symmetry,
)
from solver.search.kernels.run_places import (
    distance_fact,
    largest_rectangles,
    offset_fact,
    spread_ties,
)
from solver.search.kernels.shape import NONE


@inner
def along_lines(number, argument, grid, y, x, out, work):
    """The transforms that draw along rows and columns, numbers 0 to 12."""
    if number == 0:
        return step_smear(grid, y, x, argument, out)
    if number == 1:
        return bridge(grid, y, x, out)
    if number == 2:
        return lines_cross(grid, y, x, out, work)
    if number == 3:
        return line_full(grid, y, x, argument, out, work)
    if number == 4:
        return between_dots(grid, y, x, out)
    if number == 5:
        return spans(grid, y, x, out)
    if number == 6:
        return elbow(grid, y, x, out, work)
    if number == 7:
        return slant(grid, y, x, argument, out)
    if number == 8:
        return space_out(grid, y, x, argument, out)
    if number == 9:
        return corner_cells(grid, y, x, out)
    if number == 10:
        return lines_short(grid, y, x, out)
    if number == 11:
        return alternate(grid, y, x, out, work)
    if number == 12:
        return to_both_edges(grid, y, x, out)
    return NONE


@inner
def from_objects(number, argument, grid, y, x, out, work):
    """The transforms that draw from single objects, numbers 18 to 26."""
    if number == 17:
        return leak(grid, y, x, out, work)
    if number == 18:
        return middle_each(grid, y, x, argument // 4, argument % 4, out, work)
    if number == 19:
        return outer_rays(grid, y, x, argument, out, work)
    if number == 20:
        return burst(grid, y, x, out, work)
    if number == 21:
        return grow_square(grid, y, x, out)
    if number == 22:
        return local_skeleton(grid, y, x, out, work)
    if number == 23:
        return room_corner(grid, y, x, out, work)
    if number == 24:
        return cluster_boxes(grid, y, x, out, work)
    if number == 25:
        return bends(grid, y, x, out, work)
    return NONE


@outer
def run_kernel(number, argument, grid, y, x, height, width, out, work):
    """The transform of this number."""
    if number < 13:
        return along_lines(number, argument, grid, y, x, out, work)
    if 17 <= number < 26:
        return from_objects(number, argument, grid, y, x, out, work)
    if number == 13:
        return distance_fact(grid, y, x, argument // 4, argument % 4, out, work)
    if number == 14:
        return spread_ties(grid, y, x, argument, out, work)
    if number == 15:
        return offset_fact(grid, y, x, argument // 5, argument % 5, out)
    if number == 16:
        return largest_rectangles(grid, y, x, out, work)
    if number == 26:
        return detour(grid, y, x, argument // 4, argument % 4, out)
    if number == 27:
        return spiral_around(grid, y, x, out) if argument == 0 else spiral_inside(grid, y, x, out)
    if number == 28:
        return flow_alternate(grid, y, x, out, work)
    if number == 29:
        return smear_within(grid, y, x, out, work)
    if number == 30:
        return hits(grid, y, x, out)
    if number == 31:
        return turn_symmetry(grid, y, x, argument, out, work)
    return NONE
