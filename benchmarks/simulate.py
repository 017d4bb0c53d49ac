"""A run without its work: the plan of a real run, driven by a made-up clock and made-up costs."""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from solver.arc.task import Task
from solver.run.message import Job
from solver.run.plan import Plan
from solver.run.schedule import Shares
from solver.run.settings import SolveOptions


@dataclass(frozen=True)
class Simulated:
    """``finish``: seconds from the start to the end of the last job. ``jobs``: how many of each phase.
    ``given``: seconds given to the jobs of each phase. ``idle``: share of the workers' time without a job.
    ``shares``: the division of the budget, as the plan made it."""

    finish: float
    jobs: Counter[str]
    given: Counter[str]
    idle: float
    shares: Shares | None


def simulate(
    tasks: Sequence[Task],
    options: SolveOptions,
    *,
    kind: str,
    workers: int,
    seconds: Callable[[Job], float],
    disagreement: Callable[[Job], float],
    load: float = 0.0,
) -> Simulated:
    """Run the plan to its end. ``seconds``: what a job really takes. ``load``: until workers are ready."""
    plan = Plan(tasks, options, start=0.0)
    plan.begin(kind, workers)
    free = [(load, number) for number in range(workers)]
    ends: list[tuple[float, int, Job, float]] = []
    waiting: list[int] = []
    jobs: Counter[str] = Counter()
    given: Counter[str] = Counter()
    worked, now = 0.0, load
    while free or ends:
        if free and (not ends or free[0][0] <= ends[0][0]):
            now, number = heapq.heappop(free)
            job = plan.next_job(now)
            if job is None:
                waiting.append(number)  # until another is done
            else:
                took = seconds(job)
                worked += took
                jobs[job.phase] += 1
                given[job.phase] += job.given.seconds or 0.0
                heapq.heappush(ends, (now + took, job.number, job, took))
            continue
        now, _, job, took = heapq.heappop(ends)
        plan.succeed(job, took, disagreement(job))
        for number in (*waiting, job.number):
            heapq.heappush(free, (now, number))
        waiting.clear()
    idle = 1 - worked / (workers * max(now - load, 1e-9))
    return Simulated(now, jobs, given, idle, plan.shares)
