"""What storing weights in fewer bytes changes: the network's outputs before and after, cell by cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from solver.arc.checksum import task_checksum
from solver.arc.task import Task
from solver.model.batch import IGNORE
from solver.model.checkpoint import Weights
from solver.model.learner import run_loops
from solver.model.loss import log_stablemax
from solver.run.schedule import BATCH_TOKENS
from solver.tune.views import View, build_batch, canvas_of, fits, split


@dataclass(frozen=True)
class Difference:
    """``cells`` looked at, ``changed`` of which have another most likely token. ``shift``: the mean over
    cells of the probability that moved (total variation distance, 0..1). Of the ``demonstrations``,
    ``right_before`` and ``right_after`` come out exactly, untuned."""

    cells: int
    changed: int
    shift: float
    demonstrations: int
    right_before: int
    right_after: int

    def lines(self) -> list[str]:
        """For people."""
        share = self.changed / max(1, self.cells)
        return [
            f"outputs: {self.changed} of {self.cells} cells change ({share:.3%}); "
            f"{self.shift:.3%} of the probability moves",
            f"demonstrations right without tuning: {self.right_before} of {self.demonstrations} before, "
            f"{self.right_after} after",
        ]


def compare_outputs(before: Weights, after: Weights, tasks: Sequence[Task]) -> Difference:
    """Both sets on every demonstration as it stands, in float32 on the CPU. Tasks that both know have
    their vectors, all others the stored mean."""
    cells = changed = demonstrations = 0
    shift, right = 0.0, [0, 0]
    for task in tasks:
        if not fits(task, before.config):
            continue
        views = [View(pair, canvas_of(pair, before.config), 1) for pair in task.train]
        for part in split(views, BATCH_TOKENS["cpu"]):
            batch = build_batch(part)
            asked = batch.labels != IGNORE
            both = [_probabilities(weights, task, part) for weights in (before, after)]
            tokens = [probabilities.argmax(-1) for probabilities in both]
            cells += int(asked.sum())
            changed += int(((tokens[0] != tokens[1]) & asked).sum())
            shift += float(((both[0] - both[1]).abs().sum(-1) / 2)[asked].sum())
            demonstrations += len(part)
            for n, found in enumerate(tokens):
                right[n] += int(((found == batch.labels) | ~asked).all(-1).sum())
    return Difference(cells, changed, shift / max(1, cells), demonstrations, *right)


def _probabilities(weights: Weights, task: Task, views: Sequence[View]) -> torch.Tensor:
    """[B, T, vocabulary] after all loops."""
    checksum = task_checksum(task)
    if checksum in weights.vectors:
        weights = weights.starting_from(checksum)
    memory, batch = weights.new_memory(tasks=1, rows=1), build_batch(views)
    logits, _ = run_loops(weights.network, memory, batch, loops=weights.config.loops, dtype=torch.float32)
    return log_stablemax(logits).exp()
