"""Test-time training: a few demonstrations become puzzle embeddings, then move the weights too.

Schedule: every new task starts from the stored mean of the trained embeddings. For the first part
of the budget only the embeddings move; then, with ``full``, all weights of a private copy, averaged
over the steps (arXiv 2511.02886). The learning rates warm up over the first steps.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from solver.arc.augment import Augmentation, sample_augmentations
from solver.arc.canvas import Shape, pair_canvas
from solver.arc.seed import derive_generator
from solver.arc.task import MAX_SIDE, Pair, Task
from solver.model.batch import IGNORE, Batch
from solver.model.checkpoint import Weights
from solver.model.config import NetworkConfig
from solver.model.device import Placement
from solver.model.embedding import Memory
from solver.model.learner import Learner, Rates, run_loops
from solver.model.optim import Average, warm_constant
from solver.run.batch import View, build_batch
from solver.run.budget import Budget
from solver.run.options import BATCH_TOKENS

Arm = Literal["none", "embedding", "full"]


# The weights' learning rate falls with the width: 1e-3 at 128 (docs/LOG.md), 2.5e-4 at 512.
RATE_TIMES_WIDTH = 0.128


@dataclass(frozen=True)
class TuneSettings:
    """``augmentations``: views of each task that are trained on. ``tokens``: cells of a batch, 0 for
    the device's default (BATCH_TOKENS).
    ``embedding_share``: part of the budget before the weights move. ``loops``: loops a batch is
    kept for, one step each. ``larger_share``: how often a canvas is drawn larger than its box, by up to
    ``larger_by``. ``rates``: None for the default, by the network's width."""

    arm: Arm = "full"
    augmentations: int = 64
    tokens: int = 0
    embedding_share: float = 0.1
    loops: int = 2
    warm_up: int = 20
    average_decay: float = 0.99
    larger_share: float = 0.25
    larger_by: int = 3
    rates: Rates | None = None


@dataclass(frozen=True, eq=False)
class Tuned:
    """Network and memory after tuning. ``augmentations[n]``: those that task n was tuned on; its
    rows follow one another from ``n * settings.augmentations + 1``. ``reproduced[n]``:
    demonstrations of task n that come out exactly. ``steps`` taken."""

    network: nn.Module
    memory: Memory
    tasks: tuple[Task, ...]
    augmentations: tuple[tuple[Augmentation, ...], ...]
    rows_per_task: int
    reproduced: tuple[int, ...]
    steps: int

    def row(self, number: int, augmentation: Augmentation) -> int:
        """The memory's row of task ``number`` under the augmentation; 0 if it was not tuned on."""
        known = self.augmentations[number]
        if augmentation not in known:
            return 0
        return number * self.rows_per_task + known.index(augmentation) + 1


def canvas_of(pair: Pair, config: NetworkConfig) -> Shape:
    """The pair's canvas for the network: the whole one, or the box of its grids."""
    if config.canvas == "full":
        return config.canvas_side, config.canvas_side
    return pair_canvas(pair)


def fits(task: Task, config: NetworkConfig) -> bool:
    """True when every grid that is shown lies inside the network's largest canvas."""
    return all(max(grid.shape) <= config.canvas_side for grid in task.demonstration_grids())


def adapt(
    weights: Weights,
    group: Sequence[Task],
    *,
    settings: TuneSettings,
    budget: Budget,
    placement: Placement,
    seed: int,
) -> Tuned:
    """Tune on the demonstrations of ``group`` until the budget ends; test pairs are never read."""
    settings = replace(
        settings,
        tokens=settings.tokens or BATCH_TOKENS[placement.device.type],
        rates=settings.rates or Rates(weights=RATE_TIMES_WIDTH / weights.config.hidden_size),
    )
    per_task = settings.augmentations
    augmentations = tuple(
        tuple(sample_augmentations(task, per_task, derive_generator(seed, task.id, "augmentations")))
        for task in group
    )
    memory = weights.new_memory(tasks=len(group), rows=len(group) * per_task).to(placement.device)
    network = weights.network
    if settings.arm == "full":
        network = copy.deepcopy(network)
    network = network.to(placement.device)
    sampler = DemonstrationSampler(weights.config, group, augmentations, settings, seed)
    steps = 0
    if settings.arm != "none":
        steps = _tune(network, memory, sampler, settings, budget, placement)
    tuned = Tuned(network, memory, tuple(group), augmentations, per_task, (), steps)
    return _with_reproduced(tuned, weights.config, placement, settings.tokens)


def _tune(
    network: nn.Module,
    memory: Memory,
    sampler: "DemonstrationSampler",
    settings: TuneSettings,
    budget: Budget,
    placement: Placement,
) -> int:
    full = settings.arm == "full"
    average = Average(network, settings.average_decay, warm=True) if full else None
    learner = Learner(network, memory, settings.rates, dtype=placement.dtype, average=average)
    step, kept, states, batch = 0, 0, None, None
    while (done := budget.done(step)) < 1:
        if kept == 0:
            batch = sampler.draw().to(placement.device)
            states, kept = network.initial_states(batch, placement.dtype), settings.loops
        states, _ = learner.step(
            states,
            batch,
            scale=warm_constant(step, settings.warm_up),
            tune_weights=full and done >= settings.embedding_share,
        )
        step, kept = step + 1, kept - 1
    if average is not None and average.steps:
        average.swap()
    return step


class DemonstrationSampler:
    """Random batches of the group's demonstrations under the tasks' augmentations."""

    def __init__(
        self,
        config: NetworkConfig,
        group: Sequence[Task],
        augmentations: Sequence[Sequence[Augmentation]],
        settings: TuneSettings,
        seed: int,
    ) -> None:
        self.config, self.group, self.augmentations = config, group, augmentations
        self.settings = settings
        self.generator = derive_generator(seed, *(task.id for task in group), "batches")

    def _canvas(self, pair: Pair) -> Shape:
        height, width = canvas_of(pair, self.config)
        if self.config.canvas == "cropped" and self.generator.random() < self.settings.larger_share:
            more = self.generator.integers(0, self.settings.larger_by + 1, 2)
            height, width = min(MAX_SIDE, height + int(more[0])), min(MAX_SIDE, width + int(more[1]))
        return height, width

    def _draw_view(self) -> View:
        number = int(self.generator.integers(len(self.group)))
        known = self.augmentations[number]
        pairs = self.group[number].train
        pair = pairs[int(self.generator.integers(len(pairs)))]
        chosen = int(self.generator.integers(len(known)))
        row = number * self.settings.augmentations + chosen + 1
        return View(pair, self._canvas(pair), number + 1, row, known[chosen])

    def draw(self) -> Batch:
        """The next batch, on the CPU: views until the padded cells reach ``settings.tokens``."""
        views = [self._draw_view()]
        largest = views[0].canvas[0] * views[0].canvas[1]
        while True:
            view = self._draw_view()
            largest = max(largest, view.canvas[0] * view.canvas[1])
            if (len(views) + 1) * largest > self.settings.tokens:
                return build_batch(views)
            views.append(view)


def _with_reproduced(tuned: Tuned, config: NetworkConfig, placement: Placement, tokens: int) -> Tuned:
    """Count the demonstrations whose every cell comes out right, unaugmented, after all loops."""
    reproduced = []
    for number, task in enumerate(tuned.tasks):
        views = [
            View(pair, canvas_of(pair, config), number + 1, tuned.row(number, Augmentation()))
            for pair in task.train
        ]
        reproduced.append(sum(_exact(tuned, part, config.loops, placement) for part in split(views, tokens)))
    return Tuned(
        tuned.network,
        tuned.memory,
        tuned.tasks,
        tuned.augmentations,
        tuned.rows_per_task,
        tuple(reproduced),
        tuned.steps,
    )


def _exact(tuned: Tuned, views: Sequence[View], loops: int, placement: Placement) -> int:
    batch = build_batch(views).to(placement.device)
    logits, _ = run_loops(tuned.network, tuned.memory, batch, loops=loops, dtype=placement.dtype)
    right = (logits.argmax(-1) == batch.labels) | (batch.labels == IGNORE)
    return int(right.all(-1).sum())


def split(views: Sequence[View], tokens: int) -> list[Sequence[View]]:
    """The views in order, cut where a batch would hold more than ``tokens`` padded cells."""
    parts: list[list[View]] = []
    largest = 0
    for view in views:
        cells = view.canvas[0] * view.canvas[1]
        if not parts or (len(parts[-1]) + 1) * max(largest, cells) > tokens:
            parts.append([])
            largest = 0
        parts[-1].append(view)
        largest = max(largest, cells)
    return parts
