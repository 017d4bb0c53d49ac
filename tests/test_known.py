"""Tasks that the weights know from training: recognised, answered at once, labelled everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from made_run import challenges, solutions
from test_run import CPU, tiny_task, tiny_weights
from test_supervisor import random_task

from solver.arc.augment import Augmentation
from solver.arc.checksum import task_checksum
from solver.arc.journal import read_journal
from solver.arc.record import SEEN_LABEL, TESTS_SEEN_LABEL
from solver.arc.task import Task
from solver.arc.vote import NETWORK
from solver.cli import main
from solver.cli.progress import WIDTH
from solver.model import folder as weights_folder
from solver.model.checkpoint import Weights, load_weights, save_weights, task_vectors
from solver.model.embedding import build_memory
from solver.model.folder import VECTORS_FILE, default_weights, read_card
from solver.model.learner import Rates
from solver.run.adapt import adapt
from solver.run.batch import View, build_batch
from solver.run.budget import Budget
from solver.run.choice import choose, expected_kind
from solver.run.message import QUICK, TUNE
from solver.run.options import Listener, SolveOptions
from solver.run.pipeline import solve
from solver.run.plan import Plan
from solver.run.settings import TuneSettings

KNOWN, NEW = tiny_task("known"), random_task("new", 3, 1)
CHECKSUM = task_checksum(KNOWN)
ONE_STEP = dict(steps=2, augmentations=2, device="cpu")


@pytest.fixture(scope="module")
def trained() -> tuple[Weights, dict[str, torch.Tensor]]:
    """A network that was trained on KNOWN until it reproduces it, and the task's vector."""
    weights = tiny_weights(memory="cose")
    settings = TuneSettings(arm="full", augmentations=1, tokens=128, rates=Rates(weights=3e-3))
    budget = Budget(steps=200)
    tuned = adapt(weights, [KNOWN], settings=settings, budget=budget, placement=CPU, seed=0)
    assert tuned.reproduced == (2,)
    state = tuned.memory.shared_state()
    state["mean"] = torch.zeros_like(state["mean"])  # else a new task would start from the known one
    found = Weights("tiny", weights.config, tuned.network, state)
    return found, task_vectors(tuned.memory, [[CHECKSUM]])


def save(folder: Path, trained, provenance: dict, **more: object) -> str:
    weights, vectors = trained
    save_weights(folder, weights.network, weights.memory, provenance, **{"vectors": vectors, **more})
    return str(folder)


@pytest.fixture
def folder(tmp_path: Path, trained) -> str:
    return save(tmp_path / "tiny", trained, {"tasks": [CHECKSUM]})


# The weights


def test_a_known_task_has_its_own_embedding_under_every_augmentation(trained) -> None:
    weights, _ = trained
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


def test_a_set_that_is_written_again_without_vectors_knows_nothing(folder: str, trained) -> None:
    assert list(load_weights(folder).vectors) == [CHECKSUM]
    save(Path(folder), trained, {}, vectors={})
    assert not (Path(folder) / VECTORS_FILE).exists()
    assert load_weights(folder).vectors == {} and read_card(Path(folder)).known == ()


def test_the_checksum_is_of_the_demonstrations_alone() -> None:
    task, other = tiny_task("one"), tiny_task("two")
    assert task_checksum(replace(task, train=task.train[::-1], test=other.train)) == task_checksum(other)
    turned = replace(task.train[0], input=task.train[0].output, output=task.train[0].input)
    changed = [(turned, task.train[1]), task.train[:1], (*task.train, task.train[0])]
    assert len({task_checksum(replace(task, train=pairs)) for pairs in [task.train, *changed]}) == 4


# The run


def run(folder: str | None, tasks: list[Task], journal: Path | None = None, **changes: object):
    """(results by id, what was said at the start)."""
    started: list[str] = []
    results = solve(
        tasks,
        options=SolveOptions(**{**ONE_STEP, "weights": folder, **changes}),
        listener=Listener(start=started.append, say=started.append),
        journal=journal,
    )
    return {result.task.id: result for result in results}, "\n".join(started)


def test_a_known_task_is_answered_without_tuning_and_labelled(folder: str, tmp_path: Path) -> None:
    found, said = run(folder, [NEW, KNOWN], tmp_path / "run.journal")
    known, new = found["known"], found["new"]
    assert (known.steps, known.reproduced, known.at_once, known.label) == (0, 2, True, SEEN_LABEL)
    assert (new.steps, new.at_once, new.label) == (2, False, "")
    assert "Known: 1 by tiny" in said and f"1 of the tasks: {SEEN_LABEL}" in said
    contents = read_journal(tmp_path / "run.journal")
    assert contents.finished["known"].label == SEEN_LABEL and contents.finished["new"].label == ""
    assert {candidate.source for candidate in contents.pool["known", 0]} == {NETWORK}
    assert contents.header.options["known"] == "1 by tiny" and contents.header.seen == (CHECKSUM,)


def test_the_same_task_under_another_name_is_known(folder: str) -> None:
    found, _ = run(folder, [replace(KNOWN, id="renamed", train=KNOWN.train[::-1])])
    assert found["renamed"].at_once


def test_recognition_can_be_turned_off(folder: str) -> None:
    found, _ = run(folder, [KNOWN], tune_known=True)
    assert (found["known"].steps, found["known"].at_once, found["known"].label) == (2, False, SEEN_LABEL)


def test_a_task_that_was_seen_but_is_not_known_is_tuned_and_labelled(tmp_path: Path, trained) -> None:
    more = {"test_pairs_seen": True}
    folder = save(tmp_path / "tiny", trained, {"tasks": [CHECKSUM], **more}, vectors={})
    found, said = run(folder, [KNOWN])
    assert (found["known"].steps, found["known"].label) == (2, TESTS_SEEN_LABEL)
    assert "Known:" not in said and SEEN_LABEL in said


def test_tests_may_have_been_seen_of_some_tasks_only(tmp_path: Path, trained) -> None:
    other = task_checksum(NEW)
    provenance = {"tasks": [CHECKSUM, other], "test_pairs_seen": [other]}
    folder = save(tmp_path / "tiny", trained, provenance)
    labels = choose([KNOWN, NEW], SolveOptions(weights=folder)).labels
    assert labels == {"known": SEEN_LABEL, "new": TESTS_SEEN_LABEL}


def test_a_vector_that_does_not_reproduce_its_demonstrations_is_doubted(tmp_path: Path, trained) -> None:
    wrong = {CHECKSUM: torch.full((32,), -3.0)}
    folder = save(tmp_path / "tiny", trained, {"tasks": [CHECKSUM]}, vectors=wrong)
    found, _ = run(folder, [KNOWN])
    assert (found["known"].steps, found["known"].at_once, found["known"].label) == (2, False, SEEN_LABEL)
    found, _ = run(folder, [KNOWN], tune="none")
    assert found["known"].at_once, "without tuning there is nothing better"


def test_a_run_with_a_known_task_resumes(folder: str, tmp_path: Path) -> None:
    options = SolveOptions(**ONE_STEP, weights=folder)
    journal, output = tmp_path / "run.journal", tmp_path / "out.json"
    tasks = [KNOWN, NEW]
    solve(tasks, output=output, options=options, journal=journal)
    whole = output.read_bytes()
    lines = journal.read_bytes().splitlines(keepends=True)
    ends = [n for n, line in enumerate(lines) if b'"kind":"finished"' in line]
    journal.write_bytes(b"".join(lines[: ends[0] + 1]))  # killed after the known task
    results = solve(tasks, output=output, options=options, journal=journal, resume=True)
    assert output.read_bytes() == whole
    assert [result.label for result in results] == [SEEN_LABEL, ""]
    with pytest.raises(ValueError, match="option known"):
        solve(tasks, options=replace(options, tune_known=True), journal=journal, resume=True)


# The plan


def test_known_tasks_come_first_and_once() -> None:
    tasks = [random_task(f"t{n}", 3 + n, n) for n in range(4)]
    plan = Plan(tasks, SolveOptions(budget_seconds=1000.0), start=0.0, known={"t1": "a", "t2": "b"})
    plan.begin("cuda", 1)
    jobs, now = [], 0.0
    while (job := plan.next_job(now)) is not None:
        jobs.append(job)
        now += 0.5 if job.known else job.seconds
        plan.succeed(job, 1.0, 0.0)
    assert [(job.phase, job.tasks[0].id, job.known) for job in jobs] == [
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
    assert job.known == "a" and plan.next_job(0.0) is None
    if failed:
        assert plan.fail(job)
    else:
        plan.doubt(job)
        plan.succeed(job, 1.0, 0.0)
    assert plan.waits(0.0)
    job = plan.next_job(0.0)
    assert (job.known, job.steps, job.phase) == ("", 5, TUNE)
    plan.succeed(job, 1.0, 0.0)
    assert not plan.waits(0.0) and plan.next_job(0.0) is None


def test_a_resumed_plan_has_known_tasks_behind_it() -> None:
    plan = Plan([KNOWN, NEW], SolveOptions(steps=5), start=0.0, known={"known": "a"})
    plan.restore([(TUNE, "known")])
    assert plan.next_job(0.0).tasks == (NEW,)
    plan = Plan([KNOWN], SolveOptions(budget_seconds=100.0), start=0.0, known={"known": "a"})
    plan.restore([(QUICK, "known")])  # it was doubted, else there were no quick pass
    job = plan.next_job(0.0)
    assert (job.phase, job.known) == (TUNE, "")


# The choice among shipped sets


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained) -> Path:
    """A small set for CPUs, a set for GPUs, and one that knows a task; none is urm-nano."""
    root = tmp_path / "weights"
    monkeypatch.setattr(weights_folder, "WEIGHTS_FOLDER", root)
    save(root / "small", trained, {}, vectors={}, devices=["cpu"])
    save(root / "large", trained, {}, vectors={}, devices=["cuda", "mps"])
    save(root / "public", trained, {"tasks": [CHECKSUM]})
    return root


def test_the_default_is_chosen_by_device_and_said(shipped: Path) -> None:
    assert [default_weights(kind) for kind in ("cpu", "cuda", "mps")] == ["small", "large", "large"]
    assert default_weights("kaggle", "cuda") == "large", "without a set for Kaggle that for GPUs"
    found, said = run(None, [NEW])
    assert found["new"].steps == 2
    assert said.startswith("small (the default for cpu) on CPU")


def test_without_a_set_for_the_device_there_is_urm_nano(shipped: Path) -> None:
    for name in ("small", "large"):
        path = shipped / name / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "devices": []}))
    assert default_weights("cuda") == "urm-nano"


def test_no_set_is_the_default_for_a_kind_of_device_that_there_is_not(tmp_path: Path, trained) -> None:
    with pytest.raises(ValueError, match=r"default for 'gpu': wanted one of cpu, cuda, mps, kaggle"):
        save(tmp_path, trained, {}, devices=["gpu"])


def test_a_task_goes_to_the_shipped_set_that_knows_it(shipped: Path) -> None:
    found, said = run(None, [KNOWN, NEW], workers=1)
    assert found["known"].at_once and found["known"].label == SEEN_LABEL
    assert found["new"].steps == 2 and found["new"].label == ""
    assert "Known: 1 by public" in said
    found, said = run("small", [KNOWN])
    assert not found["known"].at_once and "public" not in said, "weights that were named answer alone"


def test_a_set_that_cannot_be_loaded_is_said_and_costs_no_answer(shipped: Path) -> None:
    (shipped / "public" / VECTORS_FILE).unlink()
    found, said = run(None, [KNOWN, NEW])
    assert found["known"].steps == found["new"].steps == 2
    assert "tasks.safetensors: cannot be read" in said


@pytest.mark.parametrize(
    ("files", "version", "hidden", "kind"),
    [
        (["dev/nvidia0"], "cuda: Optional[str] = '12.8'\nhip: Optional[str] = None", None, "cuda"),
        (["dev/nvidia0"], "cuda = '12.8'", "-1", "cpu"),
        (["dev/nvidiactl"], "cuda = '12.8'", None, "cpu"),
        (["dev/nvidia0"], "cuda: Optional[str] = None\nhip: Optional[str] = None", None, "cpu"),
        (["dev/kfd"], "cuda: Optional[str] = None\nhip: Optional[str] = '6.4'", None, "cuda"),
        ([], "cuda = '12.8'", None, "cpu"),
    ],
)
def test_a_gpu_is_expected_where_there_is_one(
    files: list[str],
    version: str,
    hidden: str | None,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "version.py").write_text(version)
    assert expected_kind("auto", tmp_path, tmp_path) == kind
    assert expected_kind("cuda:1", tmp_path, tmp_path) == "cuda"


def test_shipped_sets_do_not_compete() -> None:
    cards = [read_card(weights_folder.WEIGHTS_FOLDER / name) for name in weights_folder.available_weights()]
    devices = [device for card in cards for device in card.devices]
    assert len(devices) == len(set(devices)), "two sets are the default for one kind of device"
    assert all(set(card.known) <= set(card.seen) for card in cards)


# What people see


def test_terminal_score_and_report_say_what_was_seen(folder: str, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    solved = [replace(task, test=task.train[:1]) for task in (KNOWN, NEW)]
    tasks.write_text(json.dumps(challenges(solved)))
    (tmp_path / "tasks_solutions.json").write_text(json.dumps(solutions(solved)))
    output, report = tmp_path / "out.json", tmp_path / "report.html"
    fast = ["--steps", "2", "--augmentations", "2", "--device", "cpu", "--workers", "0"]
    command = [str(tasks), "-o", str(output), "--weights", folder, "--report", str(report), *fast]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert all(len(line) <= WIDTH for line in lines if str(tmp_path) not in line), result.output
    assert any("known*" in line for line in lines) and not any("new*" in line for line in lines)
    assert any(line.startswith(f"* {SEEN_LABEL}: 1 of 2 tasks, ") for line in lines)
    assert "  Of these 1 answered without tuning." in lines
    assert any(line.startswith("  All others: 1 of 2 tasks, ") for line in lines)
    assert SEEN_LABEL in report.read_text()
    files = [str(output), str(tmp_path / "tasks_solutions.json"), "--journal", str(tmp_path / "out.journal")]
    scored = CliRunner().invoke(main, ["score", *files])
    assert f"{SEEN_LABEL}: 1 tasks" in scored.output and "other tasks: 1 tasks" in scored.output
