"""A task that a small network has learnt, a new one, and sets of weights that know the first."""

from functools import cache
from pathlib import Path

import torch
from made_tasks import random_task
from test_run import CPU, tiny_task, tiny_weights

from solver.arc.checksum import task_checksum
from solver.arc.task import Task
from solver.budget import Budget
from solver.choices import NETWORK
from solver.model.checkpoint import Weights, save_weights, task_vectors
from solver.model.learner import Rates
from solver.run.events import Listener
from solver.run.pipeline import solve
from solver.run.settings import SolveOptions
from solver.tune.adapt import adapt
from solver.tune.settings import TuneSettings

KNOWN, NEW = tiny_task("known"), random_task("new", 3, 1)
CHECKSUM = task_checksum(KNOWN)
ONE_STEP = dict(sources=(NETWORK,), steps=2, augmentations=2, device="cpu")


@cache
def train_known() -> tuple[Weights, dict[str, torch.Tensor]]:
    """A network that was trained on KNOWN until it reproduces it, and the task's vector."""
    weights = tiny_weights(memory="cose")
    settings = TuneSettings(arm="full", augmentations=1, tokens=128, rates=Rates(weights=3e-3))
    budget = Budget(steps=200)
    tuned = adapt(weights, [KNOWN], settings=settings, budget=budget, placement=CPU, seed=0)
    assert tuned.reproduced == (2,)
    state = tuned.memory.shared_state()
    state["mean"] = torch.zeros_like(state["mean"])  # else a new task would start from the known one
    found = Weights("tiny", weights.config, tuned.network, state)
    return found, task_vectors(tuned.memory, [[CHECKSUM]])


def save(folder: Path, provenance: dict, **more: object) -> str:
    """A set of weights in ``folder`` that knows KNOWN, unless ``more`` says otherwise."""
    weights, vectors = train_known()
    save_weights(folder, weights.network, weights.memory, provenance, **{"vectors": vectors, **more})
    return str(folder)


def run(folder: str | None, tasks: list[Task], journal: Path | None = None, **changes: object):
    """(results by id, what was said at the start)."""
    started: list[str] = []
    results = solve(
        tasks,
        options=SolveOptions(**{**ONE_STEP, "weights": folder, **changes}),
        listener=Listener(start=started.append, say=started.append),
        journal=journal,
    )
    return {result.task.id: result for result in results}, "\n".join(started)
