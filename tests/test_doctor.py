"""The doctor: what it says of this machine, and of one that lacks something."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from test_run import tiny_weights

from solver.arc.made_up import SIDES, made_up_task
from solver.cli import main
from solver.model.checkpoint import save_weights
from solver.run.cost import features, size_of
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
    for part in (f"mounts: Under {tmp_path}", "cpu: ", "weights: tiny", "GiB free", "pace: ", "240 tasks"):
        assert part in done.output


def test_a_problem_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    done = run(tmp_path / "none", "0")
    assert done.exit_code == 1
    assert f"problem: weights {tmp_path / 'none'}" in done.output


def jobs(noise: float, count: int = 12) -> list[tuple[np.ndarray, float]]:
    """Jobs of a machine with a cost of its own; every other one takes ``noise`` times as long."""
    made = []
    for number in range(count):
        size = size_of(made_up_task(SIDES[number % len(SIDES)]))
        row = features([size], steps=(0, 2, 8)[number % 3], seconds=None, views=4)
        seconds = float(row @ np.array([0.2, 0.0, 1e-6, 1e-5]))
        made.append((row, seconds * (noise if number % 2 else 1.0)))
    return made


def test_the_projection_follows_the_pace() -> None:
    one, four = ("\n".join(projection(jobs(1.0), devices, 11.25)) for devices in (1, 4))
    assert "1 device:" in one and "4 devices:" in four
    steps = [int(text.split(" allow ")[1].split()[0]) for text in (one, four)]
    assert 3.5 < steps[1] / steps[0] < 4.5


def test_a_projection_agrees_with_itself_or_says_that_it_cannot_tell() -> None:
    """Whatever is measured, and for how long: hours within a fifth of those that all of it gives."""
    whole = float(next(re.finditer(r": ([\d.]+) h with", "\n".join(projection(jobs(1.0, 48), 1, 11.25))))[1])
    for count in range(1, 40):
        text = "\n".join(projection(jobs(1.0, count), 1, 11.25))
        found = re.search(r": ([\d.]+) h with", text)
        assert "cannot tell" in text or 0.8 < float(found[1]) / whole < 1.25, (count, text)
    assert "cannot tell" in "\n".join(projection(jobs(4.0), 1, 11.25))


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
