"""Cost model, plan and memory ladder: what is worked on next and for how long; the clock is made up."""

import numpy as np
import pytest
from made_tasks import random_task
from test_run import tiny_task

from benchmarks.simulate import simulate
from solver.run.cost import CostModel, cells_of, list_schedule
from solver.run.plan import PHASES, QUICK, REFINE, TUNE, Plan, split_tasks
from solver.run.schedule import BATCH_TOKENS
from solver.run.settings import SolveOptions
from solver.tune.job import MemoryLimit


def test_the_cost_model_learns_the_machine() -> None:
    truth, generator = np.array([2.0, 0.0, 4e-8, 3e-5]), np.random.default_rng(0)
    model = CostModel()
    for _ in range(12):
        row = np.array([1.0, 0.0, generator.uniform(1e7, 1e9), generator.uniform(1e4, 1e6)])
        model.update(row, float(row @ truth))
    row = np.array([1.0, 0.0, 5e8, 5e5])
    assert model.predict(row) == pytest.approx(row @ truth, rel=0.1)
    assert (model.weights >= 0).all()


def test_a_second_given_is_a_second_on_a_slow_machine_too() -> None:
    """Jobs that were given nothing and took long say nothing about one that is given time."""
    model = CostModel()
    for _ in range(5):
        model.update(np.array([1.0, 0.0, 0.0, 0.0]), 8.0)
    assert model.weights[0] == pytest.approx(8.0)
    assert model.weights[1] == pytest.approx(1.0)
    model = CostModel()
    for given in (5.0, 20.0, 60.0):
        model.update(np.array([1.0, given, 0.0, 0.0]), 8.0 + given)
    assert model.predict(np.array([1.0, 40.0, 0.0, 0.0])) == pytest.approx(48.0, rel=0.1)


def test_a_list_schedule_ends_with_its_last_job() -> None:
    assert list_schedule([3.0, 2.0, 2.0], [0.0, 0.0]) == 4.0
    assert list_schedule([], [1.0, 5.0]) == 5.0


def test_groups_depend_on_file_seed_and_count_alone() -> None:
    tasks = [random_task(f"t{n}", 3, n) for n in range(7)]
    dealt = split_tasks(tasks, 3, 1)
    assert sorted(n for group in dealt for n in group) == list(range(7))
    assert {len(group) for group in dealt} == {2, 3}
    assert dealt == split_tasks(tasks, 3, 1) != split_tasks(tasks, 3, 2)
    assert split_tasks(tasks, 7, 1) == [(n,) for n in range(7)]


def test_groups_fill_a_batch_of_a_gpu_with_tasks_of_similar_canvas() -> None:
    sides = (3, 20, 3, 4, 10, 3, 20)
    tasks = [random_task(f"t{n}", side, n) for n, side in enumerate(sides)]
    plan = Plan(tasks, SolveOptions(seconds_per_task=10.0, augmentations=64), start=0.0)
    plan.groups[2].done.add(TUNE)
    plan.begin("cuda", 1)
    # A canvas is a grid with its border: 16 cells of the smallest, 441 of the largest.
    cells = [64 * cells_of(task) for task in tasks]
    assert cells[0] == 64 * 16 * len(tasks[0].train)
    ids = [[task.id for task in group.tasks] for group in plan.groups]
    assert ids[0] == ["t0", "t2", "t5", "t3", "t4"] and not plan.groups[0].done
    assert sum(cells[n] for n in (0, 2, 5, 3, 4)) < BATCH_TOKENS["cuda"] < cells[1] == cells[6]
    assert sorted(map(tuple, ids[1:])) == [("t1",), ("t6",)]
    jobs = [plan.next_job(0.0)]
    assert jobs[0].given.seconds == pytest.approx(10.0 * len(jobs[0].tasks))
    for kind, options in (("cpu", {}), ("cuda", {"steps": 3}), ("cuda", {"tune": "embedding"})):
        plan = Plan(tasks, SolveOptions(augmentations=64, **options), start=0.0)
        plan.begin(kind, 1)
        assert len(plan.groups) == len(tasks)


def test_a_budget_goes_breadth_first_and_the_most_expensive_first() -> None:
    tasks = [random_task(f"t{n}", side, n) for n, side in enumerate((18, 28, 22))]
    plan = Plan(tasks, SolveOptions(budget_seconds=1000.0, augmentations=64), start=0.0)
    plan.begin("cuda", 1)
    assert plan.phases == PHASES
    seen, now = [], 0.0
    while (job := plan.next_job(now)) is not None:
        assert type(job.given.seconds) is float
        seen.append((job.phase, job.tasks[0].id))
        now += job.given.seconds
        plan.succeed(job, job.given.seconds, 0.5 if job.tasks[0].id == "t2" else 0.0)
    sizes = ["t1", "t2", "t0"]
    assert seen == [(QUICK, n) for n in sizes] + [(TUNE, n) for n in sizes] + [(REFINE, "t2")]
    assert 900 < now <= 1000


def test_a_group_is_tried_twice_and_then_left() -> None:
    plan = Plan([tiny_task()], SolveOptions(steps=1), start=0.0)
    first = plan.next_job(0.0)
    assert plan.fail(first)
    second = plan.next_job(0.0)
    assert (first.attempt, second.attempt) == (0, 1)
    assert not plan.fail(second)
    assert plan.next_job(0.0) is None


def restored(**budget: float) -> Plan:
    """A plan whose tasks an earlier run with a budget has tuned; only the votes on t1 disagree."""
    tasks = [random_task(f"t{n}", 3, n) for n in range(3)]
    plan = Plan(tasks, SolveOptions(augmentations=4, **budget), start=0.0)
    finished = [(phase, task.id) for phase in (QUICK, TUNE) for task in tasks]
    plan.restore(finished, lambda task: 0.5 if task.id == "t1" else 0.0)
    plan.begin("cpu", 1)
    return plan


def test_a_resumed_run_refines_what_the_earlier_one_has_tuned() -> None:
    plan = restored(budget_seconds=1000.0)
    assert plan.waits(0.0)
    job = plan.next_job(0.0)
    assert (job.phase, job.tasks[0].id) == (REFINE, "t1")
    plan.succeed(job, 1.0, 0.0)
    assert plan.next_job(0.0) is None


def test_a_run_resumed_with_seconds_for_each_task_has_one_phase() -> None:
    plan = restored(seconds_per_task=30.0)
    assert plan.phases == (TUNE,) and not plan.waits(0.0) and plan.next_job(0.0) is None


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_simulated_run_ends_in_time_whatever_tasks_cost(factor: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    tasks = [random_task(f"t{n}", int(generator.integers(3, 31)), n) for n in range(60)]
    made = simulate(
        tasks,
        SolveOptions(budget_seconds=3600.0),
        kind="cuda",
        workers=4,
        seconds=lambda job: job.given.seconds * generator.uniform(0.95, 1.1) + 1.5 * factor,
        disagreement=lambda job: float(generator.random() < 0.4),
        load=20.0,
    )
    assert made.jobs[QUICK] == made.jobs[TUNE] == 60
    assert 0.9 * 3600 < made.finish < 3600
    assert made.idle < 0.1


def test_the_ladder_ends_with_one_view() -> None:
    room, rungs = MemoryLimit(4096, 8), []
    while room is not None:
        rungs.append((room.tokens, room.augmentations))
        room = room.smaller()
    assert rungs[:3] == [(4096, 8), (2048, 8), (1024, 8)]
    assert rungs[-4:] == [
        (64, 8),
        (64, 4),
        (64, 2),
        (64, 1),
    ]
