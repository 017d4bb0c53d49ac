"""Test-time training: a few demonstrations become puzzle embeddings, then move the weights too.

Schedule: every new task starts from the stored mean of the trained embeddings. For the first part
of the budget only the embeddings move; then, with ``full`` and ``joint``, all weights of a private
copy, averaged over the steps (arXiv 2511.02886). The learning rates warm up over the first steps.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from solver.arc.augment import IDENTITY, Augmentation, sample_augmentations
from solver.arc.seed import derive_generator
from solver.arc.task import Task
from solver.budget import Budget
from solver.model.batch import Batch
from solver.model.checkpoint import Weights
from solver.model.device import Placement
from solver.model.embedding import CoseMemory, Memory
from solver.model.learner import Learner, Rates
from solver.model.optim import Average, warm_constant
from solver.run.schedule import BATCH_TOKENS
from solver.tune.confidence import HeldOutCheck
from solver.tune.predict import Tuned, count_exact
from solver.tune.sampler import DemonstrationSampler
from solver.tune.settings import RATE_TIMES_WIDTH, TuneSettings
from solver.tune.views import place_batch

_SHARED = ("full", "joint")  # arms that move the weights, which the group's tasks share


@dataclass(frozen=True, eq=False)
class Start:
    """What a task that was tuned before starts from. ``rows`` [augmentations, D]: of the memory's table,
    None for fresh ones. ``held_out``: its confidence by then."""

    rows: Tensor | None
    held_out: float | None


def adapt(
    weights: Weights,
    group: Sequence[Task],
    *,
    settings: TuneSettings,
    budget: Budget,
    placement: Placement,
    seed: int,
    start: Start | None = None,
) -> Tuned:
    """Tune on the demonstrations of ``group`` until the budget ends; test pairs are never read.

    Where only the embeddings move, nothing is shared: each task is tuned by itself, and its result is
    the same in every grouping. ``start``: for a group of one task.
    """
    common = {"settings": settings, "placement": placement, "seed": seed}
    if settings.arm in _SHARED or len(group) == 1:
        tuning = Tuning(weights, group, budget=budget, start=start, **common)
        tuning.run()
        return tuning.finish()
    parts = []
    for n, task in enumerate(group):
        tuning = Tuning(weights, [task], budget=budget.fair(n, len(group)), **common)
        tuning.run()
        parts.append(tuning.finish())
    return _together(weights, parts)


class Tuning:
    """One tuning under way: ``run`` it, as far as wanted, then ``finish``. ``step`` and ``tokens``: taken
    and worked on so far.

    ``replayed``: public tasks that are trained on beside the group and never answered.
    """

    def __init__(
        self,
        weights: Weights,
        group: Sequence[Task],
        *,
        settings: TuneSettings,
        budget: Budget,
        placement: Placement,
        seed: int,
        start: Start | None = None,
        replayed: Sequence[Task] = (),
    ) -> None:
        config = weights.config
        self.settings = settings = replace(
            settings,
            tokens=settings.tokens or BATCH_TOKENS[placement.device.type],
            rates=settings.rates or Rates(weights=RATE_TIMES_WIDTH / config.hidden_size),
        )
        self.group, self.budget, self.placement = tuple(group), budget, placement
        everything, rows = [*group, *replayed], settings.augmentations
        drawn = [_draw(task, settings, seed) for task in everything]
        self.augmentations = tuple(views[:rows] for views in drawn)
        self.further = tuple(views[rows:] for views in drawn[: len(group)])
        self.memory = weights.new_memory(tasks=len(everything), rows=len(everything) * rows)
        self.memory.to(placement.device)
        if start is not None and start.rows is not None:
            self.memory.rows[1:] = start.rows.to(self.memory.rows)
        if settings.free_rows and settings.arm == "full" and isinstance(self.memory, CoseMemory):
            self.memory.free_rows(1 + len(everything) * rows)
        self.weights_move = settings.arm in _SHARED
        network = copy.deepcopy(weights.network) if self.weights_move else weights.network
        self.network = network.to(placement.device)
        self.sampler = DemonstrationSampler(config, group, self.augmentations, settings, seed, replayed)
        known = (start.held_out,) if start is not None else ()
        self.watch = HeldOutCheck(group, self.sampler, settings, seed, placement=placement, known=known)
        self.average = Average(network, settings.average_decay, warm=True) if self.weights_move else None
        self.learner = Learner(
            self.network, self.memory, settings.rates, dtype=placement.dtype, average=self.average
        )
        self.step, self.tokens = 0, 0
        self._kept, self._look_at = 0, settings.check_share
        self._batch: Batch | None = None
        self._states: tuple[Tensor, ...] = ()
        # Sequences shown at their last loop, and those that came out, for each row and, lately, each task.
        self._by_row = torch.zeros(2, 1 + len(everything) * rows, device=placement.device)
        self._by_task = torch.zeros(2, 1 + len(everything), device=placement.device)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do, whatever time there is."""
        return self.settings.arm == "none" or self.watch.over

    def done(self) -> float:
        """The share of the budget that is used up."""
        return self.budget.done(self.step, self.tokens)

    def run(self, until: float = 1.0) -> None:
        """Take steps until this share of the budget is used up, or all tasks have settled."""
        while not self.over and (done := self.done()) < until:
            if done >= self._look_at:
                self._look_at = done + self.settings.check_share
                self._look(done)
            self._step(done)

    def _step(self, done: float) -> None:
        if self._kept == 0:
            self._batch = place_batch(self.sampler.draw(), self.network.config.prefix_len, self.placement)
            self._states = self.network.initial_states(self._batch, self.placement.dtype)
            self._kept = self.settings.loops
        self._states, terms = self.learner.step(
            self._states,
            self._batch,
            scale=warm_constant(self.step, self.settings.warm_up),
            tune_weights=self.weights_move and done >= self.settings.embedding_share,
        )
        self.step, self.tokens = self.step + 1, self.tokens + self._batch.tokens.numel()
        self._kept -= 1
        if self._kept == 0:
            came_out = torch.stack((torch.ones_like(terms.correct), terms.correct)).float()
            self._by_row.index_add_(1, self._batch.keys.rows, came_out)
            self._by_task.index_add_(1, self._batch.keys.tasks, came_out)

    def _look(self, done: float) -> None:
        shown, right = self._by_task[:, 1:].tolist()
        self._by_task.zero_()
        recent = [r / s if s else 0.0 for s, r in zip(shown, right, strict=True)]
        with self.averaged():
            self.watch.look(self.snapshot(), recent, done)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with its averaged weights inside."""
        moved = self.average is not None and self.average.steps > 0
        if moved:
            self.average.swap()
        yield
        if moved:
            self.average.swap()

    def snapshot(self) -> Tuned:
        """The group as it stands; network and memory are the living ones."""
        rows, count = self.settings.augmentations, len(self.group)
        shown, right = self._by_row[:, 1 : 1 + count * rows].cpu()
        smoothed = ((right + 0.5) / (shown + 1.0)).view(count, rows).tolist()
        known = self.augmentations[:count]
        return Tuned(
            self.network,
            self.memory,
            self.group,
            known,
            rows,
            (0,) * count,
            self.step,
            self.further,
            tuple(self.watch.held_out),
            tuple(tuple(row[: len(views)]) for row, views in zip(smoothed, known, strict=True)),
            tuple(self.sampler.settled),
        )

    def counted(self) -> Tuned:
        """A snapshot with the demonstrations that come out."""
        tuned, placement, tokens = self.snapshot(), self.placement, self.settings.tokens
        exact = [
            count_exact(tuned, n, task.train, [IDENTITY], placement=placement, tokens=tokens)
            for n, task in enumerate(self.group)
        ]
        return replace(tuned, reproduced=tuple(exact))

    def finish(self) -> Tuned:
        """The end: the averaged weights stay in the network."""
        if self.average is not None and self.average.steps:
            self.average.swap()
        return self.counted()


def _draw(task: Task, settings: TuneSettings, seed: int) -> tuple[Augmentation, ...]:
    """The views to be tuned on, then those that will only be asked."""
    count = max(settings.votes, settings.augmentations)
    return tuple(sample_augmentations(task, count, derive_generator(seed, task.id, "augmentations")))


def _together(weights: Weights, parts: Sequence[Tuned]) -> Tuned:
    """Tasks that were tuned one by one, with one memory; the network is the base network of all."""
    rows = parts[0].rows_per_task
    memory: Memory = weights.new_memory(tasks=len(parts), rows=len(parts) * rows)
    memory.to(next(parts[0].network.parameters()).device)
    for n, part in enumerate(parts):
        if isinstance(memory, CoseMemory):
            with torch.no_grad():
                memory.task_vectors[n + 1] = part.memory.task_vectors[1]
        if hasattr(memory, "rows"):
            memory.rows[n * rows + 1 : (n + 1) * rows + 1] = part.memory.rows[1:]
    return Tuned(
        parts[0].network,
        memory,
        *(tuple(getattr(part, name)[0] for part in parts) for name in ("tasks", "augmentations")),
        rows,
        tuple(part.reproduced[0] for part in parts),
        max(part.steps for part in parts),
        *(
            tuple(getattr(part, name)[0] for part in parts)
            for name in ("further", "held_out", "rightness", "settled")
        ),
    )
