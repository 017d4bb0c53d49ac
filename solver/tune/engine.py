"""What a worker computes with: the weights, where they run, and the run's settings."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from solver.arc.augment import sample_augmentations
from solver.arc.checksum import task_checksum
from solver.arc.consensus import Consensus
from solver.arc.task import COLOURS, Pair, Task, as_grid
from solver.arc.tokens import crop_shape
from solver.model.checkpoint import Weights, load_weights
from solver.model.device import Placement, cpu_precision, cuda_failure, place, use_threads
from solver.processors import available_cpus, counted_threads
from solver.run.message import Job, Known, Ready, RefusedError
from solver.run.settings import Settings
from solver.tune.views import View, build_batch


@dataclass(frozen=True, eq=False)
class Engine:
    """What a worker works with. ``sets``: other weights that were asked for a task they know, by folder.
    ``pace``: floating-point operations a second that its device reaches at best; None where it is no CPU."""

    weights: Weights
    placement: Placement
    settings: Settings
    clock: Callable[[], float] = time.monotonic
    sets: dict[str, Weights] = field(default_factory=dict)
    pace: float | None = None

    def knowing(self, job: Job) -> "Engine":
        """The engine for a task that some weights know: their network and its trained vector. ValueError
        where they cannot be loaded."""
        assert isinstance(job.start, Known), job.start
        folder = job.start.folder
        if folder == self.settings.weights:
            weights = self.weights
        else:
            if folder not in self.sets:
                self.sets[folder] = load_weights(self.settings.at(folder))
            weights = self.sets[folder]
        (task,) = job.tasks
        return replace(self, weights=weights.starting_from(task_checksum(task)))


def open_engine(settings: Settings) -> tuple[Engine, Ready]:
    """The weights on their device, and what the supervisor must know of them. RefusedError where there is no
    such device or the weights cannot be loaded."""
    threads = use_threads(max(1, available_cpus() // settings.share))
    about = "device"
    try:
        placement = _place(settings.device)
        about = "weights"
        weights = load_weights(settings.at(settings.weights))
    except ValueError as error:
        raise RefusedError(str(error), about) from error
    kind = placement.device.type
    own = str(placement.device)
    others = [f"cuda:{n}" for n in range(torch.cuda.device_count())] if kind == "cuda" else []
    devices = (own, *(name for name in others if name != own))
    if kind != "cpu":  # the processors serve the devices, not so many workers
        threads = use_threads(max(1, available_cpus() // len(devices)))
    reason = placement.reason
    if kind == "cpu":
        reason = f"CPU, {counted_threads(threads)} each, {cpu_precision()[1]}"
    compile_kernels()
    pace = measure_pace(time.monotonic) if kind == "cpu" else None
    return Engine(weights, placement, settings, pace=pace), Ready(kind, reason, weights.name, devices)


def measure_pace(clock: Callable[[], float]) -> float:
    """Floating-point operations a second of a product of matrices in float32: the best of a few that take
    milliseconds each."""
    side, best = 512, 0.0
    matrix = torch.ones(side, side)
    for _ in range(4):
        began = clock()
        torch.mm(matrix, matrix)
        best = max(best, 2 * side**3 / max(1e-6, clock() - began))
    return best


def _place(name: str) -> Placement:
    """As ``place``, but ``auto`` passes over a GPU on which no kernel runs and takes the next."""
    if name == "auto" and torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            if not cuda_failure(index):
                return place(f"cuda:{index}")
        return place("cpu", quick=True)
    return place(name, quick=True)


def compile_kernels() -> None:
    """Run once what tuning and prediction run on grids. Half a minute on one core where nothing is cached
    (numba keeps what it has compiled beside the code), milliseconds after that."""
    pair = Pair(as_grid(np.array([[1, 2]])), as_grid(np.array([[2], [1]])))
    task = Task("kernels", (pair, pair), (pair,))
    augmentations = sample_augmentations(task, 2, np.random.default_rng(0))
    build_batch([View(pair, (3, 3), 1, n, a) for n, a in enumerate(augmentations, 1)])
    predicted = np.zeros((2, 2), np.uint8)  # unlike a task's grids it may be written to: another signature
    crop_shape(predicted)
    augmentations[0].undo(predicted)
    consensus = Consensus()
    consensus.add(np.zeros((2, 2, COLOURS), np.float32), augmentations[0], (2, 2))
    consensus.candidate()
