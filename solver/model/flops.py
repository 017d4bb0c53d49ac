"""Floating-point operations counted from shapes: what a loop costs, trained or only run.

Counted are the products of matrices, both halves of attention included; not counted are heads and
embeddings (a few per mille), what a kernel computes twice to save memory, and optimisers.
"""

import numpy as np

from solver.model.config import NetworkConfig

Cells = int | np.ndarray  # of one sequence, or of each of several; the counts have the same form


def forward_flop(config: NetworkConfig, cells: Cells) -> float | np.ndarray:
    """One recurrence on one sequence of ``cells`` canvas cells, forward; two operations a
    multiply-add. T n (8 d^2 + 6 d i + 4 d T) with T the sequence, prefix included; n layers, width
    d, intermediate i."""
    length = cells + config.prefix_len
    d, i = config.hidden_size, config.intermediate_size
    return length * config.num_layers * (8 * d * d + 6 * d * i + 4 * d * length)


def training_flop(config: NetworkConfig, cells: Cells) -> float | np.ndarray:
    """One training loop: R recurrences forward, the G with gradient also backward (twice as much)."""
    recurrences = config.H_cycles * config.L_cycles
    return forward_flop(config, cells) * (recurrences + 2 * config.L_cycles)


def inference_flop(config: NetworkConfig, cells: Cells, loops: int) -> float | np.ndarray:
    """``loops`` loops without gradient."""
    return forward_flop(config, cells) * config.H_cycles * config.L_cycles * loops
