"""What a short run trains on: tasks with all their known pairs, sampled with fresh augmentations.

Every sample is one pair of one task under a random symmetry and palette, on a cropped canvas.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from solver.arc.augment import IDENTITY_PALETTE, SYMMETRIES, Augmentation
from solver.arc.canvas import pair_canvas
from solver.arc.seed import derive_generator
from solver.arc.task import MAX_SIDE, Pair, Task, load_tasks, parse_grid
from solver.run.batch import View


@dataclass(frozen=True, eq=False)
class PooledTask:
    """``pairs``: the task's own, demonstrations and known tests. ``extra``: generated ones."""

    task: Task
    pairs: tuple[Pair, ...]
    extra: tuple[Pair, ...]


def read_extra(path: Path) -> dict[str, list[Pair]]:
    """Lines of ``{"id", "pairs": [{"input", "output"}]}``, plain or gzipped; ValueError if not."""
    opener = gzip.open if path.suffix == ".gz" else open
    found: dict[str, list[Pair]] = {}
    with opener(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise ValueError(f"{where}: not JSON ({error})") from error
            pairs = [_extra_pair(pair, where) for pair in record["pairs"]]
            found.setdefault(record["id"], []).extend(pairs)
    return found


def _extra_pair(value: dict, where: str) -> Pair:
    return Pair(
        parse_grid(value["input"], f"{where}, input"), parse_grid(value["output"], f"{where}, output")
    )


def build_pool(
    sources: Sequence[Path], extra: Path | None, *, max_cells: int, tests: bool
) -> list[PooledTask]:
    """Tasks of the files with pairs whose cropped canvas has at most ``max_cells`` cells.

    ``tests``: take the test pairs whose outputs are known too. Tasks without a pair are left out.
    """

    def fits(pair: Pair) -> bool:
        height, width = pair_canvas(pair)
        return height * width <= max_cells

    generated = read_extra(extra) if extra else {}
    pool = []
    for source in sources:
        for task in load_tasks(source):
            known = task.train + (tuple(p for p in task.test if p.output is not None) if tests else ())
            pairs = tuple(pair for pair in known if fits(pair))
            more = tuple(pair for pair in generated.get(task.id, ()) if fits(pair))
            if pairs or more:
                pool.append(PooledTask(task, pairs or more, more))
    return pool


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
