"""Training learns: held-out Sudoku of four blanks. The recipes *_sudoku4 are the runs of minutes.

``LEARN=all python -m pytest tests/test_train_learning.py`` trains TRM and HRM too.
"""

import os
from pathlib import Path

import pytest
from training import sudoku_data

from train.config import resolve
from train.distributed import World
from train.loop import train

ARCHS = ("urm", "trm", "hrm") if os.environ.get("LEARN") == "all" else ("urm",)
SHORT = ("arch.loops=2", "epochs=3", "eval_interval=3", "lr_warmup_steps=10", "ema_rate=0.9", "device=cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return sudoku_data(tmp_path_factory.mktemp("data"), train=2000, test=200, blanks=4)


@pytest.mark.parametrize("arch", ARCHS)
def test_held_out_puzzles_are_learnt(arch: str, data: Path, tmp_path: Path) -> None:
    words = [f"{arch}_sudoku4", f"data_path={data}", f"checkpoint_path={tmp_path}", *SHORT]
    numbers = train(resolve(words), World(), quiet=True)
    # Copying the clues and guessing the four blanks: 0.81 of the cells, 1 puzzle in 256.
    assert numbers["accuracy"] > 0.88 and numbers["exact_accuracy"] > 0.05
