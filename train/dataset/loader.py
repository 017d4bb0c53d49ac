"""Batches from a data set on disk: a pure function of seed, epoch, step, rank and world size."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from solver.arc.seed import derive_generator
from solver.arc.task import Pair
from train.dataset.compact import read_arc, read_build, read_puzzles
from train.dataset.puzzle import KINDS
from train.dataset.render import Canvases, turned_sides
from train.dataset.rows import read_rows, walk
from train.dataset.samples import CROPPED, FULL, LARGER_SHARE, Identifiers, Picks, Question, Samples, Views
from train.dataset.tables import Metadata, Split


def open_splits(folder: Path) -> tuple[str, dict[str, Split]]:
    """(layout, splits by name) of a data set of either layout. ValueError for anything else."""
    build = read_build(folder)
    if build.get("layout") == "compact":
        return "compact", (read_puzzles if build.get("kind") in KINDS else read_arc)(folder, build)
    if (folder / "identifiers.json").exists():
        splits = read_rows(folder)
        if "train" in splits:
            return "rows", splits
    raise ValueError(f"{folder}: no data set (build_dataset.py makes one)")


class Dataset:
    """A data set for training and evaluation. ``metadata``: of the training split."""

    def __init__(self, layout: str, splits: dict[str, Split], checksums: Sequence[str] = ()) -> None:
        self.layout = layout
        self.splits = splits
        self.checksums = checksums  # of the tasks it was built from; none where the builder kept none

    @classmethod
    def open(cls, path: str | Path) -> "Dataset":
        """The data set in a folder, of the compact or of the released layout."""
        return cls(*open_splits(Path(path)), read_build(Path(path)).get("checksums", ()))

    @property
    def metadata(self) -> Metadata:
        return self.splits["train"].metadata

    @property
    def identifiers(self) -> Identifiers:
        """Who the rows of the puzzle-embedding table are."""
        return self.splits["train"].known

    def samples(self, split: str, augmentations: int | None = None) -> int:
        """How many samples a split has, with at most so many ``augmentations`` of each group."""
        part = self.splits[split]
        counts = (
            part.augmentations if augmentations is None else np.minimum(part.augmentations, augmentations)
        )
        return int((counts * part.pairs).sum())

    def train_batches(
        self,
        *,
        seed: int,
        epoch: int,
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        start_step: int = 0,
        epochs: int = 1,
        drop_last: bool = False,
        canvas: str = FULL,
        larger_share: float = LARGER_SHARE,
    ) -> Iterator[Samples]:
        """This rank's share of each global batch of ``batch_size``, from ``start_step`` on.

        The stream runs over ``epochs`` epochs from ``epoch`` on; step 0 is the first of ``epoch``. An
        epoch visits every group once, in random order, with all pairs of one random augmentation; the
        last list of pairs is cut where the batch is full. A batch that is not full comes at the end
        only: padded, or left out with ``drop_last``. ``canvas``: ``full``, or ``cropped`` to the box of
        input and output and its border, a ``larger_share`` of the samples on a larger canvas.
        """
        local = _local_size(batch_size, rank, world_size)
        _check_canvas(canvas, larger_share)
        split = self.splits["train"]
        plan = self._plan(seed, epoch, epochs, batch_size)
        for step, picks in enumerate(plan):
            if step < start_step or (drop_last and len(picks) < batch_size):
                continue
            generator = derive_generator(seed, "canvas", epoch, step)
            yield _draw(split, picks, local, rank, canvas, larger_share, generator)

    def _plan(self, seed: int, epoch: int, epochs: int, batch_size: int) -> Iterator[Picks]:
        """The global batches as picks; nothing is drawn yet."""
        split = self.splits["train"]
        order, chosen, ends = (np.zeros(0, np.int64) for _ in range(3))
        step, position = 0, 0
        coming = iter(range(epoch, epoch + epochs))
        following = next(coming, None)
        while True:
            done = int(ends[position - 1]) if position else 0
            if following is not None and (position == len(ends) or ends[-1] - done < batch_size):
                generator = derive_generator(seed, "epoch", following)
                shuffled = generator.permutation(len(split.pairs))
                drawn = generator.integers(0, split.augmentations[shuffled])
                order = np.concatenate([order[position:], shuffled])
                chosen = np.concatenate([chosen[position:], drawn])
                ends, position = np.cumsum(split.pairs[order]), 0
                following = next(coming, None)
                continue
            if position == len(order):
                return
            stop = min(int(np.searchsorted(ends, done + batch_size)) + 1, len(order))
            take = split.pairs[order[position:stop]]
            whole = int(take[-1])
            take[-1] -= max(int(ends[stop - 1]) - done - batch_size, 0)
            numbers = np.arange(take.sum()) - np.repeat(np.cumsum(take) - take, take)
            if take[-1] < whole:
                cut = derive_generator(seed, "cut", epoch, step).permutation(whole)
                numbers[-take[-1] :] = cut[: take[-1]]
            groups, augmentations = (np.repeat(part[position:stop], take) for part in (order, chosen))
            yield Picks(groups, augmentations, numbers)
            position = stop
            step += 1

    def shown_batches(
        self,
        *,
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        augmentations: int | None = None,
        canvas: str = FULL,
    ) -> Iterator[Samples]:
        """This rank's share of each global batch: every training pair under every augmentation, once.

        ``augmentations``: at most so many of each task, the identity first. Every rank yields the same
        number of batches; the last is padded. ``canvas`` as for ``train_batches``.
        """
        local = _local_size(batch_size, rank, world_size)
        _check_canvas(canvas, 0.0)
        split = self.splits["train"]
        for picks in walk(split, batch_size, augmentations):
            generator = derive_generator(0, "canvas")
            yield _draw(split, picks, local, rank, canvas, 0.0, generator)

    def test_views(
        self,
        *,
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        augmentations: int | None = None,
        canvases: np.ndarray | None = None,
    ) -> Iterator[Views]:
        """This rank's share of each global batch: every test input under every augmentation, once.

        ``augmentations`` as for ``shown_batches``; every rank yields the same number, the last ones
        short or empty. ``canvases`` int64 [Q, 2]: where to draw each of ``questions()``, unaugmented;
        the full canvas without. A canvas cut to the answer would tell its size, so there is none here.
        """
        local = _local_size(batch_size, rank, world_size)
        split = self._test_split()
        firsts = np.cumsum(split.pairs) - split.pairs
        for picks in walk(split, batch_size, augmentations):
            questions, sides = firsts[picks.groups] + picks.numbers, None
            if canvases is not None:
                symmetries = split.known.symmetries[split.identifiers(picks)]
                sides = turned_sides(canvases[questions], symmetries)
            views = Views(picks, questions, sides)
            yield views.select(slice(rank * local, (rank + 1) * local))

    def draw_views(self, views: Views, size: int) -> Samples:
        """``size`` samples, of which the first len(views) are real. An output that its canvas cannot
        hold leaves its labels blank. ``questions`` of a sample indexes ``questions()``."""
        canvases = None
        if views.sides is not None:
            heights, widths = views.sides.astype(np.int16).T
            canvases = Canvases(heights, widths, np.zeros_like(views.sides))
        split = self._test_split()
        samples = split.draw(views.picks, canvases, size)
        questions = samples.questions
        questions[: samples.valid] = views.questions
        return replace(samples, questions=questions)

    def test_batches(self, *, batch_size: int, world_size: int = 1, **which: Any) -> Iterator[Samples]:
        """The views of ``test_views`` drawn and padded to a rank's share of ``batch_size``."""
        for views in self.test_views(batch_size=batch_size, world_size=world_size, **which):
            yield self.draw_views(views, batch_size // world_size)

    def demonstrations(self) -> dict[str, list[Pair]]:
        """What the training split shows of each task, unaugmented."""
        train = self.splits["train"]
        originals, names = train.originals(), train.names
        shown: dict[str, list[Pair]] = defaultdict(list)
        for number, group in enumerate(originals.groups):
            shown[names[group]].append(Pair(*originals.grids(number)))
        return dict(shown)

    def questions(self) -> list[Question]:
        """Every test input once, in the order that ``Samples.questions`` counts."""
        split = self._test_split()
        originals = split.originals()
        names = split.names
        numbers = np.arange(len(originals.groups)) - np.repeat(
            np.cumsum(split.pairs) - split.pairs, split.pairs
        )
        return [
            Question(names[group], int(number), *originals.grids(n))
            for n, (group, number) in enumerate(zip(originals.groups, numbers, strict=True))
        ]

    def _test_split(self) -> Split:
        if "test" not in self.splits:
            raise ValueError("the data set has no test split; build it with --test-set")
        return self.splits["test"]


def _local_size(batch_size: int, rank: int, world_size: int) -> int:
    if batch_size < 1 or batch_size % world_size or not 0 <= rank < world_size:
        raise ValueError(
            f"batch of {batch_size} for rank {rank} of {world_size}: wanted a multiple of the world size"
        )
    return batch_size // world_size


def _check_canvas(canvas: str, larger_share: float) -> None:
    if canvas not in (FULL, CROPPED) or not 0.0 <= larger_share <= 1.0:
        raise ValueError(
            f"canvas {canvas!r}, larger share {larger_share}: wanted full or cropped, and 0 to 1"
        )


def _draw(
    split: Split,
    picks: Picks,
    local: int,
    rank: int,
    canvas: str,
    larger_share: float,
    generator: np.random.Generator,
) -> Samples:
    """The samples of one rank. What is random is drawn for all ranks alike."""
    mine = slice(rank * local, (rank + 1) * local)
    canvases = None
    if canvas == CROPPED:
        canvases = split.crop(picks, larger_share, generator)
    if canvases is not None:
        canvases = Canvases(*(part[mine] for part in canvases))
    return split.draw(picks.select(mine), canvases, local)
