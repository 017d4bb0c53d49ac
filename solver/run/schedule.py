"""The schedule: every constant of a run, and how its time is divided by the hours and devices there are.

What is published does not agree on joint tuning, so the plan has both, the single task last:

- Joint training of all tasks matched training each alone at lower cost, all weights moving (Trelis, arXiv
  2511.02886); with twice the joint epochs NVARC's TRM (ARC Prize 2025) scored 10.0 instead of 7.5. So what
  little time there is goes to joint training.
- VARC (arXiv 2511.14761) was 10 points better with each task alone, 70 s on one GPU, than jointly on all;
  its authors suspect that joint training forgets what was learned before. So public tasks are replayed
  beside the hidden ones, and the more seconds a task has, the larger the part in which it is alone.
- One checkpoint submitted twice scored 3.33 and 6.67 (Trelis): a second seed where votes disagree.
- 30 augmentations come within 4 points of 300, about the most that helps; CHARM (arXiv 2609.33270) and
  NVARC ask 128 views, and 512 are little better than 256. On a CPU's few steps 8 or 16 views were better than
  32 or more (docs/TUNING.md).

How long each part is, is our choice: nothing of it has been measured with this solver on a GPU yet.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from solver.choices import JOINT, QUICK, REFINE, TUNE

# Of a run

DEFAULT_SECONDS = {"cpu": 28.0, "mps": 20.0, "cuda": 30.0}  # of a worker for a task, without a budget
SEARCH_SECONDS = 4.0  # of the program search for a task at most, before the network and without a budget
SEARCH_NODES = 100_000  # transforms that it tries for a task where steps are counted
SEARCH_SHARE = 0.25  # of a budget at most, where there is a network too
MARGIN = 0.02  # of the budget, kept for jobs that take longer than they were given
GRACE = (0.05, 5.0, 60.0)  # beyond the budget until all is stopped: share of it, at least, at most
LEAST_SECONDS = 0.5  # of a job; less is of use in the first phase alone
JOB_CAP = 60.0  # seconds beyond twice what a job was given: then its worker hangs
RETRIES = 1  # of a group whose worker failed; then its other answers stand
START_CAP = 300.0  # seconds until a worker of the network must be ready
PLAIN_START_CAP = 1800.0  # the same of a plain source: one slow core compiles the search for several minutes
STRIKES = 3  # failures of a device in a row, without a finished job between them

# How the time is divided

BREADTH_SECONDS = 40.0  # of a device for each task; with less, one phase has no time for three
QUICK_SECONDS, QUICK_SHARE = 20.0, 0.1  # of the quick pass for each task; of the whole time at most
ALONE_FROM, ALONE_LEAST, ALONE_MORE, ALONE_MOST = 30.0, 0.1, 0.06, 0.4  # see _alone
ALONE_SECONDS = 10.0  # with less, most of a job would be its start
SPARE = 0.1  # kept where joint jobs are the last: one that ran over would lose its last answers
REFINED = 1 / 6  # of the time in which each task is alone
REPLAY_SHARE = 0.25  # of joint views; CHARM, from scratch, has two thirds
JOINT_SECONDS = 3600.0  # of a worker, from which joint tuning pays
JOINT_SHARE = 0.75  # of a task's own seconds or steps, where it has them; its finish has the rest
CHECKPOINT_SHARE = 0.1  # of joint tuning's budget between two checkpoints
ANSWER_SHARE = 0.1  # of joint tuning's time so far, which the answers of checkpoints may take
LAST_LEAST, LAST_MOST = 0.05, 0.1  # of its budget, kept for the last answers: by what earlier ones took
TUNING_SHARE = 0.9  # of another job's seconds; the rest predicts

# How many views and cells

STEP_VIEWS = 16  # that are tuned on where steps are counted, and so no time tells how many
# Views of a task: least and most, and the seconds that are worth one more.
GPU_VIEWS, GPU_SECONDS_A_VIEW = (128, 256), 1.0
CPU_VIEWS, CPU_SECONDS_A_VIEW = (16, 64), 4.0  # docs/TUNING.md
CHECKPOINT_VIEWS = 8  # of each test input at a checkpoint of joint tuning; the last has all
# Cells of a tuning batch: enough to keep a GPU busy; on a CPU more steps are worth more than large ones.
BATCH_TOKENS = {"cpu": 768, "mps": 4096, "cuda": 32768}
LEAST_TOKENS = 64  # a batch of so few cells holds one view of all but the smallest tasks
PREDICTED_PER_TUNED = 8  # a batch that is predicted may hold so many times the cells: it has no gradients
CPU_BATCH_FLOP = 2e11  # a few seconds of two cores: a known task's batch on a CPU
# Views predicted between two looks at the clock: an eighth of them, but not too few for a batch.
LOOK_PARTS, LOOK_LEAST = 8, 16

# Demonstrations held back, and settled tasks (solver.tune.confidence)

HOLD_SHARE = 0.4  # of tuning, for which one demonstration of a task is held back at most
HOLD_STEPS, HOLD_SECONDS = 500, 60.0  # for each task, from which a demonstration can be spared (docs/LOG.md)
PROMISING = 0.5  # of the latest training sequences: before, a look would only cost time
SOLVED = 0.5  # of the views of the held-back demonstration
LEAST_DEMONSTRATIONS = 3  # with fewer, half of what shows the rule would be missing


NAMES = {QUICK: "quick pass", JOINT: "joint tuning", TUNE: "tuning", REFINE: "second seed"}  # for people


@dataclass(frozen=True)
class Shares:
    """``seconds``: of a device for each task. Parts of the whole time, in the order of the work, 1 together
    (less SPARE where no task is alone): ``quick``, a pass over all tasks; ``joint``, many tasks in one copy
    of the weights; ``tune``, each task alone, from there; ``refine``, another seed where votes disagree.

    ``replay``: part of the joint views that are public tasks, where there are any. ``augmentations``:
    views of a task that are tuned on and asked."""

    seconds: float
    quick: float
    joint: float
    tune: float
    refine: float
    replay: float
    augmentations: int

    @property
    def ends(self) -> dict[str, float]:
        """The share of the time by which each phase is over."""
        until, ends = 0.0, {}
        for phase, share in self.phases():
            until += share
            ends[phase] = until
        return ends

    def phases(self) -> Iterator[tuple[str, float]]:
        """Each phase with its share."""
        yield from ((QUICK, self.quick), (JOINT, self.joint), (TUNE, self.tune), (REFINE, self.refine))

    def __str__(self) -> str:
        """For people: the seconds of a task, and the phases that have any of them."""
        parts = ", ".join(f"{share:.0%} {NAMES[phase]}" for phase, share in self.phases() if share)
        return f"{self.seconds:.3g} s: {parts}"


def shares_for(kind: str, hours: float, tasks: float, *, joint: bool, breadth: bool | None = None) -> Shares:
    """The division where each device of this ``kind`` (cpu, cuda or mps) has so many ``hours`` for so many
    ``tasks``. ``joint``: whether tasks are tuned jointly at all (``SolveOptions.arm_for``). ``breadth``:
    whether there is a quick pass and a refinement; None where each task has the seconds for it."""
    seconds = hours * 3600 / max(tasks, 1e-9)
    if breadth is None:
        breadth = seconds >= BREADTH_SECONDS
    quick = min(QUICK_SHARE, QUICK_SECONDS / seconds) if breadth and seconds > 0 else 0.0
    alone = _alone(seconds) if joint else 1 - quick
    refine = REFINED * alone if breadth else 0.0
    augmentations = views_for(kind, seconds)
    replay = REPLAY_SHARE if joint else 0.0
    shared = max(0.0, 1 - quick - (alone or SPARE))
    return Shares(seconds, quick, shared, alone - refine, refine, replay, augmentations)


def _alone(seconds: float) -> float:
    """The part in which each task is alone, after joint tuning: a tenth of 30 s a task and six points more
    with each doubling; none where that is less than ALONE_SECONDS."""
    share = ALONE_LEAST + ALONE_MORE * math.log2(max(seconds, ALONE_FROM) / ALONE_FROM)
    return min(ALONE_MOST, share) if share * seconds >= ALONE_SECONDS else 0.0


def views_for(kind: str, seconds: float) -> int:
    """Views of a task that are tuned on, and asked, by a device of this ``kind`` with so many ``seconds``
    for it: the power of two up to the seconds over those that a view is worth, within limits."""
    few = kind != "cuda"  # steps
    (least, most), each = (CPU_VIEWS, CPU_SECONDS_A_VIEW) if few else (GPU_VIEWS, GPU_SECONDS_A_VIEW)
    return min(most, max(least, 2 ** int(math.log2(max(seconds, each) / each))))
