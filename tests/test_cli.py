"""The command line: what it prints, what it refuses, and how it ends."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from solver import __version__
from solver.choices import NETWORK
from solver.cli import COMMANDS, main
from solver.cli.output import WIDTH
from solver.cli.solve import Duration

FAST = ["--sources", NETWORK, "--steps", "2", "--augmentations", "2"]


def run(*args: str | Path) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="solve")


def first_tasks(source: Path, folder: Path, count: int, *, solutions: bool = True) -> Path:
    """A challenges file of the first few example tasks, with its solutions beside it if wanted."""
    tasks = json.loads(source.read_text("utf-8"))
    ids = list(tasks)[:count]
    path = folder / "few.json"
    path.write_text(json.dumps({key: tasks[key] for key in ids}), "utf-8")
    if solutions:
        known = json.loads(source.with_name(f"{source.stem}_solutions.json").read_text("utf-8"))
        (folder / "few_solutions.json").write_text(json.dumps({key: known[key] for key in ids}), "utf-8")
    return path


# The group


def test_help_is_that_of_solve_and_names_the_other_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: solve [OPTIONS] TASKS\n")
    assert max(len(line) for line in result.output.splitlines()) <= WIDTH
    for name in set(COMMANDS) - {"solve"}:
        assert re.search(rf"^  {name} +\S", result.output, re.MULTILINE), name
    assert run("solve", "--help").output == result.output


def test_help_needs_no_torch_and_no_numba() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from solver.cli import main; "
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0; "
        "sys.exit(', '.join({'torch', 'numba', 'numpy'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version() -> None:
    assert run("--version").output == f"solve, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_in_the_table_loads_and_has_a_help(name: str) -> None:
    command = main.load(name)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str()
    assert run(name, "--help").exit_code == 0


def test_a_command_wins_over_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spare_command.py").write_text(
        "import click\n@click.command()\ndef spare():\n    click.echo('ran')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "spare", "spare_command:spare")
    monkeypatch.chdir(tmp_path)
    Path("spare").write_text("[]")
    assert run("spare").output == "ran\n"
    reached = run("./spare")
    assert reached.exit_code == 2
    assert reached.stderr == "Error: spare: wanted an object of tasks or one task, found a list of 0\n"


def test_the_package_imports_nothing_until_asked() -> None:
    code = "import sys, solver; assert not {'torch', 'numba', 'numpy'} & set(sys.modules); solver.load_tasks"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import solver; solver.no_such_name"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "AttributeError: module 'solver' has no attribute 'no_such_name'" in done.stderr


# What it refuses


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "not JSON"),
        ("{}", "wanted at least one task, found none"),
        ('{"a": {"train": [], "test": []}}', "task a: wanted at least one pair in train, found none"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
    ],
)
def test_bad_tasks_are_one_sentence_and_leave_the_submission(
    tmp_path: Path, content: str, sentence: str
) -> None:
    tasks, output = tmp_path / "tasks.json", tmp_path / "submission.json"
    tasks.write_text(content)
    output.write_text("an earlier one")
    result = run(tasks, "-o", output)
    assert result.exit_code == 2
    assert result.stdout == f"solve {__version__}: reading {tasks}\n"
    assert result.stderr.startswith(f"Error: {tasks}") and sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert output.read_text() == "an earlier one"


def test_missing_tasks_file() -> None:
    result = run("no-such.json")
    assert (result.exit_code, result.stderr) == (2, "Error: no-such.json: no such file or folder of tasks\n")


@pytest.mark.parametrize("name", ["arc1_eval_20.json", "arc1_eval_20_solutions.json"])
def test_the_tasks_and_solutions_are_not_overwritten(tmp_path: Path, example_tasks: Path, name: str) -> None:
    for path in (example_tasks, example_tasks.with_name("arc1_eval_20_solutions.json")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    result = run(tmp_path / example_tasks.name, "-o", tmp_path / name)
    assert result.exit_code == 2
    assert "expected a file that nothing else is in, got one of the inputs" in result.stderr
    assert (tmp_path / name).read_bytes() == example_tasks.with_name(name).read_bytes()


@pytest.mark.parametrize(
    ("word", "meant"), [("scor", "score"), ("import_checkpoint", "import-checkpoint"), ("reports", "report")]
)
def test_a_misspelt_command_is_told_from_a_tasks_file(tmp_path: Path, word: str, meant: str) -> None:
    result = run(word, "a", "b")
    wanted = f"Error: {word}: no such command, file or folder; did you mean solve {meant}?\n"
    assert (result.exit_code, result.stderr) == (2, wanted)
    assert "did you mean" not in run(tmp_path / word).stderr
    (tmp_path / word).write_text("[]")
    assert "wanted an object of tasks" in run(tmp_path / word).stderr


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "solve"])
def test_the_examples_in_a_help_are_commands_with_known_options(name: str) -> None:
    command = main.load(name)
    shown = run(name, "--help").output
    examples = re.findall(rf"^ +solve {name}(.*)$", shown[shown.index("Examples:") :], re.MULTILINE)
    known = {option for parameter in command.params for option in parameter.opts}
    assert examples and max(map(len, shown.splitlines())) <= WIDTH
    for words in examples:
        assert set(re.findall(r"(?<=\s)--?[a-z-]+", words)) <= known, words


def test_the_budgets_exclude_each_other(example_tasks: Path) -> None:
    result = run(example_tasks, "--steps", "3", "--budget", "1h")
    assert result.exit_code == 2
    assert "at most one of --steps, --seconds-per-task, --budget, got --steps and --budget" in result.stderr


@pytest.mark.parametrize(
    "option",
    [["--steps", "-1"], ["--augmentations", "0"], ["--seed", "-1"], ["--device", "tpu"], ["--tune", "x"]],
)
def test_options_out_of_range(example_tasks: Path, option: list[str]) -> None:
    result = run(example_tasks, *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("11h", 39600),
        ("90m", 5400),
        ("45s", 45),
        ("1h30m", 5400),
        ("1h0m1.5s", 3601.5),
        ("30", 30),
        ("0.5H", 1800),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "1h30", "0", "0s", "-5s", "5 m", "30m1h", "inf", "nan", "1e3", "9" * 400]
)
def test_bad_durations(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"wanted a time such as 11h"):
        Duration().convert(text, None, None)


@given(st.text(alphabet="0123456789.hms- e", max_size=8))
def test_a_duration_is_seconds_above_zero_or_an_error(text: str) -> None:
    try:
        seconds = Duration().convert(text, None, None)
    except click.BadParameter:
        return
    assert seconds is not None and 0 < seconds < float("inf")


# What it prints


# A whole run


def test_the_help_states_the_pipelines_own_defaults() -> None:
    from solver.run.schedule import CPU_VIEWS, DEFAULT_SECONDS, GPU_VIEWS, STEP_VIEWS
    from solver.run.settings import SolveOptions

    text = " ".join(run("--help").output.split())
    cpu, mps, cuda = (f"{DEFAULT_SECONDS[kind]:g}" for kind in ("cpu", "mps", "cuda"))
    assert f"a task gets {cpu} seconds on cpu, {mps} on mps, {cuda} on cuda." in text
    defaults = {option.name: option.default for option in main.load("solve").params}
    for name in ("seed", "device", "tune", "vote"):
        assert defaults[name] == getattr(SolveOptions(), name), name
    views = "{} to {} on a CPU and {} to {} on a GPU, by the time for each task, or {} with --steps"
    assert views.format(*CPU_VIEWS, *GPU_VIEWS, STEP_VIEWS) in text and SolveOptions().augmentations is None


def test_solves_and_scores_and_repeats(tmp_path: Path, example_tasks: Path) -> None:
    few = first_tasks(example_tasks, tmp_path, 2)
    first = run(few, "-o", tmp_path / "a.json", *FAST, "--device", "cpu")
    assert first.exit_code == 0, first.output
    ids = list(json.loads(few.read_text("utf-8")))
    for place, task_id in enumerate(ids, start=1):
        source = r"(2nd attempt: )?(network, (\d+ vote|all views)|search: |fallback: )"
        answer_line = rf"{source}.* \d/\d +[\d.]+ s  (right|wrong)"
        line = rf"^{place}/2  {task_id}\*? +{answer_line}$"
        assert re.search(line, first.stdout, re.MULTILINE), first.stdout
    assert re.search(r"^  per task +\d+\.\d\d%   \d of 2$", first.stdout, re.MULTILINE), first.stdout
    assert max(len(line) for line in first.stdout.splitlines() if str(tmp_path) not in line) <= WIDTH
    assert list(json.loads((tmp_path / "a.json").read_text("utf-8"))) == ids
    second = run(few, "-o", tmp_path / "b.json", *FAST, "--device", "cpu", "--quiet")
    assert (second.exit_code, second.output) == (0, "")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_without_solutions_there_is_no_score(tmp_path: Path, example_tasks: Path) -> None:
    few = first_tasks(example_tasks, tmp_path, 1, solutions=False)
    result = run(few, "-o", tmp_path / "a.json", *FAST, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "No score: the solutions of 1 of 1 task are not known." in result.stdout


def test_an_output_that_cannot_be_written(tmp_path: Path, example_tasks: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    result = run(example_tasks, "-o", tmp_path / "file" / "submission.json", *FAST)
    assert result.exit_code == 2
    assert "file" in result.stderr and result.stderr.count("\n") == 1


def test_unknown_weights(tmp_path: Path, example_tasks: Path) -> None:
    output = tmp_path / "submission.json"
    result = run(example_tasks, "-o", output, "--weights", "no-such-weights", *FAST)
    assert result.exit_code == 2
    assert "no-such-weights" in result.stderr and result.stderr.count("\n") == 1


def test_ctrl_c_leaves_a_valid_submission_and_says_how_far_it_got(
    tmp_path: Path, example_tasks: Path
) -> None:
    output = tmp_path / "submission.json"
    # A shell that started the tests in the background has told its children to ignore Ctrl-C.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from solver.cli import main; main(prog_name='solve')"
    )
    command = [sys.executable, "-c", code, str(example_tasks), "-o", str(output), "--seconds-per-task", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        until = time.monotonic() + 120
        for line in process.stdout:
            if re.match(r" 1/20 ", line) or time.monotonic() > until:
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert re.search(r"^Stopped after \d+ of 20 tasks;", said, re.MULTILINE), said
    assert f"The submission in {output} is valid; the same command with --resume goes on." in said
    assert len(json.loads(output.read_text("utf-8"))) == 20


def test_a_report_on_request(tmp_path: Path, example_tasks: Path) -> None:
    path = first_tasks(example_tasks, tmp_path, 1)
    page = tmp_path / "report.html"
    result = run(path, "-o", tmp_path / "s.json", *FAST, "--report", page)
    assert result.exit_code == 0, result.output
    assert str(page) in result.output.replace("\n", "")
    text = page.read_text("utf-8")
    assert text.lower().startswith("<!doctype html>") and "be03b35f" in text
