"""Batches for a short run, drawn ahead by other processes where that pays."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import torch

from solver.model.batch import Batch
from solver.run.batch import build_batch
from train.short.pool import Mixture, PooledTask, block_batches

AHEAD = 2  # blocks that each process is ahead of the trainer

_POOL: list[tuple[Sequence[PooledTask], Mixture, int, int]] = []


def make_block(
    pool: Sequence[PooledTask], mixture: Mixture, seed: int, block: int, packed_prefix: int
) -> list[Batch]:
    """The block's batches on the CPU; packed for a prefix of so many tokens unless that is negative."""
    made = (build_batch(views) for views in block_batches(pool, mixture, seed=seed, block=block))
    return [batch if packed_prefix < 0 else batch.packed(packed_prefix) for batch in made]


def _start(pool: Sequence[PooledTask], mixture: Mixture, seed: int, packed_prefix: int) -> None:
    torch.set_num_threads(1)
    _POOL.append((pool, mixture, seed, packed_prefix))


def _make(block: int) -> list[Batch]:
    pool, mixture, seed, packed_prefix = _POOL[0]
    return make_block(pool, mixture, seed, block, packed_prefix)


def blocks(
    pool: Sequence[PooledTask],
    mixture: Mixture,
    *,
    seed: int,
    start: int,
    packed_prefix: int = -1,
    workers: int = 0,
) -> Iterator[list[Batch]]:
    """Endless blocks from ``start`` on, in order, the same for any number of workers."""
    if workers == 0:
        while True:
            yield make_block(pool, mixture, seed, start, packed_prefix)
            start += 1
    with ProcessPoolExecutor(
        workers, get_context("spawn"), _start, (pool, mixture, seed, packed_prefix)
    ) as executor:
        pending: deque[Future[list[Batch]]] = deque()
        try:
            while True:
                while len(pending) < workers * AHEAD:
                    pending.append(executor.submit(_make, start))
                    start += 1
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
