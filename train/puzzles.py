"""``python -m train.puzzles --side 4 --output-dir DIR``: Sudoku of one's own making, to see a run learn.

Sides 4 and 9. No test puzzle has the solution of a training puzzle, nor is it one turned, mirrored or with
other digits. Side 9 is written as the published CSV files, for ``build_dataset.py sudoku``; side 4, which
that format cannot hold, as a data set of the released layout (``train.dataset.rows``).
"""

import csv
import json
import sys
from dataclasses import asdict, dataclass, field
from math import isqrt
from pathlib import Path

import click
import numpy as np
from numba import njit

from solver.arc.seed import derive_generator
from solver.arc.task import Pair
from train.dataset import Metadata
from train.dataset.content import turned_keys
from train.dataset.folder import check_target, replacing

PUZZLES = 20  # of one solution of side 4, whose 288 solutions are few
MISSES = 10_000  # known solutions in a row after which none is left: 288 of them are all seen far earlier


@njit(cache=True)
def _flip(used: np.ndarray, cell: int, box: int, digit: int) -> None:
    """Take or release ``digit`` in the row, column and box of ``cell``; ``used`` int64 [3, side] bits."""
    side = box * box
    r, c = cell // side, cell % side
    used[0, r] ^= 1 << digit
    used[1, c] ^= 1 << digit
    used[2, r // box * box + c // box] ^= 1 << digit


@njit(cache=True)
def _taken(used: np.ndarray, cell: int, box: int) -> int:
    """Bits of the digits that ``cell`` cannot have."""
    side = box * box
    r, c = cell // side, cell % side
    return used[0, r] | used[1, c] | used[2, r // box * box + c // box]


@njit(cache=True)
def _narrowest(cells: np.ndarray, used: np.ndarray, box: int) -> int:
    """The blank cell that can have the fewest digits; -1 where none is blank."""
    best, fewest = -1, box * box + 1
    for cell in range(len(cells)):
        if cells[cell] == 0:
            taken, free = _taken(used, cell, box), 0
            for digit in range(1, box * box + 1):
                free += (taken >> digit) & 1 == 0
            if free < fewest:
                best, fewest = cell, free
    return best


@njit(cache=True)
def search(cells: np.ndarray, box: int, orders: np.ndarray, limit: int, out: np.ndarray) -> int:
    """How many solutions ``cells`` has, counted up to ``limit``; ``out`` is filled with the first.

    ``cells`` uint8 [side * side], 0 for blank, put back as it was; no digit may stand twice in a line
    or box. ``orders`` [side * side, side]: the digits 1..side in the order in which each cell tries them.
    """
    used = np.zeros((3, box * box), np.int64)
    for cell in range(len(cells)):
        if cells[cell]:
            _flip(used, cell, box, cells[cell])
    path, tried = np.empty(len(cells), np.int64), np.zeros(len(cells), np.int64)
    found, depth, forward = 0, -1, True
    while True:
        if forward:
            best = _narrowest(cells, used, box)
            if best < 0:
                found += 1
                if found == 1:
                    out[:] = cells
            else:
                depth += 1
                path[depth], tried[depth] = best, 0
        if depth < 0:
            return found
        cell, forward = path[depth], False
        if cells[cell]:
            _flip(used, cell, box, cells[cell])
            cells[cell] = 0
        while not forward and found < limit and tried[depth] < box * box:
            digit = orders[cell, tried[depth]]
            tried[depth] += 1
            if (_taken(used, cell, box) >> digit) & 1 == 0:
                _flip(used, cell, box, digit)
                cells[cell] = digit
                forward = True
        if not forward:
            depth -= 1


def make_solution(side: int, generator: np.random.Generator) -> np.ndarray:
    """A random solved board, uint8 [side * side]."""
    orders = generator.permuted(np.tile(np.arange(1, side + 1), (side * side, 1)), axis=1)
    out = np.zeros(side * side, np.uint8)
    found = search(np.zeros(side * side, np.uint8), isqrt(side), orders, 1, out)
    assert found == 1, f"an empty board of side {side} has {found} solutions, expected one"
    return out


def make_question(solution: np.ndarray, blanks: int, generator: np.random.Generator) -> np.ndarray:
    """The solution with up to ``blanks`` cells emptied, as many as leave it the only solution."""
    side = isqrt(len(solution))
    orders = np.tile(np.arange(1, side + 1), (side * side, 1))
    question, out = solution.copy(), np.zeros_like(solution)
    for cell in generator.permutation(len(solution)):
        if int((question == 0).sum()) == blanks:
            break
        question[cell] = 0
        if search(question.copy(), isqrt(side), orders, 2, out) > 1:
            question[cell] = solution[cell]
    return question


@dataclass
class Taken:
    """What the splits made so far hold: ``solutions``, and ``puzzles`` as ``turned_keys`` has them."""

    solutions: set[bytes] = field(default_factory=set)
    puzzles: set[int] = field(default_factory=set)


def make_split(
    count: int, side: int, blanks: int, generator: np.random.Generator, taken: Taken
) -> tuple[np.ndarray, np.ndarray]:
    """(questions, solutions), uint8 [count, side * side] each, distinct questions.

    No solution and no puzzle, turned or with other digits, is in ``taken``, which then holds these too.
    ValueError where the solutions that are left do not give so many puzzles.
    """
    repeat = PUZZLES if side == 4 else 1
    questions: list[np.ndarray] = []
    answers: list[np.ndarray] = []
    used: set[bytes] = set()
    made: set[bytes] = set()
    puzzles: set[int] = set()
    misses = 0
    while len(questions) < count and misses < MISSES:
        board = make_solution(side, generator)
        misses += 1
        if board.tobytes() in taken.solutions | used:
            continue
        misses = 0
        used.add(board.tobytes())
        drawn = [make_question(board, blanks, generator) for _ in range(repeat)]
        shape = (side, side)
        keys = turned_keys([Pair(question.reshape(shape), board.reshape(shape)) for question in drawn])
        for question, key in zip(drawn, keys, strict=True):
            if question.tobytes() not in made and key not in taken.puzzles and len(questions) < count:
                made.add(question.tobytes())
                puzzles.add(key)
                questions.append(question)
                answers.append(board)
    if len(questions) < count:
        raise ValueError(
            f"expected {count} puzzles of side {side}, got {len(questions)}: "
            f"the solutions that no other split has give no more"
        )
    taken.solutions.update(used)
    taken.puzzles.update(puzzles)
    return np.stack(questions), np.stack(answers)


def write_rows(folder: Path, splits: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """A data set of the released layout: one identifier, the blank; token = digit + 1."""
    (folder / "identifiers.json").write_text(json.dumps(["<blank>"]))
    for name, (questions, answers) in splits.items():
        part = folder / name
        part.mkdir()
        count, cells = questions.shape
        arrays = {
            "inputs": questions + 1,
            "labels": answers + 1,
            "puzzle_identifiers": np.zeros(count, np.int32),
            "puzzle_indices": np.arange(count + 1, dtype=np.int32),
            "group_indices": np.arange(count + 1, dtype=np.int32),
        }
        for key, values in arrays.items():
            np.save(part / f"all__{key}.npy", values)
        meta = Metadata(cells, isqrt(cells) + 2, 1, count, 1.0, count)
        (part / "dataset.json").write_text(json.dumps(asdict(meta)))


def write_csv(folder: Path, splits: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """``train.csv`` and ``test.csv`` as Sudoku-Extreme has them; the rating is the number of blanks."""
    for name, (questions, answers) in splits.items():
        with open(folder / f"{name}.csv", "w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("source", "q", "a", "rating"))
            for question, answer in zip(questions, answers, strict=True):
                q = "".join(str(d) if d else "." for d in question)
                lines.writerow(("made", q, "".join(map(str, answer)), int((question == 0).sum())))


@click.command()
@click.option("--side", type=click.Choice(["4", "9"]), default="4", show_default=True)
@click.option("--output-dir", type=click.Path(path_type=Path), required=True, help="folder to make")
@click.option("--train-size", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--test-size", type=click.IntRange(1), default=500, show_default=True)
@click.option("--blanks", type=click.IntRange(1), help="most blanks of a puzzle; 8 of 16 or 45 of 81")
@click.option("--seed", type=int, default=0, show_default=True)
def main(side: str, output_dir: Path, train_size: int, test_size: int, blanks: int | None, seed: int) -> None:
    """Make puzzles with one solution each, training and test apart by solution."""
    size = int(side)
    generator = derive_generator(seed, "puzzles", size)
    taken = Taken()
    holes = blanks or (8 if size == 4 else 45)
    try:
        check_target(output_dir, overwrite=False)
        splits = {
            name: make_split(count, size, holes, generator, taken)
            for name, count in (("test", test_size), ("train", train_size))
        }
        with replacing(output_dir, overwrite=False) as folder:
            (write_rows if size == 4 else write_csv)(folder, splits)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for name, (questions, _) in splits.items():
        click.echo(
            f"{name}: {len(questions)} puzzles, {float((questions == 0).mean()):.2f} of the cells blank"
        )


if __name__ == "__main__":
    sys.exit(main())
