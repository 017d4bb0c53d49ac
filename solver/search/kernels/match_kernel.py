"""The kernel of the family of objects that are compared with, moved to and copied onto each other."""

from solver.search.jit import inner, outer
from solver.search.kernels.match_copy import (
    complete_by_colour,
    complete_parts,
    complete_scaled,
    copy_look,
    legend_order,
)
from solver.search.kernels.match_facts import (
    enclosed,
    guests,
    keep_beside,
    nearest_colour,
    order_modulo,
    reverse_rank,
)
from solver.search.kernels.match_move import (
    align,
    centre_in,
    explode,
    fall_cells,
    gather,
    to_own_colour,
    turn_about,
)
from solver.search.kernels.match_shape import mirror_axes, mirror_to_marks
from solver.search.kernels.match_stamp import (
    mirror_over,
    project_nearest,
    project_to_largest,
    repeat_to_marks,
    stamp_boxes,
    stamp_middle,
    stamp_owners,
)
from solver.search.kernels.shape import NONE


@inner
def drawn(number, argument, grid, y, x, out, work):
    """Those from number 18 on: objects drawn on marks and anew."""
    if number == 18:
        return stamp_owners(grid, y, x, out, work)
    if number == 19:
        return stamp_middle(grid, y, x, out, work)
    if number == 20:
        return stamp_boxes(grid, y, x, argument, out, work)
    if number == 21:
        return project_nearest(grid, y, x, out, work)
    if number == 22:
        return project_to_largest(grid, y, x, out, work)
    if number == 23:
        return repeat_to_marks(grid, y, x, out, work)
    if number == 24:
        return mirror_over(grid, y, x, out, work)
    if number == 25:
        return mirror_axes(grid, y, x, out, work)
    if number == 26:
        return mirror_to_marks(grid, y, x, argument, out, work)
    return NONE


@outer
def match_kernel(number, argument, grid, y, x, height, width, out, work):
    """The matching transform of this number."""
    if number == 0:
        return align(grid, y, x, argument // 8, argument % 8, out, work)
    if number == 1:
        return to_own_colour(grid, y, x, argument, out, work)
    if number == 2:
        return gather(grid, y, x, argument, out, work)
    if number == 3:
        return fall_cells(grid, y, x, argument, out)
    if number == 4:
        return turn_about(grid, y, x, argument, out)
    if number == 5:
        return explode(grid, y, x, out, work)
    if number == 6:
        return centre_in(grid, y, x, out, work)
    if number == 7:
        return complete_parts(grid, y, x, argument, out, work)
    if number == 8:
        return complete_by_colour(grid, y, x, out, work)
    if number == 9:
        return complete_scaled(grid, y, x, argument % 2, argument // 2, out, work)
    if number == 10:
        return legend_order(grid, y, x, out, work)
    if number == 11:
        return copy_look(grid, y, x, out, work)
    if number == 12:
        return keep_beside(grid, y, x, argument, out, work)
    if number == 13:
        return order_modulo(grid, y, x, argument // 8, argument % 8, out, work)
    if number == 14:
        return nearest_colour(grid, y, x, out, work)
    if number == 15:
        return enclosed(grid, y, x, argument, out, work)
    if number == 16:
        return guests(grid, y, x, out, work)
    if number == 17:
        return reverse_rank(grid, y, x, out, work)
    return drawn(number, argument, grid, y, x, out, work)
