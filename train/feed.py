"""From the data set's samples to the networks' batches."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from solver.model.batch import IGNORE, Batch, Keys
from train.config import TrainConfig
from train.dataset import Dataset, Samples
from train.distributed import World


def total_steps(config: TrainConfig, dataset: Dataset) -> int:
    """epochs x groups x mean pairs / global batch, as released. ValueError for less than one."""
    run, meta = config.run, dataset.metadata
    count = int(run.epochs * meta.total_groups * meta.mean_puzzle_examples / run.global_batch_size)
    if count < 1:
        raise ValueError(
            f"epochs: {run.epochs} epochs of {meta.total_groups} groups do not fill one batch of "
            f"{run.global_batch_size}, wanted more epochs or a smaller global_batch_size"
        )
    return count


def read(
    config: TrainConfig, dataset: Dataset, world: World, *, epoch: int, epochs: int, done: int
) -> Iterator[Samples]:
    """This process's share of each full batch of ``epochs`` epochs from ``epoch`` on, but for the first
    ``done``."""
    run = config.run
    return dataset.train_batches(
        seed=run.seed,
        epoch=epoch,
        epochs=epochs,
        batch_size=run.global_batch_size,
        rank=world.rank,
        world_size=world.size,
        start_step=done,
        drop_last=True,
        canvas=config.arch.network["canvas"],
        larger_share=run.larger_share,
    )


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
