"""How a run divides its time: one readable record, a function of the hours and the devices there are.

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

from solver.run.message import JOINT, QUICK, REFINE, TUNE

BREADTH_SECONDS = 40.0  # of a device for each task; with less, one phase has no time for three
QUICK_SECONDS, QUICK_SHARE = 20.0, 0.1  # of the quick pass for each task; of the whole time at most
ALONE_FROM, ALONE_LEAST, ALONE_MORE, ALONE_MOST = 30.0, 0.1, 0.06, 0.4  # see _alone
ALONE_SECONDS = 10.0  # with less, most of a job would be its start
SPARE = 0.1  # kept where joint jobs are the last: one that ran over would lose its last answers
REFINED = 1 / 6  # of the time in which each task is alone
REPLAY_SHARE = 0.25  # of joint views; CHARM, from scratch, has two thirds beside the tasks that are asked
# Views of a task: least and most, and the seconds that are worth one more.
GPU_VIEWS, GPU_SECONDS_A_VIEW = (128, 256), 1.0
CPU_VIEWS, CPU_SECONDS_A_VIEW = (16, 64), 4.0  # docs/TUNING.md


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
        """For people: the phases that have any time."""
        parts = ", ".join(f"{phase} {share:.0%}" for phase, share in self.phases() if share)
        return f"{parts} of {self.seconds:.0f} s for each task"


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
