"""What a short run trains on: tasks with all their known pairs, sampled with fresh augmentations.

Every sample is one pair of one task under a random symmetry and palette, on a cropped canvas.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solver.arc.augment import IDENTITY_PALETTE, SYMMETRIES, Augmentation
from solver.arc.canvas import pair_canvas
from solver.arc.extra import load_extra
from solver.arc.seed import derive_generator
from solver.arc.task import MAX_SIDE, Pair, Task, load_tasks
from solver.arc.vote import grid_key
from solver.run.batch import View


@dataclass(frozen=True, eq=False)
class PooledTask:
    """``pairs``: the task's own, demonstrations and known tests. ``extra``: generated ones."""

    task: Task
    pairs: tuple[Pair, ...]
    extra: tuple[Pair, ...]


def build_pool(
    sources: Sequence[Path],
    extra: Path | None,
    *,
    max_cells: int,
    tests: bool,
    held_out: Sequence[Path] = (),
) -> list[PooledTask]:
    """Tasks of the files with pairs whose cropped canvas has at most ``max_cells`` cells.

    ``tests``: take the test pairs whose outputs are known too. A pair that is a test pair of a task
    in ``held_out`` is left out wherever it stands: ARC-AGI-1 has one of its evaluation test pairs
    among its training pairs. Tasks without a pair are left out.
    """
    forbidden = {
        _key(pair)
        for path in held_out
        for task in load_tasks(path)
        for pair in task.test
        if pair.output is not None
    }

    def usable(pair: Pair) -> bool:
        height, width = pair_canvas(pair)
        return height * width <= max_cells and _key(pair) not in forbidden

    generated = load_extra(extra) if extra else {}
    pool = []
    for source in sources:
        for task in load_tasks(source):
            known = task.train + (tuple(p for p in task.test if p.output is not None) if tests else ())
            pairs = tuple(filter(usable, known))
            more = tuple(filter(usable, generated.get(task.id, ())))
            if pairs or more:
                pool.append(PooledTask(task, pairs or more, more))
    return pool


def _key(pair: Pair) -> bytes:
    return grid_key(pair.input) + grid_key(pair.output)


@dataclass(frozen=True)
class Mixture:
    """``extra_share``: how often a task that has generated pairs shows one of them. ``larger_share``:
    how often a canvas is larger than the box, by up to ``larger_by`` rows and columns (uniform), as
    at test time, when the output's size is unknown. ``plain_share``: how often the colours stay as
    they are. ``tokens``: cells of a batch, padding counted."""

    extra_share: float = 0.5
    larger_share: float = 0.25
    larger_by: int = 4
    plain_share: float = 0.0
    tokens: int = 4096


def _draw(pool: Sequence[PooledTask], mixture: Mixture, generator: np.random.Generator) -> View:
    number = int(generator.integers(len(pool)))
    entry = pool[number]
    generated = entry.extra and generator.random() < mixture.extra_share
    pairs = entry.extra if generated else entry.pairs
    pair = pairs[int(generator.integers(len(pairs)))]
    height, width = pair_canvas(pair)
    if generator.random() < mixture.larger_share:
        more = generator.integers(0, mixture.larger_by + 1, 2)
        height, width = min(MAX_SIDE, height + int(more[0])), min(MAX_SIDE, width + int(more[1]))
    plain = generator.random() < mixture.plain_share
    palette = IDENTITY_PALETTE if plain else (0, *(int(c) + 1 for c in generator.permutation(9)))
    symmetry = int(generator.integers(SYMMETRIES))
    return View(pair, (height, width), number + 1, 0, Augmentation(symmetry, palette))


def token_batches(views: Sequence[View], tokens: int) -> list[list[View]]:
    """The views in batches of similar canvases: size of a batch x its largest canvas <= tokens."""
    batches: list[list[View]] = []
    current: list[View] = []
    for view in sorted(views, key=lambda view: view.canvas[0] * view.canvas[1]):
        if current and (len(current) + 1) * view.canvas[0] * view.canvas[1] > tokens:
            batches.append(current)
            current = []
        current.append(view)
    return [*batches, current] if current else batches


BLOCK = 1024  # samples that are drawn, sorted into batches by canvas size, and shown together


def block_batches(pool: Sequence[PooledTask], mixture: Mixture, *, seed: int, block: int) -> list[list[View]]:
    """The batches of one block, in random order. They depend on (seed, block) alone, so a run resumes
    at any block and blocks can be made by any process."""
    generator = derive_generator(seed, "block", block)
    made = token_batches([_draw(pool, mixture, generator) for _ in range(BLOCK)], mixture.tokens)
    return [made[number] for number in generator.permutation(len(made))]
