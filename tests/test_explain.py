"""``solve explain``: the steps of submitted answers and of searched ones, in the terminal and as pictures."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_run import challenges, grid, view

from solver.arc.candidate import Candidate, Program
from solver.arc.journal import Header, Journal, Proposed, read_journal
from solver.arc.policy import Answer, Policy
from solver.arc.task import Grid, Pair, Task, as_grid
from solver.choices import START
from solver.cli import main
from solver.report.explained import NO_PROGRAM, OTHER_GRID, explain
from solver.report.explained_picture import WIDTH, explained_png
from solver.report.explained_terminal import explained_lines, visible
from solver.report.palette import PALETTES

INPUTS = ("120/300/004", "560/007/008", "900/010/022")
MIRROR = "1 program | turn_4"
RECOLOURED = "1 map | turn_4 ; 9>1"
LISTED = "1 rules | . | turn_4 | colours_0 compose_1 ; 0>p"


def mirrored(name: str = "t", inputs: tuple[str, ...] = INPUTS) -> Task:
    """Two demonstrations and a test input, to be mirrored left-right."""
    grids = [grid(text) for text in inputs]
    pairs = [Pair(made, as_grid(np.fliplr(made))) for made in grids]
    return Task(name, tuple(pairs[:-1]), (Pair(grids[-1]),))


def answer_of(cells: Grid, text: str, words: str = "mirror left-right", sure: float | None = None) -> Answer:
    return Answer(cells, ("search",), programs=1, explanation=words, program=Program(1.0, 2, 2, sure, text))


def write_run(folder: Path, task: Task, candidates: list[Candidate]) -> tuple[Path, Path]:
    """The task's file and a journal with these candidates."""
    tasks, journal = folder / "tasks.json", folder / "run.journal"
    tasks.write_text(json.dumps(challenges([task])))
    with Journal.create(journal, Header({"sources": "search,network"})) as opened:
        made = [c for c in candidates if isinstance(c.known, Program)]
        seen = [c for c in candidates if c not in made]
        opened.append(Proposed(task.id, (tuple(made),), "search", START))
        if seen:
            opened.append(Proposed(task.id, (tuple(seen),)))
    return tasks, journal


def searched(cells: Grid, text: str, words: str = "mirror left-right", cost: float = 1.0) -> Candidate:
    return Candidate(cells, "search", Program(cost, 2, 2, probability=0.9 - cost / 10, text=text), words)


def invoke(*arguments: object, columns: int = 80):
    environment = {"COLUMNS": str(columns), "LINES": "24"}
    return CliRunner().invoke(main, ["explain", *map(str, arguments)], env=environment)


@pytest.fixture
def run(tmp_path) -> tuple[Path, Path]:
    task = mirrored()
    right = as_grid(np.fliplr(task.test[0].input))
    other = as_grid(np.where(right == 9, 1, right))
    return write_run(
        tmp_path, task, [searched(right, MIRROR), searched(other, RECOLOURED, "mirror, recolour", 2)]
    )


def test_submitted_answers_are_explained_from_the_journal(run):
    result = invoke(run[0], "--journal", run[1], "--demonstration", 1)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:5] == [
        "task t", "", "test 0, attempt 1 (search, 80% sure, 2 of 2 demonstrations reproduced)",
        "  mirror left-right", "",
    ]  # fmt: skip
    assert lines[5] == "demonstration 1:" and "test 0:" in lines
    assert "0. the input (3x3)" in lines[6] and "1. mirror left-right" in lines[6]
    assert [line.split() for line in lines[8:11]] == [
        list("560065"), list("007700"), list("008800"),
    ]  # fmt: skip
    assert lines[11] == "= the demonstration's output"
    assert "test 0, attempt 2 (search, 70% sure, 2 of 2 demonstrations reproduced)" in lines
    assert "2. recolour by the map" in result.output and "= the answer" in lines


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("side", [3, 30])
def test_lines_keep_the_width(width, colour, side):
    rng = np.random.default_rng(side)
    text = "/".join("".join(map(str, row)) for row in rng.integers(0, 10, (side, side)).tolist())
    task = mirrored(inputs=(text, text[::-1], text))
    right = as_grid(np.fliplr(task.test[0].input))
    for program in (MIRROR, "1 rules | turn_5 | turn_4 | colours_0 compose_1 ; 0>p", LISTED):
        explained = explain(task, 0, 1, answer_of(right, program, "word " * 40))
        lines = explained_lines(explained, width, colour)
        assert max(map(visible, lines)) <= width
        assert any("\x1b" in line for line in lines) == colour


def test_a_list_of_images_is_shown_in_pieces_and_counted():
    task = mirrored(inputs=tuple("/".join(["10203040506070"] * 3) for _ in range(3)))
    right = task.test[0].input
    lines = explained_lines(explain(task, 0, 1, answer_of(right, "1 program | columns stack_00")), 80, False)
    assert any("1. split into columns" in line for line in lines)
    assert any("14 images" in line for line in lines) and "and 2 more" in "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NO_PROGRAM),
        (
            "2 program | turn_4",
            "its program does not run again: a program of version 1 was expected, got '2'",
        ),
        ("1 program | gone", "its program does not run again: there is no transform 'gone' in this version"),
        ("1 program | turn_5", OTHER_GRID),
        ("1 program | keep_7 crop", OTHER_GRID),
    ],
)
def test_a_program_that_does_not_run_again_is_an_answer_without_steps(text, problem, tmp_path):
    task = mirrored()
    right = as_grid(np.fliplr(task.test[0].input))
    explained = explain(task, 0, 1, answer_of(right, text))
    assert (explained.shown, explained.problem) == ((), problem)
    tasks, journal = write_run(tmp_path, task, [searched(right, text), searched(task.test[0].input, MIRROR)])
    result = invoke(tasks, "--journal", journal)
    assert result.exit_code == 0 and problem.split(":")[0] in " ".join(result.output.split())
    assert "0 0 9" in result.output
    assert explained_png(explained)


def test_a_failed_demonstration_is_shown_beside_what_was_wanted():
    task = mirrored()
    broken = Task("t", (task.train[0], Pair(task.train[1].input, task.train[1].input)), task.test)
    explained = explain(broken, 0, 1, answer_of(as_grid(np.fliplr(task.test[0].input)), MIRROR), 1)
    assert explained.shown[0].differs and not explained.shown[1].differs
    text = "\n".join(explained_lines(explained, 80, False))
    assert "= not the demonstration's output" in text and "wanted:" in text


def test_answers_of_a_network_have_no_steps(tmp_path):
    task = mirrored()
    tasks, journal = write_run(tmp_path, task, [view(grid("5"), 0.5, -1.0), view(grid("6"), 0.25, -2.0)])
    result = invoke(tasks, "--journal", journal)
    assert result.exit_code == 0
    assert "(network, 1 vote, confidence 0.50)" in result.output and NO_PROGRAM in result.output


def test_pictures_are_written(run, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    result = invoke(run[0], "t", "--journal", run[1], "--png", tmp_path / "new" / "folder")
    assert result.exit_code == 0, result.output
    written = sorted((tmp_path / "new" / "folder").iterdir())
    assert [path.name for path in written] == ["t_test0_attempt1.png", "t_test0_attempt2.png"]
    pixels = np.asarray(image.open(BytesIO(written[0].read_bytes())))
    assert pixels.shape[1:] == (WIDTH, 3) and 200 < pixels.shape[0] < 1000
    for colour in (9, 1, 2):  # those of the test input, in the input and in the answer: 19 x 19 pixels a cell
        here = (pixels == np.array(list(bytes.fromhex(PALETTES["arc"][colour][1:])))).all(axis=2)
        cells = sum(int((made == colour).sum()) for made in (mirrored().test[0].input,))
        in_demonstration = int((mirrored().train[0].input == colour).sum())
        assert here.sum() == 2 * (cells + in_demonstration) * 19 * 19, colour


def test_a_search_explains_what_it_finds(tmp_path):
    path = tmp_path / "task.json"
    path.write_text(json.dumps(challenges([mirrored()])["t"]))
    result = invoke(path, "--seconds", "0.5")
    assert result.exit_code == 0, result.output
    assert "  mirror left-right" in result.output.splitlines()
    assert "= the demonstration's output" in result.output and "= the answer" in result.output


def test_bad_input_is_one_sentence(run, tmp_path):
    tasks, journal = run
    other = tmp_path / "other.json"
    other.write_text(json.dumps(challenges([mirrored("u")])))
    two = mirrored()
    wide = tmp_path / "wide.json"
    wide.write_text(json.dumps(challenges([Task("t", two.train, two.test * 2)])))
    (tmp_path / "file").write_text("no folder")
    for arguments, sentence in (
        ([tasks, "x"], "no task x"),
        ([tmp_path / "none.json"], "none.json"),
        ([other, "--journal", journal], "it has no answers to task u"),
        ([wide, "--journal", journal], "task t has 2 test inputs, in this journal 1"),
        ([tasks, "--journal", tasks], "wanted a journal"),
        ([tasks, "--journal", journal, "--demonstration", 2], "has demonstrations 0 to 1, found 2"),
        ([tasks, "--journal", journal, "--png", tmp_path / "file"], "is a file"),
        ([tasks, "--journal", journal, "--png", tmp_path / "file" / "x"], "cannot be made"),
        ([tasks, "--seconds", 0], "0"),
    ):
        result = invoke(*arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert sentence in " ".join(result.output.split()), (arguments, result.output)
        assert len(result.output.strip().splitlines()) <= 6 and "Traceback" not in result.output


def test_the_policy_keeps_the_program_of_an_answer(run):
    contents = read_journal(run[1])
    first, second = Policy.of(contents).attempts(contents.events["t"], 0)
    assert (first.program.text, second.program.text) == (MIRROR, RECOLOURED)
    assert first.sentence == "search, 80% sure, 2 of 2 demonstrations reproduced: mirror left-right"


def test_the_documents_commands_run(tmp_path, monkeypatch, root):
    """The commands of both documents, in their order, on the folder that they name."""
    (tmp_path / "examples").symlink_to(root / "examples")
    monkeypatch.chdir(tmp_path)
    for name in ("docs/SEARCH.md", "README.md"):
        text = (root / name).read_text().split("## Explain an answer\n")[1].split("\n## ")[0]
        commands = re.findall(r"^    solve (.*)$", text, re.MULTILINE)
        assert commands
        for command in commands:
            result = CliRunner().invoke(main, command.split())
            assert result.exit_code == 0, (command, result.output)
            if command.startswith("explain") and "--png" not in command:
                assert "test 0, attempt 1" in result.output, command
    assert len(list((tmp_path / "pictures").iterdir())) == 2
