"""What tuning leaves behind, and how views of its tasks are laid out for the network."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from solver.arc.augment import IDENTITY, Augmentation
from solver.arc.canvas import Shape, pair_canvas
from solver.arc.task import Pair, Task
from solver.model.batch import IGNORE
from solver.model.config import NetworkConfig
from solver.model.device import Placement
from solver.model.embedding import Memory, TableMemory
from solver.model.learner import run_loops
from solver.run.batch import View, build_batch, place_batch


@dataclass(frozen=True, eq=False)
class Tuned:
    """Network and memory after tuning, or on the way.

    ``augmentations[n]``: those that task n was tuned on; its rows follow one another from
    ``n * rows_per_task + 1``. ``further[n]``: more that may be asked. ``reproduced[n]``: demonstrations
    of task n that come out exactly. ``held_out[n]``: how often one that was held back did, None where
    none was. ``rightness[n]``: for each augmentation, the share of its training sequences that came out
    (smoothed); empty where nothing was tuned. ``steps`` taken for task n. ``settled[n]``: solved and
    stable before the budget ended.
    """

    network: nn.Module
    memory: Memory
    tasks: tuple[Task, ...]
    augmentations: tuple[tuple[Augmentation, ...], ...]
    rows_per_task: int
    reproduced: tuple[int, ...]
    steps: int
    further: tuple[tuple[Augmentation, ...], ...] = ()
    held_out: tuple[float | None, ...] = ()
    rightness: tuple[tuple[float, ...], ...] = ()
    settled: tuple[bool, ...] = ()

    def row(self, number: int, augmentation: Augmentation) -> int:
        """The memory's row of task ``number`` under the augmentation; 0 if it was not tuned on."""
        known = self.augmentations[number]
        if augmentation not in known:
            return 0
        return number * self.rows_per_task + known.index(augmentation) + 1

    def in_order(self, number: int) -> tuple[Augmentation, ...]:
        """The augmentations in order of expected value: the identity, then those whose training
        sequences came out most often, then those that were not tuned on (none of a table's)."""
        known = self.augmentations[number]
        rightness = self.rightness[number] if self.rightness else (0.0,) * len(known)
        places = sorted(range(len(known)), key=lambda n: (known[n] != IDENTITY, -rightness[n], n))
        more = () if isinstance(self.memory, TableMemory) or not self.further else self.further[number]
        return (*(known[n] for n in places), *more)

    def view(self, number: int, pair: Pair, canvas: Shape, augmentation: Augmentation = IDENTITY) -> View:
        """A pair of task ``number`` as the network will see it."""
        return View(pair, canvas, number + 1, self.row(number, augmentation), augmentation)


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


def count_exact(
    tuned: Tuned,
    number: int,
    pairs: Sequence[Pair],
    augmentations: Sequence[Augmentation],
    *,
    placement: Placement,
    tokens: int,
) -> int:
    """How many of the pairs, under how many of the augmentations, have every cell right after all
    loops; ``len(pairs) * len(augmentations)`` at most."""
    config = tuned.network.config
    views = [tuned.view(number, pair, canvas_of(pair, config), a) for a in augmentations for pair in pairs]
    found = 0
    for part in split(views, tokens):
        batch = place_batch(build_batch(part), config.prefix_len, placement)
        logits, _ = run_loops(tuned.network, tuned.memory, batch, loops=config.loops, dtype=placement.dtype)
        right = (logits.argmax(-1) == batch.labels) | (batch.labels == IGNORE)
        found += int(right.all(-1).sum())
    return found
