"""What some transforms of objects matched with each other are for, on small pictures."""

import numpy as np
import pytest

from solver.search.kernels.match_kernel import match_kernel
from solver.search.run import make_scratch
from solver.search.table import NUMBER, TRANSFORMS

PICTURES = {
    "align_1_0": ("22.... ...... ...11. ...11.", "...... ...... 22.11. ...11."),
    "gather_0": ("1111 .... .2.. .3.. .... ...4", "1111 .2.4 .3.. .... .... ...."),
    "to_own_colour_1": ("1.... 1...1 1..3. .....", "1.... 11... 1.... ....."),
    "cells_fall_down": ("12. 1.. .2. 1.. .1.", "1.. 1.. .2. 12. .1."),
    "complete_parts_1": ("12... 33... 3.... ..... ..33. ...2.", "12... 33... 3.... ..3.. ..33. ..12."),
    "complete_by_colour": ("121... ...... ..2... ......", "121... ...... .121.. ......"),
    "complete_scaled_0": ("21..... ....... 22..... 22.....", "21..... ....... 2211... 2211..."),
    "legend_order": ("12... ..... 5..5. .5..5", "12... ..... 1..2. .1..2"),
    "copy_look": ("12... 3..44 ...4.", "12... 3..12 ...3."),
    "keep_beside_0": ("11.3 2... ....", "11.. .... ...."),
    "nearest_colour": ("1..2...3", "2..1...2"),
    "reverse_rank": ("111223", "333221"),
    "stamp_owners": ("121... ...... ....2.", "121... ...... ...121"),
    "project_nearest": ("2.... ..11. ..11.", "..... ..21. ..11."),
    "mirror_over": ("..... ..... 111.. 2....", "..... 2.... 111.. ....."),
    "mirror_axes": (".111 1111 .22. ....", ".111 1111 .22. 1111"),
}  # fmt: skip


def grid_of(text: str) -> np.ndarray:
    """Rows of digits, a point for an empty cell."""
    return np.array([[int(v) for v in row.replace(".", "0")] for row in text.split()], np.uint8)


@pytest.mark.parametrize("name", PICTURES)
def test_small_pictures(name):
    given, wanted = (grid_of(text) for text in PICTURES[name])
    out, work = make_scratch()
    transform = TRANSFORMS[NUMBER[name]]
    h, w, y, x = match_kernel(transform.number, transform.argument, given, 2, 3, 0, 0, out, work)
    assert out[:h, :w].tolist() == wanted.tolist()
    assert (y, x) == (2, 3)
