"""Slow, obvious twins of the data-set builder, the drawing of samples and the vote.

They do what the released tools do, one grid at a time; the tests hold the compiled code to them.
"""

import hashlib

import numpy as np

from solver.arc.policy import Answer
from solver.arc.task import MAX_SIDE, Task
from solver.choices import NETWORK


def turn(grid: np.ndarray, symmetry: int) -> np.ndarray:
    """A grid moved by a symmetry, with numpy's own words."""
    moves = [
        lambda g: g,
        lambda g: np.rot90(g, 1),
        lambda g: np.rot90(g, 2),
        lambda g: np.rot90(g, 3),
        np.fliplr,
        np.flipud,
        np.transpose,
        lambda g: np.fliplr(np.rot90(g)),
    ]
    return np.ascontiguousarray(moves[symmetry](grid))


def canvas_tokens(grid: np.ndarray, height: int, width: int, row: int, column: int) -> np.ndarray:
    """A grid as tokens on a canvas, the way the released builder pads it; [height, width]."""
    below, right = height - row - grid.shape[0], width - column - grid.shape[1]
    canvas = np.pad(grid + 2, ((row, below), (column, right))).astype(np.uint8)
    if below:
        canvas[row + grid.shape[0], column : column + grid.shape[1]] = 1
    if right:
        canvas[row : row + grid.shape[0], column + grid.shape[1]] = 1
    return canvas


def build_task(
    task: Task, num_aug: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """The released builder for one training task: (inputs, labels uint8 [S, 900], puzzles).

    Random trials, at most 5 for each wanted augmentation, told apart by a digest of all grids; then a
    random translation for all pairs but one.
    """
    pairs = [(pair.input, pair.output) for pair in (*task.train, *task.test)]

    def digest(puzzle: list[tuple[np.ndarray, np.ndarray]]) -> str:
        parts = [
            "|".join(hashlib.sha256(bytes(grid.shape) + grid.tobytes()).hexdigest() for grid in pair)
            for pair in puzzle
        ]
        return hashlib.sha256("|".join(sorted(parts)).encode()).hexdigest()

    puzzles, seen = [pairs], {digest(pairs)}
    for _ in range(5 * num_aug):
        symmetry = int(generator.integers(8))
        palette = np.concatenate([[0], 1 + generator.permutation(9)]).astype(np.uint8)
        puzzle = [tuple(turn(palette[grid], symmetry) for grid in pair) for pair in pairs]
        code = digest(puzzle)
        if code not in seen:
            seen.add(code)
            puzzles.append(puzzle)
        if len(puzzles) > num_aug:
            break
    inputs, labels = [], []
    for puzzle in puzzles:
        still = generator.integers(len(puzzle))
        for n, (first, second) in enumerate(puzzle):
            box = np.maximum(first.shape, second.shape)
            row, column = (0, 0) if n == still else generator.integers(0, MAX_SIDE - box + 1)
            inputs.append(canvas_tokens(first, MAX_SIDE, MAX_SIDE, row, column).ravel())
            labels.append(canvas_tokens(second, MAX_SIDE, MAX_SIDE, row, column).ravel())
    return np.stack(inputs), np.stack(labels), len(puzzles)


def crop_canvas(canvas: np.ndarray) -> np.ndarray | None:
    """The largest rectangle of colours at the top-left corner, as colours; None if there is none."""
    best, width = (0, 0), canvas.shape[1]
    for r, row in enumerate(canvas):
        others = np.flatnonzero((row[:width] < 2) | (row[:width] > 11))
        width = int(others[0]) if len(others) else width
        if (r + 1) * width > best[0] * best[1]:
            best = r + 1, width
    return canvas[: best[0], : best[1]] - 2 if best[0] else None


def vote(
    tokens: np.ndarray,
    heights: np.ndarray,
    widths: np.ndarray,
    symmetries: np.ndarray,
    palettes: np.ndarray,
    questions: np.ndarray,
    confidences: np.ndarray,
) -> dict[int, list[Answer]]:
    """Crop, undo, group by a digest and rank, one prediction at a time, as the released evaluator."""
    inverse = (0, 3, 2, 1, 4, 5, 6, 7)
    groups: dict[int, dict[str, list]] = {}
    for n, question in enumerate(questions):
        grid = crop_canvas(tokens[n, : heights[n] * widths[n]].reshape(heights[n], widths[n]))
        if grid is None or question < 0:
            continue
        back = np.argsort(palettes[n]).astype(np.uint8)
        grid = back[turn(grid, inverse[symmetries[n]])]
        digest = hashlib.sha256(bytes(grid.shape) + grid.tobytes()).hexdigest()
        groups.setdefault(int(question), {}).setdefault(digest, [grid]).append(float(confidences[n]))
    ranked = {}
    for question, found in groups.items():
        answers = [
            Answer(grid, (NETWORK,), len(given), confidence=sum(given) / len(given))
            for grid, *given in found.values()
        ]
        ranked[question] = sorted(answers, key=lambda answer: (-answer.votes, -answer.confidence))
    return ranked
