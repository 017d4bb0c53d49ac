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
