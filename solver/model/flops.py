"""Floating-point operations counted from shapes: what a loop costs, trained or only run.

Counted are the products of matrices, both halves of attention included; not counted are heads and
embeddings (a few per mille), what a kernel computes twice to save memory, and optimisers.
"""

import numpy as np

from solver.model.config import NetworkConfig

Cells = int | np.ndarray  # of one sequence, or of each of several; the counts have the same form


def training_flop(config: NetworkConfig, cells: Cells) -> float | np.ndarray:
    """One training loop on one sequence of ``cells`` canvas cells: every layer forward, those with gradient
    also backward (twice as much)."""
    every, with_gradient = config.layers_per_loop()
    return config.layer_flop(cells + config.prefix_len) * (every + 2 * with_gradient)


def inference_flop(config: NetworkConfig, cells: Cells, loops: int) -> float | np.ndarray:
    """``loops`` loops without gradient."""
    return config.layer_flop(cells + config.prefix_len) * config.layers_per_loop()[0] * loops
