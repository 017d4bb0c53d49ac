"""The one kernel of all transforms of lists.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.arena import Arena
from solver.search.jit import inner
from solver.search.kernels.choose import keep, odd_one_out, order, pick, pick_second
from solver.search.kernels.join import (
    chain,
    combine,
    compose,
    layout,
    overlay,
    pinwheel,
    product_of,
    stack,
    summary,
)
from solver.search.kernels.splits import (
    split_colours,
    split_evenly,
    split_frames,
    split_lines,
    split_marks,
    split_objects,
    split_rooms,
    split_single_lines,
    split_symmetries,
    split_windows,
)


@inner
def list_kernel(
    arena: Arena, number: int, argument: int, first: int, count: int, height: int, width: int, out, work
) -> int:
    """The transform of this number: below 20 of one image into a list, below 40 of a list into one image,
    then of a list into a list."""
    if count == 0 or count > 900:
        return 0
    if number == 0:
        return split_objects(arena, first, argument % 4, argument // 4, out, work)
    if number == 1:
        return split_colours(arena, first, argument, out)
    if number == 2:
        return split_evenly(arena, first, argument // 10, argument % 10, out)
    if number == 3:
        return split_lines(arena, first, out, work)
    if number == 4:
        return split_single_lines(arena, first, argument, out)
    if number == 5:
        return split_windows(arena, first, height, width, argument, out)
    if number == 6:
        return split_frames(arena, first, argument, out)
    if number == 7:
        return split_rooms(arena, first, argument, out, work)
    if number == 8:
        return split_marks(arena, first, argument, out)
    if number == 9:
        return split_symmetries(arena, first, argument, out)
    if number == 10:
        return pinwheel(arena, first, argument, out)
    if number == 20:
        return pick(arena, first, count, argument // 4, argument % 2, argument // 2 % 2, work)
    if number == 21:
        return odd_one_out(arena, first, count, work)
    if number == 22:
        return compose(arena, first, count, argument, out, work)
    if number == 23:
        if argument >= 10:
            return chain(arena, first, count, argument - 10, out)
        return stack(arena, first, count, argument % 2, argument // 2, out)
    if number == 24:
        return combine(arena, first, count, argument, out)
    if number == 25:
        return summary(arena, first, count, argument, out, work)
    if number == 26:
        return layout(arena, first, count, argument % 10, argument // 10, out)
    if number == 27:
        return product_of(arena, first, count, argument, out)
    if number == 28:
        return overlay(arena, first, count, argument, out)
    if number == 29:
        return pick_second(arena, first, count, argument // 2, argument % 2, work)
    if number == 40:
        return keep(arena, first, count, argument // 4, argument % 2, argument // 2 % 2, work)
    if number == 41:
        return order(arena, first, count, argument // 2, argument % 2, work)
    return 0
