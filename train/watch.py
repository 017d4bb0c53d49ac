"""Evaluations on the way: votes on test pairs that are kept back, cheap enough not to matter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from solver.arc.augment import sample_augmentations
from solver.arc.candidate import same_grid
from solver.arc.policy import rank_views
from solver.arc.seed import derive_generator
from solver.arc.task import Task
from solver.budget import Budget
from solver.model.checkpoint import Weights
from solver.model.embedding import CoseMemory, build_memory
from solver.model.flops import inference_flop, training_flop
from solver.model.learner import run_loops
from solver.model.loss import act_loss
from solver.run.schedule import BATCH_TOKENS
from solver.tune.adapt import adapt
from solver.tune.predict import Tuned, first_canvas, predict_views
from solver.tune.settings import PredictSettings, TuneSettings
from solver.tune.views import View, build_batch, split
from train.pool import PooledTask, canvas_of, kept_back, to_tune
from train.settings import RunConfig, TrainConfig, Watch
from train.trainer import Trainer

CELLS = {"cpu": 4096, "cuda": 131072}  # of a predicted batch


@dataclass(frozen=True, eq=False)
class Sample:
    """``known``: (number in the pool, task) whose test pairs are kept back. ``fresh``: tasks to tune on."""

    known: tuple[tuple[int, Task], ...]
    fresh: tuple[Task, ...]


def sample_of(run: RunConfig, pool: Sequence[PooledTask]) -> Sample:
    """What the run's evaluations ask; tasks that the pool does not hold are left out."""
    numbers = {entry.task.id: number for number, entry in enumerate(pool)}
    known = [(numbers[task.id], task) for task in kept_back(run) if task.id in numbers]
    solved = [task for task in to_tune(run) if task.solved_publicly]
    return Sample(tuple((n, t) for n, t in known if t.solved_publicly), tuple(solved))


def due_mark(watch: Watch, trainer: Trainer) -> float | None:
    """The latest mark that the run has passed since its last evaluation; None when there is none."""
    marks = set(watch.at if watch.file else ()) | set(watch.tuned_at if watch.tuned_file else ())
    passed = [mark for mark in marks if trainer.at.seen < mark * trainer.budget <= trainer.used]
    return max(passed, default=None)


def watch(config: TrainConfig, trainer: Trainer, sample: Sample, mark: float) -> dict[str, Any]:
    """Numbers of the averaged weights at a mark; the trainer is untouched.

    ``loss`` a cell, ``cells`` and ``exact``: of the kept-back outputs on a canvas of their true size, one
    view each. ``pass@1``, ``pass@2``: of outputs, on canvases that give no size away, by solve's rule;
    ``tuned pass@...`` after joint tuning. ``asked``: the tasks' file. ``spent``: FLOP of all that, not
    counted to the run.
    """
    run, network, found = config.run, trainer.averaged(), {"mark": mark, "spent": 0.0}
    if sample.known:
        found["asked"] = run.watch.file
        tuned = _known(trainer, network, sample)
        found |= _shown(trainer, tuned)
        found |= _voted(run, trainer, tuned, "")
        found["spent"] += found.pop("voting flop")
    if sample.fresh and run.watch.tuned_steps and mark in run.watch.tuned_at:
        found["tuned asked"] = run.watch.tuned_file
        shared = {k: v.detach().clone() for k, v in trainer.memory.shared_state().items()}
        weights = Weights(run.run_name, trainer.feed.network, network, shared)
        tuned, spent = _adapted(run, trainer, weights, sample.fresh)
        found |= _voted(run, trainer, tuned, "tuned ")
        found["spent"] += spent + found.pop("tuned voting flop")
    return found


def _known(trainer: Trainer, network: torch.nn.Module, sample: Sample) -> Tuned:
    """The sample's tasks with the vectors (and rows) that training gave them."""
    count = trainer.config.run.mixture.augmentations
    memory = build_memory(
        trainer.feed.network, tasks=len(sample.known) + 1, rows=len(sample.known) * count + 1
    )
    memory = memory.to(trainer.placement.device)
    memory.start({k: v.detach() for k, v in trainer.memory.shared_state().items()})
    with torch.no_grad():
        for place, (number, _) in enumerate(sample.known):
            if isinstance(memory, CoseMemory):
                memory.task_vectors[place + 1] = trainer.memory.task_vectors[number + 1]
            if count and (not isinstance(memory, CoseMemory) or memory.rank):
                rows = trainer.memory.rows[number * count + 1 : (number + 1) * count + 1]
                memory.rows[place * count + 1 : (place + 1) * count + 1] = rows
    augmentations = tuple(trainer.feed.pool[number].augmentations for number, _ in sample.known)
    tasks = tuple(task for _, task in sample.known)
    return Tuned(network, memory, tasks, augmentations, count, (), 0)


def _shown(trainer: Trainer, tuned: Tuned) -> dict[str, float]:
    """Loss and exactness of the test outputs on canvases of their true size, not augmented."""
    side, config, placement = trainer.feed.side, trainer.feed.network, trainer.placement
    views = []
    for number, task in enumerate(tuned.tasks):
        known = tuned.augmentations[number][:1]  # the identity stands first
        row = tuned.row(number, known[0]) if known else 0
        views += [View(pair, canvas_of(pair, side), number + 1, row) for pair in task.test]
    views.sort(key=lambda view: view.canvas[0] * view.canvas[1])
    sums = np.zeros(3)
    for part in split(views, CELLS[placement.device.type]):
        batch = build_batch(part).to(placement.device)
        logits, q_halt = run_loops(
            tuned.network, tuned.memory, batch, loops=config.loops, dtype=trainer.dtype
        )
        with torch.inference_mode():
            terms = act_loss(logits, q_halt, q_halt, batch.labels)
        sums += [float(terms.lm), float(terms.cell_accuracy.sum()), float(terms.correct.sum())]
    return dict(zip(("loss", "cells", "exact"), (sums / len(views)).tolist(), strict=True))


def _voted(run: RunConfig, trainer: Trainer, tuned: Tuned, name: str) -> dict[str, float]:
    """pass@1 and pass@2 of the test outputs by solve's rule, and what they cost."""
    config, placement = trainer.feed.network, trainer.placement
    settings = PredictSettings(CELLS[placement.device.type], config.loops)
    right, spent = np.zeros(3), 0.0
    for number, task in enumerate(tuned.tasks):
        views = list(tuned.augmentations[number])[: run.watch.votes]
        if not views:
            generator = derive_generator(run.seed, task.id, "votes")
            views = sample_augmentations(task, run.watch.votes, generator)
        for test, pair in enumerate(task.test):
            candidates = predict_views(
                tuned, number, test, views, config=config, settings=settings, placement=placement
            )
            hits = [same_grid(answer.grid, pair.output) for answer in rank_views(candidates)[:2]]
            right += [any(hits[:1]), any(hits), 1]
            height, width = first_canvas(config, task.train, pair)
            spent += len(views) * inference_flop(config, height * width, config.loops)
    scores = {f"{name}pass@1": right[0] / right[2], f"{name}pass@2": right[1] / right[2]}
    return {**scores, f"{name}outputs": int(right[2]), f"{name}voting flop": spent}


def _adapted(
    run: RunConfig, trainer: Trainer, weights: Weights, tasks: Sequence[Task]
) -> tuple[Tuned, float]:
    """The tasks tuned jointly, their test outputs never read, and what that cost (full batches assumed)."""
    steps, placement = run.watch.tuned_steps, trainer.placement
    tuned = adapt(
        weights,
        [task.without_test_outputs() for task in tasks],
        settings=TuneSettings(augmentations=run.watch.votes),
        budget=Budget(steps=steps),
        placement=placement,
        seed=run.seed,
    )
    shapes = [canvas_of(pair, trainer.feed.side) for task in tasks for pair in task.train]
    cells = np.array([height * width for height, width in shapes])
    a_cell = training_flop(weights.config, cells).sum() / cells.sum()
    return replace(tuned, tasks=tuple(tasks)), steps * BATCH_TOKENS[placement.device.type] * float(a_cell)
