"""From a tuned group to what the worker says of each task."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from solver.arc.record import View
from solver.model.device import Placement
from solver.run.budget import Budget
from solver.run.message import Answered
from solver.run.predict import predict_views
from solver.run.settings import PredictSettings
from solver.run.tuned import Tuned

NOT_FINITE = "the network's numbers are not finite"


@dataclass(frozen=True)
class Asking:
    """How tasks are asked. ``job``: its number. ``views``: at most so many augmentations each."""

    job: int
    views: int
    settings: PredictSettings
    placement: Placement


def answer_task(tuned: Tuned, number: int, asking: Asking, budget: Budget, outputs: int) -> Answered:
    """Candidates for every test input of one task. ``outputs``: left to be asked in the time of
    ``budget``, this task's included."""
    task, views = tuned.tasks[number], []
    for test in range(len(task.test)):
        made = predict_views(
            tuned,
            number,
            test,
            tuned.in_order(number)[: asking.views],
            config=tuned.network.config,
            settings=asking.settings,
            placement=asking.placement,
            budget=share_of(budget, outputs - test),
        )
        views.append(tuple(View(c, a.symmetry, a.palette) for a, c in made))
    note = "" if all(_finite(view) for test in views for view in test) else NOT_FINITE
    held_out = tuned.held_out[number] if tuned.held_out else None
    reproduced = tuned.reproduced[number]
    return Answered(asking.job, task.id, tuple(views), reproduced, tuned.steps, 0.0, note, held_out)


def is_finite(tuned: Tuned) -> bool:
    """Whether all weights and embeddings are numbers."""
    values = [*tuned.network.parameters(), *tuned.memory.state_dict().values()]
    return all(bool(torch.isfinite(value).all()) for value in values if value.is_floating_point())


def _finite(view: View) -> bool:
    return math.isfinite(view.candidate.confidence) and math.isfinite(view.candidate.log_prob)


def share_of(budget: Budget, outputs: int) -> Budget:
    """An even share of the seconds left for the next output; where steps count, only the sign of life."""
    if budget.seconds is None:
        return Budget(steps=1, beat=budget.beat)  # never used up before its first step
    left = budget.start + budget.seconds - budget.clock()
    return replace(budget, seconds=max(0.0, left) / outputs, start=budget.clock())


def outputs_of(tasks: Sequence) -> int:
    """Test inputs of all tasks together."""
    return sum(len(task.test) for task in tasks)
