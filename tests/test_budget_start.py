"""``--budget`` counts from the program's start: what came before the first job is no time beside it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT
from test_cli import first_tasks, run
from test_run import tiny_weights

from solver.arc.journal import read_journal
from solver.arc.submission import validate_submission
from solver.arc.task import load_tasks
from solver.model.checkpoint import save_weights
from solver.run.launch import Launcher
from solver.run.settings import SolveOptions

CONNECTING = 0.6  # seconds


@contextmanager
def slowly_connected(address: str, *, workers: int | None) -> Iterator[Launcher]:
    """A cluster that takes its time, then works with processes of this machine."""
    time.sleep(CONNECTING)
    yield Launcher()


def test_connecting_takes_its_time_from_the_budget(
    tmp_path: Path, example_tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[SolveOptions] = []
    monkeypatch.setattr("solver.run.cluster.connected", slowly_connected)
    monkeypatch.setattr(
        "solver.run.pipeline.solve", lambda tasks, options, **named: given.append(options) or []
    )
    for words in (["--budget", "1h"], ["--steps", "3"]):
        result = run(example_tasks, "-o", tmp_path / "s.json", "--cluster", "auto", *words)
        assert result.exit_code == 0, result.output
    assert 3500 < given[0].budget_seconds <= 3600 - CONNECTING
    assert given[1].budget_seconds is None


def test_a_budget_that_connecting_used_up_leaves_guesses(
    tmp_path: Path, example_tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solver.run.cluster.connected", slowly_connected)
    tiny = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", tiny.network, tiny.memory, {})
    few, output = first_tasks(example_tasks, tmp_path, 2), tmp_path / "s.json"
    words = [
        "--cluster",
        "auto",
        "--weights",
        tmp_path / "tiny",
        "--device",
        "cpu",
        "--budget",
        CONNECTING / 2,
    ]
    result = run(few, "-o", output, *words)
    assert result.exit_code == 0, result.output
    validate_submission(json.loads(output.read_text()), load_tasks(few))
    contents = read_journal(output.with_suffix(".journal"))
    assert not any(contents.finished(name) for name in contents.events)


def test_a_program_counts_from_the_start_of_its_process(tmp_path: Path, example_tasks: Path) -> None:
    code = (
        "import time; time.sleep(0.5)\n"
        "import solver.run.pipeline\n"
        "from solver.cli import main\n"
        "def solve(tasks, options, **named):\n    print('left', options.budget_seconds)\n    return []\n"
        "solver.run.pipeline.solve = solve\n"
        "main(prog_name='solve')"
    )
    words = [str(example_tasks), "-o", str(tmp_path / "s.json"), "--budget", "1h"]
    said = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (left,) = [float(line.split()[1]) for line in said.splitlines() if line.startswith("left")]
    assert 3500 < left <= 3599.5
