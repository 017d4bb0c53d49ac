"""The Kaggle bundle: what it holds, Kaggle's rules for names, and a run far from the repository."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from test_cli import first_tasks
from test_run import tiny_weights

from solver.arc.submission import read_submission
from solver.bundle import kernel_source, resource_id, write_bundle
from solver.cli import main
from solver.model.checkpoint import save_weights

TITLE = "ARC URM Solver"
NO_NETWORK = (
    "import runpy, socket, sys\n"
    "def refuse(*args, **named):\n"
    "    raise OSError('no network here')\n"
    "socket.socket.connect = socket.getaddrinfo = refuse\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = tiny_weights(memory="cose")
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_weights(folder, tiny.network, tiny.memory, {})
    return folder


def test_the_bundle_is_what_kaggles_command_reads(weights: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["bundle", "-o", str(tmp_path), "--user", "somebody", "--weights", str(weights)]
    )
    assert done.exit_code == 0, done.output
    assert f"kaggle kernels push -p {tmp_path / 'kernel'}" in done.output
    kernel = json.loads((tmp_path / "kernel" / "kernel-metadata.json").read_text())
    dataset = json.loads((tmp_path / "weights" / "dataset-metadata.json").read_text())
    assert kernel["id"] == "somebody/arc-urm-solver" and kernel["title"] == TITLE
    assert kernel["dataset_sources"] == [dataset["id"]]
    assert (kernel["enable_internet"], kernel["machine_shape"]) == (False, "NvidiaL4")
    assert (tmp_path / "kernel" / kernel["code_file"]).is_file()
    assert 6 <= len(dataset["title"]) <= 50 and len(dataset["licenses"]) == 1
    assert {path.name for path in (tmp_path / "weights").iterdir()} == {
        "config.json",
        "model.safetensors",
        "dataset-metadata.json",
    }
    code = (tmp_path / "kernel" / "kaggle_kernel.py").read_text()
    ast.parse(code)
    assert len(code) < 1_000_000, "Kaggle takes no larger source"
    (cell,) = json.loads((tmp_path / "kernel" / "kaggle_kernel.ipynb").read_text())["cells"]
    assert "".join(cell["source"]) == code == kernel_source()


@pytest.mark.parametrize(
    ("user", "title", "said"),
    [
        ("some/body", TITLE, "wanted a Kaggle user name"),
        ("somebody", "short", "wanted 6 to 50 letters, found 5"),
        ("somebody", "x" * 51, "found 51"),
        ("somebody", "a------!", "letters and digits"),
    ],
)
def test_kaggles_rules_for_names(user: str, title: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        resource_id(user, title)


def test_a_competition_has_a_plain_name(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="competition"):
        write_bundle(tmp_path, user="somebody", competition="ARC Prize", weights=str(weights))
    assert not list(tmp_path.iterdir())


def test_the_bundle_alone_writes_what_solve_writes(
    weights: Path, tmp_path: Path, example_tasks: Path
) -> None:
    """In isolated mode, in an empty folder, with no network and no way to the repository."""
    write_bundle(tmp_path / "dist", user="somebody", weights=str(weights))
    few = first_tasks(example_tasks, tmp_path, 2, solutions=False)
    mounts = tmp_path / "kaggle" / "input"
    tasks = mounts / "competitions" / "arc-prize-2026-arc-agi-2" / "arc-agi_test_challenges.json"
    data = mounts / "datasets" / "somebody" / "arc-urm-solver-weights"
    for folder in (tasks.parent, data, tmp_path / "empty", tmp_path / "working", tmp_path / "scratch"):
        folder.mkdir(parents=True)
    tasks.write_bytes(few.read_bytes())
    for path in (tmp_path / "dist" / "weights").iterdir():
        (data / path.name).write_bytes(path.read_bytes())
    (tmp_path / "blocked.py").write_text(NO_NETWORK)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
        "KAGGLE_INPUT": str(mounts),
        "KAGGLE_OUTPUT": str(tmp_path / "working"),
        "TMPDIR": str(tmp_path / "scratch"),
    }
    fast = ["--steps", "1", "--augmentations", "2", "--workers", "1"]
    kernel = str(tmp_path / "dist" / "kernel" / "kaggle_kernel.py")
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "blocked.py"), kernel, "--full", *fast],
        cwd=tmp_path / "empty",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(ROOT / "solver") not in done.stdout + done.stderr
    written = {path.name for path in (tmp_path / "working").iterdir()}
    assert {"submission.json", "run.log", "submission.journal"} <= written
    assert written <= {"submission.json", "run.log", "submission.journal", "report.html"}
    ours = CliRunner().invoke(
        main, [str(few), "-o", str(tmp_path / "ours.json"), "--weights", str(weights), *fast]
    )
    assert ours.exit_code == 0, ours.output
    assert (tmp_path / "ours.json").read_bytes() == (tmp_path / "working" / "submission.json").read_bytes()
    assert len(read_submission(tmp_path / "ours.json")) == 2
