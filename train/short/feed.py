"""Batches for a short run, drawn ahead by other processes where that pays, and their way to the device."""

import pickle
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from solver.arc.tokens import PAD
from solver.model.batch import IGNORE, Batch, Keys, Packing
from solver.model.device import use_threads
from solver.tune.views import build_batch
from train.short.sample import Deck, Frame, Parcel, fill_parcel

AHEAD = 2  # blocks that each process is ahead of the trainer
PACKED_BLOCK = 8  # batches of a packed block

Item = Batch | Parcel


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


@dataclass(frozen=True, eq=False)
class Arrived:
    """A batch on the device. ``cells`` int64 [B]: of every sequence, on the host. ``samples``: sequences
    that are not blank; these stand first."""

    batch: Batch
    cells: np.ndarray
    samples: int


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
