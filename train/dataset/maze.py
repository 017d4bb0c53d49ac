"""Mazes: characters of the published text, and their eight symmetries."""

from math import isqrt

import numpy as np

from solver.arc.symmetry import strides
from solver.arc.task import MAX_SIDE

CHARACTERS = "# SGo"  # wall, free, start, goal, path
WALL, FREE, START, GOAL, PATH = range(len(CHARACTERS))
VOCABULARY = 6  # 0 pad, then the characters


def draw_maze(
    questions: np.ndarray, answers: np.ndarray, symmetries: np.ndarray, inputs: np.ndarray, labels: np.ndarray
) -> None:
    """Fill ``inputs``, ``labels`` uint8 [B, side^2] with tokens (place in CHARACTERS + 1) of mazes
    ``questions``, ``answers`` uint8 [B, side^2], each moved by its symmetry 0..7."""
    side = isqrt(questions.shape[1])
    places = np.arange(side)
    for symmetry in np.unique(symmetries):
        base, down, right = strides(int(symmetry), side, side, side)
        cells = (base + places[:, None] * down + places[None, :] * right).ravel()
        rows = np.flatnonzero(symmetries == symmetry)
        inputs[rows] = questions[rows[:, None], cells] + 1
        labels[rows] = answers[rows[:, None], cells] + 1


def read_cells(rows: list[tuple[str, str]], where: str) -> tuple[np.ndarray, np.ndarray]:
    """(questions, answers) uint8 [N, side^2], places in CHARACTERS. ValueError for a size that is no square
    or another character; whether a path leads from S to G is not looked at."""
    cells = len(rows[0][0])
    side = isqrt(cells)
    if side * side != cells or not 1 < side <= MAX_SIDE:
        raise ValueError(f"{where}: wanted square mazes of side 2 to {MAX_SIDE}, found one of {cells} cells")
    found = []
    for question, answer in rows:
        places = [CHARACTERS.find(character) for character in question + answer]
        if min(places) < 0:
            raise ValueError(f"{where}: wanted the characters {CHARACTERS!r}, found {question + answer!r}")
        found.append(places)
    both = np.array(found, np.uint8).reshape(-1, 2, cells)
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])
