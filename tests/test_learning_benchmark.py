"""The benchmark of learning: its arms differ in what they say they do, and go on where they stopped."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import learning
from solver.model.device import place

NETWORK = {"hidden_size": 16, "num_heads": 2, "num_layers": 1, "H_cycles": 1, "L_cycles": 1}
RATES = {"lr": 1e-3, "task_lr": 3e-3}


@pytest.fixture
def data(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example tasks under the names that the benchmark reads, and a network of a few numbers."""
    for kind in ("", "_solutions"):
        text = (root / "examples" / f"arc1_eval_20{kind}.json").read_bytes()
        (tmp_path / f"arc-agi_training_{'challenges' if not kind else 'solutions'}.json").write_bytes(text)
    small = {**NETWORK, "loops": 2, "memory": "cose", "puzzle_emb_ndim": 16}
    monkeypatch.setattr(learning, "SIZES", {"nano": (small, 8, RATES)})
    monkeypatch.setattr(learning, "PAIRS", 4)
    monkeypatch.setattr(learning, "POINTS", 2)
    return tmp_path


def test_arms_show_the_same_samples_and_no_held_out_pair(data: Path) -> None:
    study = learning.Study("nano", 1.0, 20, 0)
    pool = study.pool(data)
    assert len(pool) == 20
    made = [next(learning.batches(pool, study, canvas, 3)) for canvas in ("full", "cropped")]
    assert made[0].tokens.shape[1] == 900 and made[1].tokens.shape[1] < 900
    assert made[0].keys.tasks.tolist() == made[1].keys.tasks.tolist()
    cells = [(batch.labels >= 2).sum(1).tolist() for batch in made]
    assert cells[0] == cells[1]
    seen = {(pair.input.tobytes(), pair.output.tobytes()) for entry in pool for pair in entry.pairs}
    for canvas in ("full", "cropped"):
        for view in learning.held_out(pool, study, canvas):
            assert (view.pair.input.tobytes(), view.pair.output.tobytes()) not in seen
            assert canvas == "cropped" or view.canvas == learning.WHOLE


def test_an_arm_goes_on_where_it_stopped(data: Path) -> None:
    folder, study = data / "out", learning.Study("nano", 0.2, 8, 0)
    learning.run_arm(study, "cropped-rope2d", data, folder, place("cpu"), quiet=True)
    curve = folder / "cropped-rope2d" / "curve.jsonl"
    text = curve.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines[0]["arm"] == "cropped-rope2d" and lines[-1]["seconds"] >= 0.2
    assert lines[1]["samples"] == 0 < lines[-1]["samples"]
    assert all(0 <= line["cells"] <= 1 and line["loss"] > 0 for line in lines[1:])
    learning.run_arm(study, "cropped-rope2d", data, folder, place("cpu"), quiet=True)
    assert curve.read_text() == text, "a finished arm is left as it is"
    curve.write_text("\n".join(text.splitlines()[:-1]) + "\n")
    learning.run_arm(study, "cropped-rope2d", data, folder, place("cpu"), quiet=True)
    again = json.loads(curve.read_text().splitlines()[-1])
    assert again["samples"] == lines[-1]["samples"] and again["loss"] == pytest.approx(lines[-1]["loss"])


def test_the_command_draws_and_refuses_another_study(data: Path) -> None:
    pytest.importorskip("matplotlib")
    common = ["--data", str(data), "--output", str(data / "out"), "--arm", "cropped-rope", "--quiet"]
    result = CliRunner().invoke(learning.main, [*common, "--seconds", "0.1"])
    assert result.exit_code == 0 and (data / "out" / "learning.png").stat().st_size > 1000, result.output
    result = CliRunner().invoke(learning.main, [*common, "--seconds", "0.3"])
    assert result.exit_code == 2 and "of another study, seconds 0.1 (now 0.3)" in result.output
