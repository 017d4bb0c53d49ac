"""``python -m train.puzzles --side 4 --output-dir DIR``: makes Sudoku and mazes, to see a run learn.

No test puzzle has the solution of a training puzzle, nor is it one turned, mirrored or with other digits.
Sudoku of side 9 and mazes are written as the published CSV files, for ``build_dataset.py sudoku`` and
``maze``; Sudoku of side 4, which that format cannot hold, as a data set of the released layout
(``train.dataset.rows``).
"""

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import isqrt
from pathlib import Path

import click
import numpy as np
from numba import njit

from solver.arc.content import turned_keys
from solver.arc.seed import derive_generator
from solver.arc.task import Pair
from train.dataset import Metadata, maze
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


def make_maze(side: int, least: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(question, answer), uint8 [side * side] places in ``maze.CHARACTERS``: walls, and one path of at least
    ``least`` steps from S to G.

    Cells are opened in random order where exactly one neighbour is open already, so the free cells are a
    tree and the path between two of them is the only one.
    """
    while True:
        first = int(generator.integers(side * side))
        free, frontier = {first}, neighbours(first, side)
        while frontier:
            cell = frontier.pop(int(generator.integers(len(frontier))))
            if cell not in free and sum(near in free for near in neighbours(cell, side)) == 1:
                free.add(cell)
                frontier += neighbours(cell, side)
        start = int(generator.permutation(sorted(free))[0])
        before, order = {start: start}, [start]
        steps = {start: 0}
        for cell in order:
            for near in neighbours(cell, side):
                if near in free and near not in before:
                    before[near], steps[near] = cell, steps[cell] + 1
                    order.append(near)
        far = [cell for cell in order if steps[cell] >= least]
        if far:
            goal = far[int(generator.integers(len(far)))]
            question = np.full(side * side, maze.WALL, np.uint8)
            question[sorted(free)] = maze.FREE
            question[[start, goal]] = maze.START, maze.GOAL
            answer, cell = question.copy(), before[goal]
            while cell != start:
                answer[cell], cell = maze.PATH, before[cell]
            return question, answer


def neighbours(cell: int, side: int) -> list[int]:
    """The cells above, below, left and right, as far as there are any."""
    row, column = divmod(cell, side)
    near = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    return [r * side + c for r, c in near if 0 <= r < side and 0 <= c < side]


@dataclass
class Taken:
    """What the splits made so far hold: ``answers``, and ``puzzles`` as ``turned_keys`` has them."""

    answers: set[bytes] = field(default_factory=set)
    puzzles: set[int] = field(default_factory=set)


Puzzles = list[tuple[np.ndarray, np.ndarray]]  # (question, answer), of one answer


def sudokus(side: int, blanks: int, generator: np.random.Generator) -> Puzzles:
    """Puzzles of one random solution: several of side 4, which has few."""
    board = make_solution(side, generator)
    return [(make_question(board, blanks, generator), board) for _ in range(PUZZLES if side == 4 else 1)]


def make_split(
    count: int, side: int, draw: Callable[[], Puzzles], taken: Taken
) -> tuple[np.ndarray, np.ndarray]:
    """(questions, answers), uint8 [count, side * side] each, distinct questions from ``draw``.

    No answer and no puzzle, turned or with other digits, is in ``taken``, which then holds these too.
    ValueError where what is left does not give so many puzzles.
    """
    found: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    answers: set[bytes] = set()
    puzzles: set[int] = set()
    misses = 0
    while len(found) < count and misses < MISSES:
        drawn = draw()
        answer = drawn[0][1].tobytes()
        misses += 1
        if answer in taken.answers or answer in answers:
            continue
        answers.add(answer)
        pairs = [Pair(*(cells.reshape(side, side) for cells in puzzle)) for puzzle in drawn]
        for puzzle, key in zip(drawn, turned_keys(pairs), strict=True):
            name = puzzle[0].tobytes()
            if name not in found and key not in taken.puzzles and len(found) < count:
                found[name] = puzzle
                puzzles.add(key)
                misses = 0
    if len(found) < count:
        raise ValueError(
            f"expected {count} puzzles of side {side}, got {len(found)}: "
            f"the solutions that no other split has give no more"
        )
    taken.answers |= answers
    taken.puzzles |= puzzles
    questions, solutions = zip(*found.values(), strict=True)
    return np.stack(questions), np.stack(solutions)


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


def write_csv(
    folder: Path, splits: dict[str, tuple[np.ndarray, np.ndarray]], characters: str, changed: str
) -> None:
    """``train.csv`` and ``test.csv`` as Sudoku-Extreme and Maze-Hard have them. ``characters`` of the cells'
    values; the rating is the number of cells with ``changed`` in the question or the answer."""
    value = characters.index(changed)
    for name, (questions, answers) in splits.items():
        with open(folder / f"{name}.csv", "w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("source", "q", "a", "rating"))
            for cells in zip(questions, answers, strict=True):
                texts = ["".join(characters[cell] for cell in part) for part in cells]
                lines.writerow(("made", *texts, int((np.stack(cells) == value).sum())))


@click.command()
@click.option("--kind", type=click.Choice(["sudoku", "maze"]), default="sudoku", show_default=True)
@click.option("--side", type=click.IntRange(4, 30), default=4, show_default=True, help="4 or 9 for Sudoku")
@click.option("--output-dir", type=click.Path(path_type=Path), required=True, help="folder to make")
@click.option("--train-size", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--test-size", type=click.IntRange(1), default=500, show_default=True)
@click.option("--blanks", type=click.IntRange(1), help="most blanks of a Sudoku; 8 of 16 or 45 of 81")
@click.option("--steps", type=click.IntRange(2), help="fewest steps of a maze's path; its side")
@click.option("--seed", type=int, default=0, show_default=True)
def main(
    kind: str,
    side: int,
    output_dir: Path,
    train_size: int,
    test_size: int,
    blanks: int | None,
    steps: int | None,
    seed: int,
) -> None:
    """Make puzzles with one solution each, training and test apart by solution and by symmetry."""
    if kind == "sudoku" and side not in (4, 9):
        raise click.UsageError(f"--side: expected 4 or 9 for Sudoku, got {side}")
    generator, taken = derive_generator(seed, "puzzles", side), Taken()

    def draw() -> Puzzles:
        if kind == "maze":
            return [make_maze(side, steps or side, generator)]
        return sudokus(side, blanks or (8 if side == 4 else 45), generator)

    try:
        check_target(output_dir, overwrite=False)
        sizes = (("test", test_size), ("train", train_size))
        splits = {name: make_split(count, side, draw, taken) for name, count in sizes}
        with replacing(output_dir, overwrite=False) as folder:
            if kind == "maze":
                write_csv(folder, splits, maze.CHARACTERS, "o")
            elif side == 9:
                write_csv(folder, splits, ".123456789", ".")
            else:
                write_rows(folder, splits)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for name, (questions, answers) in splits.items():
        share = float((questions != answers).mean())
        click.echo(f"{name}: {len(questions)} puzzles, {share:.2f} of the cells to find")


if __name__ == "__main__":
    sys.exit(main())
