"""Sudoku-Extreme: the published CSV files, and shuffles that keep a solution valid.

Columns source, q, a, rating; a blank of q is ``.`` or ``0``. A shuffle relabels the digits, orders the
bands and the rows in them, the stacks and the columns in them, and may transpose.
"""

import csv
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numba import njit

from solver.arc.sampling import below, mix
from solver.arc.seed import derive_generator, derive_seed
from solver.arc.task import COLOURS
from train.dataset.render import PAIR_FIELDS, Canvases, Looks
from train.dataset.samples import Identifiers, Picks, Samples, plain_palettes
from train.dataset.tables import Metadata, Originals, full_canvases, pad_samples

SIDE = 9
AREA = 81
VOCABULARY = 11  # 0 pad, 1 blank, 2..10 the digits
REPOSITORY = "sapientinc/sudoku-extreme"
COLUMNS = ["source", "q", "a", "rating"]
_BLOCK = 65536  # priorities drawn at a time
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


@dataclass(frozen=True, eq=False)
class SudokuSplit:
    """``questions``, ``answers`` uint8 [N, 81]; ``seeds`` int64 [N]; ``copies``: each puzzle as it is,
    then its shuffles. One identifier, the blank, for all."""

    questions: np.ndarray
    answers: np.ndarray
    seeds: np.ndarray
    copies: int

    @cached_property
    def augmentations(self) -> np.ndarray:
        return np.full(len(self.questions), self.copies, np.int64)

    @cached_property
    def pairs(self) -> np.ndarray:
        return np.ones(len(self.questions), np.int64)

    @property
    def names(self) -> list[str]:
        return [f"puzzle {n}" for n in range(len(self.questions))]

    @cached_property
    def metadata(self) -> Metadata:
        groups = len(self.questions)
        return Metadata(AREA, VOCABULARY, 1, groups, 1.0, groups * self.copies)

    @property
    def known(self) -> Identifiers:
        none = np.zeros(1, np.uint8)
        return Identifiers(none.astype(np.int32), none, plain_palettes(1), [])

    def identifiers(self, picks: Picks) -> np.ndarray:
        return np.zeros(len(picks), np.int64)

    def crop(self, *_: object) -> None:
        return None

    def draw(self, picks: Picks, canvases: Canvases | None, size: int) -> Samples:
        assert canvases is None, "Sudoku is drawn on its own canvas"
        inputs, labels = (np.zeros((size, AREA), np.uint8) for _ in range(2))
        numbers = picks.augmentations
        seeds = np.where(numbers == 0, 0, self.seeds[picks.groups] + numbers).astype(np.uint64)
        draw_sudoku(self.questions[picks.groups], self.answers[picks.groups], seeds, inputs, labels)
        none = np.zeros(len(picks), np.int32)
        looks = Looks(none, plain_palettes(len(picks)))
        return pad_samples(inputs, labels, none, none, looks, full_canvases(len(picks), SIDE))

    def largest_token(self) -> int:
        return int(self.answers.max()) + 1

    def largest_identifier(self) -> int:
        return 0

    def originals(self) -> Originals:
        """The puzzles as published; the digits stand as colours."""
        count = len(self.questions)
        cells = np.concatenate([self.questions, self.answers], 1).ravel()
        pairs = np.empty((count, PAIR_FIELDS), np.int64)
        pairs[:] = [0, SIDE, SIDE, AREA, SIDE, SIDE]
        pairs[:, ::3] += 2 * AREA * np.arange(count)[:, None]
        return Originals(cells, pairs, np.arange(count))


def read_puzzles(path: Path, min_difficulty: int | None) -> Iterator[tuple[str, str]]:
    """(question, answer) of each row rated at least ``min_difficulty``; ValueError naming the line."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if header != COLUMNS:
                raise ValueError(f"{path}: wanted the columns {','.join(COLUMNS)}, found {','.join(header)}")
            for line in reader:
                where = f"{path}, line {reader.line_num}"
                if len(line) != len(COLUMNS) or not line[3].lstrip("-").isdigit():
                    raise ValueError(f"{where}: wanted source, q, a and a whole number as rating")
                if min_difficulty is None or int(line[3]) >= min_difficulty:
                    if len(line[1]) != AREA or len(line[2]) != AREA:
                        raise ValueError(f"{where}: wanted q and a of {AREA} characters")
                    yield line[1], line[2]
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV file of UTF-8 text ({error})") from error


def subsample(rows: Iterator[tuple[str, str]], size: int | None, seed: int) -> list[tuple[str, str]]:
    """``size`` of the rows, drawn uniformly, in their order; all of them where there are fewer.

    Only what is kept is in memory: the published training file has 3.8 million rows.
    """
    if size is None:
        return list(rows)
    generator = derive_generator(seed, "subsample")
    kept: list[tuple[float, int, tuple[str, str]]] = []
    priorities = np.zeros(0)
    for number, row in enumerate(rows):
        if number % _BLOCK == 0:
            priorities = generator.random(_BLOCK)
        item = (priorities[number % _BLOCK], number, row)
        if len(kept) < size:
            heapq.heappush(kept, item)
        elif kept and item > kept[0]:
            heapq.heapreplace(kept, item)
    return [row for _, _, row in sorted(kept, key=lambda item: item[1])]


def make_split(rows: list[tuple[str, str]], copies: int, seed: int, where: str) -> SudokuSplit:
    """Arrays of the puzzles. ValueError for one whose answer is not a solution of its question."""
    if not rows:
        raise ValueError(f"{where}: no puzzle left; is the wanted difficulty too high?")
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
    seeds = np.array([derive_seed(seed, question) for question, _ in rows], np.int64)
    return SudokuSplit(questions, answers, seeds, copies)


def valid_solutions(answers: np.ndarray) -> np.ndarray:
    """bool [N]: whether each row, column and box of the answers [N, 81] holds 1..9 once."""
    boards = np.asarray(answers).reshape(-1, SIDE, SIDE)
    boxes = boards.reshape(-1, 3, 3, 3, 3).transpose(0, 1, 3, 2, 4).reshape(-1, SIDE, SIDE)
    wanted = np.arange(1, SIDE + 1)
    good = np.ones(len(boards), bool)
    for lines in (boards, boards.transpose(0, 2, 1), boxes):
        good &= (np.sort(lines, 2) == wanted).all((1, 2))
    return good


def download(name: str) -> Path:
    """A file of the published data set, from the Hugging Face hub or its local cache.

    ValueError with a plain reason where the library, the network or the file is missing.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ValueError(
            'downloading needs huggingface_hub: pip install "arc-urm-solver[train]", or pass --input FOLDER'
        ) from error
    try:
        return Path(hf_hub_download(REPOSITORY, name, repo_type="dataset"))
    except (OSError, HfHubHTTPError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"{REPOSITORY}/{name} cannot be downloaded; is there a network? ({reason})"
        ) from error
