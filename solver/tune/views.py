"""How pairs are laid out for the network: views, their canvases, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from solver.arc.augment import IDENTITY, Augmentation, swaps_sides
from solver.arc.canvas import Shape, pair_canvas
from solver.arc.task import Pair, Task
from solver.arc.tokens import PAD, draw_tokens
from solver.model.batch import IGNORE, Batch, Keys
from solver.model.config import NetworkConfig
from solver.model.device import Placement


@dataclass(frozen=True)
class View:
    """One pair of one task as the network will see it.

    ``task``: the task's row in the memory, from 1. ``row``: the row of (task, augmentation), 0 for
    an augmentation that has none. ``canvas``: (height, width) before the augmentation turns it.
    """

    pair: Pair
    canvas: Shape
    task: int
    row: int = 0
    augmentation: Augmentation = IDENTITY


def turned(canvas: Shape, augmentation: Augmentation) -> Shape:
    """The canvas of the augmented pair."""
    return (canvas[1], canvas[0]) if swaps_sides(augmentation.symmetry) else canvas


def build_batch(views: Sequence[View]) -> Batch:
    """The views as one padded batch on the CPU: grids at the origin, T the largest canvas of all."""
    shapes = [turned(view.canvas, view.augmentation) for view in views]
    length = max(height * width for height, width in shapes)
    tokens = np.full((2, len(views), length), PAD, np.uint8)
    for n, (view, (height, width)) in enumerate(zip(views, shapes, strict=True)):
        for side, grid in enumerate((view.pair.input, view.pair.output)):
            if grid is not None:
                cells = tokens[side, n, : height * width].reshape(height, width)
                draw_tokens(cells, view.augmentation.apply(grid), 0, 0)
    labels = torch.from_numpy(tokens[1].astype(np.int64))
    sizes = torch.tensor(shapes, dtype=torch.int64)
    return Batch(
        tokens=torch.from_numpy(tokens[0].astype(np.int64)),
        labels=labels.masked_fill_(labels == PAD, IGNORE),
        heights=sizes[:, 0].contiguous(),
        widths=sizes[:, 1].contiguous(),
        keys=_keys(views),
        uniform=len(set(shapes)) == 1,
    )


def place_batch(batch: Batch, prefix_len: int, placement: Placement) -> Batch:
    """The batch where the network is, packed where that pays: before it leaves the host, which knows the
    canvases."""
    return (batch.packed(prefix_len) if placement.packs else batch).to(placement.device)


def _keys(views: Sequence[View]) -> Keys:
    return Keys(
        rows=torch.tensor([view.row for view in views]),
        tasks=torch.tensor([view.task for view in views]),
        symmetries=torch.tensor([view.augmentation.symmetry for view in views]),
        palettes=torch.tensor([view.augmentation.palette for view in views]),
    )


def canvas_of(pair: Pair, config: NetworkConfig) -> Shape:
    """The pair's canvas for the network: the whole one, or the box of its grids."""
    if config.canvas == "full":
        return config.canvas_side, config.canvas_side
    return pair_canvas(pair)


def fits(task: Task, config: NetworkConfig) -> bool:
    """True when every grid that is shown lies inside the network's largest canvas."""
    return all(max(grid.shape) <= config.canvas_side for grid in task.demonstration_grids())


def split(views: Sequence[View], tokens: int, most: int = 0) -> list[Sequence[View]]:
    """The views in order, cut where a batch would hold more than ``tokens`` padded cells, or more than
    ``most`` views (0: any number)."""
    parts: list[list[View]] = []
    largest = 0
    for view in views:
        cells = view.canvas[0] * view.canvas[1]
        full = parts and (len(parts[-1]) + 1) * max(largest, cells) > tokens
        if not parts or full or (most and len(parts[-1]) == most):
            parts.append([])
            largest = 0
        parts[-1].append(view)
        largest = max(largest, cells)
    return parts
