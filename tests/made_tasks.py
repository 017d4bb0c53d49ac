"""Small made-up tasks and puzzles for the tests of data sets."""

import json
from pathlib import Path

import numpy as np

from solver.arc.task import Pair, Task, as_grid

ONE = {
    "train": [{"input": [[0, 1], [2, 3]], "output": [[4]]}, {"input": [[5]], "output": [[6, 7]]}],
    "test": [{"input": [[8, 9]]}, {"input": [[1]]}],
}
SET = {"aa": ONE, "bb": {"train": ONE["train"][:1], "test": ONE["test"][:1]}}


def make_grid(generator: np.random.Generator, colours: int, largest: int) -> np.ndarray:
    """A random grid with colours 0..colours."""
    return as_grid(generator.integers(0, colours + 1, generator.integers(1, largest + 1, 2)))


def make_task(
    task_id: str, seed: int, colours: int = 4, train: int = 3, test: int = 1, largest: int = 8
) -> Task:
    """A task of random grids; nothing is to be learnt from it."""
    generator = np.random.default_rng(seed)

    def pairs(count: int) -> tuple[Pair, ...]:
        grids = [[make_grid(generator, colours, largest) for _ in range(2)] for _ in range(count)]
        return tuple(Pair(*two) for two in grids)

    return Task(task_id, pairs(train), pairs(test))


def random_task(name: str, side: int, seed: int) -> Task:
    """Random grids of one size."""
    generator = np.random.default_rng(seed)
    grids = [as_grid(generator.integers(0, 10, (side, side))) for _ in range(5)]
    return Task(name, (Pair(*grids[:2]), Pair(*grids[2:4])), (Pair(grids[4]),))


def write_subset(folder: Path, name: str, tasks: list[Task], join: str = "_", solved: bool = True) -> None:
    """A challenges file and a solutions file, in the style of Kaggle (``_``) or of the URM (``-``)."""
    folder.mkdir(parents=True, exist_ok=True)
    challenges = {
        task.id: {
            "train": [{"input": p.input.tolist(), "output": p.output.tolist()} for p in task.train],
            "test": [{"input": p.input.tolist()} for p in task.test],
        }
        for task in tasks
    }
    (folder / f"arc-agi_{name}{join}challenges.json").write_text(json.dumps(challenges))
    if solved:
        solutions = {task.id: [p.output.tolist() for p in task.test] for task in tasks}
        (folder / f"arc-agi_{name}{join}solutions.json").write_text(json.dumps(solutions))


def make_sudoku(seed: int, blanks: int) -> tuple[str, str]:
    """(question, answer): a shuffled solution, with ``blanks`` of its cells blanked out."""
    generator = np.random.default_rng(seed)
    lines = np.arange(9)
    board = (3 * (lines[:, None] % 3) + lines[:, None] // 3 + lines) % 9
    rows = np.concatenate([3 * band + generator.permutation(3) for band in generator.permutation(3)])
    digits = generator.permutation(9) + 1
    answer = "".join(map(str, digits[board[rows]].ravel()))
    cells = list(answer)
    for cell in generator.choice(81, blanks, replace=False):
        cells[cell] = "."
    return "".join(cells), answer


def write_sudoku(folder: Path, train: int, test: int) -> None:
    """train.csv and test.csv in the format of Sudoku-Extreme, ratings 0, 1, 2, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count, first in (("train", train, 0), ("test", test, 1000)):
        lines = [f"made,{','.join(make_sudoku(first + n, 40))},{n}" for n in range(count)]
        (folder / f"{name}.csv").write_text("\n".join(["source,q,a,rating", *lines]) + "\n")
