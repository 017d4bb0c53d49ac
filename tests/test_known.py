"""Tasks that the weights know from training: recognised, answered at once, labelled everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from known_tasks import CHECKSUM, KNOWN, NEW, ONE_STEP, run, save, train_known
from made_run import challenges, solutions
from made_tasks import random_task
from test_run import CPU, tiny_task, tiny_weights

from solver.arc.augment import Augmentation
from solver.arc.checksum import task_checksum
from solver.arc.journal import SEEN_LABEL, TESTS_SEEN_LABEL, read_journal
from solver.choices import NETWORK, QUICK, TUNE
from solver.cli import main
from solver.cli.output import WIDTH
from solver.model.checkpoint import load_weights, save_weights, task_vectors
from solver.model.embedding import build_memory
from solver.run.message import Base, Given, Job, Known
from solver.run.pipeline import solve
from solver.run.plan import Plan
from solver.run.settings import Devices, Settings, SolveOptions, resolve
from solver.tune.engine import Engine
from solver.tune.job import solve_job
from solver.tune.views import View, build_batch
from solver.weights_card import VECTORS_FILE, read_card


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return save(tmp_path / "tiny", {"tasks": [CHECKSUM]})


# The weights


def test_a_known_task_has_its_own_embedding_under_every_augmentation() -> None:
    weights, _ = train_known()
    generator = torch.Generator().manual_seed(2)
    memory = build_memory(weights.config, tasks=4, rows=1, generator=generator)
    for parameter in memory.parameters():
        parameter.data.normal_(generator=generator)
    vectors = task_vectors(memory, [[CHECKSUM], ["b", "another version of b"], [CHECKSUM]])
    assert torch.equal(vectors[CHECKSUM], memory.task_vectors[1]), "of two equal tasks the first counts"
    assert torch.equal(vectors["another version of b"], memory.task_vectors[2])
    known = replace(weights, memory=memory.shared_state(), vectors=vectors).starting_from("b")
    augmentations = [Augmentation(), Augmentation(3, (0, 2, 1, 9, 4, 5, 6, 7, 8, 3)), Augmentation(7)]
    views = [View(KNOWN.train[0], (5, 5), 2, 0, augmentation) for augmentation in augmentations]
    wanted = memory(build_batch(views).keys).vectors
    fresh = known.new_memory(tasks=1, rows=1)
    found = fresh(build_batch([replace(view, task=1) for view in views]).keys).vectors
    torch.testing.assert_close(found, wanted)
    assert not torch.equal(found[0], found[1])


def test_a_table_knows_no_tasks(tmp_path: Path) -> None:
    weights = tiny_weights()
    assert task_vectors(build_memory(weights.config, tasks=3, rows=9), [["a"], ["b"]]) == {}
    with pytest.raises(ValueError, match="a table memory, wanted cose"):
        save_weights(tmp_path, weights.network, weights.memory, {}, vectors={"a": torch.zeros(32)})


def test_vectors_that_do_not_fit_their_index(folder: str) -> None:
    path = Path(folder) / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "known": [*config["known"], "another"]}))
    with pytest.raises(
        ValueError, match=r"tasks\.safetensors: wanted vectors \[2, 32\], found vectors \[1, 32\]"
    ):
        load_weights(folder)


def test_a_set_that_is_written_again_without_vectors_knows_nothing(folder: str) -> None:
    assert list(load_weights(folder).vectors) == [CHECKSUM]
    save(Path(folder), {}, vectors={})
    assert not (Path(folder) / VECTORS_FILE).exists()
    assert load_weights(folder).vectors == {} and read_card(Path(folder)).known == ()


def test_the_checksum_is_of_the_demonstrations_alone() -> None:
    task, other = tiny_task("one"), tiny_task("two")
    assert task_checksum(replace(task, train=task.train[::-1], test=other.train)) == task_checksum(other)
    turned = replace(task.train[0], input=task.train[0].output, output=task.train[0].input)
    changed = [(turned, task.train[1]), task.train[:1], (*task.train, task.train[0])]
    assert len({task_checksum(replace(task, train=pairs)) for pairs in [task.train, *changed]}) == 4


# The run


def test_a_known_task_is_answered_without_tuning_and_labelled(folder: str, tmp_path: Path) -> None:
    found, said = run(folder, [NEW, KNOWN], tmp_path / "run.journal")
    known, new = found["known"], found["new"]
    assert (known.steps, known.reproduced, known.at_once, known.label) == (0, 2, True, SEEN_LABEL)
    assert (new.steps, new.at_once, new.label) == (2, False, "")
    assert "tiny answers 1 without tuning" in said and f"* marks 1 task: {SEEN_LABEL}" in said
    contents = read_journal(tmp_path / "run.journal")
    assert contents.finished("known").label == SEEN_LABEL and contents.finished("new").label == ""
    assert {event.source for event in contents.events["known"]} == {"fallback", NETWORK}
    assert contents.header.options["known"] == "1 by tiny" and contents.header.seen == (CHECKSUM,)


def test_the_same_task_under_another_name_is_known(folder: str) -> None:
    found, _ = run(folder, [replace(KNOWN, id="renamed", train=KNOWN.train[::-1])])
    assert found["renamed"].at_once


def test_recognition_can_be_turned_off(folder: str) -> None:
    found, _ = run(folder, [KNOWN], tune_known=True)
    assert (found["known"].steps, found["known"].at_once, found["known"].label) == (2, False, SEEN_LABEL)


def test_a_task_that_was_seen_but_is_not_known_is_tuned_and_labelled(tmp_path: Path) -> None:
    more = {"test_pairs_seen": True}
    folder = save(tmp_path / "tiny", {"tasks": [CHECKSUM], **more}, vectors={})
    found, said = run(folder, [KNOWN])
    assert (found["known"].steps, found["known"].label) == (2, TESTS_SEEN_LABEL)
    assert "without tuning" not in said and SEEN_LABEL in said


def test_tests_may_have_been_seen_of_some_tasks_only(tmp_path: Path) -> None:
    other = task_checksum(NEW)
    provenance = {"tasks": [CHECKSUM, other], "test_pairs_seen": [other]}
    folder = save(tmp_path / "tiny", provenance)
    labels = resolve([KNOWN, NEW], SolveOptions(weights=folder), Devices("cpu", 1)).labels
    assert labels == {"known": SEEN_LABEL, "new": TESTS_SEEN_LABEL}


def test_a_vector_that_does_not_reproduce_its_demonstrations_is_doubted(tmp_path: Path) -> None:
    wrong = {CHECKSUM: torch.full((32,), -3.0)}
    folder = save(tmp_path / "tiny", {"tasks": [CHECKSUM]}, vectors=wrong)
    found, _ = run(folder, [KNOWN])
    assert (found["known"].steps, found["known"].at_once, found["known"].label) == (2, False, SEEN_LABEL)
    found, _ = run(folder, [KNOWN], tune="none")
    assert found["known"].at_once, "without tuning there is nothing better"


def test_tuning_of_a_doubted_task_starts_from_its_trained_vector(folder: str) -> None:
    """One step: the vector still reproduces both demonstrations, the mean does not. A second attempt, after
    a failure, is with the run's own weights."""
    settings = Settings(SolveOptions(augmentations=2, tune="embedding"), weights=folder, device="cpu")
    loaded = load_weights(folder)
    blank = replace(loaded, memory={**loaded.memory, "mean": torch.full((32,), -3.0)})
    engine = Engine(blank, CPU, replace(settings, weights="another"))
    job = Job(1, 0, (KNOWN,), NETWORK, TUNE, Given(1), start=Known(folder))
    for asked, reproduced in ((job, 2), (replace(job, attempt=1), 0), (replace(job, start=Base()), 0)):
        answered, _ = solve_job(engine, asked, lambda: None)
        assert (answered.steps, answered.reproduced) == (1, reproduced)


def test_weights_that_cannot_be_loaded_leave_tuning_to_the_runs_own(folder: str, tmp_path: Path) -> None:
    settings = Settings(SolveOptions(augmentations=2, tune="embedding"), weights=folder, device="cpu")
    job = Job(1, 0, (KNOWN,), NETWORK, TUNE, Given(1), start=Known(str(tmp_path / "gone")))
    answered, _ = solve_job(Engine(load_weights(folder), CPU, settings), job, lambda: None)
    assert answered.steps == 1


def test_a_run_with_a_known_task_resumes(folder: str, tmp_path: Path) -> None:
    options = SolveOptions(**ONE_STEP, weights=folder)
    journal, output = tmp_path / "run.journal", tmp_path / "out.json"
    tasks = [KNOWN, NEW]
    solve(tasks, output=output, options=options, journal=journal)
    whole = output.read_bytes()
    lines = journal.read_bytes().splitlines(keepends=True)
    ends = [n for n, line in enumerate(lines) if b'"phase":"tune"' in line]
    journal.write_bytes(b"".join(lines[: ends[0] + 1]))  # killed after the known task
    results = solve(tasks, output=output, options=options, journal=journal, resume=True)
    assert output.read_bytes() == whole
    assert [result.label for result in results] == [SEEN_LABEL, ""]
    with pytest.raises(ValueError, match="--tune-known"):
        solve(tasks, options=replace(options, tune_known=True), journal=journal, resume=True)


# The plan


def test_known_tasks_come_first_and_once() -> None:
    tasks = [random_task(f"t{n}", 3 + n, n) for n in range(4)]
    plan = Plan(tasks, SolveOptions(budget_seconds=1000.0), start=0.0, known={"t1": "a", "t2": "b"})
    plan.begin("cpu", 1)
    jobs, now = [], 0.0
    while (job := plan.next_job(now)) is not None:
        jobs.append(job)
        now += 0.5 if job.untuned else job.given.seconds
        plan.succeed(job, 1.0, 0.0)
    assert [(job.phase, job.tasks[0].id, getattr(job.start, "folder", "")) for job in jobs] == [
        (TUNE, "t1", "a"),
        (TUNE, "t2", "b"),
        (QUICK, "t3", ""),
        (QUICK, "t0", ""),
        (TUNE, "t3", ""),
        (TUNE, "t0", ""),
    ]


@pytest.mark.parametrize("failed", [True, False])
def test_a_known_task_that_is_doubted_waits_like_any_other(failed: bool) -> None:
    plan = Plan([KNOWN], SolveOptions(steps=5), start=0.0, known={"known": "a"})
    job = plan.next_job(0.0)
    assert job.start == Known("a", untuned=True) and plan.next_job(0.0) is None
    if failed:
        assert plan.fail(job)
    else:
        plan.doubt(job)
        plan.succeed(job, 1.0, 0.0)
    assert plan.waits(0.0)
    job = plan.next_job(0.0)
    assert (job.start, job.given.steps, job.phase) == (Known("a"), 5, TUNE)
    plan.succeed(job, 1.0, 0.0)
    assert not plan.waits(0.0) and plan.next_job(0.0) is None


def test_a_resumed_plan_has_known_tasks_behind_it() -> None:
    plan = Plan([KNOWN, NEW], SolveOptions(steps=5), start=0.0, known={"known": "a"})
    plan.restore([(TUNE, "known")], lambda task: 0.0)
    assert plan.next_job(0.0).tasks == (NEW,)
    plan = Plan([KNOWN], SolveOptions(budget_seconds=100.0), start=0.0, known={"known": "a"})
    plan.restore([(QUICK, "known")], lambda task: 0.0)  # it was doubted, else there were no quick pass
    job = plan.next_job(0.0)
    assert (job.phase, job.start) == (TUNE, Known("a"))


# What people see


def test_terminal_score_and_report_say_what_was_seen(folder: str, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    solved = [replace(task, test=task.train[:1]) for task in (KNOWN, NEW)]
    tasks.write_text(json.dumps(challenges(solved)))
    (tmp_path / "tasks_solutions.json").write_text(json.dumps(solutions(solved)))
    output, report = tmp_path / "out.json", tmp_path / "report.html"
    fast = ["--sources", NETWORK, "--steps", "2", "--augmentations", "2", "--device", "cpu", "--workers", "0"]
    command = [str(tasks), "-o", str(output), "--weights", folder, "--report", str(report), *fast]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert all(len(line) <= WIDTH for line in lines if str(tmp_path) not in line), result.output
    assert any("known*" in line for line in lines) and not any("new*" in line for line in lines)
    assert any(line.startswith(f"* {SEEN_LABEL}: 1 of 2 tasks, ") for line in lines)
    assert "  1 of these answered without tuning." in lines
    assert any(line.startswith("  All others: 1 of 2 tasks, ") for line in lines)
    assert SEEN_LABEL in report.read_text()
    files = [str(output), str(tmp_path / "tasks_solutions.json"), "--journal", str(tmp_path / "out.journal")]
    scored = CliRunner().invoke(main, ["score", *files])
    assert f"{SEEN_LABEL}: 1 task," in scored.output and "other tasks: 1 task," in scored.output
