"""Sudoku: digits of the published text, and shuffles that keep a solution valid.

A blank of q is ``.`` or ``0``. A shuffle relabels the digits, orders the bands and the rows in them, the
stacks and the columns in them, and may transpose.
"""

import numpy as np
from numba import njit

from solver.arc.sampling import below, mix
from solver.arc.task import COLOURS

SIDE = 9
AREA = 81
VOCABULARY = 11  # 0 pad, 1 blank, 2..10 the digits
_DIGITS, _TRANSPOSE, _ROWS, _COLUMNS = 1, 2, 3, 4  # what a random number is for


@njit(cache=True)
def shuffled(seed: int, size: int) -> np.ndarray:
    """0..size-1 in a random order that depends on ``seed`` alone: int64 [size]."""
    order = np.arange(size)
    for i in range(size - 1):
        j = i + below(seed, i, size - i)
        order[i], order[j] = order[j], order[i]
    return order


@njit(cache=True)
def shuffled_lines(seed: int) -> np.ndarray:
    """The nine rows (or columns) with the bands in a random order, and the lines in each band."""
    lines = np.empty(SIDE, np.int64)
    bands = shuffled(mix(seed, 0), 3)
    for b in range(3):
        inner = shuffled(mix(seed, b + 1), 3)
        for i in range(3):
            lines[3 * b + i] = 3 * bands[b] + inner[i]
    return lines


@njit(cache=True, nogil=True)
def draw_sudoku(
    questions: np.ndarray, answers: np.ndarray, seeds: np.ndarray, inputs: np.ndarray, labels: np.ndarray
) -> None:
    """Fill ``inputs``, ``labels`` uint8 [B, 81] with tokens of shuffled puzzles.

    ``questions``, ``answers`` uint8 [B, 81], digits with 0 for blank; ``seeds`` uint64 [B], 0 = as is.
    """
    for n in range(len(seeds)):
        digits = np.arange(COLOURS)
        rows = columns = np.arange(SIDE)
        transposed = False
        if seeds[n] != 0:
            digits[1:] = shuffled(mix(seeds[n], _DIGITS), SIDE) + 1
            rows = shuffled_lines(mix(seeds[n], _ROWS))
            columns = shuffled_lines(mix(seeds[n], _COLUMNS))
            transposed = mix(seeds[n], _TRANSPOSE) & np.uint64(1) == 1
        for r in range(SIDE):
            for c in range(SIDE):
                cell = rows[r] * SIDE + columns[c]
                if transposed:
                    cell = columns[c] * SIDE + rows[r]
                inputs[n, r * SIDE + c] = digits[questions[n, cell]] + 1
                labels[n, r * SIDE + c] = digits[answers[n, cell]] + 1


def read_digits(rows: list[tuple[str, str]], where: str) -> tuple[np.ndarray, np.ndarray]:
    """(questions, answers) uint8 [N, 81]. ValueError for one whose answer is not a solution of its
    question."""
    text = "".join(q.replace(".", "0") + a for q, a in rows).encode("utf-8")
    digits = np.frombuffer(text, np.uint8) - ord("0")
    if len(digits) != 2 * AREA * len(rows) or digits.max() > SIDE:
        bad = next(n for n, row in enumerate(rows) if not set("".join(row)) <= set(".0123456789"))
        raise ValueError(f"{where}: wanted digits and dots, found {''.join(rows[bad])!r}")
    digits = digits.reshape(-1, 2, AREA)
    questions, answers = np.ascontiguousarray(digits[:, 0]), np.ascontiguousarray(digits[:, 1])
    wrong = ~valid_solutions(answers) | ((questions != 0) & (questions != answers)).any(1)
    if wrong.any():
        question = rows[int(np.flatnonzero(wrong)[0])][0]
        raise ValueError(f"{where}: the answer of the puzzle {question} is not its solution")
    return questions, answers


def valid_solutions(answers: np.ndarray) -> np.ndarray:
    """bool [N]: whether each row, column and box of the answers [N, 81] holds 1..9 once."""
    boards = np.asarray(answers).reshape(-1, SIDE, SIDE)
    boxes = boards.reshape(-1, 3, 3, 3, 3).transpose(0, 1, 3, 2, 4).reshape(-1, SIDE, SIDE)
    wanted = np.arange(1, SIDE + 1)
    good = np.ones(len(boards), bool)
    for lines in (boards, boards.transpose(0, 2, 1), boxes):
        good &= (np.sort(lines, 2) == wanted).all((1, 2))
    return good
