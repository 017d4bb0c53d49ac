"""The scripts of runs/: bash reads them, and every recipe and file that they name is there."""

import re
import subprocess
from pathlib import Path

import pytest

from train.config import recipe_names

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "runs").glob("*.sh"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_runs(script: Path) -> None:
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = script.read_text()
    named = set(re.findall(r"^(?:python -m train|by_cells) (\w+) ", text, re.MULTILINE))
    if '"${arch}_$set"' in text:
        sets = re.search(r"for set in (.*); do", text)[1].split()
        named |= {f"{arch}_{part}" for arch in ("urm", "trm", "hrm") for part in sets}
    assert named <= set(recipe_names()), named
    assert named
