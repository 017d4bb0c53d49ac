"""The reader of task JSON: what is valid comes out as records, all else is one sentence."""

import copy
import json
import os

import numpy as np
import pytest

from solver.arc.task import as_grid, load_tasks, solutions_beside
from tests.made_tasks import ONE, SET


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def error_of(path):
    with pytest.raises(ValueError) as found:
        load_tasks(path)
    assert "\n" not in str(found.value)
    return str(found.value)


def test_a_challenges_file_becomes_tasks(tmp_path):
    tasks = load_tasks(write(tmp_path / "x_challenges.json", SET))
    assert [task.id for task in tasks] == ["aa", "bb"]
    assert [len(task.test) for task in tasks] == [2, 1]
    grid = tasks[0].train[0].input
    assert grid.tolist() == [[0, 1], [2, 3]] and grid.dtype == np.uint8 and not grid.flags.writeable
    assert not tasks[0].solved_publicly
    assert [g.tolist() for g in tasks[1].demonstration_grids()] == [[[0, 1], [2, 3]], [[4]], [[8, 9]]]


def test_solutions_beside_are_filled_in_and_can_be_taken_out(tmp_path):
    for separator in "_-":
        path = write(tmp_path / f"x{separator}challenges.json", SET)
        write(tmp_path / f"x{separator}solutions.json", {"aa": [[[1]], [[2]]], "bb": [[[3, 3]]]})
        tasks = load_tasks(path)
        assert all(task.solved_publicly for task in tasks)
        assert tasks[0].test[1].output.tolist() == [[2]]
        assert not tasks[0].without_test_outputs().solved_publicly
    assert solutions_beside(write(tmp_path / "y.json", SET)) is None


def test_a_single_task_and_a_folder(tmp_path):
    write(tmp_path / "b.json", ONE)
    write(tmp_path / "a.json", {**ONE, "test": [{"input": [[1]], "output": [[2]]}], "name": "ignored"})
    write(tmp_path / "notes.txt", "not a task")
    assert [task.id for task in load_tasks(tmp_path / "b.json")] == ["b"]
    tasks = load_tasks(str(tmp_path))
    assert [task.id for task in tasks] == ["a", "b"]
    assert tasks[0].solved_publicly and not tasks[1].solved_publicly


def test_a_byte_order_mark_is_no_error(tmp_path):
    (tmp_path / "t.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(ONE).encode())
    assert len(load_tasks(tmp_path / "t.json")) == 1


def changed(*keys, to):
    """ONE with the value under the keys replaced; ``...`` takes it out."""
    made = copy.deepcopy(ONE)
    inner = made
    for key in keys[:-1]:
        inner = inner[key]
    if to is ...:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = to
    return made


BAD = [
    ("", "t.json: not JSON"),
    ('{"train": [', "t.json: not JSON"),
    ("{'train': 1}", "t.json: not JSON"),
    ("[" * 100_000, "t.json: nested too deeply"),
    ("1" * 5000, "t.json: not a tasks file (a number"),
    ('{"aa": 1, "aa": 2}', "t.json: the key 'aa' stands twice"),
    ('{"aa": {"train": [], "train": []}}', "t.json: the key 'train' stands twice"),
    ('{"\\ud800": {}}', "wanted an id that is UTF-8 text"),
    ([], "t.json: wanted an object of tasks or one task, found a list of 0"),
    ({}, "t.json: wanted at least one task, found none"),
    ({"aa": []}, "t.json, task aa: wanted an object"),
    (changed("train", to=[]), "t.json, task t: wanted at least one pair in train, found none"),
    (changed("test", to=[]), "t.json, task t: wanted at least one pair in test, found none"),
    (changed("test", to=...), 't.json, task t: wanted a list under "test", found nothing'),
    ({"aa": changed("train", to={})}, 'task aa: wanted a list under "train", found an object of 0'),
    (changed("train", 1, to=3), "task t, train 1: wanted an object"),
    (changed("train", 1, "output", to=...), 'task t, train 1: wanted an "output" grid, found none'),
    (changed("train", 1, "output", to=None), 'task t, train 1: wanted an "output" grid, found none'),
    (changed("test", 1, "input", to=...), 'task t, test 1: wanted an "input" grid, found none'),
    (changed("test", 1, "input", to=None), "test 1, input: expected a grid (a list of rows), got nothing"),
    (changed("test", 0, "input", to=[]), "test 0, input: expected 1 to 30 rows, got 0"),
    (changed("test", 0, "input", to=[[]]), "test 0, input, row 0: expected 1 to 30 cells, got 0"),
    (changed("test", 0, "input", to=[[0]] * 31), "test 0, input: expected 1 to 30 rows, got 31"),
    (changed("test", 0, "input", to=[[0] * 31]), "test 0, input, row 0: expected 1 to 30 cells, got 31"),
    (changed("test", 0, "input", to=[[0, 0], [0]]), "input, row 1: expected 2 cells as in row 0, got 1"),
    (changed("test", 0, "input", to=[[0], 0]), "test 0, input, row 1: expected a list of colours, got 0"),
    (changed("test", 0, "output", to=[[10]]), "test 0, output, row 0, column 0: expected a colour 0 to 9"),
]
BAD += [
    (changed("train", 0, "output", 0, 0, to=cell), "train 0, output, row 0, column 0: expected a colour")
    for cell in (10, -1, 1.0, True, None, "1", [1], 10**30, float("nan"), float("inf"))
]


@pytest.mark.parametrize(("value", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_named(value, message, tmp_path):
    path = write(tmp_path / "t.json", value)
    found = error_of(path)
    assert message in found and found.startswith(str(path)), found


def test_bad_text_and_bad_paths_are_named(tmp_path):
    (tmp_path / "t.json").write_bytes(b'{"\xff": 1}')
    assert "t.json: not UTF-8 text (byte 2)" in error_of(tmp_path / "t.json")
    assert "no such file or folder" in error_of(tmp_path / "missing.json")
    assert "cannot be read" in error_of("x" * 5000)
    (tmp_path / "empty").mkdir()
    assert "empty: wanted task files (*.json), found none" in error_of(tmp_path / "empty")
    (tmp_path / "data" / "training").mkdir(parents=True)
    write(tmp_path / "data" / "training" / "t.json", ONE)
    assert "data: wanted task files (*.json), found none; there are some in its folders training" in error_of(
        tmp_path / "data"
    )
    write(tmp_path / "empty" / "x_solutions.json", {})
    assert "found only solutions" in error_of(tmp_path / "empty")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"aa": [[[1, 2], [3, 4]]], "bb": [[[1]], [[2]]]}, "solutions"),
        ({"aa": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}, "a submission"),
    ],
)
def test_answers_in_place_of_tasks_are_recognised(value, kind, tmp_path):
    path = write(tmp_path / "t.json", value)
    assert error_of(path) == f"{path}: wanted tasks (such as a challenges file), found {kind}"


def test_an_id_in_two_files_of_a_folder_is_named(tmp_path):
    write(tmp_path / "1.json", SET)
    write(tmp_path / "2.json", {"bb": ONE})
    assert "2.json: task bb stands in another file" in error_of(tmp_path)


@pytest.mark.parametrize(
    ("solutions", "message"),
    [
        ({"aa": [[[1]]]}, "x_solutions.json, task aa: wanted 2 output grids, found 1"),
        ({"aa": []}, "x_solutions.json, task aa: wanted a list of output grids"),
        ({"aa": [[[1]], [[11]]]}, "x_solutions.json, task aa, test 1, row 0, column 0: expected a colour"),
        ([], "x_solutions.json: wanted an object of solutions"),
    ],
)
def test_bad_solutions_are_named(solutions, message, tmp_path):
    path = write(tmp_path / "x_challenges.json", SET)
    write(tmp_path / "x_solutions.json", solutions)
    assert message in error_of(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path):
    path = write(tmp_path / "t.json", ONE)
    path.chmod(0)
    assert "t.json: cannot be read" in error_of(path)


def test_as_grid_holds_what_is_no_grid_off():
    with pytest.raises(AssertionError):
        as_grid(np.zeros((31, 1)))
