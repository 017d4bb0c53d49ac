"""Which group of tasks is worked on next, for how long: breadth first, the most expensive first.

Pure bookkeeping: the clock is an argument, so that a simulation runs the very same code. With a
budget there are three phases, each over all groups before the next: a quick pass, tuning, and
refinement (another seed, the votes pooled) where the votes of a task disagree. With steps or with
seconds for each task there is one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from solver.arc.seed import derive_generator, derive_seed
from solver.arc.task import Task
from solver.run.cost import CostModel, Size, features, list_schedule, size_of
from solver.run.message import Job
from solver.run.options import SolveOptions

QUICK, TUNE, REFINE = "quick", "tune", "refine"
PHASES = (QUICK, TUNE, REFINE)  # answers of a later one count more
_ENDS = {QUICK: 0.1, TUNE: 0.85, REFINE: 1.0}  # share of the budget by which each phase is over
BREADTH_SECONDS = 40.0  # of a worker for each group; with less, one phase has no time for three
MARGIN = 0.02  # of the budget, kept for jobs that take longer than they were given
RETRIES = 1  # of a group whose worker failed; then its guesses stand
_CAP = 60.0  # seconds beyond three times what a job was given: then its worker hangs
_LEAST_SECONDS = 0.5  # less is no use to a refinement


def deal_groups(tasks: Sequence[Task], count: int | None, seed: int) -> list[tuple[int, ...]]:
    """Indices of the tasks of each group, from the file, the seed and the count alone.

    Shuffled by the seed, then each group's turn in order: sizes differ by one at most.
    """
    if count is None or count >= len(tasks):
        return [(number,) for number in range(len(tasks))]
    order = derive_generator(seed, "groups", *(task.id for task in tasks)).permutation(len(tasks))
    return [tuple(sorted(int(n) for n in order[start::count])) for start in range(count)]


@dataclass
class Group:
    """``sizes`` of its tasks; ``failures`` in the phase at hand."""

    tasks: tuple[Task, ...]
    sizes: tuple[Size, ...]
    failures: int = 0
    done: set[str] = field(default_factory=set)

    @property
    def weight(self) -> float:
        """Its share of a common time."""
        return sum(size.weight for size in self.sizes)


@dataclass
class _Running:
    job: Job
    ends: float


class Plan:
    """The queue of a run. ``start`` and every ``now``: seconds of one clock."""

    def __init__(self, tasks: Sequence[Task], options: SolveOptions, *, start: float) -> None:
        self.options, self.start = options, start
        self.kind, self.workers = "cpu", 1
        self.model = CostModel()
        sizes = [size_of(task) for task in tasks]
        dealt = deal_groups(tasks, options.groups, options.seed)
        self.groups = [
            Group(tuple(tasks[n] for n in group), tuple(sizes[n] for n in group)) for group in dealt
        ]
        self.phases: tuple[str, ...] = (TUNE,)
        self.running: dict[int, _Running] = {}
        self.disagreement: dict[int, float] = {}
        self._numbers = 0
        if options.budget_seconds is not None:
            self._choose_phases(options.workers or 1)

    def _choose_phases(self, workers: int) -> None:
        mean = (self.options.budget_seconds or 0.0) * workers / len(self.groups)
        self.phases = PHASES if mean >= BREADTH_SECONDS else (TUNE,)

    def begin(self, kind: str, workers: int) -> None:
        """The first worker is ready: on this kind of device, and so many are to come."""
        self.kind, self.workers = kind, workers
        if self.options.budget_seconds is not None and not any(group.done for group in self.groups):
            self._choose_phases(workers)

    def restore(self, finished: Iterable[tuple[str, str]]) -> None:
        """(phase, task id) of what an earlier run has finished."""
        known = set(finished)
        if any(phase in (QUICK, REFINE) for phase, _ in known):
            self.phases = PHASES
        for group in self.groups:
            group.done = {p for p in PHASES if all((p, task.id) in known for task in group.tasks)}

    # What is left

    def pending(self, phase: str) -> list[int]:
        """Groups that wait for this phase, the most expensive first; of refinement, the least agreed."""
        busy = {running.job.group for running in self.running.values()}
        left = [n for n, group in enumerate(self.groups) if phase not in group.done and n not in busy]
        if phase == REFINE:
            left = [n for n in left if TUNE in self.groups[n].done and self.disagreement.get(n, 0.0) > 0]
            return sorted(left, key=lambda n: (-self.disagreement[n], n))
        return sorted(left, key=lambda n: (-self._cost(n), n))

    def waits(self, now: float) -> bool:
        """Whether any group waits for a worker in time that is left."""
        budget = self.options.budget_seconds
        in_time = budget is None or now < self.start + budget
        return in_time and any(self.pending(phase) for phase in self.phases)

    def next_job(self, now: float) -> Job | None:
        """The next piece of work for a worker that is free; None when there is nothing for it now.

        With nothing running, None means that the run is over.
        """
        for phase in self.phases:
            waiting = self.pending(phase)
            if not waiting:
                continue
            seconds = self._seconds(phase, waiting, now)
            if phase != self.phases[0] and seconds is not None and seconds < _LEAST_SECONDS:
                return None
            return self._start(waiting[0], phase, seconds, now)
        return None

    def _start(self, number: int, phase: str, seconds: float | None, now: float) -> Job:
        group = self.groups[number]
        steps = None if self.options.steps is None else self.options.steps * len(group.tasks)
        seed = derive_seed(self.options.seed, REFINE) if phase == REFINE else self.options.seed
        patience = self.options.patience
        cap = patience if seconds is None else 3 * seconds + min(_CAP, patience)
        self._numbers += 1
        job = Job(self._numbers, number, phase, group.tasks, seed, steps, seconds, cap, group.failures)
        self.running[job.number] = _Running(job, now + self.model.predict(self._features(job)))
        return job

    def _seconds(self, phase: str, waiting: Sequence[int], now: float) -> float | None:
        """The first waiting group's time: its own, or its share of what all workers still have."""
        options, group = self.options, self.groups[waiting[0]]
        if options.steps is not None:
            return None
        if options.budget_seconds is None:
            return options.default_seconds(self.kind) * len(group.tasks)
        share = _ENDS[phase] if len(self.phases) > 1 else 1.0
        end = self.start + options.budget_seconds * share * (1 - MARGIN)
        busy = [max(0.0, end - max(now, r.ends)) for r in self.running.values()]
        free = max(1, self.workers - len(busy))
        capacity = sum(busy) + free * max(0.0, end - now)
        fair = capacity * group.weight / sum(self.groups[n].weight for n in waiting)
        fixed, each = map(float, self.model.weights[:2])  # what a job takes beyond what it is given
        return max(0.0, (min(fair, end - now) - fixed) / max(1.0, each))

    def _features(self, job: Job):
        sizes, views = self.groups[job.group].sizes, self.options.augmentations
        return features(sizes, steps=job.steps, seconds=job.seconds, views=views)

    def _cost(self, number: int) -> float:
        """Seconds of the group's next phase where steps are counted; where time is given, its weight."""
        group, options = self.groups[number], self.options
        if options.steps is None:
            return group.weight
        steps = options.steps * len(group.tasks)
        row = features(group.sizes, steps=steps, seconds=None, views=options.augmentations)
        return self.model.predict(row)

    # What came of it

    def succeed(self, job: Job, seconds: float, disagreement: float) -> None:
        """The job is done. ``disagreement``: 0 where all votes went to one answer, up to 1."""
        del self.running[job.number]
        group = self.groups[job.group]
        group.done.add(job.phase)
        group.failures = 0
        self.disagreement[job.group] = disagreement
        self.model.update(self._features(job), seconds)

    def fail(self, job: Job) -> bool:
        """The job's worker failed. True when the group waits once more, False when it is given up."""
        del self.running[job.number]
        group = self.groups[job.group]
        group.failures += 1
        if group.failures <= RETRIES:
            return True
        group.failures = 0
        group.done.update(self.phases[self.phases.index(job.phase) :] if job.phase != QUICK else (QUICK,))
        return False

    def projected(self, now: float) -> float:
        """Seconds until all is done, as the cost model sees it; never beyond the budget."""
        free = sorted(max(0.0, running.ends - now) for running in self.running.values())
        free += [0.0] * max(0, self.workers - len(free))
        if self.options.budget_seconds is not None:
            left = max(0.0, self.start + self.options.budget_seconds - now)
            return left if any(self.pending(p) for p in self.phases[:2]) else min(left, max(free))
        costs = []
        for number in self.pending(TUNE):
            group = self.groups[number]
            given = self.options.default_seconds(self.kind) * len(group.tasks)
            steps = self.options.steps
            row = features(
                group.sizes,
                steps=None if steps is None else steps * len(group.tasks),
                seconds=given if steps is None else None,
                views=self.options.augmentations,
            )
            costs.append(self.model.predict(row))
        return list_schedule(costs, free)
