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
        return bridge(grid, y, x, argument, out)
    if number == 2:
        return lines_cross(grid, y, x, out, work)
    if number == 3:
        return line_full(grid, y, x, argument, out, work)
    if number == 4:
        return between_dots(grid, y, x, out)
    if number == 5:
        return spans(grid, y, x, argument, out)
    if number == 6:
        return elbow(grid, y, x, argument, out, work)
    if number == 7:
        return slant(grid, y, x, argument % 2, argument // 2, out)
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
        return empty_squares(grid, y, x, out)
    return NONE
