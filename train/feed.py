"""What a run learns from: batches in blocks, a pure function of the seed and the position.

By samples a block is what lies between two evaluations of a data set, in the released order. By cells it is a
number of samples drawn from the pool of tasks, ahead by other processes where that pays.
"""

import pickle
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from math import isqrt
from multiprocessing import get_context

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from solver.arc.tokens import PAD
from solver.model.batch import IGNORE, Batch, Keys, Packing
from solver.model.device import Placement, use_threads
from solver.tune.views import build_batch
from train.arch import network_config
from train.cells import Deck, Frame, Parcel, fill_parcel, frame_of
from train.dataset import CROPPED, Dataset, Samples
from train.distributed import World
from train.pool import PooledTask
from train.provenance import identifiers_checksum
from train.settings import Position, TrainConfig

AHEAD = 2  # blocks that each process is ahead of the trainer
PACKED_BLOCK = 8  # batches of a packed block

Item = Batch | Parcel


@dataclass(frozen=True, eq=False)
class Arrived:
    """A batch on the device. ``cells`` int64 [B]: of every sequence, on the host. ``samples``: sequences
    that are not blank; these stand first."""

    batch: Batch
    cells: np.ndarray
    samples: int


class SampleFeed:
    """A data set in batches of ``global_batch_size``, this process's share of each.

    ``tasks``, ``rows``: of the task memory, the blank ones included. ``identity``: what its rows are, which a
    checkpoint must agree with. ``total``: steps of the whole run.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset, world: World) -> None:
        self.config, self.dataset, self.world = config, dataset, world
        meta = dataset.metadata
        self.only_row = meta.num_puzzle_identifiers == 1
        self.side = isqrt(meta.seq_len)
        self.task_names = dataset.identifiers.ids
        self.tasks, self.rows = len(self.task_names) + 1, max(2, meta.num_puzzle_identifiers)
        self.network = network_config(
            config.arch,
            vocab_size=meta.vocab_size,
            canvas_side=self.side,
            num_puzzle_identifiers=self.rows,
        )
        self.identity = identifiers_checksum(dataset)

    @property
    def total(self) -> int:
        """epochs x groups x mean pairs / global batch, as released. ValueError for less than one."""
        run, meta = self.config.run, self.dataset.metadata
        count = int(run.epochs * meta.total_groups * meta.mean_puzzle_examples / run.global_batch_size)
        if count < 1:
            raise ValueError(
                f"epochs: {run.epochs} epochs of {meta.total_groups} groups do not fill one batch of "
                f"{run.global_batch_size}, wanted more epochs or a smaller global_batch_size"
            )
        return count

    def block(self, at: Position) -> Iterator[Batch]:
        """This process's share of each full batch from ``at`` up to the next evaluation."""
        run = self.config.run
        for samples in self.dataset.train_batches(
            seed=run.seed,
            epoch=at.block,
            epochs=min(at.until, run.epochs) - at.block,
            batch_size=run.global_batch_size,
            rank=self.world.rank,
            world_size=self.world.size,
            start_step=at.within,
            drop_last=True,
            canvas=self.config.arch.network["canvas"],
            larger_share=run.larger_share,
        ):
            yield self.batch(samples)

    def probe(self, at: Position) -> Arrived | None:
        """A part of the next batch, on the CPU; None where the data do not fill one."""
        found = next(self.block(at), None)
        return None if found is None else self.arrive(found, torch.device("cpu"))[0]

    def next(self, at: Position) -> None:
        """The position after a block."""
        at.block, at.within = at.until, 0
        at.until += self.config.run.eval_interval

    def batch(self, samples: Samples) -> Batch:
        """The samples as the network takes them, on the CPU."""
        return as_batch(samples, only_row=self.only_row, side=self.side)

    def arrive(self, item: Batch, device: torch.device) -> list[Arrived]:
        """The batch on ``device``, in the parts over which gradients are accumulated."""
        parts = split_batch(item, self.config.run.grad_accum_steps)
        return [Arrived(part.to(device), part.lengths.numpy(), len(part)) for part in parts]

    def names(self, tasks: Iterable[int]) -> list[str]:
        """Task ids of task numbers; those of a set without tasks (Sudoku) have none."""
        if self.only_row:
            return []
        return [self.task_names[task - 1] for task in tasks if 0 < task <= len(self.task_names)]

    def close(self) -> None:
        """Nothing is held."""


def as_batch(samples: Samples, *, only_row: bool, side: int) -> Batch:
    """The samples as a batch on the CPU. Padding gets the first sample's canvas and no labels.

    ``only_row``: the data set has one identifier for everything (Sudoku), the blank one. Row 0 of a
    memory is never trained, so its puzzle embedding is row 1. ``side``: of the full canvas. Only full
    canvases count as uniform: others, though equal, will share the slots with those of other batches.
    """
    tokens, labels = (torch.from_numpy(part.astype(np.int64)) for part in (samples.inputs, samples.labels))
    heights, widths = (_filled(part, samples.valid) for part in (samples.heights, samples.widths))
    rows = torch.from_numpy(samples.identifiers.astype(np.int64))
    tasks = torch.from_numpy(samples.tasks.astype(np.int64))
    if only_row:
        rows[: samples.valid] = 1
        tasks[: samples.valid] = 1
    symmetries = torch.from_numpy(samples.symmetries.astype(np.int64))
    palettes = torch.from_numpy(samples.palettes.astype(np.int64))
    return Batch(
        tokens=tokens,
        labels=labels.masked_fill_(labels == 0, IGNORE),
        heights=heights,
        widths=widths,
        keys=Keys(rows, tasks, symmetries, palettes),
        uniform=bool((heights == side).all() and (widths == side).all()),
    )


def _filled(sides: np.ndarray, valid: int) -> Tensor:
    filled = torch.from_numpy(sides.astype(np.int64))
    filled[valid:] = filled[0] if valid else 1
    return filled


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """``parts`` equal slices in order, for the accumulation of gradients."""
    size = len(batch) // parts
    return [batch.select(torch.arange(n * size, (n + 1) * size)) for n in range(parts)]


class CellFeed:
    """A pool of tasks in batches of ``mixture.tokens`` cells, endless.

    ``identity``: checksums of the tasks, in the order of their rows. ``side``: of the full canvas, 0 for
    cropped ones. ``frame``: None for padded batches. The other names as for ``SampleFeed``.
    """

    def __init__(self, config: TrainConfig, pool: Sequence[PooledTask], placement: Placement) -> None:
        if not pool:
            raise ValueError("sources: no task is left to train on")
        run = config.run
        self.config, self.pool = config, pool
        self.network = network_config(config.arch)
        self.side = full_side(config)
        self.tasks, self.rows = len(pool) + 1, len(pool) * run.mixture.augmentations + 1
        self.identity = [entry.checksums[0] for entry in pool]
        deck = Deck(pool, run.mixture, run.seed, self.side)
        packed = placement.device.type == "cuda" if run.layout == "auto" else run.layout == "packed"
        self.maker = Maker(deck, frame_of(deck, self.network.prefix_len) if packed else None)
        self._blocks: tuple[int, Iterator[list[Item]]] | None = None  # the next one's number, and they

    @property
    def frame(self) -> Frame | None:
        return self.maker.frame

    def block(self, at: Position) -> Iterator[Item]:
        """The batches of the block at ``at``, from its place on."""
        if self._blocks is None or self._blocks[0] != at.block:
            self.close()
            self._blocks = at.block, blocks(self.maker, start=at.block, workers=self.config.run.workers)
        number, coming = self._blocks
        items = next(coming)
        self._blocks = number + 1, coming
        yield from items[at.within :]

    def probe(self, at: Position) -> Arrived:
        """The largest batch of the block at ``at``, on the CPU."""
        arrived = [arrive(item, self.frame, torch.device("cpu")) for item in self.maker(at.block)]
        return max(arrived, key=lambda part: part.batch.tokens.numel())

    def next(self, at: Position) -> None:
        """The position after a block."""
        at.block, at.within = at.block + 1, 0

    def arrive(self, item: Item, device: torch.device) -> list[Arrived]:
        """The item on ``device``, without waiting for it; never in parts."""
        return [arrive(item, self.frame, device)]

    def names(self, tasks: Iterable[int]) -> list[str]:
        """Task ids of task numbers."""
        return [self.pool[task - 1].task.id for task in tasks if task]

    def close(self) -> None:
        """End the processes that draw."""
        if self._blocks is not None:
            self._blocks[1].close()
            self._blocks = None


Feed = SampleFeed | CellFeed


def full_side(config: TrainConfig) -> int:
    """The side of the full canvas; 0 where canvases are cropped."""
    network = network_config(config.arch)
    return 0 if network.canvas == CROPPED else network.canvas_side


@dataclass(frozen=True)
class Maker:
    """Makes a block by its number, in any process. ``frame``: None for padded batches."""

    deck: Deck
    frame: Frame | None = None

    def __call__(self, block: int) -> list[Item]:
        if self.frame is None:
            return [build_batch(views) for views in self.deck.padded(block)]
        numbers = range(block * PACKED_BLOCK, (block + 1) * PACKED_BLOCK)
        return [fill_parcel(self.deck, self.frame, number) for number in numbers]


_MAKER: list[Maker] = []


def _start(maker: bytes) -> None:
    use_threads(1)
    _MAKER.append(pickle.loads(maker))


def _make(block: int) -> list[Item]:
    return _MAKER[0](block)


def blocks(maker: Maker, *, start: int, workers: int = 0) -> Iterator[list[Item]]:
    """Endless blocks from ``start`` on, in order, the same for any number of workers."""
    if workers == 0:
        while True:
            yield maker(start)
            start += 1
    # Pickled once, not once for each process: a pool has a hundred thousand grids.
    packed = pickle.dumps(maker)
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (packed,)) as executor:
        pending: deque[Future[list[Item]]] = deque()
        try:
            while True:
                while len(pending) < workers * AHEAD:
                    pending.append(executor.submit(_make, start))
                    start += 1
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def arrive(item: Item, frame: Frame | None, device: torch.device) -> Arrived:
    """The item on ``device``, without waiting for it."""
    if isinstance(item, Batch):
        return Arrived(item.to(device), item.lengths.numpy(), len(item))
    assert frame is not None, "a parcel without its frame"
    sides = item.sides.astype(np.int64)
    return Arrived(open_parcel(item, frame, device), sides[:, 0] * sides[:, 1], item.samples)


def open_parcel(parcel: Parcel, frame: Frame, device: torch.device) -> Batch:
    """The parcel's batch, packed. Everything that follows from the sides is computed on the device,
    and no shape depends on a value there, so the host never waits."""

    def move(values: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(values)
        tensor = tensor.pin_memory() if device.type == "cuda" else tensor
        return tensor.to(device, non_blocking=True).long()

    tokens, labels = move(parcel.cells)
    heights, widths = move(parcel.sides).unbind(1)
    lengths = heights * widths + frame.prefix
    starts = F.pad(lengths.cumsum(0), (1, 0))
    slots = torch.arange(frame.slots, device=device)
    which = torch.repeat_interleave(slots, lengths, output_size=frame.tokens)
    within = torch.arange(frame.tokens, device=device) - starts[which]
    index = which * (frame.cells + frame.prefix) + within
    return Batch(
        tokens=tokens,
        labels=labels.masked_fill(labels == PAD, IGNORE),
        heights=heights,
        widths=widths,
        keys=Keys(*map(move, (parcel.rows, parcel.tasks, parcel.symmetries, parcel.palettes))),
        uniform=False,
        packing=Packing(index, starts.to(torch.int32), frame.cells + frame.prefix),
    )
