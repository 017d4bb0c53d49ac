"""Sudoku of one's own: valid, with one solution each, test apart from training."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from solver.arc.task import Pair
from train.dataset import Dataset
from train.dataset.content import turned_keys
from train.dataset.inspection import find_leaks
from train.puzzles import Taken, main, make_question, make_solution, make_split, search


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
    (few, answers), (many, others) = (make_split(n, 4, 8, generator, taken) for n in (60, 3000))
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
