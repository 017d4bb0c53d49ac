"""What is said of a scored submission: the summary with its pool of candidates, and the command."""

import json

import pytest
from click.testing import CliRunner
from made_run import challenges, entry, grid, make_run

from solver.arc.checksum import task_checksum
from solver.arc.task import load_tasks
from solver.cli import main
from solver.report.result import read_result, summarise


def test_pool_and_sources(tmp_path):
    """Outputs in turn: right by the network, right by a rule, right answer in no pool."""
    run = make_run(tmp_path, ["a", "b", "c", "d"])  # outputs: a0 | b0 b1 | c0 | d0 d1
    summary = summarise(read_result(run.submission, run.solutions, None, run.journal))
    assert summary["score_per_task"] == (1 + 0.5 + 1 + 0.5) / 4
    pool = summary["pool"]
    assert pool["right_by_source"] == {"search": 2, "network": 2, "unknown": 0}
    assert pool["pass_at"]["1"] == pool["pass_at"]["2"] == summary["score_per_task"]
    assert pool["pass_at"]["5"] == pool["coverage"] == 0.75
    assert pool["coverage_by_source"] == {"search": 0.25, "network": 0.5}
    assert pool["not_chosen"] == []
    value = json.loads(run.submission.read_text())
    value["a"] = [entry(grid("7"), grid("8"))]
    run.submission.write_text(json.dumps(value))
    pool = summarise(read_result(run.submission, run.solutions, None, run.journal))["pool"]
    assert pool["not_chosen"] == [["a", 0]] and pool["right_by_source"]["network"] == 1


def test_tasks_that_the_weights_saw_are_set_apart(tmp_path):
    ids = ["a", "b", "c"]
    first = load_tasks(make_run(tmp_path, ids).tasks)[0]
    (tmp_path / "again").mkdir()
    run = make_run(tmp_path / "again", ids, seen=(task_checksum(first),))
    parts = summarise(read_result(run.submission, run.solutions, run.tasks, run.journal))["labelled"]
    assert {label: part["tasks"] for label, part in parts.items()} == {
        "": 1,
        "demonstrations seen in training": 2,
    }
    assert parts["demonstrations seen in training"]["score_per_task"] == 1.0
    assert parts[""]["score_per_task"] == 0.5


def invoke(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_says_everything(tmp_path):
    run = make_run(tmp_path, ["a", "b", "c"])
    value = json.loads(run.submission.read_text())
    value["c"][0]["attempt_2"] = [[1, 2], [3]]
    value["\x1b[2J"] = value.pop("a")
    run.submission.write_text(json.dumps(value))
    result = invoke("score", run.submission, run.solutions, "--journal", run.journal)
    assert result.exit_code == 0, result.output
    for text in (
        "per task",
        "50.00 %",
        "missing 1",
        "pass@k",
        "right from  search 1 · network 1 · unknown 0",
        "right candidates not submitted: 1 (a test 0)",
        "1 id in the submission without a solution: \\x1b[2J",
        "task c, test 0, attempt_2, row 1: expected 2 cells",
        "1 task without an entry: a",
    ):
        assert text in result.output
    assert "\x1b" not in result.output


def test_the_command_as_json_and_for_a_part_of_the_tasks(tmp_path):
    run = make_run(tmp_path, ["a", "b", "c"])
    part = tmp_path / "part.json"
    part.write_text(json.dumps(challenges(load_tasks(run.tasks)[:1])))
    result = invoke("score", run.submission, run.solutions, "--tasks", part, "--json")
    found = json.loads(result.stdout)
    assert found["tasks"] == 1 and found["score_per_task"] == 1.0 and found["extra"] == ["b", "c"]
    assert found["per_task"]["a"]["status"] == "solved"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("submission", "[1]", "wanted a submission"),
        ("submission", "{", "not JSON"),
        ("solutions", '{"a": [[[11]]]}', "expected a colour 0 to 9, got 11"),
        ("solutions", "{}", "wanted at least one task"),
        ("journal", "{}", "no whole line"),
    ],
)
def test_bad_files_end_with_2_and_one_sentence(tmp_path, name, text, said):
    run = make_run(tmp_path, ["a"])
    getattr(run, name).write_text(text)
    result = invoke("score", run.submission, run.solutions, "--journal", run.journal)
    assert result.exit_code == 2 and said in result.output
    assert str(getattr(run, name)) in result.output and "Traceback" not in result.output


def test_tasks_without_a_solution_are_named(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    run.solutions.write_text(json.dumps({"a": json.loads(run.solutions.read_text())["a"]}))
    result = invoke("score", run.submission, run.solutions, "--tasks", run.tasks)
    assert result.exit_code == 2 and "wanted a solution for task b, found none" in result.output


@pytest.mark.parametrize("command", ["score", "compare"])
def test_files_of_two_sets_are_not_a_score_of_nought(tmp_path, command):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = make_run(tmp_path / "one", ["a", "b"]), make_run(tmp_path / "two", ["c"])
    files = [one.submission] * (2 if command == "compare" else 1)
    result = invoke(command, *files, two.solutions)
    wanted = f"wanted answers to the tasks of {two.solutions}, found 2 tasks and none of them"
    assert result.exit_code == 2 and f"{one.submission}: {wanted}" in result.output


@pytest.mark.parametrize(("swapped", "kind"), [("solutions", "solutions"), ("tasks", "tasks")])
def test_another_file_in_place_of_the_submission_is_named(tmp_path, swapped, kind):
    run = make_run(tmp_path, ["a", "b"])
    result = invoke("score", getattr(run, swapped), run.submission)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {getattr(run, swapped)}: wanted a submission, found {kind}\n"
