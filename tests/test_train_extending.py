"""The examples of docs/EXTENDING.md, as they stand there."""

import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from foreign import PlainConfig, Released
from test_train_step import compare, two_processes
from training import arc_data, free_port, sudoku_data, trainer_of

from solver.arc.task import load_tasks
from solver.choices import NETWORK
from solver.cli import main as solve_command
from solver.model.checkpoint import load_weights
from solver.model.config import NetworkConfig, URMConfig
from solver.model.dense import of_weights
from solver.model.flops import inference_flop, training_flop
from solver.model.muon import build_muon, hidden_matrices
from solver.model.registry import build_network
from train.__main__ import main
from train.checkpoint import checkpoints, read_state
from train.config import resolve
from train.evaluate import main as score_command
from train.log import FILE, read_log
from train.settings import TrainConfig

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
    assert found["position"]["step"] == wanted["position"]["step"] == 10
    for name, value in wanted["network"].items():
        assert torch.equal(found["network"][name], value), name


def test_a_network_of_ones_own_takes_cropped_canvases(folder: Path) -> None:
    data = str(arc_data(folder, tasks=2))
    words = [*shlex.split(COMMANDS[0].replace("DATA", data)), *SMALL, *ENDING, "arch.canvas=cropped"]
    result = CliRunner().invoke(main, [*words, "global_batch_size=3", "eval_augmentations=2"])
    assert result.exit_code == 0, result.output
    records = read_log(folder / "run" / FILE)
    assert f"my_network@Plain: {records[0]['parameters']:,} parameters, " in result.output
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
            main, ["urm_laptop", "data_path=sudoku", "checkpoint_path=r", word, "--quiet"]
        )
        assert result.exit_code == 2 and says in result.output, (word, result.output)


def test_a_custom_network_goes_to_the_end(folder: Path) -> None:
    """Trained by Muon, exported, loaded, packed, counted in operations, and solved with."""
    data = arc_data(folder, tasks=2)
    words = [*shlex.split(COMMANDS[0].replace("DATA", str(data))), *SMALL, *ENDING]
    words += ["arch.canvas=cropped", "global_batch_size=3", "eval_augmentations=2", "use_muon=True"]
    result = CliRunner().invoke(main, [*words, "--quiet"])
    assert result.exit_code == 0, result.output
    weights = load_weights("run/weights")
    assert type(weights.network).__name__ == "Plain" and len(weights.network.layers) == 3
    assert json.loads(Path("run/weights/config.json").read_text())["arch"] == "my_network@Plain"
    assert training_flop(weights.config, 15) == 16 * 12 * 16**2 * (3 + 2 * 3)
    assert inference_flop(weights.config, 15, 2) == 16 * 12 * 16**2 * 3 * 2
    assert len(hidden_matrices(weights.network)) == 6
    weights.network.compile(backend="eager")
    assert all(layer._compiled_call_impl for layer in weights.network.layers), "block by block"
    assert weights.network._compiled_call_impl is None
    task = next(iter((folder / "source").glob("*_challenges.json")))
    packed = CliRunner().invoke(solve_command, ["pack", "run/weights", "-o", "packed"])
    assert packed.exit_code == 0, packed.output
    said = [
        "--sources",
        NETWORK,
        "--weights",
        "packed",
        "--steps",
        "4",
        "--augmentations",
        "2",
        "--workers",
        "1",
        "-o",
        "s.json",
    ]
    solved = CliRunner().invoke(solve_command, [str(task), *said])
    assert solved.exit_code == 0, solved.output
    submission = json.loads(Path("s.json").read_text())
    assert submission.keys() == {task.id for task in load_tasks(task)}
    assert "network" in Path("s.journal").read_text()


def foreign_words(data: Path, folder: Path) -> list[str]:
    """A run of seconds of tests/foreign.py, which ignores the generator that it is given."""
    given = [f"data_path={data}", f"checkpoint_path={folder}", "arch=foreign@Plain", *SMALL]
    return [*given, "device=cpu", "eval_interval=2", "lr_warmup_steps=1"]


def foreign(data: Path, folder: Path, *words: str) -> TrainConfig:
    return resolve([*foreign_words(data, folder), *words])


def test_the_seed_decides_where_a_custom_network_starts(tmp_path: Path) -> None:
    data = sudoku_data(tmp_path, train=24, test=12)
    starts = [trainer_of(foreign(data, tmp_path, f"seed={seed}")) for seed in (1, 1, 2)]
    one, same, other = (trainer.network.mix.weight for trainer in starts)
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_two_processes_start_a_custom_network_equal(tmp_path: Path) -> None:
    words = ("arch.canvas=cropped", "global_batch_size=4", "arch.forward_dtype=float64")
    config = foreign(arc_data(tmp_path), tmp_path, *words, "epochs=20", "eval_interval=20")
    both = two_processes(config, 2, tmp_path, free_port())
    compare(both[0]["tensors"], both[1]["tensors"], rtol=0.0, atol=0.0)


def test_a_frozen_parameter_has_its_place_in_the_average(tmp_path: Path) -> None:
    data = sudoku_data(tmp_path, train=24, test=12)
    words = [*foreign_words(data, tmp_path / "run"), "ema=True", "epochs=2", "--quiet"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(score_command, [str(tmp_path / "run"), "--quiet"])
    assert result.exit_code == 0, result.output
    found = json.loads((next((tmp_path / "run" / "evaluations").glob("step_*/evaluation.json"))).read_text())
    assert found["weights"] == "average" and 0 <= found["numbers"]["accuracy"] <= 1


def test_muon_needs_blocks_and_leaves_the_betas_as_given() -> None:
    config = URMConfig(hidden_size=16, num_heads=2, num_layers=1, puzzle_emb_ndim=16)
    network = build_network(config)
    _, adamw = build_muon(network, lr=0.1, betas=(0.5, 0.6), weight_decay=0.0)
    assert adamw.param_groups[0]["betas"] == (0.5, 0.6)
    _, adamw = of_weights(network, (), 1e-3, (0.7, 0.8), 0.0, matrices=1e-2)
    assert adamw.optimizer.param_groups[0]["betas"] == (0.7, 0.8)
    with pytest.raises(ValueError, match="Released has no blocks with matrices, expected a Network"):
        build_muon(Released(PlainConfig()), lr=0.1, weight_decay=0.0)
    with pytest.raises(ValueError, match="NetworkConfig: expected a method layers_per_loop"):
        training_flop(NetworkConfig(), 9)
