"""The one kernel of all transforms of lists.

A kernel appends the images that it makes to the arena and returns how many, 0 where it does not apply.
"""

from solver.search.arena import Arena
from solver.search.jit import inner
from solver.search.kernels.charts import along, chart, nest
from solver.search.kernels.choose import (
    drop_blank,
    keep,
    odd_one_out,
    order,
    pick,
    pick_second,
    reading_order,
)
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
    split_areas,
    split_colours,
    split_copies,
    split_evenly,
    split_frames,
    split_lines,
    split_marks,
    split_objects,
    split_rooms,
    split_single_lines,
    split_spans,
    split_symmetries,
    split_windows,
)


@inner
def split_kernel(arena, number, argument, first, height, width, out, work):
    """The transform of this number below 20."""
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
        return split_marks(arena, first, argument % 10, argument // 10, out)
    if number == 9:
        return split_symmetries(arena, first, argument, out)
    if number == 10:
        return pinwheel(arena, first, argument, out)
    if number == 11:
        return split_areas(arena, first, out, work)
    if number == 12:
        return split_spans(arena, first, argument, out)
    if number == 13:
        return split_copies(arena, first, argument)
    return 0


@inner
def join_kernel(arena, number, argument, first, count, out, work):
    """The transform of this number from 20 to 39."""
    if number == 20:
        return pick(arena, first, count, argument // 4, argument % 2, argument // 2 % 2, work)
    if number == 21:
        return odd_one_out(arena, first, count, work)
    if number == 22:
        return compose(arena, first, count, argument, out, work)
    if number == 23:
        if argument >= 10:
            return chain(arena, first, count, argument - 10, out)
        for k in range(count):
            work[10, k] = k
        return stack(arena, first, count, argument % 2, argument // 2, out, work)
    if number == 24:
        return combine(arena, first, count, argument, out)
    if number == 25:
        return summary(arena, first, count, argument, 15, out, work)
    if number == 26:
        return layout(arena, first, count, argument % 10, argument // 10, out)
    if number == 27:
        return product_of(arena, first, count, argument, out)
    if number == 28:
        return overlay(arena, first, count, argument, out)
    if number == 29:
        return pick_second(arena, first, count, argument // 2, argument % 2, work)
    if number == 30:
        return nest(arena, first, count, argument, out, work)
    if number == 31:
        return chart(arena, first, count, argument // 2, argument % 2, out, work)
    if number == 32:
        return summary(arena, first, count, 2, argument, out, work)
    if number == 33:
        return along(arena, first, count, argument, out, work)
    return 0


@inner
def list_kernel(
    arena: Arena, number: int, argument: int, first: int, count: int, height: int, width: int, out, work
) -> int:
    """The transform of this number: below 20 of one image into a list, below 40 of a list into one image,
    then of a list into a list."""
    if count == 0 or count > 900:
        return 0
    if number < 20:
        return split_kernel(arena, number, argument, first, height, width, out, work)
    if number < 40:
        return join_kernel(arena, number, argument, first, count, out, work)
    if number == 40:
        return keep(arena, first, count, argument // 4, argument % 2, argument // 2 % 2, work)
    if number == 41:
        return order(arena, first, count, argument // 2, argument % 2, work)
    if number == 42:
        return reading_order(arena, first, count, argument, work)
    if number == 43:
        return drop_blank(arena, first, count)
    return 0
