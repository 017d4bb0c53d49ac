"""The kernel: mounts in both layouts, lenient reading, and what it does when things are missing."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from kaggle_tree import QUICKLY, make_tree
from test_cli import first_tasks
from test_run import tiny_weights

from solver.arc.candidate import grid_key
from solver.arc.fallback import fallbacks
from solver.arc.journal import read_journal
from solver.arc.pool import rank_journal
from solver.arc.submission import read_submission, validate_submission
from solver.arc.task import load_tasks, parse_grid
from solver.choices import JOINT
from solver.kaggle.kernel import Log, scratch_folder
from solver.kaggle.mounts import EVALUATION, TASKS, find_mounts, process_age
from solver.kaggle.replay import gather_replay
from solver.kaggle.salvage import read_leniently, salvage_task
from solver.kaggle.work import _views
from solver.model.checkpoint import save_weights
from solver.run.schedule import STEP_VIEWS

GRID = [[1, 2], [3, 4]]
GOOD = {"train": [{"input": GRID, "output": GRID}], "test": [{"input": GRID}]}
BAD = {
    "colour": {"train": [{"input": GRID, "output": [[10]]}, GOOD["train"][0]], "test": [{"input": GRID}]},
    "ragged": {"train": GOOD["train"], "test": [{"input": [[1], [1, 2]]}, {"input": GRID}]},
    "list": [],
    "no test": {"train": GOOD["train"]},
    "nothing": {"train": [], "test": [{}, {}]},
}


@pytest.mark.parametrize("layout", ["competitions/arc-prize-2026-arc-agi-2", "arc-prize-2025"])
@pytest.mark.parametrize("data", ["datasets/somebody/weights", "weights", "models/somebody/net/1"])
def test_mounts_of_both_layouts(tmp_path: Path, layout: str, data: str) -> None:
    (tmp_path / layout).mkdir(parents=True)
    (tmp_path / data).mkdir(parents=True)
    (tmp_path / layout / TASKS).write_text("{}")
    (tmp_path / layout / EVALUATION).write_text("{}")
    (tmp_path / data / "config.json").write_text("{}")
    assert find_mounts(tmp_path).weights == ()
    (tmp_path / data / "model.safetensors").write_bytes(b"")
    found = find_mounts(tmp_path)
    assert found.tasks == tmp_path / layout / TASKS and found.evaluation == tmp_path / layout / EVALUATION
    assert found.weights == (tmp_path / data,) and found.public == (found.evaluation,)
    assert str(tmp_path / layout) in found.describe() and str(tmp_path / data) in found.describe()


def test_every_challenges_file_but_the_hidden_one_is_public(tmp_path: Path) -> None:
    competition, more = tmp_path / "competitions" / "arc", tmp_path / "datasets" / "somebody" / "concept"
    for folder in (competition, more):
        folder.mkdir(parents=True)
        (folder / "arc-agi_training_challenges.json").write_text("{}")
    (competition / TASKS).write_text("{}")
    (more / "arc-agi_concept_challenges.json").write_text("{}")
    wanted = (more / "arc-agi_concept_challenges.json", competition / "arc-agi_training_challenges.json")
    assert find_mounts(tmp_path).public == wanted


def test_public_tasks_are_gathered_from_what_can_be_read(tmp_path: Path) -> None:
    """Each id once, the first file's; with the outputs of solutions; a file that is broken is said."""
    known, again, broken = (tmp_path / f"{name}_challenges.json" for name in ("known", "again", "broken"))
    known.write_text(json.dumps({"a": GOOD}))
    (tmp_path / "known_solutions.json").write_text(json.dumps({"a": [[[5]]]}))
    again.write_text(json.dumps({"a": GOOD, "b": GOOD}))
    broken.write_text("{")
    said: list[str] = []
    path = gather_replay([broken, known, again], tmp_path, said.append)
    tasks = {task.id: task for task in load_tasks(path)}
    assert set(tasks) == {"a", "b"}
    np.testing.assert_array_equal(tasks["a"].test[0].output, [[5]])
    assert tasks["b"].test[0].output is None
    assert "broken" in said[0] and "not replayed" in said[0] and "2, from" in said[1]
    assert gather_replay([broken], tmp_path, said.append) is None
    assert gather_replay([known], known, said.append) is None and "nothing is" in said[-1]


def test_the_number_of_views_does_not_change_when_the_process_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The journal of a run is gone on with only by one that asks the same."""
    monkeypatch.setattr("solver.run.launch.expected_kind", lambda device: "cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    settings = {
        "augmentations": None,
        "steps": None,
        "workers": None,
        "seconds": 11.25 * 3600,
        "deadline": 9.0,
    }
    assert _views(settings, 240) == _views({**settings, "deadline": 5.0, "start": 2}, 240) == 256
    assert _views({**settings, "workers": 1, "seconds": 7200.0}, 240) == 128
    assert _views({**settings, "augmentations": 3}, 240) == 3
    assert _views({**settings, "steps": 5}, 240) == STEP_VIEWS
    monkeypatch.setattr("solver.run.launch.expected_kind", lambda device: "cpu")
    assert _views({**settings, "workers": 2}, 240) == 64
    assert _views({**settings, "workers": 2, "seconds": 3600.0}, 240) == 16


def test_no_mounts_at_all(tmp_path: Path) -> None:
    found = find_mounts(tmp_path / "nowhere")
    assert found.tasks is None and "nothing" in found.describe()


def test_every_malformed_task_keeps_its_entries(tmp_path: Path) -> None:
    path, said = tmp_path / TASKS, []
    path.write_text(json.dumps({"good": GOOD, **BAD}))
    tasks = {task.id: task for task in read_leniently(path, said.append)}
    assert list(tasks) == ["good", *BAD]
    assert len(said) == len(BAD) and all(str(path) in line for line in said)
    assert [len(task.test) for task in tasks.values()] == [1, 1, 2, 1, 1, 2]
    assert len(tasks["colour"].train) == 1
    np.testing.assert_array_equal(tasks["ragged"].test[1].input, parse_grid(GRID, ""))
    for task in tasks.values():
        assert all(len({grid_key(made.grid) for made in test}) >= 2 for test in fallbacks(task))


@pytest.mark.parametrize("value", [None, 3, "x", {"train": 1, "test": {}}, {"train": [None], "test": [3]}])
def test_anything_can_be_salvaged(value: object) -> None:
    task = salvage_task("id", value)
    assert len(task.train) == len(task.test) == 1


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(tmp_path / "no" / "run.log", 0.0)
    log("first")
    assert "first" in capsys.readouterr().out
    log = Log(tmp_path / "run.log", 0.0)
    log("second")
    assert (tmp_path / "run.log").read_text().endswith(" second\n")


def test_the_process_knows_its_age() -> None:
    assert 0 < process_age() < 7 * 24 * 3600
    folder = Path(scratch_folder())
    assert folder.is_dir()
    folder.rmdir()


def run_kernel(tmp_path: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The repository's kernel over ``tmp_path/input``; no weights are mounted."""
    output = tmp_path / "working"
    output.mkdir()
    environment = {**os.environ, "KAGGLE_INPUT": str(tmp_path / "input"), "KAGGLE_OUTPUT": str(output)}
    environment |= {"TMPDIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / "kaggle_kernel.py"), *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_only_missing_tasks_end_without_a_submission(tmp_path: Path) -> None:
    (tmp_path / "input" / "other").mkdir(parents=True)
    (tmp_path / "input" / "other" / "notes.txt").write_text("x")
    done = run_kernel(tmp_path)
    assert done.returncode == 1
    assert f"there is: {tmp_path / 'input' / 'other'}." in done.stdout


def test_without_weights_and_with_bad_tasks_there_are_guesses(tmp_path: Path) -> None:
    folder = tmp_path / "input" / "arc-prize-2025"
    folder.mkdir(parents=True)
    (folder / TASKS).write_text(json.dumps({"good": GOOD, **BAD}))
    done = run_kernel(tmp_path, "--full", "--weights", str(tmp_path / "no-weights"), "--doctor", "0")
    assert done.returncode == 0, done.stdout
    path = tmp_path / "working" / "submission.json"
    validate_submission(json.loads(path.read_text()), read_leniently(folder / TASKS, lambda text: None))
    assert list(read_submission(path)) == ["good", *BAD]
    assert "problem: weights" in done.stdout and "every task is left to guesses" in done.stdout
    assert "valid, 6 tasks, 8 outputs" in done.stdout
    assert re.search(r"Attempt 1 of 8 outputs: .*; \d more than a fallback, 0 where", done.stdout)
    assert "The network finished no phase of 6 of 6 tasks." in done.stdout
    log = (tmp_path / "working" / "run.log").read_text()
    assert [line[10:] for line in log.splitlines()] == done.stdout.splitlines()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = tiny_weights(memory="cose")
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_weights(folder, tiny.network, tiny.memory, {})
    return folder


def test_the_dry_run_scores_evaluation_tasks_and_projects(
    weights: Path, tmp_path: Path, example_tasks: Path
) -> None:
    few = first_tasks(example_tasks, tmp_path, 3)
    tree = make_tree(tmp_path / "kaggle", example_tasks, weights=weights, evaluation=few)
    with tree.start(ROOT / "kaggle_kernel.py", *QUICKLY, alone=False) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert re.search(r"Score of the dry run: \d(\.\d+)? of 3 evaluation tasks\.", said), said
    assert re.search(
        r"Dry run: 3 tasks in \d+ s, 1 tuning steps each\. 240 such tasks .* h; a scored run", said
    )
    *_, right, chosen, found, last = said.splitlines()
    names = re.findall(r"\b[0-9a-f]{8}\b", right + chosen + found)
    assert sorted(names) == sorted(json.loads(few.read_text())), said
    assert [line.split()[0] for line in (right, chosen, found)] == ["Right:", "Wrong,", "Wrong,"]
    assert "valid" in last and "Tuning steps: tune median 1, least 1, of 3 tasks." in said
    assert {path.name for path in tree.working.iterdir()} == {"submission.json", "run.log"}
    tasks = read_leniently(example_tasks, lambda text: None)
    validate_submission(json.loads(tree.submission.read_text()), tasks)


def test_the_kernel_replays_the_public_tasks_that_are_mounted(
    weights: Path, tmp_path: Path, example_tasks: Path
) -> None:
    """Joint tuning in the scored run. Twenty public tasks are mounted, the two hidden ones among them."""
    hidden = first_tasks(example_tasks, tmp_path, 2, solutions=False)
    tree = make_tree(tmp_path / "kaggle", hidden, weights=weights, evaluation=example_tasks)
    joint = (*QUICKLY, "--steps", "4", "--tune", "joint")
    with tree.start(ROOT / "kaggle_kernel.py", *joint, scored=True, alone=False) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert "Public tasks for joint tuning: 20, from " in said
    contents = read_journal(tree.submission.with_suffix(".journal"))
    assert Path(str(contents.header.options["replay"])).name == "replay.json"
    answered = {record.task_id for record in contents.records if getattr(record, "phase", "") == JOINT}
    assert answered == set(json.loads(hidden.read_text()))


def test_a_working_process_that_is_killed_goes_on_where_it_was(
    weights: Path, tmp_path: Path, example_tasks: Path
) -> None:
    """Killed from outside in the scored run, after its first result and long before its last."""
    few = first_tasks(example_tasks, tmp_path, 3, solutions=False)
    tree = make_tree(tmp_path / "kaggle", few, weights=weights)
    (tree.working / ".submission.json.1.tmp").touch()  # what a kill in the middle of a write leaves
    said = []
    slowly = (*QUICKLY, "--steps", "40")
    with tree.start(ROOT / "kaggle_kernel.py", *slowly, scored=True, alone=False) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("tune "):
                break
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGKILL)
        said += list(process.stdout)
    text = "".join(said)
    assert process.returncode == 0, text
    assert "The working process ended with status -9." in text
    assert text.count("libraries: torch") == 1, "the doctor comes once"
    assert re.search(r"Ended after \d\.\d\d h, 11\.\d\d h unused\.\n", text)
    assert "Tuning steps: tune median 40, least 40, of 3 tasks.\n" in text, "those of the killed process too"
    assert {line.split()[2] for line in said if line.startswith("tune ")} == {
        f"{t}:" for t in json.loads(few.read_text())
    }
    assert not list(tree.working.glob(".*"))
    contents = read_journal(tree.submission.with_suffix(".journal"))
    assert all(contents.finished(task_id) for task_id in contents.events) and len(contents.events) == 3
    for (task_id, test), ranked in rank_journal(contents).items():
        np.testing.assert_array_equal(read_submission(tree.submission)[task_id][test][0], ranked[0].grid)
