"""The examples of docs/EXTENDING.md, as they stand there."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from training import arc_data, sudoku_data

from train.__main__ import main
from train.checkpoint import checkpoints, read_state
from train.log import FILE, read_log

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "EXTENDING.md").read_text()
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = re.findall(r"^python -m train (.*)$", TEXT, re.MULTILINE)
SMALL = ["arch.hidden_size=16", "arch.num_heads=2", "arch.loops=2", "global_batch_size=12", "epochs=2"]
ENDING = ["eval_interval=1", "lr=1e-2", "lr_warmup_steps=1", "device=cpu", "checkpoint_path=run", "ema=True"]
ENDING += ["checkpoint_every_eval=True"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    sudoku_data(tmp_path, train=60, test=12)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_there_are_three_examples() -> None:
    assert set(FILES) == {"my_network.py", "my_released.py", "my_evaluator.py"} and len(COMMANDS) == 3


@pytest.mark.parametrize("command", COMMANDS, ids=["network", "released", "evaluator"])
def test_an_example(command: str, folder: Path) -> None:
    words = [*shlex.split(command.replace("DATA", "sudoku")), *SMALL, *ENDING]
    result = CliRunner().invoke(main, [*words, "--quiet"])
    assert result.exit_code == 0, result.output
    records = read_log(folder / "run" / FILE)
    losses = [r["loss"] for r in records if r["event"] == "train"]
    assert len(losses) == 10 and losses[-1] < losses[0]
    assert ("Colours/recall" in records[-1]) == ("my_evaluator" in command)
    # What is one's own is resumed like the rest: three steps are taken again from an older checkpoint.
    final = checkpoints(folder / "run")[-1]
    wanted = read_state(final)
    again = [w for w in words if not w.startswith("checkpoint_path")]
    start = f"load_checkpoint={checkpoints(folder / 'run')[0]}"
    result = CliRunner().invoke(main, [*again, start, "checkpoint_path=second", "--quiet"])
    assert result.exit_code == 0, result.output
    found = read_state(checkpoints(folder / "second")[-1])
    assert found["step"] == wanted["step"] == 10
    for name, value in wanted["model_state_dict"].items():
        assert torch.equal(found["model_state_dict"][name], value), name


def test_a_network_of_ones_own_takes_cropped_canvases(folder: Path) -> None:
    data = str(arc_data(folder, tasks=2))
    words = [*shlex.split(COMMANDS[0].replace("DATA", data)), *SMALL, *ENDING, "arch.canvas=cropped"]
    result = CliRunner().invoke(main, [*words, "global_batch_size=3", "eval_augmentations=2"])
    assert result.exit_code == 0, result.output
    records = read_log(folder / "run" / FILE)
    assert f"my_network@Plain: {records[0]['parameters']:,} parameters, CPU" in result.output
    losses = [r["loss"] for r in records if r["event"] == "train"]
    assert len(losses) == 4 and losses[-1] < losses[0] and "ARC/pass@2" in records[-1]


def test_what_is_not_there_is_said(folder: Path) -> None:
    for word, says in (
        ("arch=my_network@Plane", "the module has no class Plane"),
        ("arch=no_such_module@X", "no module no_such_module"),
        ("arch=my_evaluator@Colours", "wanted a class attribute config_class"),
        ("evaluators=[7]", "wanted arc@ARC or module@Class"),
    ):
        result = CliRunner().invoke(
            main, ["urm_nano", "data_path=sudoku", "checkpoint_path=r", word, "--quiet"]
        )
        assert result.exit_code == 2 and says in result.output, (word, result.output)
