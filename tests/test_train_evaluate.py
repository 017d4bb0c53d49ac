"""Evaluation: pass@k and votes, several loop counts, several checkpoints, saved outputs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from training import arc_data, small, sudoku_data

from solver.arc.candidate import same_grid
from solver.arc.submission import read_submission
from solver.model.checkpoint import load_weights
from train.checkpoint import checkpoints, read_state
from train.dataset import Dataset
from train.distributed import World
from train.evaluate import main
from train.evaluators import ARC, asked_tasks
from train.log import FILE, read_log
from train.loop import train
from train.plot import main as plot
from train.provenance import trained_tasks


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return arc_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a finished run on 4x4 Sudoku."""
    folder = tmp_path_factory.mktemp("run")
    words = ("ema=True", "ema_rate=0.5", "eval_interval=2", "checkpoint_every_eval=True", "seed=3")
    data = sudoku_data(folder, train=60, test=20)
    train(
        small(data, folder / "run", *words, "lr=1e-2", "eval_save_outputs=[logits,inputs]"),
        World(),
        quiet=True,
    )
    return folder / "run"


def told(data: Path, right: float, seed: int) -> tuple[ARC, int]:
    """An evaluator that was told the truth in a share of the views, noise in the others; views told."""
    evaluator = ARC(str(data), Dataset.open(data).metadata)
    generator = np.random.default_rng(seed)
    total = 0
    for samples in Dataset.open(data).test_batches(batch_size=7):
        truth = samples.labels[: samples.valid].copy()
        noisy = generator.random(samples.valid) >= right
        truth[noisy, 0] = 2 + (truth[noisy, 0] + generator.integers(0, 9, noisy.sum())) % 10
        names = ("symmetries", "palettes", "heights", "widths", "questions")
        batch = {name: torch.from_numpy(getattr(samples, name)[: samples.valid]) for name in names}
        preds = {"preds": torch.from_numpy(truth), "q_halt_logits": torch.zeros(samples.valid)}
        evaluator.update_batch(batch, preds)
        total += samples.valid
    return evaluator, total


def test_votes_of_the_truth_pass_everywhere_and_are_submitted(data: Path, tmp_path: Path) -> None:
    evaluator, total = told(data, 1.0, 0)
    assert total == 5 * 4  # the original and three augmentations of each test input
    assert evaluator.result(str(tmp_path), 0, 1) == {f"ARC/pass@{k}": 1.0 for k in (1, 2, 5, 10, 100, 1000)}
    submitted = read_submission(tmp_path / "submission.json")
    for question in Dataset.open(data).questions():
        first, second = submitted[question.task_id][question.number]
        assert same_grid(first, question.output) and not same_grid(second, first)


def test_votes_do_not_outlive_an_evaluation(data: Path) -> None:
    evaluator, _ = told(data, 1.0, 0)
    evaluator.begin_eval()
    assert set(evaluator.result(None, 0, 1).values()) == {0.0}


def test_pass_at_k_counts_places(data: Path) -> None:
    evaluator, _ = told(data, 0.4, 1)
    numbers = evaluator.result(None, 0, 1)
    values = [numbers[f"ARC/pass@{k}"] for k in (1, 2, 5)]
    assert values == sorted(values) and 0 < values[0] <= values[1] <= values[2]
    questions = Dataset.open(data).questions()
    firsts = [same_grid(evaluator.ballot.answers(n, 1)[0].grid, q.output) for n, q in enumerate(questions)]
    assert values[0] == sum(firsts) / len(firsts)


def test_tasks_are_put_together_from_the_splits(data: Path) -> None:
    tasks = asked_tasks(Dataset.open(data))
    assert [len(task.train) for task in tasks] == [3] * 5
    assert all(pair.output is None for task in tasks for pair in task.test)
    assert len(trained_tasks(Dataset.open(data))) == 5
    (data / "build.json").write_text((data / "build.json").read_text().replace('"checksums"', '"unknown"'))
    assert len(trained_tasks(Dataset.open(data))) == 15, "of a data set that keeps no checksums: every head"


def test_the_log_holds_the_run(run: Path) -> None:
    records = read_log(run / FILE)
    assert [r["event"] for r in records].count("header") == 1
    header = records[0]
    assert header["parameters"] > 0 and header["config"]["seed"] == 3 and header["device"].startswith("CPU")
    assert {"commit", "versions", "machine", "total_steps"} <= header.keys()
    assert [r["step"] for r in records if r["event"] == "eval"] == [10, 20, 30]
    steps = [r for r in records if r["event"] == "train"]
    assert [r["step"] for r in steps] == list(range(1, 31))
    finished = [r for r in steps if r["finished"]]
    assert finished and all(1 <= r["steps"] <= 3 and 0 <= r["accuracy"] <= 1 for r in finished)
    outputs = torch.load(run / "evaluations" / "step_30" / "step_30_outputs_0.pt")
    assert outputs["logits"].shape[:2] == outputs["inputs"].shape == (20, 16)


def test_the_command_repeats_the_runs_own_numbers(run: Path) -> None:
    wanted = [r for r in read_log(run / FILE) if r["event"] == "eval"][-1]
    result = CliRunner().invoke(main, [str(run), "loop_deltas=[0,2]", "--quiet"])
    assert result.exit_code == 0, result.output
    stored = json.loads((run / "evaluations" / "step_30" / "evaluation.json").read_text())
    assert not stored["aggregated"] and stored["weights"] == "average"
    for name in ("accuracy", "exact_accuracy", "q_halt_accuracy", "lm_loss", "steps"):
        assert stored["numbers"][name] == pytest.approx(wanted[name], rel=1e-12)
    assert stored["numbers"]["loops5/steps"] == 5
    assert stored["numbers"]["loops5/lm_loss"] != stored["numbers"]["lm_loss"]
    raw = CliRunner().invoke(main, [str(run), "--raw", "--quiet", "-o", str(run / "raw")])
    assert raw.exit_code == 0
    raw_numbers = json.loads((run / "raw" / "evaluation.json").read_text())
    assert raw_numbers["weights"] == "raw"
    assert raw_numbers["numbers"]["lm_loss"] != stored["numbers"]["lm_loss"]


def test_several_checkpoints_are_said_to_be_several(run: Path) -> None:
    first, *others = [str(path) for path in checkpoints(run)]
    result = CliRunner().invoke(main, [first, "--aggregate", *others, "--quiet", "-o", str(run / "all")])
    assert result.exit_code == 0, result.output
    assert "votes of 3 checkpoints counted together" in result.output
    stored = json.loads((run / "all" / "evaluation.json").read_text())
    assert (
        stored["aggregated"] and stored["checkpoints"] == [first, *others] and stored["steps"] == [10, 20, 30]
    )


def test_the_command_changes_nothing_of_the_network(run: Path) -> None:
    result = CliRunner().invoke(main, [str(run), "arch.loops=9"])
    assert result.exit_code == 2 and "arch.loops: is the checkpoint's own" in result.output


def test_the_rows_of_a_table_belong_to_their_data_set(data: Path, tmp_path: Path) -> None:
    words = ("arch.canvas=cropped", "evaluators=[]", "epochs=1", "global_batch_size=15", "arch.loops=1")
    train(small(data, tmp_path / "run", *words, "eval_augmentations=1"), World(), quiet=True)
    stored = np.load(tmp_path / "run" / "identifiers.npz")
    assert stored["tasks"].tolist() == [0] + [n for n in range(1, 6) for _ in range(4)]
    assert stored["ids"].tolist() == [f"toy{n}" for n in range(5)]
    other = arc_data(tmp_path, seed=7)
    result = CliRunner().invoke(main, [str(tmp_path / "run"), f"data_path={other}", "--quiet"])
    assert result.exit_code == 2 and "of other tasks or augmentations" in result.output, result.output


def test_the_weights_are_the_average(run: Path) -> None:
    weights = load_weights(str(run / "weights"))
    state = read_state(checkpoints(run)[-1])
    names = [name for name, _ in weights.network.named_parameters()]
    for name, value in zip(names, state["average"][1], strict=True):
        torch.testing.assert_close(weights.network.state_dict()[name], value, rtol=0, atol=0)
    assert any(
        not torch.equal(value, state["network"][name])
        for name, value in zip(names, state["average"][1], strict=True)
    )
    assert weights.provenance["steps"] == 30 and weights.provenance["scores"]["steps"] == 3.0


def test_a_picture_of_the_run(run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(plot, [str(run), "-o", str(tmp_path / "x.png")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert CliRunner().invoke(plot, [str(tmp_path)]).exit_code == 2
