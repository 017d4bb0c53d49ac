"""Which task a plain source works on next, and for how long; the network's plan is ``solver.run.plan``."""

from collections.abc import Callable, Iterable, Sequence

from solver.arc.task import Task
from solver.choices import NETWORK, SEARCH, START
from solver.run.message import Given, Job
from solver.run.schedule import JOB_CAP, MARGIN, RETRIES, SEARCH_NODES, SEARCH_SECONDS, SEARCH_SHARE
from solver.run.settings import SolveOptions
from solver.run.sources import Source


class TaskQueue:
    """The plan of a plain source: one job for each task, in the file's order.

    Each task has an even share of what its workers have left of the source's part of a budget. The program
    search has seconds or nodes of its own and, beside a network, SEARCH_SHARE of a budget.
    """

    def __init__(self, tasks: Sequence[Task], options: SolveOptions, source: Source, *, start: float) -> None:
        self.tasks, self.options, self.source, self.start = tuple(tasks), options, source, start
        self.workers = 1
        self.part = SEARCH_SHARE if source.name == SEARCH and NETWORK in options.sources else 1.0
        self.running: dict[int, Job] = {}
        self._waiting = list(range(len(tasks)))
        self._failures = [0] * len(tasks)
        self._numbers = 0

    def begin(self, kind: str, workers: int) -> None:
        """The first worker is ready; so many are to come."""
        self.workers = workers

    def restore(self, finished: Iterable[tuple[str, str]], disagreement: Callable[[Task], float]) -> None:
        """(phase, task id) of what an earlier run's source has finished."""
        known = set(finished)
        self._waiting = [n for n in self._waiting if (START, self.tasks[n].id) not in known]

    def waits(self, now: float) -> bool:
        """Whether any task waits for a worker in time that is left."""
        budget = self.options.budget_seconds
        return bool(self._waiting) and (budget is None or now < self.start + self.part * budget)

    def next_job(self, now: float) -> Job | None:
        """The next task for a worker that is free, or None."""
        if not self.waits(now):
            return None
        seconds = self._seconds(now)
        number = self._waiting.pop(0)
        self._numbers += 1
        patience = self.options.patience
        cap = patience if seconds is None else seconds + min(JOB_CAP, patience)
        steps = self._steps() if seconds is None else None
        given = Given(steps, seconds, cap)
        task, seed = self.tasks[number], self.options.seed
        job = Job(self._numbers, number, (task,), self.source.name, START, given, seed)
        self.running[job.number] = job
        return job

    def _steps(self) -> int | None:
        """What is counted where the clock is not read: the program search's nodes, another source's steps."""
        options = self.options
        if self.source.name != SEARCH:
            return options.steps
        return SEARCH_NODES if options.search_nodes is None else options.search_nodes

    def _seconds(self, now: float) -> float | None:
        """Seconds for the next task; None where steps are counted."""
        options, search = self.options, self.source.name == SEARCH
        if search and options.search_seconds is not None:
            return options.search_seconds
        if options.steps is not None or (search and options.search_nodes is not None):
            return None
        if options.budget_seconds is None:
            own = options.default_seconds("cpu")
            return min(SEARCH_SECONDS, own) if search and NETWORK in options.sources else own
        left = self.start + options.budget_seconds * self.part * (1 - MARGIN) - now
        return max(0.0, left) * self.workers / max(len(self._waiting), self.workers)

    def succeed(self, job: Job, seconds: float, disagreement: float) -> None:
        """The job is done."""
        del self.running[job.number]

    def fail(self, job: Job, *, last: bool = False) -> bool:
        """The job's worker failed, for the ``last`` time or not. True when the task waits once more, False
        when it is given up."""
        del self.running[job.number]
        self._failures[job.group] += 1
        again = not last and self._failures[job.group] <= RETRIES
        if again:
            self._waiting.append(job.group)
        return again

    def projected(self, now: float) -> float:
        """Seconds until all is done where each job takes all of its time; 0 where steps are counted."""
        seconds = self._seconds(now) if self._waiting else 0.0
        return (seconds or 0.0) * len(self._waiting) / self.workers
