"""How a run's time is divided, that its plan keeps to it, and that it ends in time on every machine."""

import click.testing
import numpy as np
import pytest
from conftest import ROOT

from benchmarks.finish import evaluation_sized, simulated
from benchmarks.finish import main as finish
from benchmarks.machines import MACHINES, TASKS, Machine, shares_table
from benchmarks.projection import afford, networks
from solver.choices import JOINT, QUICK, REFINE, TUNE
from solver.run.schedule import SPARE, shares_for, views_for

HOURS = np.geomspace(0.05, 100, 40)


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
@pytest.mark.parametrize("joint", [False, True])
def test_the_parts_are_a_whole(kind: str, joint: bool) -> None:
    for hours in HOURS:
        made = shares_for(kind, hours, 60, joint=joint)
        parts = dict(made.phases())
        whole = 1 - SPARE if joint and not made.tune else 1
        assert sum(parts.values()) == pytest.approx(whole) and min(parts.values()) >= 0
        assert made.ends[REFINE] == pytest.approx(whole)
        assert (made.joint > 0) == joint and (made.replay > 0) == joint
        assert made.seconds == pytest.approx(hours * 60)


def test_more_time_is_time_alone_with_more_views() -> None:
    made = [shares_for("cuda", hours, 60, joint=True) for hours in HOURS]
    alone = [shares.tune + shares.refine for shares in made]
    assert alone == sorted(alone) and alone[0] == 0 and alone[-1] == pytest.approx(0.4)
    views = [shares.augmentations for shares in made]
    assert views == sorted(views) and (views[0], views[-1]) == (128, 256)
    assert all(0 < shares.quick * shares.seconds <= 20.001 for shares in made if shares.quick)
    assert views_for("cuda", 0.0) == 128 and views_for("cpu", 1e6) == 64
    assert views_for("mps", 20.0) == 16
    seconds = (0.0, 10.0, 28.0, 45.0, 60.0, 100.0, 300.0)
    assert [views_for("cpu", second) for second in seconds] == [16, 16, 16, 16, 16, 16, 64]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("costlier", [1.0, 2.0])
def test_every_machine_is_done_in_time(machine: Machine, costlier: float) -> None:
    made = simulated(evaluation_sized(None), machine, seed=0, fixed=3.0, overshoot=0.06, costlier=costlier)
    assert 0.87 * machine.hours < made.finish / 3600 < machine.hours
    wanted = machine.shares()
    assert made.shares == wanted
    assert made.jobs[JOINT] == (machine.devices if wanted.joint else 0)
    assert (made.jobs[TUNE], made.jobs[QUICK]) == (TASKS * bool(wanted.tune), TASKS * bool(wanted.quick))
    whole = machine.hours * 3600 * machine.devices
    assert made.given[JOINT] / whole == pytest.approx(wanted.joint, abs=0.05)
    assert made.given[TUNE] / whole == pytest.approx(wanted.tune, abs=0.12)


def test_a_phase_whose_time_is_over_leaves_the_rest_to_the_next() -> None:
    """Joint jobs that take 60% longer than they were given, and jobs that take 30% more than theirs, eat the
    end of tuning; most tasks are tuned alone all the same, and refinement goes on."""
    tasks, machine = evaluation_sized(None), MACHINES[0]
    made = simulated(tasks, machine, seed=0, fixed=20.0, overshoot=0.3, costlier=2.0)
    # 198 of 240: equal shares for equal tasks (test_clocks) do not foresee what others take beyond theirs.
    assert made.jobs[TUNE] > 0.8 * TASKS and made.jobs[REFINE] > 80 and made.jobs[QUICK] == TASKS
    assert 0.95 * machine.hours < made.finish / 3600 < machine.hours


def test_the_document_has_the_table_that_the_code_makes() -> None:
    done = click.testing.CliRunner().invoke(finish, ["--shares"], catch_exceptions=False)
    assert done.output.splitlines() == shares_table()
    assert done.output in (ROOT / "docs" / "KAGGLE.md").read_text("utf-8")


def test_the_projection_follows_from_rate_and_hours() -> None:
    """Half the rate buys half the steps and views; a small network buys more of all."""
    machine, tasks = MACHINES[0], evaluation_sized(None)[:12]
    made = simulated(tasks, machine, seed=0, fixed=3.0, overshoot=0.06, costlier=1.0)
    wide, nano = (afford(machine, config, tasks, made, share=0.2) for config in networks().values())
    twice = afford(machine, networks()["hidden 512 (urm_kaggle)"], tasks, made, share=0.4)
    assert twice.steps == pytest.approx(2 * wide.steps) and twice.views == pytest.approx(2 * wide.views)
    assert twice.joint_steps == pytest.approx(2 * wide.joint_steps, rel=0.02)
    assert nano.steps > 10 * wide.steps > 0 and nano.views > 10 * wide.views > 0
    assert wide.sequences / wide.steps == pytest.approx(nano.sequences / nano.steps)
