"""A data set in memory: what the builder makes, the layouts store and the loader draws from.

A split has groups (a task in a subset); a group has augmentations, and each of these the same number
of pairs. A sample is (group, augmentation, number of the pair), in every layout.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from solver.arc.sampling import AugmentationTable
from solver.arc.task import COLOURS, MAX_SIDE
from solver.arc.tokens import FIRST_COLOUR, PAD, VOCABULARY
from train.dataset.render import Canvases, Looks, augmented_boxes, render, translate
from train.dataset.samples import Identifiers, Picks, Samples, crop_canvases

AREA = MAX_SIDE * MAX_SIDE


@dataclass(frozen=True)
class Metadata:
    """``dataset.json`` of the released layout: the same keys in the same order."""

    seq_len: int
    vocab_size: int
    num_puzzle_identifiers: int
    total_groups: int
    mean_puzzle_examples: float
    total_puzzles: int
    sets: tuple[str, ...] = ("all",)
    pad_id: int = 0
    ignore_label_id: int = 0
    blank_identifier_id: int = 0


@dataclass(frozen=True, eq=False)
class Originals:
    """The unaugmented pairs of a split, group after group.

    ``cells`` uint8 [C]; ``pairs`` int64 [P, 6] as in ``train.dataset.render``; ``groups`` int64 [P].
    """

    cells: np.ndarray
    pairs: np.ndarray
    groups: np.ndarray

    def grids(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Input and output of a pair, uint8 [h, w] each; None for an output that is not known."""
        row = self.pairs[number]
        first = self.cells[row[0] : row[0] + row[1] * row[2]].reshape(row[1], row[2])
        if row[4] == 0:
            return first, None
        return first, self.cells[row[3] : row[3] + row[4] * row[5]].reshape(row[4], row[5])


class Split(Protocol):
    """What the loader needs of a split, whatever the layout and the puzzle.

    ``augmentations``, ``pairs``: int64 [G], how many a group has. ``names``: a name for each group.
    """

    metadata: Metadata
    augmentations: np.ndarray
    pairs: np.ndarray
    names: list[str]
    known: Identifiers

    def identifiers(self, picks: Picks) -> np.ndarray:
        """Integers [B]: rows of the puzzle-embedding table."""

    def crop(self, picks: Picks, larger_share: float, generator: np.random.Generator) -> Canvases | None:
        """The smallest canvases of these samples, a share of them larger; None where there is nothing to
        crop."""

    def draw(self, picks: Picks, canvases: Canvases | None, size: int) -> Samples:
        """``size`` samples, of which the first len(picks) are real; on full canvases without ``canvases``."""

    def originals(self) -> Originals: ...

    def largest_token(self) -> int:
        """Of all inputs and labels."""

    def largest_identifier(self) -> int:
        """Of all samples."""


@dataclass(frozen=True, eq=False)
class ArcTasks:
    """What the splits of a compact ARC data set share.

    ``ids``: N task ids; ``seeds`` int64 [N]; ``cells`` uint8: every grid, once; ``table``: the
    augmentations; row a of the table has identifier a + 1.
    """

    ids: list[str]
    seeds: np.ndarray
    cells: np.ndarray
    table: AugmentationTable

    @cached_property
    def known(self) -> Identifiers:
        """The table with the blank in front."""
        counts = np.diff(self.table.starts)
        tasks = np.concatenate([[0], np.repeat(np.arange(1, len(counts) + 1), counts)]).astype(np.int32)
        symmetries = np.concatenate([np.zeros(1, np.uint8), self.table.symmetries])
        plain = np.arange(COLOURS, dtype=np.uint8)[None]
        return Identifiers(tasks, symmetries, np.concatenate([plain, self.table.palettes]), self.ids)

    def names(self, start: int, stop: int) -> list[str]:
        """Names of the identifiers start..stop-1 as the released builder writes them."""
        owners = np.searchsorted(self.table.starts, np.arange(start, stop) - 1, side="right") - 1
        rows = slice(max(start - 1, 0), stop - 1)
        digits = (self.table.palettes[rows] + ord("0")).tobytes().decode()
        symmetries = self.table.symmetries[rows]
        names = ["<blank>"] if start == 0 and stop > 0 else []
        firsts = self.table.starts
        for n, owner in enumerate(owners[len(names) :].tolist()):
            name = self.ids[owner]
            if rows.start + n != firsts[owner]:
                name = f"{name}|||t{symmetries[n]}|||{digits[n * COLOURS : (n + 1) * COLOURS]}"
            names.append(name)
        return names


@dataclass(frozen=True, eq=False)
class ArcSplit:
    """A split drawn from the tables.

    ``owners`` int64 [G]: the task of each group; ``pair_rows`` int64 [P, 6]; ``starts`` int64 [G + 1]:
    the pairs of group g are pair_rows[starts[g] : starts[g + 1]]. ``moved``: translations (training).
    """

    tasks: ArcTasks
    owners: np.ndarray
    pair_rows: np.ndarray
    starts: np.ndarray
    moved: bool

    @cached_property
    def augmentations(self) -> np.ndarray:
        return np.diff(self.tasks.table.starts)[self.owners]

    @cached_property
    def pairs(self) -> np.ndarray:
        return np.diff(self.starts)

    @property
    def names(self) -> list[str]:
        return [self.tasks.ids[owner] for owner in self.owners]

    @cached_property
    def metadata(self) -> Metadata:
        puzzles = int(self.augmentations.sum())
        samples = int((self.augmentations * self.pairs).sum())
        return Metadata(
            seq_len=AREA,
            vocab_size=VOCABULARY,
            num_puzzle_identifiers=len(self.tasks.table.symmetries) + 1,
            total_groups=len(self.owners),
            mean_puzzle_examples=samples / max(puzzles, 1),
            total_puzzles=puzzles,
        )

    @property
    def known(self) -> Identifiers:
        return self.tasks.known

    def identifiers(self, picks: Picks) -> np.ndarray:
        return self.tasks.table.starts[self.owners[picks.groups]] + picks.augmentations + 1

    def crop(self, picks: Picks, larger_share: float, generator: np.random.Generator) -> Canvases:
        symmetries = self.tasks.table.symmetries[self.identifiers(picks) - 1]
        return crop_canvases(self._rows(picks), symmetries, larger_share, generator)

    def draw(self, picks: Picks, canvases: Canvases | None, size: int) -> Samples:
        count, owners = len(picks), self.owners[picks.groups]
        rows, identifiers = self._rows(picks), self.identifiers(picks)
        table = self.tasks.table
        looks = Looks(table.symmetries[identifiers - 1], table.palettes[identifiers - 1])
        if canvases is None:
            corners = np.zeros((count, 2), np.int64)
            if self.moved:
                boxes = augmented_boxes(rows, looks.symmetries)
                counts = self.pairs[picks.groups]
                translate(
                    self.tasks.seeds[owners], picks.augmentations, picks.numbers, counts, boxes, corners
                )
            canvases = full_canvases(count, corners=corners)
        inputs, labels = empty_canvases(canvases, size)
        render(self.tasks.cells, rows, looks, canvases, inputs, labels)
        return pad_samples(inputs, labels, identifiers, owners + 1, looks, canvases)

    def _rows(self, picks: Picks) -> np.ndarray:
        return self.pair_rows[self.starts[picks.groups] + picks.numbers]

    def largest_token(self) -> int:
        return int(self.tasks.cells.max(initial=0)) + FIRST_COLOUR

    def largest_identifier(self) -> int:
        return len(self.tasks.table.symmetries)

    def originals(self) -> Originals:
        """Every pair as the task has it."""
        groups = np.repeat(np.arange(len(self.owners)), self.pairs)
        return Originals(self.tasks.cells, self.pair_rows, groups)


def full_canvases(count: int, side: int = MAX_SIDE, corners: np.ndarray | None = None) -> Canvases:
    """``count`` full canvases; what is drawn lies at their origin where no ``corners`` are given."""
    sides = np.full(count, side, np.int16)
    return Canvases(sides, sides, np.zeros((count, 2), np.int64) if corners is None else corners)


def empty_canvases(canvases: Canvases, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels to draw ``size`` samples into, uint8 [size, cells of the largest canvas]."""
    area = int((canvases.heights.astype(np.int64) * canvases.widths).max(initial=0))
    return np.zeros((size, area), np.uint8), np.zeros((size, area), np.uint8)


def pad_samples(
    inputs: np.ndarray,
    labels: np.ndarray,
    identifiers: np.ndarray,
    tasks: np.ndarray,
    looks: Looks,
    canvases: Canvases,
) -> Samples:
    """A batch record: everything but the canvases' tokens is padded to their number with blanks."""
    size, count = len(inputs), len(identifiers)

    def padded(values: np.ndarray, kind: type) -> np.ndarray:
        out = np.full((size, *values.shape[1:]), PAD, kind)
        out[:count] = values
        return out

    palettes = padded(looks.palettes, np.uint8)
    palettes[count:] = np.arange(COLOURS)
    return Samples(
        inputs=inputs,
        labels=labels,
        identifiers=padded(identifiers, np.int32),
        tasks=padded(tasks, np.int32),
        symmetries=padded(looks.symmetries, np.uint8),
        palettes=palettes,
        heights=padded(canvases.heights, np.int16),
        widths=padded(canvases.widths, np.int16),
        questions=np.full(size, -1, np.int32),
        valid=count,
    )
