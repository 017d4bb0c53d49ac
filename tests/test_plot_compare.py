"""The picture of accuracy against compute."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from train.plot import curve, main, published


def write_log(folder: Path, records: list[dict]) -> Path:
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def test_the_published_table_is_whole() -> None:
    systems = published()
    assert len({system.name for system in systems}) == len(systems) >= 8
    for system in systems:
        assert 0 < system.score < 100 and 1e17 < system.flop < 1e22 and system.attempts in (1, 2)
        assert system.basis and system.source


def test_a_curve_holds_the_evaluations_that_have_the_score() -> None:
    records = [
        {"event": "train", "step": 1, "flop": 1.0, "pass@2": 0.9},
        {"event": "eval", "step": 3, "flop": 2.5, "before": 0.5, "pass@2": 0.5, "tuned pass@2": 0.6},
        {"event": "eval", "step": 2, "flop": 2.0, "pass@2": 0.25},
    ]
    assert curve(records, "pass@2") == ([2.0, 3.0], [25.0, 50.0])
    assert curve(records, "tuned pass@2") == ([3.0], [60.0])


def test_runs_are_drawn_among_published_systems(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run = write_log(tmp_path / "run", [{"event": "eval", "step": 2, "flop": 1e17, "pass@2": 0.25}])
    target = tmp_path / "x.png"
    result = CliRunner().invoke(main, ["--compare", str(run), str(run), "-o", str(target)])
    assert result.exit_code == 0, result.output
    assert target.read_bytes().startswith(b"\x89PNG")
    empty = write_log(tmp_path / "empty", [{"event": "train", "step": 1, "flop": 1.0}])
    result = CliRunner().invoke(main, ["--compare", str(empty), "-o", str(target)])
    assert result.exit_code == 2 and "no evaluation" in result.output
    assert CliRunner().invoke(main, [str(run), str(run)]).exit_code == 2
