"""The plan of a joint run: groups first, then the finishes that start from them; what ``auto`` takes."""

import numpy as np
import pytest

from solver.arc.task import Pair, Task, as_grid
from solver.choices import JOINT, QUICK, REFINE, TUNE
from solver.run.plan import Plan
from solver.run.settings import SolveOptions


def plan_of(count: int, **changes: object) -> Plan:
    generator = np.random.default_rng(0)
    tasks = []
    for n in range(count):
        grids = [as_grid(generator.integers(0, 9, (4, 4))) for _ in range(5)]
        tasks.append(Task(f"t{n}", (Pair(*grids[:2]), Pair(*grids[2:4])), (Pair(grids[4]),)))
    return Plan(tasks, SolveOptions(tune="joint", **changes), start=0.0, scratch="/scratch")


def test_joint_groups_come_before_the_finishes_that_start_from_them() -> None:
    plan = plan_of(6, budget_seconds=1000.0, workers=2)
    plan.begin("cuda", 2)
    jobs, now = [], 0.0
    while (job := plan.next_job(now)) is not None:
        jobs.append(job)
        now += job.given.seconds / 2
        plan.succeed(job, job.given.seconds, 0.5 if job.tasks[0].id == "t3" else 0.0)
    phases = [job.phase for job in jobs]
    assert phases == [QUICK] * 6 + [JOINT] * 2 + [TUNE] * 6 + [REFINE]
    joint = {task.id: job.joint for job in jobs if job.phase == JOINT for task in job.tasks}
    assert len(joint) == 6 and len(set(joint.values())) == 2
    assert all(job.joint == joint[job.tasks[0].id] for job in jobs if job.phase in (TUNE, REFINE))
    assert sum(job.given.seconds for job in jobs if job.phase == JOINT) > 800.0 and now <= 1000.0


def test_a_finish_waits_for_its_joint_group_and_survives_its_failure() -> None:
    plan = plan_of(4, steps=8)
    plan.begin("cpu", 2)
    job = plan.next_job(0.0)
    assert (job.phase, len(job.tasks), job.given.steps) == (JOINT, 4, 24)
    assert plan.next_job(0.0) is None and not plan.waits(0.0)
    assert plan.fail(job)
    assert not plan.fail(plan.next_job(0.0))
    finish = plan.next_job(0.0)
    assert (finish.phase, len(finish.tasks), finish.given.steps) == (TUNE, 1, 2)


def test_a_resumed_run_is_joint_again_only_for_unfinished_groups() -> None:
    plan, twin = (plan_of(4, seconds_per_task=8.0) for _ in range(2))
    twin.begin("cpu", 2)
    first, second = [group.tasks for group in twin.groups if JOINT in group.phases]
    finished = [(TUNE, task.id) for task in first] + [(JOINT, task.id) for task in (*first, *second)]
    plan.restore(finished, lambda task: 0.0)
    plan.begin("cpu", 2)
    job = plan.next_job(0.0)
    assert job.phase == JOINT and {task.id for task in job.tasks} == {task.id for task in second}


@pytest.mark.parametrize(
    ("options", "kind", "workers", "tasks", "jointly"),
    [
        ({}, "cpu", 1, 9, False),
        ({"budget_seconds": 36000.0}, "cpu", 1, 240, False),
        ({"budget_seconds": 36000.0}, "cuda", 4, 240, True),
        ({"budget_seconds": 600.0}, "cuda", 4, 240, False),
        ({"seconds_per_task": 120.0}, "cuda", 4, 240, True),
        ({"steps": 50}, "cuda", 4, 240, False),
        ({"tune": "joint"}, "cpu", 1, 1, False),
        ({"tune": "joint"}, "cpu", 1, 2, True),
        ({"tune": "embedding", "budget_seconds": 36000.0}, "cuda", 4, 240, False),
    ],
)
def test_auto_takes_what_the_time_is_for(
    options: dict, kind: str, workers: int, tasks: int, jointly: bool
) -> None:
    assert SolveOptions(**options).tunes_jointly(kind, workers, tasks) == jointly
