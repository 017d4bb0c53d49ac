"""Every row of the table in docs/TRAINING.md: the same settings on both sides, and it runs."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from training import LAYERS, SMALL, arc_data, sudoku_data

from train.__main__ import main
from train.checkpoint import checkpoints
from train.config import resolve
from train.log import FILE, read_log

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "TRAINING.md").read_text()
ROWS = re.findall(r"^\| `(.*)` \| `(.*)` \|$", TEXT, re.MULTILINE)
NARROW = ("arch.hidden_size=16", "arch.loops=2", "epochs=1", "eval_interval=1", "global_batch_size=4")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    return {"DATA": arc_data(folder, tasks=2), "SUDOKU": sudoku_data(folder, train=4, test=4)}


def words(command: str, data: dict[str, Path]) -> list[str]:
    for name, path in data.items():
        command = command.replace(name, str(path))
    return shlex.split(command)


def test_the_table_has_every_recipe_that_was_published() -> None:
    recipes = {ours.split()[0] for _, ours in ROWS}
    assert recipes == {f"{a}_{d}" for a in ("urm", "trm", "hrm") for d in ("arcagi1", "sudoku")} | {
        "urm_arcagi2",
        "trm_sudoku_mlp",
    }


@pytest.mark.parametrize(("released", "ours"), ROWS, ids=[ours.split()[0] for _, ours in ROWS])
def test_a_row_of_the_table(released: str, ours: str, data: dict[str, Path], tmp_path: Path) -> None:
    theirs = resolve(words(released, data))
    assert resolve(words(ours, data)).differences(theirs) == []
    small = [*SMALL, *LAYERS[theirs.arch.name], *NARROW, f"checkpoint_path={tmp_path}"]
    result = CliRunner().invoke(main, [*words(ours, data), *small, "--quiet"])
    assert result.exit_code == 0, result.output
    assert checkpoints(tmp_path)[-1].name == "step_1.pt"
    last = read_log(tmp_path / FILE)[-1]
    assert last["event"] == "eval" and 0 <= last["accuracy"] <= 1
    assert ("ARC/pass@2" in last) == ("data_path=DATA" in ours)
