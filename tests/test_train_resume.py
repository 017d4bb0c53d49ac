"""A run that is killed goes on as if it had not been; a checkpoint of another run is refused.

``KILLS=20 python -m pytest tests/test_train_resume.py`` kills more often than the suite does.
"""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training import arc_data, processes, small, sudoku_data

from train.checkpoint import MANIFEST, checkpoints, find_checkpoint, read_state, read_tensors
from train.distributed import World
from train.log import FILE, read_log
from train.loop import Run, train
from train.settings import TrainConfig

KILLS = int(os.environ.get("KILLS", "3"))
WORDS = ("checkpoint_interval=3", "ema=True", "ema_rate=0.9", "arch.halt_exploration_prob=0.5")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return sudoku_data(tmp_path_factory.mktemp("data"), train=60, test=12)


def child(config: TrainConfig) -> None:
    """The whole run, in a process of its own."""
    torch.set_num_threads(1)
    train(config, World(), quiet=True)


def start(config: TrainConfig) -> Any:
    process = processes().Process(target=child, args=(config,))
    process.start()
    return process


def same(a: Any, b: Any) -> bool:
    """Equal in structure and in every bit."""
    if isinstance(a, torch.Tensor):
        return a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def final(folder: Path) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Last checkpoint, its slots, and the numbers of every step."""
    last = checkpoints(folder)[-1]
    state = read_state(last)
    state.pop("config")
    state["position"].pop("seconds")
    steps = [r for r in read_log(folder / FILE) if r["event"] in ("train", "eval")]
    numbers = [{k: v for k, v in r.items() if k not in ("time", "evaluation_seconds")} for r in steps]
    return state, read_tensors(last / "carry_0.pt"), sorted(numbers, key=lambda r: (r["step"], r["event"]))


def steps_logged(folder: Path) -> int:
    """The last step in the log of a run that may be writing to it."""
    path = folder / FILE
    lines = path.read_text().splitlines() if path.exists() else []
    return sum('"event": "train"' in line for line in lines)


def test_killed_at_any_moment_it_ends_the_same(data: Path, tmp_path: Path) -> None:
    words = (*WORDS, "epochs=12", "eval_interval=4", "arch.loops=2")
    whole = start(small(data, tmp_path / "whole", *words))
    config = small(data, tmp_path / "killed", *words, "load_checkpoint=latest")
    generator = np.random.default_rng(int(os.environ.get("KILL_SEED", "0")))
    kills, reached = 0, set()
    for _ in range(KILLS):
        process = start(config)
        moment = steps_logged(tmp_path / "killed") + generator.integers(1, 2 + 60 // KILLS)
        while process.is_alive() and steps_logged(tmp_path / "killed") < moment:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.03))  # also between a step and the next, and in a checkpoint
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        reached.add(find_checkpoint("latest", tmp_path / "killed"))
    assert kills and reached != {None}, (kills, reached)
    for process in (whole, start(config)):
        process.join(300)
        assert process.exitcode == 0
    state, slots, numbers = final(tmp_path / "whole")
    state_after, slots_after, numbers_after = final(tmp_path / "killed")
    assert state["position"]["step"] == 60 and len([n for n in numbers if n["event"] == "train"]) == 60
    assert same(state_after, state)
    assert same(slots_after, slots)
    assert numbers_after == numbers
    assert len(checkpoints(tmp_path / "killed")) == 3
    assert not list((tmp_path / "killed").glob(".step*"))


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        (("checkpoint_interval=0",), [30]),
        (("checkpoint_interval=0", "checkpoint_every_eval=True"), [10, 20, 30]),
        (("checkpoint_interval=0", "checkpoint_every_eval=True", "keep_checkpoints=2"), [20, 30]),
        (("checkpoint_interval=7", "keep_checkpoints=0"), [7, 14, 21, 28, 30]),
    ],
)
def test_checkpoints_are_where_they_are_wanted(data: Path, tmp_path: Path, words, steps) -> None:
    train(small(data, tmp_path, *words, "eval_interval=2", "arch.loops=1"), World(), quiet=True)
    assert [int(path.stem[5:]) for path in checkpoints(tmp_path)] == steps


@pytest.mark.parametrize("arch", ["urm", "hrm"])
def test_slots_of_cropped_canvases_are_resumed(tmp_path: Path, arch: str) -> None:
    data = arc_data(tmp_path / "data")
    words = (*WORDS, "arch.canvas=cropped", "global_batch_size=6", "epochs=4", "eval_interval=4")
    words = (*words, "keep_checkpoints=0", "target_q_update_every=2", "evaluators=[]")
    train(small(data, tmp_path / "whole", *words, arch=arch), World(), quiet=True)
    first = checkpoints(tmp_path / "whole")[0]
    assert first.name == "step_3.pt"
    again = small(data, tmp_path / "again", *words, f"load_checkpoint={first}", arch=arch)
    train(again, World(), quiet=True)
    state, slots, numbers = final(tmp_path / "whole")
    state_after, slots_after, numbers_after = final(tmp_path / "again")
    assert state["position"]["step"] == 10 and same(state_after, state) and same(slots_after, slots)
    assert numbers_after == [n for n in numbers if n["step"] > 3]


def test_sigterm_ends_with_a_checkpoint(data: Path, tmp_path: Path, monkeypatch) -> None:
    config = small(data, tmp_path, "checkpoint_interval=0", "load_checkpoint=latest")
    step, handler = Run._step, signal.getsignal(signal.SIGTERM)

    def interrupted(run: Run, samples: Any) -> dict[str, float]:
        if run.trainer.at.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(run, samples)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_step", interrupted)
        train(config, World(), quiet=True)
    assert [path.name for path in checkpoints(tmp_path)] == ["step_4.pt"]
    assert not (tmp_path / "weights").exists()
    train(config, World(), quiet=True)
    assert checkpoints(tmp_path)[-1].name == "step_30.pt" and (tmp_path / "weights").is_dir()
    assert signal.getsignal(signal.SIGTERM) == handler


def test_another_configuration_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    train(small(data, tmp_path / "first", *WORDS), World(), quiet=True)
    first = f"load_checkpoint={tmp_path / 'first'}"
    with pytest.raises(ValueError) as error:
        Run(small(data, tmp_path / "b", *WORDS, first, "lr=1e-3", "arch.loops=4"), World(), quiet=True)
    assert "lr: 0.0001 there, 0.001 here" in str(error.value)
    assert "arch.loops: 3 there, 4 here" in str(error.value)
    assert not (tmp_path / "b").exists()
    loose = Run(
        small(data, tmp_path / "c", *WORDS, first, "lr=1e-3", "load_strict=False"), World(), quiet=True
    )
    assert loose.trainer.at.step == 30 and loose.trainer.saved_carries
    assert read_log(tmp_path / "c" / FILE)[0]["not_taken"] == ["lr: 0.0001 there, 0.001 here"]
    anew = small(data, tmp_path / "d", *WORDS, first, "lr=1e-3", "load_optimizer_state=False")
    fresh = Run(anew, World(), quiet=True)
    assert fresh.trainer.at.step == 0 and fresh.trainer.at.block == 0 and not fresh.trainer.saved_carries
    weights = fresh.trainer.network.state_dict()
    assert same(weights, loose.trainer.network.state_dict())
    assert same(fresh.trainer.average.values, fresh.trainer.average.params)


def test_tensors_that_do_not_fit_are_left_out_when_told(data: Path, tmp_path: Path) -> None:
    train(small(data, tmp_path / "a", "epochs=1", "eval_interval=1"), World(), quiet=True)
    words = (f"load_checkpoint={tmp_path / 'a'}", "arch.num_layers=2", "load_optimizer_state=False")
    with pytest.raises(ValueError, match=r"layers\.1\.self_attn\.qkv_proj\.weight is missing"):
        Run(small(data, tmp_path / "b", *words), World(), quiet=True)
    loose = Run(small(data, tmp_path / "b", *words, "load_strict=False"), World(), quiet=True)
    notes = read_log(tmp_path / "b" / FILE)[0]["not_taken"]
    assert any("layers.1" in note and "missing" in note for note in notes)
    stored = read_state(checkpoints(tmp_path / "a")[-1])["network"]
    own = loose.trainer.network.state_dict()
    assert all(same(own[name], value) for name, value in stored.items())


def test_a_folder_with_checkpoints_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    words = ("epochs=1", "eval_interval=1")
    train(small(data, tmp_path, *words), World(), quiet=True)
    with pytest.raises(ValueError, match="load_checkpoint=latest to go on"):
        Run(small(data, tmp_path, *words), World(), quiet=True)


def test_damaged_and_missing_checkpoints(data: Path, tmp_path: Path) -> None:
    train(small(data, tmp_path, "epochs=1", "eval_interval=1"), World(), quiet=True)
    state = checkpoints(tmp_path)[-1] / "state.pt"
    assert (state.parent / MANIFEST).is_file()
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a whole checkpoint"):
        read_state(state.parent)
    with pytest.raises(ValueError, match="no checkpoint"):
        find_checkpoint(str(tmp_path / "nothing"), tmp_path)
    shutil.rmtree(state.parent)
    assert find_checkpoint("latest", tmp_path) is None


def test_a_run_ends_with_whole_lines_that_say_where_the_weights_are(data, tmp_path, capsys) -> None:
    train(small(data, tmp_path / "run", "arch.loops=1", "epochs=1", "eval_interval=1"), World())
    said = capsys.readouterr()
    step = checkpoints(tmp_path / "run")[-1].stem.removeprefix("step_")
    assert said.out.splitlines()[-1] == f"Done after {step} steps: {tmp_path / 'run' / 'weights'}"
    assert "\r" not in said.out + said.err and "%|" not in said.err  # no bar where there is no terminal
