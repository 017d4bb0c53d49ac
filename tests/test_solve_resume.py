"""The command ``solve`` with workers, killed and gone on with, as a user has it: in a process of its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import first_tasks
from test_cli import run as run_here
from test_run import tiny_weights

from solver.arc.journal import read_journal
from solver.choices import NETWORK
from solver.model.checkpoint import save_weights

COMMAND = [sys.executable, "-c", "from solver.cli import main; main(prog_name='solve')"]
TASKS = 3


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(journal: Path) -> dict[str, float]:
    """Seconds that the journal's finished tasks took."""
    contents = read_journal(journal)
    return {name: contents.seconds(name) for name in contents.events if contents.finished(name)}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_killed_command_is_gone_on_with_to_the_same_bytes(tmp_path: Path, example_tasks: Path) -> None:
    tiny = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", tiny.network, tiny.memory, {})
    few = first_tasks(example_tasks, tmp_path, TASKS)
    output, journal = tmp_path / "s.json", tmp_path / "s.journal"
    same = [
        few,
        "--sources",
        NETWORK,
        "--weights",
        tmp_path / "tiny",
        "--steps",
        "2",
        "--augmentations",
        "2",
        "--device",
        "cpu",
    ]
    with start(*same, "-o", output, "--workers", "2") as process:
        assert process.stdout is not None
        first = next((line for line in process.stdout if re.match(rf" ?1/{TASKS} ", line)), "")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(process.pid, signal.SIGKILL)
    assert first and len(children) in (2, 3), "one result, two workers; that of the rules may still be there"
    before = finished(journal)
    assert before
    files = output.read_bytes(), journal.read_bytes()
    refused = run_here(*same[:-4], "--augmentations", "3", "-o", output, "--resume")
    assert refused.exit_code == 2 and "begun with other settings" in refused.stderr
    assert (output.read_bytes(), journal.read_bytes()) == files, (
        "a run that is refused leaves both as they were"
    )
    with start(*same, "-o", output, "--workers", "1", "--resume") as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert len(re.findall(rf"^ ?\d/{TASKS} ", said, re.MULTILINE)) == TASKS
    after = finished(journal)
    assert len(after) == TASKS
    assert {name: after[name] for name in before} == before, "what was finished was not done again"
    clean = run_here(*same, "-o", tmp_path / "clean.json", "--workers", "0")
    assert clean.exit_code == 0, clean.output
    assert output.read_bytes() == (tmp_path / "clean.json").read_bytes()
