"""What a run offers beside its steps: the best checkpoint, other epochs, seeds, stops, memory, signals."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from test_train_resume import same
from training import small, small_words, sudoku_data, trainer_of

import train.data
import train.loop
from solver.model.checkpoint import load_weights
from train.__main__ import main
from train.act import Loop
from train.checkpoint import checkpoints, find_checkpoint, read_best, read_state
from train.distributed import World
from train.evaluate import score_line
from train.feed import as_batch
from train.fit import check_memory, check_table, kept_bytes
from train.log import FILE, read_log
from train.loop import Run
from train.progress import Progress


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return sudoku_data(tmp_path_factory.mktemp("data"))


def evaluations(folder: Path) -> dict[int, dict]:
    return {r["step"]: r for r in read_log(folder / FILE) if r["event"] == "eval"}


def test_the_best_checkpoint_stays_beside_the_newest(data: Path, tmp_path: Path, monkeypatch) -> None:
    values = iter([0.2, 0.7, 0.5, 0.6, 0.1])
    real = train.data.evaluate

    def judged(*arguments, **names):
        return {**real(*arguments, **names), "exact_accuracy": next(values)}

    monkeypatch.setattr(train.data, "evaluate", judged)
    words = ("epochs=4", "eval_interval=1", "keep_best=exact_accuracy", "keep_checkpoints=1", "ema=True")
    train.loop.train(small(data, tmp_path, *words), World(), quiet=True)
    kept = [path.name for path in checkpoints(tmp_path)]
    assert kept == ["step_20.pt", "step_40.pt"]
    best = read_best(tmp_path)
    assert best == {"metric": "exact_accuracy", "value": 0.7, "step": 20, "checkpoint": "step_20.pt"}
    assert (
        find_checkpoint("best", tmp_path)
        == find_checkpoint(str(tmp_path / "best"), Path())
        == tmp_path / kept[0]
    )
    weights = load_weights(str(tmp_path / "weights"))
    assert weights.provenance["steps"] == 20, "the exported weights are the best's"
    average = read_state(tmp_path / kept[0])["average"][1]
    assert all(map(torch.equal, weights.network.parameters(), average))
    with pytest.raises(ValueError, match="keep_best: got nothing, expected one of accuracy, exact_accuracy"):
        train.loop.train(small(data, tmp_path / "b", *words[:2], "keep_best=nothing"), World(), quiet=True)


def test_a_loss_is_better_when_it_is_smaller(data: Path, tmp_path: Path) -> None:
    words = ("epochs=3", "eval_interval=1", "keep_best=lm_loss", "lr=1e-2")
    train.loop.train(small(data, tmp_path, *words), World(), quiet=True)
    losses = {step: record["lm_loss"] for step, record in evaluations(tmp_path).items()}
    assert read_best(tmp_path)["step"] == min(losses, key=losses.__getitem__)


def test_a_run_goes_on_with_more_epochs_and_other_intervals(data: Path, tmp_path: Path) -> None:
    words = ("epochs=4", "eval_interval=2", "lr_min_ratio=1.0")
    train.loop.train(small(data, tmp_path / "a", *words), World(), quiet=True)
    again = ("load_checkpoint=latest", "lr_min_ratio=1.0")
    train.loop.train(small(data, tmp_path / "a", "epochs=8", "eval_interval=4", *again), World(), quiet=True)
    assert list(evaluations(tmp_path / "a")) == [20, 40, 80]
    train.loop.train(small(data, tmp_path / "b", "epochs=8", "eval_interval=2"), World(), quiet=True)
    steps = [r["step"] for r in read_log(tmp_path / "a" / FILE) if r["event"] == "train"]
    assert steps == list(range(1, 81))


def test_what_was_begun_is_ended_as_it_was_begun(data: Path, tmp_path: Path) -> None:
    """A run stopped within an interval evaluates where it would have, whatever the new interval."""
    config = small(data, tmp_path, "epochs=6", "eval_interval=3", "checkpoint_interval=10")
    run = Run(config, World(), quiet=True)
    real = run.trainer.learn

    def stopping(*arguments):
        run.call.stopped = run.trainer.at.step == 11
        return real(*arguments)

    run.trainer.learn = stopping
    assert run.go() is None
    run.log.close()
    changed = small(data, tmp_path, "epochs=6", "eval_interval=1", "load_checkpoint=latest")
    train.loop.train(changed, World(), quiet=True)
    assert list(evaluations(tmp_path)) == [30, 40, 50, 60]


def test_several_seeds_by_one_command(data: Path, tmp_path: Path) -> None:
    words = [*small_words(data, tmp_path, "epochs=2", "eval_interval=2"), "--seeds", "3", "--quiet"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    values = [list(evaluations(tmp_path / f"seed_{n}").values())[-1]["accuracy"] for n in range(3)]
    assert len(set(values)) > 1
    found = json.loads((tmp_path / "seeds.json").read_text())["numbers"]["accuracy"]
    assert found == pytest.approx([sum(values) / 3, min(values), max(values)])
    assert f"accuracy: mean {found[0]:.4f}, {found[1]:.4f} to {found[2]:.4f} (3 seeds)" in result.output
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0 and again.output == result.output, "what is finished stands"


def test_stops_are_those_of_the_loops_one_by_one(data: Path, tmp_path: Path) -> None:
    """``q_halt`` and ``settled`` against the sequences of all loops, looked through by hand."""
    trainer = trainer_of(small(data, tmp_path, "arch.loops=6"))
    batch = as_batch(next(trainer.feed.dataset.test_batches(batch_size=20)), only_row=True, side=4)
    head = trainer.network.heads.q_head
    with torch.no_grad():
        head.weight.normal_(generator=torch.Generator().manual_seed(1)).mul_(3)
        head.bias.zero_()
        # Halfway through, half of them would halt.
        head.bias[0] -= trainer.act.evaluate(batch, [3])[3].q_halt.median()
    with torch.inference_mode():
        every = trainer.act.evaluate(batch, range(1, 7))
        found = trainer.act.evaluate(batch, [6], ["q_halt", "settled"])
        alone = trainer.act.evaluate(batch, [], ["settled"])
    assert torch.equal(found[6].logits, every[6].logits)

    def wanted(stops) -> list[int]:
        return [next((n for n in range(1, 6) if stops(n, row)), 6) for row in range(len(batch))]

    def answer(n: int, row: int) -> list[int]:
        return every[n].logits[row].argmax(-1).tolist()

    halts = wanted(lambda n, row: bool(every[n].q_halt[row] > 0))
    settles = wanted(lambda n, row: n > 1 and answer(n, row) == answer(n - 1, row))
    assert len(set(halts)) > 1 and len(set(settles)) > 1
    for name, steps in (("q_halt", halts), ("settled", settles)):
        loop: Loop = found[name]
        assert loop.steps.tolist() == steps, name
        for row, n in enumerate(steps):
            assert torch.equal(loop.logits[row], every[n].logits[row]), (name, row)
            assert loop.q_halt[row] == every[n].q_halt[row]
    assert torch.equal(alone["settled"].steps, found["settled"].steps)


def test_figures_of_all_loops_and_of_stops_stand_side_by_side(data: Path, tmp_path: Path) -> None:
    words = ("epochs=2", "eval_interval=2", "eval_stops=[q_halt,settled]")
    numbers = train.loop.train(small(data, tmp_path, *words), World(), quiet=True)
    assert numbers["steps"] == 3 and 1 <= numbers["settled/steps"] <= 3 and 1 <= numbers["q_halt/steps"] <= 3
    assert "settled/exact_accuracy" in numbers and "q_halt/exact_accuracy" in numbers
    exact = numbers["exact_accuracy"]
    assert numbers["q_halt_base_rate"] == max(exact, 1 - exact)
    assert score_line(numbers) == f"score: {exact:.2%} (exact_accuracy: test samples right in every cell)"


def test_network_and_memory_are_counted_apart(data: Path, tmp_path: Path) -> None:
    train.loop.train(small(data, tmp_path, "epochs=2", "eval_interval=2"), World(), quiet=True)
    header = read_log(tmp_path / FILE)[0]
    network = load_weights(str(tmp_path / "weights")).network
    assert header["parameters"] == sum(p.numel() for p in network.parameters())
    assert header["memory_parameters"] == 2 * 32, "two rows of 32"
    provenance = json.loads((tmp_path / "weights" / "config.json").read_text())["provenance"]
    assert provenance["parameters"] == {"network": header["parameters"], "memory": 64}


def test_a_step_that_cannot_fit_is_refused_before_anything(data: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("train.fit.free_bytes", lambda device: 1_000_000)
    words = [*small_words(data, tmp_path / "run", "global_batch_size=100", "epochs=10"), "--quiet"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and not (tmp_path / "run").exists()
    assert "global_batch_size: got 100, 100 x 16 cells a micro-batch, about" in result.output
    assert "expected at most the 0.001 GB that are free" in result.output


def test_memory_is_counted_as_a_backward_pass_keeps_it(data: Path, tmp_path: Path) -> None:
    """Twice the sequences keep twice the bytes but for what all share; the trainer is as it was."""
    trainer = trainer_of(small(data, tmp_path))
    batch = as_batch(next(trainer.feed.dataset.test_batches(batch_size=12)), only_row=True, side=4)
    before, random = trainer.state(), torch.get_rng_state()
    one, two = (kept_bytes(trainer, batch.select(torch.arange(n))) for n in (4, 8))
    assert 1.8 * one < two <= 2 * one
    width, layers = 32, 2  # with gradient
    assert one > 4 * 17 * width * 4 * layers * 4, "at least a few states of each layer"
    assert "12 x 16 cells a micro-batch, about " in check_memory(trainer)
    assert same(trainer.state()["network"], before["network"])
    assert torch.equal(torch.get_rng_state(), random) and trainer.carries == []


def test_rows_that_cannot_fit_are_refused_before_they_are_made(
    data: Path, tmp_path: Path, monkeypatch
) -> None:
    trainer = trainer_of(small(data, tmp_path))
    monkeypatch.setattr("train.fit.free_bytes", lambda device: 255)
    with pytest.raises(ValueError, match=r"arch.memory: got 2 rows of 32 numbers, 2.6e-07 GB, expected"):
        check_table(trainer.config, trainer.feed, trainer.device)


@pytest.mark.parametrize("where", ["step", "evaluation"])
def test_a_signal_ends_a_step_and_an_evaluation_at_once(
    data: Path, tmp_path: Path, monkeypatch, where: str
) -> None:
    """SIGTERM in the middle leaves a checkpoint from which the run ends as if nothing had been."""
    words = ("epochs=4", "eval_interval=2", "ema=True")
    train.loop.train(small(data, tmp_path / "whole", *words), World(), quiet=True)
    called = []

    def interrupted(real, at):
        def run(*arguments, **names):
            called.append(0)
            if len(called) == at:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(*arguments, **names)

        return run

    with monkeypatch.context() as patch:
        target = "train.trainer.act_loss" if where == "step" else "train.evaluation.act_loss"
        patch.setattr(target, interrupted(train.trainer.act_loss, 7 if where == "step" else 2))
        assert train.loop.train(small(data, tmp_path / "cut", *words), World(), quiet=True) is None
    step = 6 if where == "step" else 20
    assert checkpoints(tmp_path / "cut")[-1].name == f"step_{step}.pt"
    assert train.loop.train(
        small(data, tmp_path / "cut", *words, "load_checkpoint=latest"), World(), quiet=True
    )
    ends = [read_state(checkpoints(tmp_path / name)[-1]) for name in ("whole", "cut")]
    assert same(ends[0]["network"], ends[1]["network"])
    assert same(ends[0]["average"], ends[1]["average"])
    assert list(evaluations(tmp_path / "cut")) == [20, 40]


def test_a_folder_that_cannot_be_written_is_one_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, [*small_words(data, tmp_path / "file" / "run"), "--quiet"])
    assert result.exit_code == 2 and "cannot be written (Not a directory)" in result.output


def test_a_line_a_minute_where_there_is_no_terminal(capsys) -> None:
    now = iter([0.0, 10.0, 59.0, 61.0, 90.0, 122.0])
    with Progress(10, "step", done=2, clock=lambda: next(now)) as progress:
        for n in range(5):
            progress.advance(loss=f"{n}")
    assert capsys.readouterr().err.splitlines() == [
        "step 5 of 10, loss 2, about 2 min left",
        "step 7 of 10, loss 4, about 1 min left",
    ]
