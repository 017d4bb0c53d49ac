"""Sudoku of one's own: valid, with one solution each, test apart from training."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from test_content import MOVES

from build_dataset import main as build_main
from solver.arc.content import turned_keys
from solver.arc.task import Pair
from train.dataset import Dataset, maze
from train.dataset.inspection import find_leaks
from train.dataset.samples import Picks
from train.puzzles import (
    Taken,
    main,
    make_maze,
    make_question,
    make_solution,
    make_split,
    neighbours,
    search,
    sudokus,
)


def valid(board: np.ndarray) -> bool:
    """Every row, column and box holds each digit once."""
    side = round(len(board) ** 0.5)
    box = round(side**0.5)
    square = board.reshape(side, side)
    boxes = square.reshape(box, box, box, box).transpose(0, 2, 1, 3).reshape(side, side)
    wanted = list(range(1, side + 1))
    return all(sorted(line) == wanted for part in (square, square.T, boxes) for line in part.tolist())


def count_by_trying(question: np.ndarray) -> int:
    """The naive twin of ``search`` for side 4: all fillings of the blanks."""
    blanks = np.flatnonzero(question == 0)
    found = 0
    for digits in itertools.product(range(1, 5), repeat=len(blanks)):
        board = question.copy()
        board[blanks] = digits
        found += valid(board)
    return found


def test_search_counts_as_trying_does() -> None:
    generator = np.random.default_rng(0)
    orders = np.tile(np.arange(1, 5), (16, 1))
    for _ in range(6):
        question = make_solution(4, generator)
        question[generator.permutation(16)[:6]] = 0
        before, out = question.copy(), np.zeros(16, np.uint8)
        found = search(question, 2, orders, 1000, out)
        assert found == count_by_trying(before) and valid(out)
        assert (question == before).all()
    assert search(np.zeros(16, np.uint8), 2, orders, 1000, out) == 288
    wrong = np.zeros(16, np.uint8)
    wrong[:3] = 1, 2, 3
    wrong[7] = 4  # the first row wants its 4 in the box that has it
    assert search(wrong, 2, orders, 1000, out) == 0


@pytest.mark.parametrize(("side", "blanks"), [(4, 8), (9, 30)])
def test_questions_have_one_solution(side: int, blanks: int) -> None:
    generator = np.random.default_rng(1)
    orders = np.tile(np.arange(1, side + 1), (side * side, 1))
    for _ in range(5):
        solution = make_solution(side, generator)
        assert valid(solution)
        question = make_question(solution, blanks, generator)
        assert 0 < (question == 0).sum() <= blanks
        out = np.zeros_like(solution)
        assert search(question.copy(), round(side**0.5), orders, 2, out) == 1 and (out == solution).all()


def test_the_command_makes_a_data_set(tmp_path: Path) -> None:
    words = ["--output-dir", str(tmp_path / "s"), "--train-size", "100", "--test-size", "50"]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert CliRunner().invoke(main, words).exit_code == 2
    dataset = Dataset.open(tmp_path / "s")
    meta = dataset.metadata
    assert (meta.vocab_size, meta.seq_len, meta.num_puzzle_identifiers) == (6, 16, 1)
    solutions = {n: {bytes(row) for row in dataset.splits[n].labels} for n in ("train", "test")}
    assert [len(dataset.splits[n].inputs) for n in ("train", "test")] == [100, 50]
    assert not solutions["train"] & solutions["test"]
    assert find_leaks(dataset.splits["train"], dataset.splits["test"]) == []
    assert all(valid(np.frombuffer(row, np.uint8) - 1) for row in solutions["train"])


def test_no_split_has_a_solution_or_a_turned_puzzle_of_another() -> None:
    taken, generator = Taken(), np.random.default_rng(2)
    (few, answers), (many, others) = (
        make_split(n, 4, lambda: sudokus(4, 8, generator), taken) for n in (60, 3000)
    )
    assert len(few) == 60 and len(many) == 3000
    assert not {row.tobytes() for row in answers} & {row.tobytes() for row in others}
    assert len({row.tobytes() for row in many}) == 3000, "distinct questions"

    def keys(questions: np.ndarray, solutions: np.ndarray) -> set[int]:
        boards = (part.reshape(-1, 4, 4) for part in (questions, solutions))
        return set(turned_keys([Pair(*two) for two in zip(*boards, strict=True)]))

    assert not keys(few, answers) & keys(many, others)


def test_more_puzzles_than_there_are_is_an_error(tmp_path: Path) -> None:
    words = ["--output-dir", str(tmp_path / "s"), "--train-size", "6000", "--blanks", "5"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and "expected 6000 puzzles of side 4, got " in result.output
    assert not (tmp_path / "s").exists()


def ways(question: np.ndarray, side: int) -> list[set[int]]:
    """The naive twin: every way from S to G over free cells, none twice."""
    (start,), (goal,) = (np.flatnonzero(question == end).tolist() for end in (maze.START, maze.GOAL))
    found = []

    def walk(cell: int, behind: set[int]) -> None:
        if cell == goal:
            found.append(behind - {start, goal})
            return
        for near in neighbours(cell, side):
            if near not in behind and question[near] != maze.WALL:
                walk(near, behind | {near})

    walk(start, {start})
    return found


@pytest.mark.parametrize("side", [4, 7, 10])
def test_a_maze_has_one_way_and_the_answer_is_it(side: int) -> None:
    generator = np.random.default_rng(3)
    for _ in range(10):
        question, answer = make_maze(side, side, generator)
        (way,) = ways(question, side)
        assert way == set(np.flatnonzero(answer == maze.PATH).tolist()) and len(way) >= side - 1
        assert np.array_equal(np.where(answer == maze.PATH, maze.FREE, answer), question)
        assert 0.3 < (question != maze.WALL).mean() < 0.8


def test_mazes_go_through_the_builder_in_both_layouts(tmp_path: Path) -> None:
    words = ["--kind", "maze", "--side", "6", "--train-size", "30", "--test-size", "12"]
    assert CliRunner().invoke(main, [*words, "--output-dir", str(tmp_path / "csv")]).exit_code == 0
    rows = list(csv.DictReader((tmp_path / "csv" / "train.csv").read_text().splitlines()))
    assert list(rows[0]) == ["source", "q", "a", "rating"] and set(rows[0]["a"]) <= set("# SGo")
    assert all(int(row["rating"]) == row["a"].count("o") for row in rows)
    parts = {}
    for layout in ("compact", "rows"):
        target = str(tmp_path / layout)
        asked = ["maze", "--input", str(tmp_path / "csv"), "--output-dir", target, "--layout", layout]
        result = CliRunner().invoke(build_main, [*asked, "--aug", "--quiet"])
        assert result.exit_code == 0 and "LEAK" not in result.output, result.output
        result = CliRunner().invoke(build_main, ["inspect", target])
        assert result.exit_code == 0 and "leakage: no test pair" in result.output
        parts[layout] = Dataset.open(target)
    compact, loaded = parts["compact"], parts["rows"]
    meta = compact.metadata
    assert meta == loaded.metadata
    assert (meta.vocab_size, meta.seq_len, meta.num_puzzle_identifiers) == (6, 36, 1)
    assert (meta.total_groups, meta.total_puzzles) == (30, 240)
    assert compact.splits["test"].metadata.total_puzzles == 12, "no augmentation in the test set"
    picks = Picks(np.full(8, 3), np.arange(8), np.zeros(8, np.int64))
    drawn = [dataset.splits["train"].draw(picks, None, 8) for dataset in (compact, loaded)]
    text = np.array([["# SGo".index(c) + 1 for c in rows[3][part]] for part in "qa"]).reshape(2, 6, 6)
    for symmetry, move in enumerate(MOVES):
        for samples in drawn:
            assert np.array_equal(samples.inputs[symmetry].reshape(6, 6), move(text[0])), symmetry
            assert np.array_equal(samples.labels[symmetry].reshape(6, 6), move(text[1])), symmetry


def test_large_mazes_are_no_arc_grids(tmp_path: Path) -> None:
    words = ["--kind", "maze", "--side", "30", "--train-size", "3", "--test-size", "2", "--steps", "40"]
    assert CliRunner().invoke(main, [*words, "--output-dir", str(tmp_path / "csv")]).exit_code == 0
    asked = ["maze", "--input", str(tmp_path / "csv"), "--layout", "rows", "--quiet"]
    result = CliRunner().invoke(build_main, [*asked, "--output-dir", str(tmp_path / "rows")])
    assert result.exit_code == 0, result.output
    dataset = Dataset.open(tmp_path / "rows")
    first = dataset.questions()[0]
    row = next(csv.DictReader((tmp_path / "csv" / "test.csv").read_text().splitlines()))
    assert ["# SGo"[c] for c in first.input.ravel()] == list(row["q"])
    batch = next(dataset.train_batches(seed=0, epoch=0, batch_size=2, canvas="cropped"))
    assert batch.inputs.shape == (2, 900) and batch.inputs.max() < 6
