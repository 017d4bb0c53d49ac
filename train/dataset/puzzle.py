"""Puzzles without tasks: Sudoku and mazes, from the published CSV files to a split that draws samples.

Columns source, q, a, rating. All samples have one identifier, the blank.
"""

import csv
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from pathlib import Path

import numpy as np

from solver.arc.seed import derive_generator, derive_seed
from train.dataset import maze, sudoku
from train.dataset.render import PAIR_FIELDS, Canvases, Looks
from train.dataset.samples import Identifiers, Picks, Samples, plain_palettes
from train.dataset.tables import Metadata, Originals, full_canvases, pad_samples

COLUMNS = ["source", "q", "a", "rating"]
_BLOCK = 65536  # priorities drawn at a time

Drawn = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Kind:
    """``read``: text to cells, uint8; a token is a cell + 1. ``draw``: fills inputs and labels with tokens,
    as ``sudoku.draw_sudoku``. ``seeded``: it draws augmentation n of a puzzle by the puzzle's seed + n, and
    n = 0 by 0; otherwise by n itself. ``cells`` of a puzzle, 0 where the first row decides.
    ``repository``: the published files."""

    read: Callable[[list[tuple[str, str]], str], tuple[np.ndarray, np.ndarray]]
    draw: Drawn
    seeded: bool
    cells: int
    vocabulary: int
    repository: str


KINDS = {
    "sudoku": Kind(
        sudoku.read_digits,
        sudoku.draw_sudoku,
        True,
        sudoku.AREA,
        sudoku.VOCABULARY,
        "sapientinc/sudoku-extreme",
    ),
    "maze": Kind(maze.read_cells, maze.draw_maze, False, 0, maze.VOCABULARY, "sapientinc/maze-30x30-hard-1k"),
}


@dataclass(frozen=True, eq=False)
class PuzzleSplit:
    """``questions``, ``answers`` uint8 [N, cells]; ``seeds`` int64 [N]; ``copies``: each puzzle as it is,
    then augmented. ``kind``: of KINDS."""

    kind: str
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
        groups, cells = self.questions.shape
        return Metadata(cells, KINDS[self.kind].vocabulary, 1, groups, 1.0, groups * self.copies)

    @property
    def known(self) -> Identifiers:
        none = np.zeros(1, np.uint8)
        return Identifiers(none.astype(np.int32), none, plain_palettes(1), [])

    def identifiers(self, picks: Picks) -> np.ndarray:
        return np.zeros(len(picks), np.int64)

    def crop(self, *_: object) -> None:
        return None

    def draw(self, picks: Picks, canvases: Canvases | None, size: int) -> Samples:
        assert canvases is None, "puzzles are drawn on their own canvas"
        kind, cells = KINDS[self.kind], self.questions.shape[1]
        inputs, labels = (np.zeros((size, cells), np.uint8) for _ in range(2))
        numbers = picks.augmentations
        if kind.seeded:
            numbers = np.where(numbers == 0, 0, self.seeds[picks.groups] + numbers).astype(np.uint64)
        questions, answers = self.questions[picks.groups], self.answers[picks.groups]
        kind.draw(questions, answers, numbers, inputs[: len(picks)], labels[: len(picks)])
        none = np.zeros(len(picks), np.int32)
        looks = Looks(none, plain_palettes(len(picks)))
        return pad_samples(inputs, labels, none, none, looks, full_canvases(len(picks), isqrt(cells)))

    def largest_token(self) -> int:
        return int(max(self.questions.max(), self.answers.max())) + 1

    def largest_identifier(self) -> int:
        return 0

    def originals(self) -> Originals:
        """The puzzles as published; the cells stand as colours."""
        count, area = self.questions.shape
        side = isqrt(area)
        cells = np.concatenate([self.questions, self.answers], 1).ravel()
        pairs = np.empty((count, PAIR_FIELDS), np.int64)
        pairs[:] = [0, side, side, area, side, side]
        pairs[:, ::3] += 2 * area * np.arange(count)[:, None]
        return Originals(cells, pairs, np.arange(count))


def read_puzzles(kind: str, path: Path, min_difficulty: int | None) -> Iterator[tuple[str, str]]:
    """(question, answer) of each row rated at least ``min_difficulty``; ValueError naming the line."""
    cells = KINDS[kind].cells
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
                cells = cells or len(line[1])
                if len(line[1]) != cells or len(line[2]) != cells:
                    raise ValueError(f"{where}: wanted q and a of {cells} characters")
                if min_difficulty is None or int(line[3]) >= min_difficulty:
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


def make_split(kind: str, rows: list[tuple[str, str]], copies: int, seed: int, where: str) -> PuzzleSplit:
    """Arrays of the puzzles. ValueError for one whose answer is not a solution of its question."""
    if not rows:
        raise ValueError(f"{where}: no puzzle left; is the wanted difficulty too high?")
    questions, answers = KINDS[kind].read(rows, where)
    seeds = np.array([derive_seed(seed, question) for question, _ in rows], np.int64)
    return PuzzleSplit(kind, questions, answers, seeds, copies)


def download(kind: str, name: str) -> Path:
    """A file of the published data set, from the Hugging Face hub or its local cache.

    ValueError with a plain reason where the library, the network or the file is missing.
    """
    repository = KINDS[kind].repository
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ValueError(
            'downloading needs huggingface_hub: pip install ".[train]", or pass --input FOLDER'
        ) from error
    try:
        return Path(hf_hub_download(repository, name, repo_type="dataset"))
    except (OSError, HfHubHTTPError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"{repository}/{name} cannot be downloaded; is there a network? ({reason})"
        ) from error
