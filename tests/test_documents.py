"""Every command that README and docs show runs as it is written: from a shell's words, on toy inputs."""

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from conftest import ROOT
from made_run import make_run

from solver.cli import COMMANDS, main

DOCUMENTS = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").glob("*.md") if p.name != "LOG.md")]
SHELL = re.compile(r"^(?:\.venv/bin/)?(?:solve|python|make|torchrun|kaggle|KAGGLE_\w+=\S+) ")


def shown(path: Path) -> list[str]:
    """The commands of a document: lines of its code blocks, fenced or indented, continued lines joined."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    fenced = re.findall(r"^```(?:bash|sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += [line for line in text.splitlines() if line.startswith("    ")]
    tables = re.findall(r"`((?:solve|python) [^`]+)`", text)
    found = [*map(str.strip, lines), *tables]
    return [line.split("  #")[0].strip() for line in found if SHELL.match(line)]


COMMANDS_SHOWN = [(path.name, line) for path in DOCUMENTS for line in shown(path)]
SOLVE_SHOWN = [(name, line) for name, line in COMMANDS_SHOWN if re.match(r"(\.venv/bin/)?solve ", line)]


def test_the_documents_show_commands() -> None:
    assert len(COMMANDS_SHOWN) > 40 and len(SOLVE_SHOWN) > 10


@pytest.mark.parametrize(("name", "line"), COMMANDS_SHOWN)
def test_zsh_takes_the_words_as_bash_does(name: str, line: str) -> None:
    """zsh ends with "no matches found" where an unquoted word has a pattern that no file fits."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'|\\.|\[ID\]|\[B \.\.\.\]", "", line)  # [ID]: may be left out
    assert not re.search(r"[\[?]", bare), f"{name}: quote the word with a pattern in: {line}"


@pytest.mark.parametrize(("name", "line"), SOLVE_SHOWN)
def test_a_solve_command_has_options_that_exist(name: str, line: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line.replace("...", ""))[1:]
    words = [word for word in words if word not in ("|", ">")]
    command = main.load(words[0] if words and words[0] in COMMANDS else "solve")
    names = [word for word in words if not word.startswith("-") and "/" not in word and "." in word]
    for file in names:
        (tmp_path / file).write_text("{}")
    known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
    used = {word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
    assert used <= known, f"{name}: {used - known}"


def test_the_readmes_table_of_commands_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the table, each as it stands there; ``doctor`` has a test of its own."""
    rows = re.findall(r"^\| `(solve [^`]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {row.split()[1] for row in rows} == set(COMMANDS) - {"solve"}
    run = make_run(tmp_path, ["a", "b"])
    monkeypatch.chdir(tmp_path)
    shutil.copy(run.submission, "A")
    shutil.copy(run.submission, "B")
    inputs = {"SOLUTIONS": str(run.solutions), "TASKS": str(run.tasks), "[ID]": "a", "NAME": "urm-nano"}
    ran = set()
    for row in rows:
        words = [inputs.get(word, word) for word in shlex.split(row)[1:]]
        if words[0] in ("doctor", "import-checkpoint", "pack", "explain"):  # minutes, or a file of others
            continue
        result = CliRunner().invoke(main, words, prog_name="solve")
        assert result.exit_code == 0, (row, result.output)
        ran.add(words[0])
    assert {"score", "compare", "report", "merge", "show", "bundle"} <= ran


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_short_flag_for_help(name: str, flag: str) -> None:
    result = CliRunner().invoke(main, [name, flag], prog_name="solve")
    assert result.exit_code == 0 and result.output.startswith("Usage: ")


def test_the_version_has_a_short_flag() -> None:
    for flag in ("-V", "--version"):
        assert CliRunner().invoke(main, [flag], prog_name="solve").output.startswith("solve, version ")


def test_names_of_the_package_are_found_by_completion() -> None:
    import solver

    assert {"solve", "load_tasks", "SolveOptions"} <= set(dir(solver))
    assert isinstance(main, click.Group)
