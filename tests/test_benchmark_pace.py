"""The benchmark of a recipe's steps by cells: every arm takes its steps and is compared with torch's Muon."""

from pathlib import Path

import pytest
import torch
from cell_runs import EXAMPLES, write_recipe
from click.testing import CliRunner

from benchmarks.pace import main

pytestmark = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9 has no Muon")


def test_arms_take_turns_and_are_compared(tmp_path: Path) -> None:
    words = [write_recipe(tmp_path), "--data", str(EXAMPLES), "--steps", "2"]
    arms = ["recipe: matrix_lr=1e-3", "small: matrix_lr=1e-3 mixture.tokens=300"]
    result = CliRunner().invoke(main, [*words, *(part for arm in arms for part in ("--arm", arm))])
    assert result.exit_code == 0, result.output
    head, *lines = result.output.splitlines()
    assert head.split()[:2] == ["arm", "samples/s"]
    assert [line[:20].strip() for line in lines] == ["torch's Muon", "recipe", "small"]
    rows = [[float(cell.rstrip("x")) for cell in line[20:].split()] for line in lines]
    assert rows[0][1] == rows[0][3] == 1.0 and all(number > 0 for row in rows for number in row)
    for row in rows[1:]:
        assert row[1] == pytest.approx(row[0] / rows[0][0], rel=0.02)
    wrong = CliRunner().invoke(main, [*words, "--arm", "no name: x=1"])
    assert wrong.exit_code == 2 and "NAME: KEY=VALUE" in wrong.output
