"""Supervisor and workers: same answers whatever happens, and no process left behind."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from test_run import tiny_task, tiny_weights

from solver.arc.journal import read_journal
from solver.arc.submission import read_submission, validate_submission
from solver.arc.task import Task
from solver.choices import NETWORK, TUNE
from solver.kaggle.lenient import solve_leniently
from solver.model.checkpoint import save_weights
from solver.run.cluster import connected
from solver.run.events import Listener, TaskResult
from solver.run.launch import Executor, Launcher, Worker
from solver.run.message import Done, Job, Ready
from solver.run.pipeline import solve
from solver.run.plan import Plan
from solver.run.settings import Devices, Settings, SolveOptions
from solver.run.supervisor import Heard, Pool, Supervisor

NAMES = ("one", "two", "three", "four")
FAULTY = Launcher(module="benchmarks.faulty_worker", path=str(ROOT))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    tiny = tiny_weights(memory="cose")
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_weights(folder, tiny.network, tiny.memory, {})
    return str(folder)


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Call it with the faults that the workers are to have; it returns the folder that counts them."""

    def set_faults(*wanted: dict) -> Path:
        folder = tmp_path / "hits"
        folder.mkdir()
        monkeypatch.setenv("FAULTS", json.dumps({"folder": str(folder), "faults": wanted}))
        return folder

    return set_faults


Faulty = Callable[..., tuple[Executor, Path]]


@pytest.fixture(params=["processes", "ray"])
def faulty(request: pytest.FixtureRequest, tmp_path: Path, faults) -> Iterator[Faulty]:
    """Call it with faults: an executor of two workers that have them, and the folder that counts them."""
    if request.param == "processes":
        yield lambda *wanted: (FAULTY, faults(*wanted))
        return
    nodes = request.getfixturevalue("ray_nodes").fill(2)
    with connected(nodes.address, workers=2) as cluster:

        def on_ray(*wanted: dict) -> tuple[Executor, Path]:
            folder = faults(*wanted)
            environment = {"FAULTS": os.environ["FAULTS"]}
            return replace(cluster, module=FAULTY.module, environment=environment), folder

        yield on_ray


def options(weights: str, **changes: object) -> SolveOptions:
    values = dict(sources=(NETWORK,), weights=weights, steps=2, augmentations=2, device="cpu", workers=2)
    return SolveOptions(**{**values, **changes})


def four_tasks() -> list[Task]:
    return [tiny_task(name) for name in NAMES]


def test_the_supervisor_imports_no_torch() -> None:
    code = "import sys, solver.run.pipeline; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_any_number_of_workers_writes_the_same_bytes(weights: str, tmp_path: Path, faulty: Faulty) -> None:
    executor, _ = faulty()
    written = set()
    for workers in (0, 2):
        path, chosen = tmp_path / f"{workers}.json", options(weights, workers=workers)
        results = solve(four_tasks(), output=path, options=chosen, executor=executor)
        assert [result.note for result in results] == [""] * 4
        written.add(path.read_bytes())
    assert len(written) == 1


def test_faults_are_survived_and_change_nothing_else(weights: str, tmp_path: Path, faulty: Faulty) -> None:
    clean, path = tmp_path / "clean.json", tmp_path / "submission.json"
    began = time.monotonic()
    solve(four_tasks(), output=clean, options=options(weights, workers=1))
    patience = 1.5 * (time.monotonic() - began)  # on a busy machine too nothing else may seem to hang
    executor, folder = faulty(
        {"kind": "die", "task": "one"},
        {"kind": "nan", "task": "two"},
        {"kind": "hang", "task": "four"},
        {"kind": "error", "task": "three", "times": 0},
    )
    said: list[str] = []
    results = solve(
        four_tasks(),
        output=path,
        options=options(weights, patience=patience),
        listener=Listener(say=said.append),
        journal=tmp_path / "journal",
        executor=executor,
    )
    assert sorted(hit.name for hit in folder.iterdir()) == [
        "die-one-0",
        "error-three-0",
        "error-three-1",
        "hang-four-0",
        "nan-two-0",
    ]
    notes = {result.task.id: result.note for result in results}
    assert "illegal memory access" in notes.pop("three") and set(notes.values()) == {""}
    expected, found = read_submission(clean), read_submission(path)
    for name in ("one", "two", "four"):
        for a, b in zip(expected[name][0], found[name][0], strict=True):
            np.testing.assert_array_equal(a, b)
    text = "\n".join(said)
    for part in ("killed by signal 9", "not finite", "no sign of life", "left to other answers"):
        assert part in text
    contents = read_journal(tmp_path / "journal")
    assert {name for name in contents.events if contents.finished(name)} == {"one", "two", "four"}


def test_out_of_memory_goes_on_with_less(weights: str, tmp_path: Path, faults) -> None:
    faults({"kind": "memory", "times": 0, "tokens": 512})
    said: list[str] = []
    (result,) = solve(
        [tiny_task()],
        output=tmp_path / "s.json",
        options=options(weights, workers=1),
        listener=Listener(say=said.append),
        executor=FAULTY,
    )
    assert result.note == "" and result.steps == 2
    assert said == ["mirror: out of memory, went on with batches of 384 cells instead of 768"]


def test_without_any_device_the_guesses_stand(weights: str, tmp_path: Path, faulty: Faulty) -> None:
    executor, _ = faulty({"kind": "die", "times": 0}, {"kind": "vanish"})
    path, said = tmp_path / "s.json", []
    results = solve_leniently(
        [tiny_task()],
        output=path,
        options=options(weights, workers=1),
        listener=Listener(say=said.append),
        executor=executor,
    )
    validate_submission(json.loads(path.read_text()), [tiny_task()])
    assert results[0].attempts[0][0].source == "fallback"
    assert "given up" in said[-2] and "left to guesses" in said[-1]


@pytest.mark.parametrize("lenient", [False, True])
def test_truncated_weights(weights: str, tmp_path: Path, faulty: Faulty, lenient: bool) -> None:
    executor, _ = faulty()
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in Path(weights).iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[: 200 if file.suffix == ".safetensors" else None])
    path, said = tmp_path / "s.json", []

    def run() -> list[TaskResult]:
        chosen = options(str(broken), workers=1)
        said_to = Listener(say=said.append)
        work = solve_leniently if lenient else solve
        return work([tiny_task()], output=path, options=chosen, listener=said_to, executor=executor)

    if lenient:
        assert run()[0].attempts[0][0].source == "fallback"
    else:
        with pytest.raises(ValueError, match=f"{broken}.*not a whole safetensors file"):
            run()
    validate_submission(json.loads(path.read_text()), [tiny_task()])


def test_a_full_disk_is_said_once_and_the_run_goes_on(weights: str, tmp_path: Path) -> None:
    path, said = tmp_path / "s.json", []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(result: TaskResult) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))

    try:
        results = solve_leniently(
            four_tasks(),
            output=path,
            options=options(weights, workers=0),
            listener=Listener(result=fill, say=said.append),
            journal=tmp_path / "journal",
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(results) == 4 and len(said) == 2
    assert "the journal ends here" in said[0] and "the one before it stays" in said[1]
    validate_submission(json.loads(path.read_text()), four_tasks())
    records = read_journal(tmp_path / "journal").records
    assert [r.task_id for r in records if r.phase == TUNE] == ["one"]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_killed_run_leaves_no_process_and_resumes(weights: str, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path[:0] = [{root!r}, {tests!r}]\n"
        "from pathlib import Path\n"
        "from test_supervisor import Listener, four_tasks, options, solve\n"
        "solve(four_tasks(), output=Path('s.json'), options=options({weights!r}, workers=1),\n"
        "      journal=Path('journal'),\n"
        "      listener=Listener(result=lambda r: r.steps and print(r.task.id, flush=True)))\n"
    ).format(root=str(ROOT), tests=str(ROOT / "tests"), weights=weights)
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode().strip()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(process.pid, signal.SIGKILL)
    assert children
    until = time.monotonic() + 30
    while any(alive(int(pid)) for pid in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(alive(int(pid)) for pid in children)
    told: list[TaskResult] = []
    path, journal = tmp_path / "s.json", tmp_path / "journal"
    chosen = options(weights, workers=0)
    heard = Listener(result=told.append)
    solve(four_tasks(), output=path, options=chosen, journal=journal, resume=True, listener=heard)
    assert sorted(result.task.id for result in told) == sorted(NAMES)
    events = [e for e in read_journal(journal).records if (e.task_id, e.source) == (first, NETWORK)]
    assert len(events) == len({event.phase for event in events}) > 0, "solved again after the resume"
    solve(four_tasks(), output=tmp_path / "clean.json", options=chosen)
    assert path.read_bytes() == (tmp_path / "clean.json").read_bytes()
    with pytest.raises(ValueError, match="begun with other settings"):
        other = options(weights, workers=0, steps=3)
        solve(four_tasks(), output=path, options=other, journal=journal, resume=True)


def test_an_unreadable_file_of_replayed_tasks_costs_neither_network_nor_journal(
    weights: str, tmp_path: Path
) -> None:
    said: list[str] = []
    results = solve_leniently(
        [tiny_task()],
        output=tmp_path / "s.json",
        options=options(weights, workers=0, replay=str(tmp_path / "gone.json")),
        listener=Listener(say=said.append),
        journal=tmp_path / "journal",
    )
    assert results[0].steps == 2 and len(said) == 1 and said[0].endswith("nothing is replayed")
    assert read_journal(tmp_path / "journal").header.weights == "tiny"


class Crashing(Executor):
    """A machine whose GPU crashes every process before it is ready; its CPU works."""

    def __init__(self) -> None:
        self.now, self.started = 0.0, []

    def clock(self) -> float:
        self.now += 1.0
        return self.now

    def devices(self, options: SolveOptions, tasks: int) -> Devices:
        return Devices("cuda", 1)

    def start(self, settings: Settings) -> "Simulated":
        self.started.append(settings.device)
        return Simulated(settings=settings, began=self.now, heard=self.now)

    def listen(self, workers: list, seconds: float) -> list:
        heard = []
        for worker in workers:
            if worker.settings.device != "cpu":
                heard.append((worker, None))
            elif not worker.ready:
                heard.append((worker, Ready("cpu", "CPU", "tiny", ("cpu",))))
            elif worker.job is not None:
                heard.append((worker, Done(worker.job.number, 1.0)))
        return heard

    def places(self, settings: Settings, ready: Ready, wanted: int | None) -> list[Settings]:
        return Launcher().places(settings, ready, wanted)


class Simulated(Worker):
    def _send(self, job: Job) -> None:
        pass

    def end(self, *, patience: float = 0.0) -> str:
        return "killed by signal 11"


def test_a_gpu_that_crashes_at_once_leaves_as_many_workers_as_share_the_processors() -> None:
    executor = Crashing()
    plan = Plan(four_tasks(), SolveOptions(steps=1), start=0.0)
    pool = Pool(plan, Settings(SolveOptions(steps=1), weights="tiny", share=2), executor)
    with Supervisor([pool], workers=None) as supervisor:
        for event in supervisor.run():
            if isinstance(event, Heard):
                plan.succeed(event.job, event.message.seconds, 0.0)
    assert executor.started == ["auto"] * 3 + ["cpu"] * 2
    assert plan.workers == len(pool.slots) == 2 and not plan.waits(executor.now)
