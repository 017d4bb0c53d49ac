"""What tuning and prediction may be told, each setting with where it comes from.

Trelis is arXiv 2511.02886, CHARM arXiv 2609.33270, NVARC its TRM of ARC Prize 2025; released is the code of
URM, arXiv 2512.14693.
"""

from dataclasses import dataclass

from solver.choices import Arm
from solver.model.learner import Rates
from solver.run.schedule import HOLD_SHARE, REPLAY_SHARE

# The weights' learning rate falls with the width: 1e-3 at 128 (docs/LOG.md), 2.5e-4 at 512.
RATE_TIMES_WIDTH = 0.128


@dataclass(frozen=True)
class TuneSettings:
    """How a group's demonstrations are tuned on.

    ``arm``: what moves. ``embedding``: the puzzle embeddings; ``full``: these, then a private copy of
    all weights, for one group; ``joint``: the same for many tasks at once (``solver.tune.joint``).
    ``augmentations``: views of each task that are trained on (released: 1,000; 300 is about the most
    that helps, and 30 come within 4 points). ``votes``: views that may be asked, 0 for the same; more
    only where the memory is factored, since a table knows no other view.
    ``free_rows``: with ``full``, a factored memory's views that are tuned on have residuals of their own
    (docs/TUNING.md).
    ``tokens``: cells of a batch, 0 for the device's default (options.BATCH_TOKENS): CHARM and NVARC take
    128 sequences, which a GPU needs to be busy; on a CPU more steps are worth more than large ones.
    ``order``: batches of several tasks are drawn so many at a time and cut by size, so that a batch
    pads little.
    ``embedding_share``: part of the budget before the weights move (Trelis: a quarter; a tenth was better
    in the short runs of docs/LOG.md). ``loops``: loops a batch is kept for, one step each.
    ``warm_up``: steps until the full learning rates (CHARM 20, NVARC 200).
    ``average_decay``: of the moving average that answers; ``joint_decay`` where many tasks share one
    (released: 0.999). Both are lower at first (``optim.Average``).
    ``larger_share``: how often a canvas is drawn larger than its box, by up to ``larger_by``, as test
    canvases may be. ``rates``: None for the default, by the network's width.
    ``hold_share``: part of the budget for which one demonstration is held back at most; 0 holds none.
    ``check_share``: part of the budget between two looks at tasks that come out well. ``check_views``:
    views that are looked at (``solver.tune.confidence``).
    ``settled_share``: how often a settled task is drawn while others of its group still move.
    ``replay_share``: part of a joint group's views that are replayed public tasks, where there are any.
    """

    arm: Arm = "full"
    augmentations: int = 64
    votes: int = 0
    free_rows: bool = True
    tokens: int = 0
    order: int = 4
    embedding_share: float = 0.1
    loops: int = 2
    warm_up: int = 20
    average_decay: float = 0.99
    joint_decay: float = 0.999
    larger_share: float = 0.25
    larger_by: int = 3
    rates: Rates | None = None
    hold_share: float = HOLD_SHARE
    check_share: float = 0.1
    check_views: int = 4
    settled_share: float = 0.25
    replay_share: float = REPLAY_SHARE


@dataclass(frozen=True)
class PredictSettings:
    """``tokens``: cells of a batch, padding counted. ``loops``: loops to run; more than about 4 add
    little in published runs. ``together``: whether the mean of the views follows them
    (``solver.arc.consensus``)."""

    tokens: int
    loops: int
    together: bool = True
