"""What a card is given to work on: demonstrations, or made-up cells, as batches on the device."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.step import demonstrations
from solver.arc.canvas import pair_canvas
from solver.arc.task import MAX_SIDE, Pair
from solver.model.batch import Batch
from solver.tune.views import View, build_batch

ROWS = 2048  # of the table of puzzle embeddings; sequences take them in turns
WHOLE = (MAX_SIDE, MAX_SIDE)


def _row(number: int) -> int:
    return number % (ROWS - 1) + 1


def blank_batch(size: int, cells: int) -> Batch:
    """Made-up cells on ``size`` square canvases, on the CPU."""
    pair = Pair(np.zeros((1, MAX_SIDE), np.uint8), np.zeros((1, MAX_SIDE), np.uint8))
    batch = build_batch([View(pair, (1, MAX_SIDE), 1, _row(n)) for n in range(size)])
    tokens = torch.randint(2, 12, (2, size, cells), generator=torch.Generator().manual_seed(0))
    side = torch.full((size,), round(cells**0.5))
    return replace(batch, tokens=tokens[0], labels=tokens[1], heights=side, widths=side)


def full_batches(data: Path | None, device: torch.device, count: int, each: int) -> list[Batch]:
    """Demonstrations on whole canvases, ``each`` a micro-batch."""
    views = [View(pair, WHOLE, 1, _row(n)) for n, pair in enumerate(demonstrations(data, count))]
    return [build_batch(views[n : n + each]).to(device) for n in range(0, count, each)]


def cropped_batches(
    data: Path | None, device: torch.device, count: int, tokens: int, prefix_len: int
) -> list[Batch]:
    """Demonstrations on their boxes, cut by tokens: in random order and packed on a GPU, sorted by size and
    padded on a CPU."""
    pairs, packed = demonstrations(data, count), device.type == "cuda"
    order = np.random.default_rng(0).permutation(count)
    views = [View(pairs[n], pair_canvas(pairs[n]), 1, _row(int(n))) for n in order]
    if not packed:
        views.sort(key=lambda view: view.canvas[0] * view.canvas[1])
    parts: list[list[View]] = [[]]
    held = 0
    for view in views:
        cells = view.canvas[0] * view.canvas[1] + prefix_len
        after = held + cells if packed else (len(parts[-1]) + 1) * cells
        if parts[-1] and after > tokens:
            parts.append([])
            after = cells
        held = after
        parts[-1].append(view)
    batches = [build_batch(part) for part in parts]
    return [(batch.packed(prefix_len) if packed else batch).to(device) for batch in batches]
