"""Slow, obvious twins of the compiled code of the data sets and of voting."""

import hashlib
from itertools import permutations

import numpy as np

from solver.arc.augment import Augmentation
from solver.arc.task import COLOURS, MAX_SIDE, Grid, Task
from solver.arc.tokens import crop
from solver.arc.vote import Answer, Candidate, rank


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


def effect(grids: list[Grid], symmetry: int, palette: np.ndarray) -> bytes:
    """What an augmentation makes of the grids, as bytes."""
    moved = [turn(np.asarray(palette, np.uint8)[grid], symmetry) for grid in grids]
    return b"|".join(bytes(grid.shape) + grid.tobytes() for grid in moved)


def count_effects(grids: list[Grid]) -> int:
    """How many different things the 8 x 9! augmentations do, by doing them (few colours only)."""
    used = sorted({int(c) for grid in grids for c in grid.ravel()} - {0})
    seen = set()
    for images in permutations(range(1, COLOURS), len(used)):
        palette = np.zeros(COLOURS, np.uint8)
        palette[used] = images
        seen |= {effect(grids, symmetry, palette) for symmetry in range(8)}
    return len(seen)


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


def vote(
    tokens: np.ndarray,
    heights: np.ndarray,
    widths: np.ndarray,
    symmetries: np.ndarray,
    palettes: np.ndarray,
    questions: np.ndarray,
    confidences: np.ndarray,
) -> dict[int, list[Answer]]:
    """Crop, undo, group and rank with the single-grid functions; answers by question."""
    candidates: dict[int, list[Candidate]] = {}
    for n, question in enumerate(questions):
        canvas = tokens[n, : heights[n] * widths[n]].reshape(heights[n], widths[n])
        grid = crop(canvas)
        if grid is not None and question >= 0:
            augmentation = Augmentation(int(symmetries[n]), tuple(int(c) for c in palettes[n]))
            candidate = Candidate(augmentation.undo(grid), float(confidences[n]))
            candidates.setdefault(int(question), []).append(candidate)
    return {question: rank(found) for question, found in candidates.items()}
