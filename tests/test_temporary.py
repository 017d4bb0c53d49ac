"""Temporary folders: found again by the run that resumes, shared by none, removed after a killed process."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT

from solver.run.temporary import JOINT, KEPT, WEIGHTS, YOUNG, TemporaryFolder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_weights_of_a_killed_process_are_removed_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys; from solver.run.temporary import TemporaryFolder\n"
        f"print(TemporaryFolder({WEIGHTS!r}, 0.0).path, flush=True); sys.stdin.read() or os._exit(1)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, **pipes) as process:
        left = Path(process.stdout.readline().strip())
        (left / "model.safetensors").write_bytes(b"weights")
        TemporaryFolder(WEIGHTS, time.time() + 2 * YOUNG).close()
        assert left.exists(), "taken from a process that lives"
        process.kill()
    TemporaryFolder(WEIGHTS, time.time()).close()
    assert left.exists(), "too young to be sure that it will not be locked"
    TemporaryFolder(WEIGHTS, time.time() + 2 * YOUNG).close()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_share_nothing(tmp_path: Path) -> None:
    """Even where they have the same journal: the second neither finds nor removes what the first has."""
    first = TemporaryFolder(JOINT, time.time(), "run")
    (first.path / "joint.npz").write_bytes(b"weights")
    second = TemporaryFolder(JOINT, time.time(), "run")
    assert second.path != first.path
    second.clear()
    second.close()
    assert (first.path / "joint.npz").exists() and not second.path.exists()
    other = TemporaryFolder(JOINT, time.time(), "another")
    other.close()
    assert (first.path / "joint.npz").exists()


def test_the_run_that_resumes_finds_what_the_earlier_has_left(tmp_path: Path) -> None:
    first = TemporaryFolder(JOINT, time.time(), "run")
    (first.path / "joint.npz").write_bytes(b"weights")
    first.close(remove=False)
    TemporaryFolder(JOINT, time.time() + 2 * YOUNG, "another").close()
    again = TemporaryFolder(JOINT, time.time(), "run")
    assert again.path == first.path and (again.path / "joint.npz").exists()
    again.close(remove=False)
    TemporaryFolder(JOINT, time.time() + 2 * KEPT).close()
    assert list(tmp_path.iterdir()) == [], "nobody has come back for it"
