"""Joint tuning: answers at checkpoints, a finish from the joint weights, replay, and the plan around it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_confidence import three_demonstrations
from test_run import CPU, tiny_task, tiny_weights

from solver.arc.journal import read_journal
from solver.arc.submission import read_submission
from solver.arc.task import Pair, Task, as_grid
from solver.budget import Budget
from solver.choices import JOINT, NETWORK, START, TUNE
from solver.cli import main
from solver.model.checkpoint import Weights, save_weights
from solver.run.events import Listener
from solver.run.message import Answered, Done, Given, Job, Joint
from solver.run.pipeline import solve
from solver.run.settings import Settings, SolveOptions
from solver.tune.engine import Engine
from solver.tune.job import solve_job
from solver.tune.joint import finish_settings, read_joint, read_replay, start_from
from solver.tune.settings import TuneSettings

NAMES = ("one", "two", "three")


def group() -> tuple[Task, ...]:
    return tuple(tiny_task(name).without_test_outputs() for name in NAMES)


def joint_job(path: Path | str, steps: int | None = 20, **changes: object) -> Job:
    given = Given(steps, changes.pop("seconds", None), 60.0)
    values = dict(number=1, group=0, phase=JOINT, tasks=group(), source=NETWORK, given=given)
    return Job(**{**values, "start": Joint(str(path)), **changes})


def engine(weights: Weights, clock: object = None, **changes: object) -> Engine:
    settings = Settings(SolveOptions(augmentations=2, tune="joint"), weights="tiny", device="cpu", **changes)
    return Engine(weights, CPU, settings, *([clock] if clock else []))


@pytest.mark.parametrize("memory", ["table", "cose"])
def test_a_joint_job_answers_every_task_at_every_checkpoint(memory: str, tmp_path: Path) -> None:
    weights = tiny_weights(memory=memory)
    before = {name: value.clone() for name, value in weights.network.state_dict().items()}
    messages = list(solve_job(engine(weights), joint_job(tmp_path / "joint.npz"), lambda: None))
    answers = [m.task_id for m in messages if isinstance(m, Answered)]
    assert answers[:6] == [*NAMES, *NAMES] and len(answers) >= 9 * 3
    assert isinstance(messages[-1], Done)
    assert messages[-2].steps == 20
    assert all(torch.equal(value, before[name]) for name, value in weights.network.state_dict().items())
    state = read_joint(tmp_path / "joint.npz")
    assert state.tasks == NAMES and state.rows_per_task == 2
    assert any(not torch.equal(state.network[name], value) for name, value in before.items())


def test_a_killed_joint_job_has_left_its_latest_answers_and_weights(tmp_path: Path) -> None:
    path = tmp_path / "joint.npz"
    work = solve_job(engine(tiny_weights()), joint_job(path), lambda: None)
    heard = [next(work).task_id for _ in range(4)]
    work.close()
    assert heard == [*NAMES, "one"]
    assert read_joint(path).tasks == NAMES


def test_a_clock_goes_on_from_the_weights_that_were_left(tmp_path: Path) -> None:
    path, weights = tmp_path / "joint.npz", tiny_weights(memory="cose")
    list(solve_job(engine(weights), joint_job(path), lambda: None))
    left = read_joint(path)
    again = joint_job(path, None, seconds=1e-9)
    ticks = iter([0.0] + [1.0] * 100)
    over = engine(weights, clock=lambda: next(ticks))
    answers = [m for m in solve_job(over, again, lambda: None) if isinstance(m, Answered)]
    assert [answer.task_id for answer in answers] == list(NAMES)
    now = read_joint(path)
    assert all(torch.equal(now.network[name], value) for name, value in left.network.items())
    assert torch.equal(now.memory["task_vectors"], left.memory["task_vectors"])


@pytest.mark.parametrize("memory", ["table", "cose"])
def test_a_finish_starts_from_the_tasks_own_joint_embedding(memory: str, tmp_path: Path) -> None:
    weights, path = tiny_weights(memory=memory, memory_rank=0), tmp_path / "joint.npz"
    list(solve_job(engine(weights), joint_job(path), lambda: None))
    state = read_joint(path)
    settings = TuneSettings(augmentations=2)
    assert finish_settings(settings).embedding_share == 0.0
    started, start = start_from(path, weights, group()[1], settings, 0)
    network = started.network.state_dict()
    assert all(torch.equal(network[name], value) for name, value in state.network.items())
    fresh = started.new_memory(tasks=1, rows=2)
    if memory == "cose":
        assert torch.equal(fresh.task_vectors[1], state.memory["task_vectors"][2])
    else:
        torch.testing.assert_close(fresh.rows[1], state.memory["rows"][3:5].mean(0))
        assert torch.equal(start.rows, state.memory["rows"][3:5])
    # Another seed has other augmentations, and a task that the file does not hold starts from the base.
    assert start_from(path, weights, group()[1], settings, 7)[1].rows is None
    assert start_from(path, weights, three_demonstrations("new"), settings, 0) == (weights, None)
    assert start_from(tmp_path / "none.npz", weights, group()[1], settings, 0) == (weights, None)


def test_replay_leaves_out_what_is_asked(tmp_path: Path) -> None:
    asked = group()
    leak = Task("other", tiny_task().train, (Pair(asked[0].test[0].input, as_grid([[7]])),))
    same = tiny_task("one")
    palette = np.array([0, *range(2, 10), 1])
    moved = Pair(as_grid(np.rot90(palette[asked[0].test[0].input])), as_grid([[7]]))
    turned = Task("turned", tiny_task().train, (moved,))
    solved = three_demonstrations("public")
    path = tmp_path / "tasks"
    path.mkdir()
    for task in (leak, same, turned, solved):
        (path / f"{task.id}.json").write_text(task_json(task))
    found = {task.id: task for task in read_replay(str(path), asked)}
    assert set(found) == {"other", "turned", "public"}
    assert len(found["turned"].train) == 2, "a test input that is turned and recoloured is left out too"
    assert len(found["other"].train) == 2 and not found["other"].test
    assert read_replay("", asked) == []


def task_json(task: Task) -> str:
    def plain(pair: Pair) -> dict:
        output = as_grid([[1]]) if pair.output is None else pair.output
        return {"input": pair.input.tolist(), "output": output.tolist()}

    return json.dumps({"train": [plain(p) for p in task.train], "test": [plain(p) for p in task.test]})


def test_replayed_tasks_are_trained_on_and_never_answered(tmp_path: Path) -> None:
    path = tmp_path / "public"
    path.mkdir()
    (path / "public.json").write_text(task_json(three_demonstrations("public")))
    messages = list(
        solve_job(engine(tiny_weights(), replay=str(path)), joint_job(tmp_path / "j.npz"), lambda: None)
    )
    assert {m.task_id for m in messages if isinstance(m, Answered)} == set(NAMES)
    with_replay = read_joint(tmp_path / "j.npz")
    assert len(with_replay.memory["rows"]) == 1 + 4 * 2
    list(solve_job(engine(tiny_weights()), joint_job(tmp_path / "k.npz"), lambda: None))
    without = read_joint(tmp_path / "k.npz")
    assert any(not torch.equal(without.network[name], value) for name, value in with_replay.network.items())


# The whole run


@pytest.fixture
def weights_folder(tmp_path: Path) -> Path:
    weights = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", weights.network, weights.memory, {})
    return tmp_path / "tiny"


def test_same_steps_same_bytes_for_any_number_of_workers(weights_folder: Path, tmp_path: Path) -> None:
    written = set()
    for workers in (0, 2):
        options = SolveOptions(
            sources=(NETWORK,),
            weights=str(weights_folder),
            steps=8,
            augmentations=2,
            device="cpu",
            tune="joint",
            workers=workers,
        )
        output = tmp_path / f"{workers}.json"
        journal, phases = tmp_path / f"{workers}.journal", []
        listener = Listener(result=lambda result, phases=phases: phases.append(result.phase))
        solve(group(), output=output, options=options, listener=listener, journal=journal)
        written.add(output.read_bytes())
        assert phases.count(TUNE) == 3 and phases.index(TUNE) == phases.count(JOINT) >= 6
        assert {r.phase for r in read_journal(journal).records} == {START, JOINT, TUNE}
    assert len(written) == 1


def test_a_joint_run_that_is_interrupted_goes_on_from_its_checkpoints(
    weights_folder: Path, tmp_path: Path
) -> None:
    options = SolveOptions(
        (NETWORK,), weights=str(weights_folder), steps=8, augmentations=2, device="cpu", tune="joint"
    )
    whole = tmp_path / "whole.json"
    solve(group(), output=whole, options=options)

    def interrupt(result: object) -> None:
        if result.phase == TUNE:
            raise KeyboardInterrupt

    common = dict(output=tmp_path / "cut.json", options=options, journal=tmp_path / "cut.journal")
    with pytest.raises(KeyboardInterrupt):
        solve(group(), listener=Listener(result=interrupt), **common)
    finished = read_journal(tmp_path / "cut.journal").records
    assert sum(getattr(record, "phase", "") == TUNE for record in finished) > 0
    solve(group(), resume=True, **common)
    assert (tmp_path / "cut.json").read_bytes() == whole.read_bytes()


def test_a_budget_of_seconds_is_kept_by_a_joint_job(tmp_path: Path) -> None:
    """Every look at the clock costs a tick: tuning and answers together stay within the job's seconds."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.05
        return now

    job = joint_job(tmp_path / "joint.npz", None, seconds=8.0)
    messages = list(solve_job(engine(tiny_weights(), clock=clock), job, lambda: None))
    assert isinstance(messages[-1], Done) and now <= 8.0 + 2.0
    assert Budget(seconds=1.0, clock=lambda: 0.25).fair(1, 4).seconds == pytest.approx(0.25)


def test_the_command_line_says_what_votes(weights_folder: Path, tmp_path: Path) -> None:
    for folder, name in (("tasks", "asked"), ("public", "replayed")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.json").write_text(task_json(tiny_task(name)))
    (tmp_path / "tasks" / "other.json").write_text(task_json(three_demonstrations("other")))
    command = [str(tmp_path / "tasks"), "-o", str(tmp_path / "out.json"), "--weights", str(weights_folder)]
    command += [
        "--sources",
        NETWORK,
        "--steps",
        "4",
        "--workers",
        "0",
        "--augmentations",
        "2",
        "--device",
        "cpu",
    ]
    tuned = ["--tune", "joint", "--replay", str(tmp_path / "public"), "--votes", "3"]
    tuned += ["--vote", "probability"]
    done = CliRunner().invoke(main, [*command, *tuned], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert read_journal(tmp_path / "out.journal").vote == "probability"
    assert len(read_submission(tmp_path / "out.json")) == 2
