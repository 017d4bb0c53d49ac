"""Finished work is never destroyed, whatever is called on it in whatever order."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from made_run import make_run

from solver.arc.journal import Header, Journal, read_journal
from solver.arc.submission import read_submission
from solver.cli import main
from solver.file import backup_of, keep_copy, real_file, refuse_inputs, replace_file

ONE = ROOT / "examples" / "one_task" / "be03b35f.json"
QUICKLY = ("--sources", "search", "--search-nodes", "50", "--workers", "0")
SOLVE = (sys.executable, "-m", "solver")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="solve")


def mirror_tasks(folder: Path, count: int = 3) -> Path:
    """Tasks that a rule solves at once, with their solutions in them."""
    made = {}
    for number in range(count):
        grids = [[[number, 1, 2], [3, pair, 5]] for pair in range(3)]
        pairs = [{"input": grid, "output": [row[::-1] for row in grid]} for grid in grids]
        made[f"m{number}"] = {"train": pairs[:2], "test": pairs[2:]}
    path = folder / "tasks.json"
    path.write_text(json.dumps(made))
    return path


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# Files


def test_a_link_is_followed_and_what_is_no_file_is_refused(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    replace_file(link, b"new")
    assert link.is_symlink() and real.read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("pipe", ".", "loop", "/dev/null", "", "-"):
        place = name if name in ("", "-", "/dev/null") else tmp_path / name
        with pytest.raises(ValueError):
            replace_file(place, b"new")
    assert Path("/dev/null").is_char_device() and (tmp_path / "pipe").is_fifo()
    replace_file(tmp_path / "new" / "folder" / "file", b"made")
    assert (tmp_path / "new" / "folder" / "file").read_bytes() == b"made"


def test_backups_never_replace_each_other(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    assert keep_copy(path) is None
    for number in range(3):
        path.write_text(str(number))
        kept = keep_copy(path)
        path.unlink()
        assert kept is not None and kept.read_text() == str(number)
    assert [backup_of(path).name, *sorted(p.name for p in tmp_path.iterdir())] == [
        "s.json.bak4",
        "s.json.bak",
        "s.json.bak2",
        "s.json.bak3",
    ]


def test_an_input_is_known_by_any_name(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    tasks.write_text("{}")
    (tmp_path / "soft").symlink_to(tasks)
    os.link(tasks, tmp_path / "hard")
    for name in ("tasks.json", "soft", "hard", "./tasks.json", f"../{tmp_path.name}/tasks.json"):
        with pytest.raises(ValueError, match="got one of the inputs"):
            refuse_inputs([tmp_path / name], [tasks])
    with pytest.raises(ValueError, match="whose files are all read"):
        refuse_inputs([tmp_path / "new.json"], [tmp_path])
    with pytest.raises(ValueError, match="another output"):
        refuse_inputs([tmp_path / "a", tmp_path / "." / "a"], [])
    refuse_inputs([tmp_path / "submission.json", tmp_path / "page.html"], [tmp_path])
    assert real_file(tmp_path / "soft") == tasks.resolve()


# The command's outputs and inputs


def test_no_command_overwrites_its_own_input(tmp_path: Path) -> None:
    files = make_run(tmp_path, ["a", "b"])
    folder = tmp_path / "d"
    folder.mkdir()
    for name in ("one.json", "two.json"):
        (folder / name).write_bytes(ONE.read_bytes())
    one = tmp_path / "one.json"
    one.write_bytes(ONE.read_bytes())
    before, inside = snapshot(tmp_path), snapshot(folder)
    report = ("report", files.submission, "--tasks", files.tasks, "--journal", files.journal, "-o")
    calls = [
        *((*report, name) for name in (files.submission, files.tasks, files.journal)),
        ("merge", files.submission, files.journal, "-o", files.submission, "--overwrite"),
        ("merge", files.submission, files.journal, "--tasks", files.tasks, "-o", files.tasks, "--overwrite"),
        ("show", one, "--svg", one),
        ("show", one, "--svg", files.submission),
        (one, "-o", one, "--overwrite", *QUICKLY),
        (one, "-o", tmp_path / "s.json", "--report", tmp_path / "s.json", *QUICKLY),
        (one, "-o", tmp_path / "s.json", "--report", tmp_path / "s.journal", *QUICKLY),
        (one, "-o", tmp_path / "s.json", "--report", one, *QUICKLY),
        (folder, "-o", folder / "one.json", "--overwrite", *QUICKLY),
        (folder, "-o", folder / "three.json", *QUICKLY),
        (one, "-o", tmp_path, *QUICKLY),
        (one, "-o", "", *QUICKLY),
        (one, "-o", "-", *QUICKLY),
    ]
    for words in calls:
        result = run(*words)
        assert result.exit_code == 2, (words, result.output)
        assert result.stderr.splitlines()[-1].startswith("Error: "), (words, result.output)
        assert (snapshot(tmp_path), snapshot(folder)) == (before, inside), words


def test_a_run_onto_an_earlier_one_is_refused_with_the_words_that_help(tmp_path: Path) -> None:
    tasks, output = mirror_tasks(tmp_path), tmp_path / "s.json"
    assert run(tasks, "-o", output, *QUICKLY).exit_code == 0
    before = snapshot(tmp_path)
    again = run(tasks, "-o", output, *QUICKLY)
    assert again.exit_code == 2 and "--resume" in again.stderr and "kept as s.json.bak" not in again.stderr
    assert "--overwrite starts anew and keeps it as s.json.bak" in again.stderr
    both = run(tasks, "-o", output, "--resume", "--overwrite", *QUICKLY)
    assert both.exit_code == 2 and snapshot(tmp_path) == before
    resumed = run(tasks, "-o", output, "--resume", *QUICKLY)
    assert resumed.exit_code == 0 and "3 of 3 tasks" in resumed.output and snapshot(tmp_path) == before
    anew = run(tasks, "-o", output, "--overwrite", *QUICKLY)
    assert anew.exit_code == 0 and (tmp_path / "s.json.bak").read_bytes() == before["s.json"]
    assert (tmp_path / "s.journal.bak").read_bytes() == before["s.journal"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--resume", "--seed", 1),
        ("--resume", "--limit", 2),
        ("--overwrite", "--device", "cuda", "--sources", "network"),
        ("--resume", "--device", "cuda", "--sources", "network"),
        ("--overwrite", "--weights", "nowhere", "--sources", "network"),
        ("--overwrite", "--sources", "no.module:propose"),
    ],
)
def test_a_refused_run_changes_nothing(tmp_path: Path, wrong: tuple[object, ...]) -> None:
    tasks, output = mirror_tasks(tmp_path), tmp_path / "s.json"
    assert run(tasks, "-o", output, *QUICKLY).exit_code == 0
    before = snapshot(tmp_path)
    result = run(tasks, "-o", output, *QUICKLY, *wrong)
    assert result.exit_code == 2, result.output
    assert snapshot(tmp_path) == before, result.output


def test_resuming_nothing_is_said_and_begins(tmp_path: Path) -> None:
    tasks, output = mirror_tasks(tmp_path), tmp_path / "s.json"
    fresh = run(tasks, "-o", output, "--resume", *QUICKLY)
    assert fresh.exit_code == 0 and "no journal to resume; a new run starts" in fresh.stderr
    (tmp_path / "s.journal").unlink()
    output.write_text("of somebody else")
    assert run(tasks, "-o", output, "--resume", *QUICKLY).exit_code == 0
    assert (tmp_path / "s.json.bak").read_text() == "of somebody else"


def test_two_runs_on_one_output_exclude_each_other(tmp_path: Path) -> None:
    journal = tmp_path / "s.journal"
    with Journal.create(journal, Header()):
        tasks = mirror_tasks(tmp_path)
        result = run(tasks, "-o", tmp_path / "s.json", "--resume", *QUICKLY)
        assert result.exit_code == 2 and "another run is writing this journal" in result.stderr
        assert not (tmp_path / "s.json").exists()
        with pytest.raises(ValueError, match="another run"):
            Journal.resume(journal, Header())
    assert Journal.resume(journal, Header())[1].records == ()


def test_files_of_other_names_have_journals_of_their_own(tmp_path: Path) -> None:
    tasks = mirror_tasks(tmp_path)
    for name in ("a.json", "a.txt"):
        assert run(tasks, "-o", tmp_path / name, *QUICKLY).exit_code == 0
    assert {path.name for path in tmp_path.glob("a*journal")} == {"a.journal", "a.txt.journal"} | {
        "a.journal"
    }


# What fails under a run


def limited(size: int) -> Callable[[], None]:
    """No file may be larger, as on a full disk or under a quota."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_without_room_for_a_journal_the_run_goes_on(tmp_path: Path) -> None:
    tasks, output = mirror_tasks(tmp_path), tmp_path / "s.json"
    words = [*SOLVE, tasks, "-o", output, *QUICKLY]
    size = 300  # bytes: the submission has 295, the journal's first line more than that
    done = subprocess.run(words, preexec_fn=limited(size), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "the run goes on" in done.stderr or "the journal ends here" in done.stderr
    assert set(read_submission(output)) == {"m0", "m1", "m2"}


@pytest.mark.parametrize("broken", ["> /dev/full", "| head -1", "2>&- >&-", "2> /dev/full"])
def test_words_that_cannot_be_written_end_nothing(tmp_path: Path, broken: str) -> None:
    tasks, output = mirror_tasks(tmp_path), tmp_path / "s.json"
    words = " ".join(
        map(
            str,
            [*SOLVE, tasks, "-o", output, "--sources", "search", "--search-nodes", "50", "--workers", "1"],
        )
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{words} {broken}"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert len(read_journal(tmp_path / "s.journal").events) == 3 and "Traceback" not in done.stderr


def test_sigterm_says_what_is_there(tmp_path: Path) -> None:
    """As Ctrl-C does (``test_cli``), with a status of its own."""
    output = tmp_path / "s.json"
    words = [*SOLVE, ROOT / "examples" / "arc1_eval_20.json", "-o", output, "--sources", "network"]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as made:
        until = time.monotonic() + 60
        while not output.exists() and time.monotonic() < until:
            time.sleep(0.02)
        made.terminate()
        _, said = made.communicate(timeout=60)
    assert made.returncode == 143 and "the same command with --resume goes on" in said, said
    assert len(read_submission(output)) == 20


# Any sequence


def right(path: Path) -> int:
    """Right answers of a submission that is whole; -1 for what is none."""
    try:
        answers = read_submission(path)
    except ValueError:
        return -1
    wanted = {f"m{n}": [[2, 1, n], [5, 2, 3]] for n in range(3)}
    return sum(any(g.tolist() == wanted[k] for g in pairs[0]) for k, pairs in answers.items() if k in wanted)


def killed_after(seconds: float, *words: object) -> None:
    """The command in a process of its own, killed."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            run(*words)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


ACTS = st.sampled_from(
    ["run", "resume", "overwrite", "other seed", "fewer", "kill", "kill anew", "merge", "report", "cuda"]
)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(ACTS, st.floats(0, 0.15)), min_size=2, max_size=7))
def test_the_best_finished_submission_stays_readable(acts: list[tuple[str, float]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks, output = mirror_tasks(folder), folder / "submission.json"
        solve = (tasks, "-o", output, *QUICKLY)
        calls = {
            "run": solve,
            "resume": (*solve, "--resume"),
            "overwrite": (*solve, "--overwrite"),
            "other seed": (*solve, "--resume", "--seed", 3),
            "fewer": (*solve, "--overwrite", "--limit", 1),
            "kill": (*solve, "--resume"),
            "kill anew": (*solve, "--overwrite"),
            "merge": ("merge", output, output, "-o", folder / "submission.json.bak", "--overwrite"),
            "report": ("report", output, "-o", output),
            "cuda": (*solve, "--overwrite", "--device", "cuda", "--sources", "network"),
        }
        best = -1
        for act, seconds in acts:
            if act.startswith("kill"):
                killed_after(seconds, *calls[act])
            else:
                run(*calls[act])
            there = [right(path) for path in folder.glob("submission.json*")]
            assert max(there, default=-1) >= best, (act, there, best)
            best = max(there, default=-1)
