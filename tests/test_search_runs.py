"""What some transforms that draw on the grid do, shown on small grids; '.' is an empty cell."""

import numpy as np
import pytest

from solver.search.replay import replay

EXAMPLES = {
    "leak": (".... 222. 2.2. 2.2. .... ....", ".... 222. 212. 212. .1.. .1.."),
    "bridge": ("3...3 ..... 1..2. .....", "33333 ..... 1..2. ....."),
    "lines_cross": ("..... .2... ..... ...4.", ".2.4. 222.2 .2.4. 4.444"),
    "point_each": ("22.. 2.1. ..1. 5...", "2... ..1. .... 5..."),
    "middle_each_1": ("222.. 2.2.. 222.. ....1", "..... .2... ..... ....1"),
    "detour_up_right": ("..... .5... ..... ..... .2...", "..2.. .52.. .22.. .2... .2..."),
    "largest_rectangle": ("..... .1... ..... ...2.", "..111 ..111 ..111 ....."),
    "spread_ties_0": ("1..2 ....", "1122 1122"),
    "distance_8_2": ("..... ..... ..3..", "11111 12221 12121"),
    "turn_symmetry_quarter": ("2.1.. .33.. .3... ..... .....", "2.12. 133.. .331. 21.2. ....."),
    "spiral_around": ("..... ..... ..4.. ..... .....", "4.444 4.4.4 4.4.4 4...4 44444"),
    "flow_alternate": ("8888888 812...8 8888888", "8888888 8121218 8888888"),
    "burst": ("..... ..1.. ..2.. ..1.. .....", "..1.. ..1.. ..2.. ..1.. ..1.."),
    "corner_cells": ("1.2 ... 3.4", "12 34"),
}


def read(text):
    """The grid that is written as rows."""
    return np.array([[0 if v == "." else int(v) for v in row] for row in text.split()], np.uint8)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(name):
    before, after = EXAMPLES[name]
    made = replay((name,), read(before))[-1][0][0]
    assert np.array_equal(made, read(after)), made
