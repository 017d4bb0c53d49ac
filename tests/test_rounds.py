"""Joint tuning's time: most of it for steps, answers in turn."""

from pathlib import Path

import pytest
from test_joint import NAMES, engine, joint_job
from test_run import tiny_weights

from solver.run import schedule
from solver.run.message import Answered
from solver.tune import joint
from solver.tune.adapt import Tuning
from solver.tune.job import solve_job


class Paced:
    """A clock that only work moves: a second for each tuning step, so many for each answered task."""

    def __init__(self, patch: pytest.MonkeyPatch, answer_seconds: float) -> None:
        self.now = self.steps = self.answers = 0.0
        self._count(patch, Tuning, "_step", "steps", 1.0)
        self._count(patch, joint, "answer_task", "answers", answer_seconds)

    def _count(self, patch: pytest.MonkeyPatch, place: object, name: str, what: str, cost: float) -> None:
        real = getattr(place, name)

        def paced(*arguments: object) -> object:
            self.now += cost
            setattr(self, what, getattr(self, what) + cost)
            return real(*arguments)

        patch.setattr(place, name, paced)

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("answer_seconds", "least_steps"), [(0.25, 34), (6.0, 22)])
def test_joint_tuning_spends_its_time_on_steps(
    answer_seconds: float, least_steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an answer costs: checkpoints take a tenth of the time, or one answer; the last answers
    begin while there is time, and every task has one."""
    clock = Paced(monkeypatch, answer_seconds)
    job = joint_job(tmp_path / "joint.npz", None, seconds=40.0)
    heard = []
    for message in solve_job(engine(tiny_weights(), clock=clock), job, lambda: None):
        if isinstance(message, Answered):
            heard.append((message.task_id, message.steps, clock.answers, clock.now))
    early = [line for line in heard if line[1] < clock.steps]
    assert early and {line[0] for line in heard} == set(NAMES)
    assert all(spent <= max(answer_seconds, schedule.ANSWER_SHARE * now) for _, _, spent, now in early)
    assert clock.steps >= least_steps and clock.steps + clock.answers == pytest.approx(clock.now)
    assert clock.now <= 40.0 + 2 * answer_seconds


def test_checkpoints_answer_the_tasks_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a checkpoint has no time for all, the next one goes on with those that were left out."""
    clock = Paced(monkeypatch, 0.6)
    job = joint_job(tmp_path / "joint.npz", None, seconds=40.0)
    work = solve_job(engine(tiny_weights(), clock=clock), job, lambda: None)
    heard = [message.task_id for message in work if isinstance(message, Answered)]
    assert heard == [NAMES[n % 3] for n in range(len(heard))] and len(heard) > 6
