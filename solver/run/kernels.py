"""The numba kernels of a job, compiled before the first job: their compiling is no task's time."""

import numpy as np

from solver.arc.augment import sample_augmentations
from solver.arc.consensus import Consensus
from solver.arc.task import COLOURS, Pair, Task, as_grid
from solver.arc.tokens import crop_shape
from solver.run.batch import View, build_batch


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
