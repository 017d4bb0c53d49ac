"""Made-up tasks, for measuring what a size costs."""

import numpy as np

from solver.arc.task import Pair, Task, as_grid

SIDES = (10, 16, 22, 30)  # of the grids: evaluation tasks reach from the first to the last


def made_up_task(side: int) -> Task:
    """Random square grids: what a step costs depends on their size alone."""
    generator = np.random.default_rng(side)
    grids = [as_grid(generator.integers(0, 10, (side, side))) for _ in range(5)]
    return Task(f"side {side}", (Pair(*grids[:2]), Pair(*grids[2:4])), (Pair(grids[4]),))
