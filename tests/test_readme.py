"""What the README says is true: links, options, sub-commands, and its commands, run."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from solver.cli import COMMANDS, main
from solver.run.schedule import SEARCH_SECONDS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(start: str) -> list[str]:
    """The indented commands that begin with ``start``, continued lines joined."""
    joined = TEXT.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.startswith(f"    {start}")]


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_commands_are_those_there_are() -> None:
    named = set(re.findall(r"\| `solve ([a-z-]+)[ `]", TEXT))
    assert named == set(COMMANDS) - {"solve"}


def test_the_options_are_those_there_are() -> None:
    table = TEXT[TEXT.index("| option |") : TEXT.index("The submission is valid")]
    named = set(re.findall(r"`(--[a-z-]+)|, (--[a-z-]+)", table))
    flags = {flag for pair in named for flag in pair if flag}
    known = {option for parameter in main.load("solve").params for option in parameter.opts}
    assert flags and flags <= known, flags - known


def test_the_seconds_of_the_search_are_those_it_has() -> None:
    told = re.search(r"`--search S`.*?by default at most (\d+)", TEXT)
    assert told is not None and int(told[1]) == SEARCH_SECONDS


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z]+)", TEXT) + [c.split()[1] for c in commands("make")]:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_python_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    check = "\nassert len(results) == 1 and len(results[0].attempts) == len(results[0].task.test)"
    subprocess.run([sys.executable, "-c", code + check], cwd=tmp_path, check=True, env=environment())


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """The example tasks under the names of the subsets that the README's commands ask for."""
    folder = tmp_path / "DIR"
    folder.mkdir()
    for subset in ("training", "evaluation", "concept"):
        for kind, source in (("challenges", "arc1_eval_20"), ("solutions", "arc1_eval_20_solutions")):
            shutil.copy(ROOT / "examples" / f"{source}.json", folder / f"arc-agi_{subset}_{kind}.json")
    return folder


def test_the_dataset_commands_run(data_folder: Path) -> None:
    found = commands("python build_dataset.py")
    assert [command.split()[2] for command in found] == ["arc", "sudoku", "inspect"]
    for command in (found[0], found[2]):
        words = [sys.executable, str(ROOT / "build_dataset.py"), *shlex.split(command)[2:]]
        done = subprocess.run(
            words, cwd=data_folder.parent, env=environment(), capture_output=True, text=True
        )
        # The three subsets are the same tasks here, so inspect finds what it looks for: a leak.
        assert done.returncode == (1 if "inspect" in command else 0), done.stdout + done.stderr
