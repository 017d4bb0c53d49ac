"""Which group of tasks is worked on next, for how long: breadth first, the most expensive first.

Pure bookkeeping: the clock is an argument, so that a simulation runs the very same code. With a
budget there are three phases, each over all groups before the next: a quick pass, tuning, and
refinement (another seed, the votes pooled) where the votes of a task disagree; ``solver.run.schedule``
divides the time. With steps or with seconds for each task there is one. Where tasks are tuned jointly,
that comes before tuning, which then finishes each task by itself from the weights of its joint group.
Tasks that the weights know come before all others, alone and once.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

from solver.arc.seed import derive_generator, derive_seed
from solver.arc.task import Task
from solver.choices import JOINT, NETWORK, QUICK, REFINE, TUNE
from solver.run.cost import CostModel, Size, cells_of, features, list_schedule, size_of
from solver.run.message import Base, Given, Job, Joint, Known, Start
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
from solver.run.settings import SolveOptions
from solver.words import counted

LATEST = 100  # finished jobs that say what one takes beyond its time
PHASES = (QUICK, TUNE, REFINE)  # answers of a later one count more
JOINT_PHASES = (QUICK, JOINT, TUNE, REFINE)


@dataclass
class Group:
    """Tasks that are tuned together.

    ``sizes``: of its tasks. ``phases``: those that it goes through, ``done``: those behind it.
    ``failures``: in the phase at hand. ``after``: number of the joint group that it finishes from, or None.
    ``known``: folder of the weights that carry its one task's vector, or ''. ``doubted``: that was not
    enough.
    """

    tasks: tuple[Task, ...]
    sizes: tuple[Size, ...]
    known: str = ""
    doubted: bool = False
    failures: int = 0
    done: set[str] = field(default_factory=set)
    phases: tuple[str, ...] = PHASES
    after: int | None = None

    @property
    def at_once(self) -> bool:
        """Whether its task is to be answered by its trained vector, untuned."""
        return bool(self.known) and not self.doubted

    @property
    def weight(self) -> float:
        """Its share of a common time."""
        return sum(size.weight for size in self.sizes)


@dataclass
class _Running:
    job: Job
    ends: float


class Plan:
    """The queue of a run. ``start`` and every ``now``: seconds of one clock. ``scratch``: folder of jointly
    tuned weights, empty for none. ``known``: task id -> folder of the weights that carry its vector."""

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
        self.joint = options.tune == "joint"
        new = [Group((task,), (size_of(task),)) for task in self.tasks]
        found = [Group((task,), (size_of(task),), known[task.id]) for task in tasks if task.id in known]
        self.groups = new + found
        self.phases: tuple[str, ...] = (TUNE,)
        self.running: dict[int, _Running] = {}
        self.disagreement: dict[str, float] = {}
        self._numbers = 0
        self._overruns: list[tuple[float, float]] = []  # of finished jobs: their cells, seconds beyond theirs
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
        return shares_for(self.kind, hours, tasks, joint=self.joint, breadth=QUICK in self.phases)

    def told(self) -> list[str]:
        """For people, once the workers are known: the division of a budget, and how many tasks it is likely
        to reach where that is not all of them."""
        if self.shares is None or not self.tasks:
            return []
        left = f"Time for each task: about {self.shares}."
        costs = sorted(self._least(group) for group in self.groups)
        seconds = self.options.budget_seconds * self.workers
        reached = sum(total <= seconds for total in accumulate(costs))
        if reached < len(costs):
            left += f" It is likely to reach {reached} of {counted(len(costs), 'task')}."
        return [left]

    def _least(self, group: Group) -> float:
        """Seconds that the group takes however little it is given, by the cost model."""
        row = features(group.sizes, steps=1, seconds=None, views=self._views)
        return self.model.predict(row)

    def _join(self, workers: int) -> None:
        """Joint groups beside the single tasks: one for each worker where a clock decides, one for all where
        steps are counted (so that results do not depend on workers)."""
        count = workers if self.options.steps is None else 1
        singles = {task.id: group for group in self.groups for task in group.tasks}
        for dealt in split_tasks(self.tasks, min(count, len(self.tasks)), self.options.seed):
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
        self.joint = self.options.tunes_jointly(kind, workers, len(self.tasks))
        shared = self.options.tune in ("auto", "full", "joint")
        if self.joint:
            self._join(workers)
        elif shared and kind == "cuda" and self.options.steps is None:
            self.groups = filled(self.groups, self.options.tuned_views, BATCH_TOKENS[kind])
        self.shares = self._divide(workers)

    def restore(self, finished: Iterable[tuple[str, str]], disagreement: Callable[[Task], float]) -> None:
        """(phase, task id) of what an earlier run has finished; how much a task's votes disagree by now."""
        known = set(finished)
        for task in self.tasks:
            if any((phase, task.id) in known for phase in (TUNE, REFINE)):
                self.disagreement[task.id] = disagreement(task)
        # The earlier run may have had another kind of budget: only a budget for all has these phases.
        if self.options.budget_seconds is not None and any(p in (QUICK, REFINE) for p, _ in known):
            self.phases = PHASES
        for group in self.groups:
            group.done = {p for p in PHASES if all((p, task.id) in known for task in group.tasks)}
            if group.at_once and TUNE in group.done:
                group.done.update(PHASES)
            elif group.done:
                group.doubted = True  # by the earlier run

    def settle(self, task_id: str) -> None:
        """The task needs no work of its own: a single task is done, one of a group stays in it."""
        for group in self.groups:
            if [task.id for task in group.tasks] == [task_id]:
                group.done = set(PHASES)

    # What is left

    def pending(self, phase: str) -> list[int]:
        """Groups that wait for this phase, the most expensive first; of refinement, the least agreed."""
        left = [n for n in self._left(phase) if phase != TUNE or self._may_finish(self.groups[n])]
        if phase == REFINE:
            left = [n for n in left if TUNE in self.groups[n].done and self._disagreement(n) > 0]
            return sorted(left, key=lambda n: (-self._disagreement(n), n))
        return sorted(left, key=lambda n: (-self._cost(n), n))

    def _disagreement(self, number: int) -> float:
        """Of the group's tasks the most."""
        return max(self.disagreement.get(task.id, 0.0) for task in self.groups[number].tasks)

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
        seed = derive_seed(self.options.seed, REFINE) if phase == REFINE else self.options.seed
        patience = self.options.patience
        # A long job reports at checkpoints; twice its hours would be no cap at all.
        factor = 1.2 if phase == JOINT else 2
        cap = patience if seconds is None else factor * seconds + min(JOB_CAP, patience)
        self._numbers += 1
        given = Given(self._steps(group, phase), seconds, cap)
        begins = self._begins(number, phase)
        job = Job(self._numbers, number, group.tasks, NETWORK, phase, given, seed, begins, group.failures)
        self.running[job.number] = _Running(job, now + self.model.predict(self._features(job)))
        return job

    def _begins(self, number: int, phase: str) -> Start:
        """What a job of the group starts from. The tasks of a joint group are part of its file's name."""
        group = self.groups[number]
        if group.known:
            return Known(group.known, group.at_once)
        number = number if phase == JOINT else group.after
        if number is None or phase == QUICK or not self.scratch:
            return Base()
        ids = zlib.crc32("\n".join(task.id for task in self.groups[number].tasks).encode())
        return Joint(str(Path(self.scratch) / f"joint-{ids:08x}.npz"))

    def _own_share(self, phase: str) -> float:
        """Of the seconds or steps that each task has by itself."""
        if not self.joint or phase not in (JOINT, TUNE):
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
        beyond = self._beyond(group)
        least = 0.0 if phase == self.phases[0] else 2 * beyond  # no more than half of it is its start
        fair = max(least, capacity * group.weight / sum(self.groups[n].weight for n in waiting))
        beyond = min(beyond, fair / 2)
        return max(0.0, min(fair, end - now) - beyond)

    def _beyond(self, group: Group) -> float:
        """Seconds that a job of the group is likely to take beyond what it is given: the mean of what the
        latest ones took, in proportion where they were larger; those of about its size count most."""
        own, total, weights = _cells(group), 0.0, 0.0
        for cells, seconds in self._overruns[-LATEST:]:
            weight = min(own, cells) / max(own, cells)
            total += weight * seconds * min(1.0, own / cells)
            weights += weight
        return total / weights if weights else float(self.model.weights[0])

    def _features(self, job: Job):
        sizes = self.groups[job.group].sizes
        if job.untuned:
            return features(sizes, steps=0, seconds=None, views=self._views)
        return features(sizes, steps=job.given.steps, seconds=job.given.seconds, views=self._views)

    def _cost(self, number: int) -> float:
        """Seconds of the group's next phase where steps are counted; where time is given, its weight."""
        group, options = self.groups[number], self.options
        if options.steps is None:
            return group.weight
        return self._guess(number, TUNE)

    @property
    def _views(self) -> int:
        return self.options.predicted_views

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
        self.disagreement |= dict.fromkeys((task.id for task in job.tasks), disagreement)
        if job.phase == JOINT and job.given.seconds is not None:
            return  # its overrun is not what every job takes beyond its time
        if job.given.seconds is not None:
            self._overruns.append((_cells(group), max(0.0, seconds - job.given.seconds)))
        self.model.update(self._features(job), seconds)

    def doubt(self, job: Job) -> None:
        """What the weights know of the job's task is not enough: it waits for tuning like any other."""
        self.groups[job.group].doubted = True

    def fail(self, job: Job, *, last: bool = False) -> bool:
        """The job's worker failed, for the ``last`` time or not. True when the group waits once more, False
        when it is given up."""
        del self.running[job.number]
        group = self.groups[job.group]
        if job.untuned:
            self.doubt(job)
            return True
        group.failures += 1
        if group.failures <= RETRIES and not last:
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


def _cells(group: Group) -> float:
    """What the group's jobs cost by its grids alone."""
    return sum(size.tune + size.predict for size in group.sizes)


def split_tasks(tasks: Sequence[Task], count: int, seed: int) -> list[tuple[int, ...]]:
    """Indices of the tasks of each of ``count`` groups, from the file, the seed and the count alone.

    Shuffled by the seed, then each group's turn in order: sizes differ by one at most.
    """
    if count >= len(tasks):
        return [(number,) for number in range(len(tasks))]
    order = derive_generator(seed, "groups", *(task.id for task in tasks)).permutation(len(tasks))
    return [tuple(sorted(int(n) for n in order[start::count])) for start in range(count)]


def filled(groups: Sequence[Group], augmentations: int, tokens: int) -> list[Group]:
    """Groups of one task each put together, tasks of similar canvas side by side, until the views of a
    group's demonstrations, ``augmentations`` of each, fill a batch of ``tokens`` cells.

    A batch of one small task alone would hold the same views several times. What all tasks of a group have
    done the group has done; tasks that some weights know stay alone, behind the others.
    """
    alone = sorted((group for group in groups if not group.known), key=lambda group: group.sizes[0].tune)
    parts: list[list[Group]] = []
    room = 0  # cells that the last part still lacks
    for group in alone:
        cells = sum(augmentations * cells_of(task) for task in group.tasks)
        if room <= 0 or cells >= tokens:  # what fills a batch by itself fills none up
            parts.append([])
            room = tokens
        parts[-1].append(group)
        room -= cells
    return [_as_one(part) for part in parts] + [group for group in groups if group.known]


def _as_one(parts: Sequence[Group]) -> Group:
    tasks = tuple(task for part in parts for task in part.tasks)
    sizes = tuple(size for part in parts for size in part.sizes)
    return Group(tasks, sizes, done=set.intersection(*(part.done for part in parts)))
