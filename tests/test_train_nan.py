"""A loss that is no number: the run stops and says where, or leaves the step out and counts it."""

from pathlib import Path

import pytest
import torch
from training import arc_data, small, sudoku_data

from train.distributed import World
from train.log import FILE, read_log
from train.loop import Run

CROPPED = ("arch.canvas=cropped", "checkpoint_interval=2", "eval_interval=6")


def poison(run: Run, at: int, monkeypatch) -> None:
    """One slot's state turns to not-a-number before step ``at``, as an overflow would have it."""
    step = run.trainer.learn

    def poisoned(batch, *rest):
        if run.trainer.at.step == at:
            carry = run.trainer.carries[0]
            carry.halted[1] = False
            carry.states[0][1, 0] = torch.nan
        return step(batch, *rest)

    monkeypatch.setattr(run.trainer, "learn", poisoned)


def test_stop_names_step_tasks_and_checkpoint(tmp_path: Path, monkeypatch) -> None:
    data = arc_data(tmp_path)
    config = small(data, tmp_path / "run", *CROPPED)
    run = Run(config, World(), quiet=True)
    poison(run, 3, monkeypatch)
    with pytest.raises(ValueError) as error:
        run.go()
    spoilt = int(run.trainer.carries[0].batch.keys.tasks[1])
    message = str(error.value)
    assert message.startswith("the loss of step 3 is not a number")
    assert f"tasks in the batch: toy{spoilt - 1};" in message
    assert f"last good checkpoint: {tmp_path / 'run' / 'step_2.pt'}" in message
    assert read_log(tmp_path / "run" / FILE)[-1] == {
        **read_log(tmp_path / "run" / FILE)[-1], "event": "nan", "step": 4, "tasks": [f"toy{spoilt - 1}"]
    }  # fmt: skip


def test_skip_counts_and_goes_on(tmp_path: Path, monkeypatch) -> None:
    data = sudoku_data(tmp_path, train=60, test=12)
    run = Run(small(data, tmp_path / "run", "on_nan=skip"), World(), quiet=True)
    poison(run, 3, monkeypatch)
    run.go()
    records = read_log(tmp_path / "run" / FILE)
    assert [(r["step"], r["skipped"]) for r in records if r["event"] == "skip"] == [(4, 1)]
    losses = [r["loss"] for r in records if r["event"] == "train"]
    assert losses[3] == "nan" and all(isinstance(loss, float) for loss in losses[:3] + losses[4:])
    assert all(p.isfinite().all() for p in run.trainer.network.parameters())
