"""The doctor: what it says of this machine, and of one that lacks something."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from test_run import tiny_weights

from solver.cli import main
from solver.model.checkpoint import save_weights
from solver.run.cost import CostModel
from solver.run.doctor import diagnose, projection


def run(weights: Path | str, seconds: str):
    return CliRunner().invoke(
        main, ["doctor", "--weights", str(weights), "--device", "cpu", "--seconds", seconds]
    )


def test_the_doctor_measures_and_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_INPUT", str(tmp_path))
    tiny = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", tiny.network, tiny.memory, {})
    done = run(tmp_path / "tiny", "1")
    assert done.exit_code == 0, done.output
    for part in (f"mounts: Under {tmp_path}", "cpu: ", "weights: tiny", "GiB free", "pace: ", "240 tasks on"):
        assert part in done.output


def test_a_problem_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    done = run(tmp_path / "none", "0")
    assert done.exit_code == 1
    assert f"problem: weights {tmp_path / 'none'}" in done.output


def test_the_projection_follows_the_pace() -> None:
    model = CostModel()
    for steps in (0, 10, 20):
        tokens = steps * 4096.0
        model.update(np.array([1.0, 0.0, tokens, 1000.0]), 1.0 + tokens * 1e-6)
    one, four = ("\n".join(projection(model, devices, 11.25)) for devices in (1, 4))
    assert "1 device:" in one and "4 devices:" in four
    steps = [int(text.split(" allow ")[1].split()[0]) for text in (one, four)]
    assert 3.5 < steps[1] / steps[0] < 4.5


READY = {"weights": "x/weights", "placement": "CPU, 1 thread, float32", "workers": 1}


@pytest.mark.parametrize(
    ("told", "last"),
    [
        (
            [{"devices": ["cpu: 1 thread"]}, READY],
            "pace: not measured within 2 s on this busy machine; a run ",
        ),
        (
            # Without a step that was timed nothing can be said of steps.
            [{"devices": ["cpu: 1 thread"]}, READY, {"side": 10, "steps": 0, "views": 4, "seconds": 0.5}],
            "pace: not measured within 2 s on this busy machine; a run ",
        ),
        ([{"devices": ["cpu: 1 thread"]}], "problem: the devices and the weights were not ready after 2 s"),
        ([], "problem: the devices and the weights were not ready after 2 s"),
    ],
)
def test_only_a_late_pace_is_no_problem(monkeypatch: pytest.MonkeyPatch, told: list[dict], last: str) -> None:
    """The measuring process says so much as itself, then sleeps until it is ended."""
    lines = "".join(f"print({json.dumps(json.dumps(value))}, flush=True); " for value in told)
    monkeypatch.setattr(
        "solver.run.doctor._CODE", lines.replace("{", "{{").replace("}", "}}") + "import time; time.sleep(60)"
    )
    said = list(diagnose("any", seconds=0.0, start_seconds=2.0))
    assert said[-1].startswith(last)
    assert sum(line.startswith("problem") for line in said) == last.startswith("problem")
