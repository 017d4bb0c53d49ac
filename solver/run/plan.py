"""Which group of tasks is worked on next, for how long: breadth first, the most expensive first.

Pure bookkeeping: the clock is an argument, so that a simulation runs the very same code. With a
budget there are three phases, each over all groups before the next: a quick pass, tuning, and
refinement (another seed, the votes pooled) where the votes of a task disagree; ``solver.run.schedule``
divides the time. With steps or with seconds for each task there is one. Where tasks are tuned jointly,
that comes before tuning, which then finishes each task by itself from the weights of its joint group.
Tasks that the weights know come before all others, alone and once.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from solver.arc.seed import derive_seed
from solver.arc.task import Task
from solver.choices import JOINT, QUICK, REFINE, TUNE, Arm
from solver.run.cost import CostModel, features, list_schedule
from solver.run.deal import PHASES, Group, deal, deal_groups, filled
from solver.run.message import Job
from solver.run.options import SolveOptions
from solver.run.schedule import (
    BATCH_TOKENS,
    BREADTH_SECONDS,
    JOB_CAP,
    JOINT_SHARE,
    LEAST_SECONDS,
    MARGIN,
    RETRIES,
    Shares,
    shares_for,
)

JOINT_PHASES = (QUICK, JOINT, TUNE, REFINE)


@dataclass
class _Running:
    job: Job
    ends: float


class Plan:
    """The queue of a run. ``start`` and every ``now``: seconds of one clock. ``scratch``: folder of jointly
    tuned weights, empty for none. ``known``: by the ids of known tasks, the folder of their weights."""

    def __init__(
        self,
        tasks: Sequence[Task],
        options: SolveOptions,
        *,
        start: float,
        scratch: str = "",
        known: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.options, self.start, self.scratch = options, start, scratch
        self.tasks = tuple(task for task in tasks if task.id not in known)
        self.kind, self.workers = "cpu", 1
        self.model = CostModel()
        self.arm: Arm = "full" if options.tune == "auto" else options.tune
        self.groups = deal(tasks, None if self.arm == "joint" else options.groups, options.seed, known)
        self.phases: tuple[str, ...] = (TUNE,)
        self.running: dict[int, _Running] = {}
        self.disagreement: dict[int, float] = {}
        self._numbers = 0
        if options.budget_seconds is not None:
            self._choose_phases(options.workers or 1)
        self.shares = self._divide(options.workers or 1)

    def _choose_phases(self, workers: int) -> None:
        mean = (self.options.budget_seconds or 0.0) * workers / len(self.groups)
        self.phases = PHASES if mean >= BREADTH_SECONDS else (TUNE,)

    def _divide(self, workers: int) -> Shares | None:
        """The division of the budget, where there is one."""
        if self.options.budget_seconds is None:
            return None
        hours, tasks = self.options.budget_seconds / 3600, max(1, len(self.tasks)) / workers
        return shares_for(self.kind, hours, tasks, joint=self.arm == "joint", breadth=QUICK in self.phases)

    def told(self) -> list[str]:
        """For people, once the workers are known: the division of a budget."""
        return [f"Plan: {self.shares}."] if self.shares and self.tasks else []

    def _join(self, workers: int) -> None:
        """Joint groups beside the single tasks: as many as were asked for, or one for each worker where a
        clock decides, one for all where steps are counted (so that results do not depend on workers)."""
        count = self.options.groups or (workers if self.options.steps is None else 1)
        singles = {task.id: group for group in self.groups for task in group.tasks}
        for dealt in deal_groups(self.tasks, min(count, len(self.tasks)), self.options.seed):
            tasks = tuple(self.tasks[n] for n in dealt)
            sizes = tuple(size for task in tasks for size in singles[task.id].sizes)
            group = Group(tasks, sizes, phases=(JOINT,))
            if all(TUNE in singles[task.id].done for task in tasks):
                group.done.add(JOINT)  # an earlier run has finished all of them
            for task in tasks:
                singles[task.id].after = len(self.groups)
            self.groups.append(group)
        self.phases = JOINT_PHASES if QUICK in self.phases else (JOINT, *self.phases)

    def begin(self, kind: str, workers: int) -> None:
        """The first worker is ready: on this kind of device, and so many are to come."""
        self.kind, self.workers = kind, workers
        if self.options.budget_seconds is not None and not any(group.done for group in self.groups):
            self._choose_phases(workers)
        self.arm = self.options.arm_for(kind, workers, len(self.tasks))
        if self.arm == "joint":
            self._join(workers)
        elif self.arm == "full" and kind == "cuda" and self.options.groups is self.options.steps is None:
            self.groups = filled(self.groups, self.options.tuned_views, BATCH_TOKENS[kind])
        self.shares = self._divide(workers)

    def restore(self, finished: Iterable[tuple[str, str]]) -> None:
        """(phase, task id) of what an earlier run has finished."""
        known = set(finished)
        if any(phase in (QUICK, REFINE) for phase, _ in known):
            self.phases = PHASES
        for group in self.groups:
            group.done = {p for p in PHASES if all((p, task.id) in known for task in group.tasks)}
            if group.at_once and TUNE in group.done:
                group.done.update(PHASES)
            elif group.done:
                group.doubted = True  # by the earlier run

    # What is left

    def pending(self, phase: str) -> list[int]:
        """Groups that wait for this phase, the most expensive first; of refinement, the least agreed."""
        left = [n for n in self._left(phase) if phase != TUNE or self._may_finish(self.groups[n])]
        if phase == REFINE:
            left = [n for n in left if TUNE in self.groups[n].done and self.disagreement.get(n, 0.0) > 0]
            return sorted(left, key=lambda n: (-self.disagreement[n], n))
        return sorted(left, key=lambda n: (-self._cost(n), n))

    def _left(self, phase: str) -> list[int]:
        """Groups that have this phase before them."""
        idle = [(n, group) for n, group in self._idle() if not group.at_once]
        return [n for n, group in idle if phase in group.phases and phase not in group.done]

    def _idle(self) -> list[tuple[int, Group]]:
        """Groups that nobody works on, with their numbers."""
        busy = {running.job.group for running in self.running.values()}
        return [(n, group) for n, group in enumerate(self.groups) if n not in busy]

    def _may_finish(self, group: Group) -> bool:
        return group.after is None or JOINT in self.groups[group.after].done

    def waits(self, now: float) -> bool:
        """Whether any group waits for a worker in time that is left."""
        budget = self.options.budget_seconds
        in_time = budget is None or now < self.start + budget
        return in_time and bool(self._known_left() or any(self.pending(phase) for phase in self.phases))

    def _known_left(self) -> list[int]:
        """Groups of known tasks that nobody has begun."""
        return [n for n, group in self._idle() if group.at_once and not group.done]

    def next_job(self, now: float) -> Job | None:
        """The next piece of work for a worker that is free; None when there is nothing for it now.

        With nothing running, None means that the run is over.
        """
        if known := self._known_left():
            return self._start(known[0], TUNE, self._seconds(TUNE, [*known, *self.pending(TUNE)], now), now)
        for phase in self.phases:
            waiting = self.pending(phase)
            if not waiting:
                continue
            seconds = self._seconds(phase, waiting, now)
            if phase != self.phases[0] and seconds is not None and seconds < LEAST_SECONDS:
                continue
            return self._start(waiting[0], phase, seconds, now)
        return None

    def _start(self, number: int, phase: str, seconds: float | None, now: float) -> Job:
        group = self.groups[number]
        steps = self._steps(group, phase)
        seed = derive_seed(self.options.seed, REFINE) if phase == REFINE else self.options.seed
        patience = self.options.patience
        # A long job reports at checkpoints; three times its hours would be no cap at all.
        factor = 1.2 if phase == JOINT else 3
        cap = patience if seconds is None else factor * seconds + min(JOB_CAP, patience)
        self._numbers += 1
        arm: Arm = "full" if self.arm == "joint" and phase != JOINT else self.arm
        path = self._joint_path(number if phase == JOINT else group.after) if phase != QUICK else ""
        job = Job(self._numbers, number, phase, group.tasks, seed, steps, seconds, cap, group.failures)
        job = replace(job, arm=arm, joint=path, known=group.known, untuned=group.at_once)
        self.running[job.number] = _Running(job, now + self.model.predict(self._features(job)))
        return job

    def _joint_path(self, number: int | None) -> str:
        """Where the weights of a joint group are kept; its tasks are part of the name."""
        if number is None or not self.scratch:
            return ""
        ids = zlib.crc32("\n".join(task.id for task in self.groups[number].tasks).encode())
        return str(Path(self.scratch) / f"joint-{ids:08x}.npz")

    def _own_share(self, phase: str) -> float:
        """Of the seconds or steps that each task has by itself."""
        if self.arm != "joint" or phase not in (JOINT, TUNE):
            return 1.0
        return JOINT_SHARE if phase == JOINT else 1 - JOINT_SHARE

    def _steps(self, group: Group, phase: str) -> int | None:
        if self.options.steps is None:
            return None
        return round(self.options.steps * len(group.tasks) * self._own_share(phase))

    def _seconds(self, phase: str, waiting: Sequence[int], now: float) -> float | None:
        """The first waiting group's time: its own, or its share of what all workers still have."""
        options, group = self.options, self.groups[waiting[0]]
        if options.steps is not None:
            return None
        if options.budget_seconds is None:
            return options.default_seconds(self.kind) * len(group.tasks) * self._own_share(phase)
        share = self.shares.ends[phase]
        end = self.start + options.budget_seconds * share * (1 - MARGIN)
        busy = [max(0.0, end - max(now, r.ends)) for r in self.running.values()]
        free = max(1, self.workers - len(busy))
        capacity = sum(busy) + free * max(0.0, end - now)
        fixed, each = map(float, self.model.weights[:2])  # what a job takes beyond what it is given
        least = 0.0 if phase == self.phases[0] else 2 * fixed  # no more than half of it is its start
        fair = max(least, capacity * group.weight / sum(self.groups[n].weight for n in waiting))
        return max(0.0, (min(fair, end - now) - fixed) / max(1.0, each))

    def _features(self, job: Job):
        sizes = self.groups[job.group].sizes
        if job.untuned:
            return features(sizes, steps=0, seconds=None, views=self._views)
        return features(sizes, steps=job.steps, seconds=job.seconds, views=self._views)

    def _cost(self, number: int) -> float:
        """Seconds of the group's next phase where steps are counted; where time is given, its weight."""
        group, options = self.groups[number], self.options
        if options.steps is None:
            return group.weight
        return self._guess(number, TUNE)

    @property
    def _views(self) -> int:
        return self.options.asked

    # What came of it

    def succeed(self, job: Job, seconds: float, disagreement: float) -> None:
        """The job is done. ``disagreement``: 0 where all votes went to one answer, up to 1."""
        del self.running[job.number]
        group = self.groups[job.group]
        group.done.add(job.phase)
        group.failures = 0
        if job.untuned:  # the network may be another one: the cost model learns nothing from it
            group.done = set() if group.doubted else set(PHASES)
            return
        self.disagreement[job.group] = disagreement
        if job.phase == JOINT and job.seconds is not None:
            return  # its overrun is not what every job takes beyond its time
        self.model.update(self._features(job), seconds)

    def doubt(self, job: Job) -> None:
        """What the weights know of the job's task is not enough: it waits for tuning like any other."""
        self.groups[job.group].doubted = True

    def fail(self, job: Job) -> bool:
        """The job's worker failed. True when the group waits once more, False when it is given up."""
        del self.running[job.number]
        group = self.groups[job.group]
        if job.untuned:
            self.doubt(job)
            return True
        group.failures += 1
        if group.failures <= RETRIES:
            return True
        group.failures = 0
        alone = job.phase in (QUICK, JOINT)  # the phases after it need nothing of it
        group.done.update((job.phase,) if alone else self.phases[self.phases.index(job.phase) :])
        return False

    def projected(self, now: float) -> float:
        """Seconds until all is done, as the cost model sees it; never beyond the budget."""
        free = sorted(max(0.0, running.ends - now) for running in self.running.values())
        free += [0.0] * max(0, self.workers - len(free))
        if self.options.budget_seconds is not None:
            left = max(0.0, self.start + self.options.budget_seconds - now)
            return left if any(self.pending(p) for p in self.phases if p != REFINE) else min(left, max(free))
        costs = [self._guess(n, phase) for phase in self.phases for n in self._left(phase)]
        known = [self.groups[n].sizes for n in self._known_left()]
        rows = [features(sizes, steps=0, seconds=None, views=self._views) for sizes in known]
        return list_schedule([*map(self.model.predict, rows), *costs], free)

    def _guess(self, number: int, phase: str) -> float:
        """Seconds of a group's phase where each task has its own steps or seconds."""
        group, steps = self.groups[number], self._steps(self.groups[number], phase)
        seconds = None
        if steps is None:
            seconds = self.options.default_seconds(self.kind) * len(group.tasks) * self._own_share(phase)
        return self.model.predict(features(group.sizes, steps=steps, seconds=seconds, views=self._views))
