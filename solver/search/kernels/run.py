"""The kernel of the family that draws and measures on the grid."""

from solver.search.jit import outer
from solver.search.kernels.run_lines import (
    between_dots,
    bridge,
    corner_cells,
    elbow,
    line_full,
    lines_cross,
    slant,
    space_out,
    spans,
    step_smear,
)
from solver.search.kernels.run_objects import (
    burst,
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
    empty_squares,
    largest_rectangles,
    offset_fact,
    spread_ties,
)
from solver.search.kernels.shape import NONE


@outer
def run_kernel(number, argument, grid, y, x, height, width, out, work):
    """The transform of this number."""
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
        return elbow(grid, y, x, argument, out, work)
    if number == 7:
        return slant(grid, y, x, argument, out)
    if number == 8:
        return space_out(grid, y, x, argument, out)
    if number == 9:
        return corner_cells(grid, y, x, out)
    if number == 10:
        return distance_fact(grid, y, x, argument // 4, argument % 4, out, work)
    if number == 11:
        return spread_ties(grid, y, x, argument, out, work)
    if number == 12:
        return offset_fact(grid, y, x, argument // 5, argument % 5, out)
    if number == 13:
        return largest_rectangles(grid, y, x, out, work)
    if number == 14:
        return empty_squares(grid, y, x, out, work)
    if number == 15:
        return leak(grid, y, x, out, work)
    if number == 16:
        return middle_each(grid, y, x, argument // 4, argument % 4, out, work)
    if number == 17:
        return outer_rays(grid, y, x, argument, out, work)
    if number == 18:
        return burst(grid, y, x, out, work)
    if number == 19:
        return grow_square(grid, y, x, out)
    if number == 20:
        return local_skeleton(grid, y, x, out, work)
    if number == 21:
        return room_corner(grid, y, x, out, work)
    if number == 22:
        return detour(grid, y, x, argument // 4, argument % 4, out)
    if number == 23:
        return spiral_around(grid, y, x, out) if argument == 0 else spiral_inside(grid, y, x, out)
    if number == 24:
        return flow_alternate(grid, y, x, out, work)
    if number == 25:
        return smear_within(grid, y, x, out, work)
    if number == 26:
        return hits(grid, y, x, out)
    if number == 27:
        return turn_symmetry(grid, y, x, argument, out, work)
    return NONE
