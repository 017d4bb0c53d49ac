"""The released layout on disk, read and written: every augmented sample as a row of tokens.

``train|test/dataset.json``, ``all__{inputs,labels}.npy`` uint8 [S, seq_len], ``all__puzzle_identifiers``
int32 [puzzles], ``all__puzzle_indices`` int32 [puzzles + 1] into the samples, ``all__group_indices``
int32 [groups + 1] into the puzzles; ``identifiers.json``, ``test_puzzles.json``.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from io import RawIOBase
from math import isqrt
from pathlib import Path

import numpy as np

from solver.arc.task import COLOURS, MAX_SIDE, read_json
from solver.arc.tokens import VOCABULARY
from train.dataset.render import PAIR_FIELDS, Canvases, Looks, render, unpack
from train.dataset.samples import Identifiers, Picks, Samples, crop_canvases, plain_palettes
from train.dataset.tables import (
    AREA,
    Metadata,
    Originals,
    Split,
    empty_canvases,
    full_canvases,
    pad_samples,
)

CHUNK = 1024  # samples drawn at a time: what is written is still in the cache
SEPARATOR = "|||"


def parse_identifiers(names: list[str], where: str) -> Identifiers:
    """Names as the released builder writes them: ``id``, or ``id|||t3|||0132456789``."""
    tasks, symmetries = np.zeros(len(names), np.int32), np.zeros(len(names), np.uint8)
    palettes = plain_palettes(len(names))
    numbers: dict[str, int] = {}
    for row, name in enumerate(names):
        if row == 0 or name == "<blank>":
            continue
        task, *rest = name.split(SEPARATOR)
        tasks[row] = numbers.setdefault(task, len(numbers) + 1)
        if not rest:
            continue
        if len(rest) != 2 or rest[0][:1] != "t" or rest[0][1:] not in "01234567" or len(rest[1]) != COLOURS:
            raise ValueError(f"{where}, entry {row}: wanted a name as id|||t3|||0132456789, found {name!r}")
        symmetries[row] = int(rest[0][1:])
        palettes[row] = np.frombuffer(rest[1].encode(), np.uint8) - ord("0")
    return Identifiers(tasks, symmetries, palettes, list(numbers))


@dataclass(frozen=True, eq=False)
class RowsSplit:
    """A split whose samples lie on disk: ``inputs``, ``labels`` are memory-mapped."""

    metadata: Metadata
    inputs: np.ndarray
    labels: np.ndarray
    puzzle_identifiers: np.ndarray
    puzzle_indices: np.ndarray
    group_indices: np.ndarray
    known: Identifiers

    @cached_property
    def augmentations(self) -> np.ndarray:
        return np.diff(self.group_indices).astype(np.int64)

    @cached_property
    def pairs(self) -> np.ndarray:
        return np.diff(self.puzzle_indices)[self.group_indices[:-1]].astype(np.int64)

    @property
    def names(self) -> list[str]:
        tasks = self.known.tasks[self.puzzle_identifiers[self.group_indices[:-1]]]
        return [self.known.ids[task - 1] if task else f"puzzle {n}" for n, task in enumerate(tasks)]

    @property
    def side(self) -> int:
        """Cells in a row of the canvas."""
        return isqrt(self.metadata.seq_len)

    @property
    def arc(self) -> bool:
        """Whether the samples are ARC's grids; mazes may have canvases as large."""
        return self.side == MAX_SIDE and self.metadata.vocab_size == VOCABULARY

    def rows(self, picks: Picks) -> np.ndarray:
        """Which rows on disk hold these samples."""
        puzzles = self.group_indices[picks.groups] + picks.augmentations
        return self.puzzle_indices[puzzles].astype(np.int64) + picks.numbers

    def identifiers(self, picks: Picks) -> np.ndarray:
        return self.puzzle_identifiers[self.group_indices[picks.groups] + picks.augmentations]

    def _unpacked(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cells = np.zeros(len(rows) * 2 * AREA, np.uint8)
        pairs = np.zeros((len(rows), PAIR_FIELDS), np.int64)
        unpack(self.inputs[rows], self.labels[rows], cells, pairs)
        return cells, pairs

    def crop(self, picks: Picks, larger_share: float, generator: np.random.Generator) -> Canvases | None:
        if not self.arc:
            return None
        _, pairs = self._unpacked(self.rows(picks))
        return crop_canvases(pairs, np.zeros(len(picks), np.uint8), larger_share, generator)

    def draw(self, picks: Picks, canvases: Canvases | None, size: int) -> Samples:
        rows = self.rows(picks)
        if canvases is None:
            canvases = full_canvases(len(rows), self.side)
            inputs, labels = (np.zeros((size, self.metadata.seq_len), np.uint8) for _ in range(2))
            inputs[: len(rows)] = self.inputs[rows]
            labels[: len(rows)] = self.labels[rows]
        else:
            inputs, labels = empty_canvases(canvases, size)
            as_they_are = Looks(np.zeros(len(rows), np.uint8), plain_palettes(len(rows)))
            render(*self._unpacked(rows), as_they_are, canvases, inputs, labels)
        identifiers, known = self.identifiers(picks), self.known
        looks = Looks(known.symmetries[identifiers], known.palettes[identifiers])
        return pad_samples(inputs, labels, identifiers, known.tasks[identifiers], looks, canvases)

    def largest_token(self) -> int:
        """Of everything on disk, a part at a time."""
        parts = [part for whole in (self.inputs, self.labels) for part in _chunks(whole)]
        return max((int(part.max(initial=0)) for part in parts), default=0)

    def largest_identifier(self) -> int:
        return int(self.puzzle_identifiers.max(initial=0))

    def originals(self) -> Originals:
        """The first puzzle of every group, its grids found again on their canvases."""
        groups = np.repeat(np.arange(len(self.pairs)), self.pairs)
        numbers = np.arange(len(groups)) - np.repeat(np.cumsum(self.pairs) - self.pairs, self.pairs)
        rows = self.rows(Picks(groups, np.zeros(len(groups), np.int64), numbers))
        if self.arc:
            return Originals(*self._unpacked(rows), groups)
        cells = np.stack([self.inputs[rows], self.labels[rows]], 1).ravel() - 1
        pairs = np.empty((len(rows), PAIR_FIELDS), np.int64)
        pairs[:] = [0, self.side, self.side, self.metadata.seq_len, self.side, self.side]
        pairs[:, ::3] += 2 * self.metadata.seq_len * np.arange(len(rows))[:, None]
        return Originals(cells, pairs, groups)


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + 64 * CHUNK] for start in range(0, len(rows), 64 * CHUNK)]


def read_rows(folder: Path) -> dict[str, RowsSplit]:
    """The splits in a folder of the released layout. ValueError for anything that does not fit."""
    names_path = folder / "identifiers.json"
    names = read_json(names_path)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{names_path}: wanted a list of names")
    known = parse_identifiers(names, str(names_path))
    splits = {}
    for split in ("train", "test"):
        path = folder / split / "dataset.json"
        if path.exists():
            splits[split] = _read_split(path.parent, known)
    return splits


def _read_split(folder: Path, known: Identifiers) -> RowsSplit:
    path = folder / "dataset.json"
    value = read_json(path)
    if not isinstance(value, dict) or value.get("sets") != ["all"]:
        raise ValueError(f'{path}: wanted an object with "sets": ["all"]')
    value.setdefault("total_puzzles", 0)
    unknown = set(value) ^ set(Metadata.__dataclass_fields__)
    if unknown:
        raise ValueError(f"{path}: wanted the keys of the released layout, differing: {sorted(unknown)}")
    arrays = {}
    for field in ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices"):
        array_path = folder / f"all__{field}.npy"
        try:
            arrays[field] = np.load(array_path, mmap_mode="r" if field in ("inputs", "labels") else None)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"{array_path}: cannot be read ({error})") from error
    split = RowsSplit(Metadata(**value | {"sets": ("all",)}), known=known, **arrays)
    shape = (int(split.puzzle_indices[-1]), split.metadata.seq_len)
    if split.inputs.shape != shape or split.labels.shape != shape:
        raise ValueError(f"{folder}: wanted inputs and labels {shape}, found {split.inputs.shape}")
    sizes = np.diff(split.puzzle_indices)
    if not np.array_equal(sizes, np.repeat(split.pairs, split.augmentations)):
        raise ValueError(f"{folder}: wanted as many pairs in every augmentation of a group")
    return split


def write_split(folder: Path, split: Split, progress: Callable[[int], object]) -> None:
    """One split as a stream: no more than two chunks are in memory at a time.

    ``progress`` is told of samples written. The next chunk is drawn while this one is written.
    """
    folder.mkdir()
    meta = split.metadata
    shape = (int((split.augmentations * split.pairs).sum()), meta.seq_len)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    sizes = np.repeat(split.pairs, split.augmentations)
    index = {
        "puzzle_indices": np.concatenate([[0], np.cumsum(sizes)]),
        "group_indices": np.concatenate([[0], np.cumsum(split.augmentations)]),
    }
    identifiers = []
    with (
        open(folder / "all__inputs.npy", "wb", buffering=0) as inputs,
        open(folder / "all__labels.npy", "wb", buffering=0) as labels,
        ThreadPoolExecutor(1) as writer,
    ):
        for file in (inputs, labels):
            np.lib.format.write_array_header_1_0(file, header)
        pending = None
        for picks in walk(split, CHUNK):
            samples = split.draw(picks, None, len(picks))
            identifiers.append(samples.identifiers[picks.numbers == 0])
            if pending is not None:
                progress(pending.result())
            pending = writer.submit(_write_chunk, inputs, labels, samples)
        if pending is not None:
            progress(pending.result())
    index["puzzle_identifiers"] = np.concatenate(identifiers) if identifiers else np.zeros(0)
    for name, values in index.items():
        np.save(folder / f"all__{name}.npy", values.astype(np.int32))
    (folder / "dataset.json").write_text(json.dumps(asdict(meta)))


def _write_chunk(inputs: RawIOBase, labels: RawIOBase, samples: Samples) -> int:
    for file, values in ((inputs, samples.inputs), (labels, samples.labels)):
        left = memoryview(values).cast("B")
        while left:  # an unbuffered write may take only a part
            left = left[file.write(left) :]
    return samples.valid


def walk(split: Split, chunk: int, limit: int | None = None) -> Iterator[Picks]:
    """Every sample once, up to ``chunk`` at a time.

    In the order of the rows: group, then augmentation (at most ``limit`` of each group), then pair.
    """
    counts = split.augmentations if limit is None else np.minimum(split.augmentations, limit)
    ends = np.cumsum(counts * split.pairs)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, chunk):
        samples = np.arange(start, min(start + chunk, total))
        groups = np.searchsorted(ends, samples, side="right")
        within = samples - (ends - counts * split.pairs)[groups]
        yield Picks(groups, within // split.pairs[groups], within % split.pairs[groups])
