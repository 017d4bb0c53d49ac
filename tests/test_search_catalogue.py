"""The page of transforms is what its command makes, and programs replay as they were explored."""

import os

import numpy as np
import pytest

from benchmarks.catalogue import page, samples
from solver.search.replay import replay
from solver.search.table import TRANSFORMS


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="slow without compilation")
def test_the_page_is_up_to_date(root):
    for name, text in page().items():
        written = (root / "docs" / name).read_text()
        assert written == text, f"docs/{name}: run python -m benchmarks.catalogue docs/TRANSFORMS.md"


def test_the_sheets_stay_small(root):
    sheets = list((root / "docs").glob("search_*.svg"))
    assert len(sheets) == len({t.family for t in TRANSFORMS})
    assert sum(sheet.stat().st_size for sheet in sheets) < 1_500_000


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_program_is_replayed_until_a_step_does_not_apply():
    grid = samples()[0]
    states = replay(("objects_1", "pick_0_0", "turn_1"), grid)
    assert [len(state) for state in states] == [1, 4, 1, 1]
    assert np.array_equal(states[0][0][0], grid)
    assert states[2][0][0].tolist() == [[2, 2, 0], [2, 1, 2], [0, 2, 2]]
    assert states[3][0][0].tolist() == [[0, 2, 2], [2, 1, 2], [2, 2, 0]]
    assert states[3][0][1:] == (1, 1)
    assert len(replay(("turn_1", "turn_3", "keep_9", "crop"), grid)) == 3


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(
    "name",
    [
        "erase_9",
        "swap_ground",
        "connect_3",
        "fill_1",
        "mend_9",
        "keep_1_of_1",
        "move_to_0_0",
        "mirror_about_0_0",
    ],
)
def test_a_step_with_nothing_to_do_leaves_the_grid_as_it_is(name):
    grid = np.array([[0, 1, 0], [0, 1, 0], [0, 0, 0]], np.uint8)
    states = replay((name,), grid)
    assert len(states) == 2, "the step does not apply"
    assert np.array_equal(states[1][0][0], grid)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_lists_of_one_image_are_chosen_from_and_sorted():
    grid = np.array([[0, 1, 0], [0, 1, 0], [0, 0, 0]], np.uint8)
    steps = ("objects_1", "order_0_0", "keep_most_0_0", "stack_00", "crop")
    assert [len(state) for state in replay(steps, grid)] == [1] * 6
    assert len(replay(("objects_1", "drop_most_0_0"), grid)) == 2, "nothing would be left"
