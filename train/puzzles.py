"""``python -m train.puzzles --side 4 --output-dir DIR``: Sudoku of one's own making, to see a run learn.

Sides 4 and 9. No test puzzle has the solution of a training puzzle. Side 9 is written as the published
CSV files, for ``build_dataset.py sudoku``; side 4, which that format cannot hold, as a data set of the
released layout (``train.dataset.rows``).
"""

import csv
import json
import sys
from dataclasses import asdict
from math import isqrt
from pathlib import Path

import click
import numpy as np
from numba import njit

from solver.arc.seed import derive_generator
from train.dataset import Metadata

PUZZLES = 20  # of one solution of side 4, whose 288 solutions are few


@njit(cache=True)
def search(cells: np.ndarray, box: int, orders: np.ndarray, limit: int, out: np.ndarray) -> int:
    """How many solutions ``cells`` has, counted up to ``limit``; ``out`` is filled with the first.

    ``cells`` uint8 [side * side], 0 for blank, put back as it was; ``orders`` [side * side, side] the
    digits 1..side in the order in which each cell tries them. The cell of fewest digits goes first.
    """
    side = box * box
    used = np.zeros((3, side), np.int64)  # digits taken in each row, column and box
    for cell in range(side * side):
        r, c = cell // side, cell % side
        if cells[cell]:
            bit = 1 << cells[cell]
            used[0, r] |= bit
            used[1, c] |= bit
            used[2, r // box * box + c // box] |= bit
    path = np.empty(side * side + 1, np.int64)
    tried = np.zeros(side * side + 1, np.int64)
    found, depth = 0, -1
    forward = True
    while True:
        if forward:
            best, fewest = -1, side + 1
            for cell in range(side * side):
                if cells[cell] == 0:
                    r, c = cell // side, cell % side
                    taken = used[0, r] | used[1, c] | used[2, r // box * box + c // box]
                    free = 0
                    for digit in range(1, side + 1):
                        free += (taken >> digit) & 1 == 0
                    if free < fewest:
                        best, fewest = cell, free
            if best < 0:
                found += 1
                if found == 1:
                    out[:] = cells
            else:
                depth += 1
                path[depth], tried[depth] = best, 0
        if depth < 0:
            return found
        cell = path[depth]
        r, c = cell // side, cell % side
        b = r // box * box + c // box
        if cells[cell]:
            bit = 1 << cells[cell]
            used[0, r] ^= bit
            used[1, c] ^= bit
            used[2, b] ^= bit
            cells[cell] = 0
        forward = False
        while not forward and found < limit and tried[depth] < side:
            digit = orders[cell, tried[depth]]
            tried[depth] += 1
            if ((used[0, r] | used[1, c] | used[2, b]) >> digit) & 1 == 0:
                bit = 1 << digit
                used[0, r] |= bit
                used[1, c] |= bit
                used[2, b] |= bit
                cells[cell] = digit
                forward = True
        if not forward:
            depth -= 1


def make_solution(side: int, generator: np.random.Generator) -> np.ndarray:
    """A random solved board, uint8 [side * side]."""
    orders = generator.permuted(np.tile(np.arange(1, side + 1), (side * side, 1)), axis=1)
    out = np.zeros(side * side, np.uint8)
    assert search(np.zeros(side * side, np.uint8), isqrt(side), orders, 1, out) == 1
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


def make_split(
    count: int, side: int, blanks: int, generator: np.random.Generator, taken: set[bytes]
) -> tuple[np.ndarray, np.ndarray]:
    """(questions, solutions), uint8 [N, side * side] each, distinct questions.

    No solution is in ``taken``, which then holds these too. Fewer than ``count`` where side 4 has no more.
    """
    repeat = PUZZLES if side == 4 else 1
    solutions: dict[bytes, np.ndarray] = {}
    misses = 0
    while len(solutions) * repeat < count and misses < 10_000:
        board = make_solution(side, generator)
        new = board.tobytes() not in taken and board.tobytes() not in solutions
        misses = 0 if new else misses + 1
        if new:
            solutions[board.tobytes()] = board
    taken |= solutions.keys()
    found: dict[bytes, np.ndarray] = {}
    answers = []
    for board in solutions.values():
        for _ in range(repeat):
            question = make_question(board, blanks, generator)
            if question.tobytes() not in found:
                found[question.tobytes()] = question
                answers.append(board)
    return np.stack(list(found.values())), np.stack(answers)


def write_rows(folder: Path, splits: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """A data set of the released layout: one identifier, the blank; token = digit + 1."""
    folder.mkdir(parents=True, exist_ok=True)
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
    folder.mkdir(parents=True, exist_ok=True)
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
    if output_dir.exists():
        raise click.UsageError(f"--output-dir {output_dir}: is there already, wanted a new folder")
    size = int(side)
    generator = derive_generator(seed, "puzzles", size)
    taken: set[bytes] = set()
    holes = blanks or (8 if size == 4 else 45)
    splits = {
        name: make_split(count, size, holes, generator, taken)
        for name, count in (("test", test_size), ("train", train_size))
    }
    (write_rows if size == 4 else write_csv)(output_dir, splits)
    for name, (questions, _) in splits.items():
        click.echo(
            f"{name}: {len(questions)} puzzles, {float((questions == 0).mean()):.2f} of the cells blank"
        )


if __name__ == "__main__":
    sys.exit(main())
