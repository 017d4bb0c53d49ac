"""Solving on a Ray cluster of a head and two workers: the answers of a local run, whatever is lost."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from click.testing import CliRunner
from conftest import ROOT
from made_run import challenges
from made_tasks import random_task
from test_run import tiny_task, tiny_weights
from test_supervisor import NAMES, four_tasks, options

from solver.arc.checksum import task_checksum
from solver.arc.journal import read_journal
from solver.choices import JOINT, NETWORK, TUNE
from solver.cli import main
from solver.model.checkpoint import save_weights
from solver.processors import WORKER_BYTES
from solver.run.cluster import (
    Cluster,
    Ended,
    Resources,
    Seat,
    connected,
    divide,
    package_checksum,
    read_files,
)
from solver.run.events import Listener, TaskResult
from solver.run.message import Answered, Done, Failed, Given, Job, Joint, Known
from solver.run.pipeline import solve
from solver.run.settings import Devices, Settings, SolveOptions, resolve
from solver.run.sources import SOURCES

if TYPE_CHECKING:
    from benchmarks.ray_nodes import RayNodes

NODE = {"CPU": 4.0}
GPU_NODE = {"CPU": 32.0, "GPU": 8.0}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    tiny, folder = tiny_weights(memory="cose"), tmp_path_factory.mktemp("weights") / "tiny"
    save_weights(folder, tiny.network, tiny.memory, {})
    return str(folder)


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "found"),
    [
        ([NODE, NODE], "auto", None, Resources(0, 1, 8)),
        ([NODE, {"CPU": 4.0, "memory": 2.0 * WORKER_BYTES}], "auto", None, Resources(0, 1, 6)),
        ([{"CPU": 4.0, "memory": 1.0}], "auto", None, Resources(0, 4, 1)),
        ([NODE, NODE], "auto", 3, Resources(0, 2, 3)),
        ([NODE, {"CPU": 2.0}], "cpu", 2, Resources(0, 2, 2)),
        ([{}, NODE], "auto", 1, Resources(0, 4, 1)),
        ([NODE, GPU_NODE, GPU_NODE], "auto", None, Resources(1, 4, 16)),
        ([NODE, GPU_NODE], "cuda", 3, Resources(1, 4, 3)),
        ([NODE, GPU_NODE], "cpu", None, Resources(0, 1, 36)),
    ],
)
def test_each_worker_has_a_gpu_or_an_equal_share(nodes, device, workers, found) -> None:
    assert divide(nodes, device, workers) == found


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "text"),
    [
        ([NODE, NODE], "auto", 9, "has 8 processors, wanted 9 workers"),
        ([NODE, NODE], "cuda", None, "no node of the cluster has a GPU"),
        ([GPU_NODE], "auto", 9, "has 8 GPUs, wanted 9 workers"),
        ([], "auto", None, "has 0 processors, wanted 1 worker"),
    ],
)
def test_what_does_not_fit_is_refused(nodes, device, workers, text) -> None:
    with pytest.raises(ValueError, match=text):
        divide(nodes, device, workers)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--cluster", "10.0.0.1:6379"], "wanted auto or ray://HOST:PORT, found '10.0.0.1:6379'"),
        (["--cluster", "auto", "--workers", "0"], "wanted 1 or more with --cluster"),
    ],
)
def test_wrong_words_are_refused(words: list[str], text: str, example_tasks: Path) -> None:
    result = CliRunner().invoke(main, [str(example_tasks), *words])
    assert result.exit_code == 2 and text in result.output


def test_without_ray_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example_tasks: Path
) -> None:
    monkeypatch.setattr("solver.run.cluster.find_spec", lambda name: None)
    words = [str(example_tasks), "-o", str(tmp_path / "s.json"), "--cluster", "auto"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and 'pip install "ray[client]"' in result.output
    assert not (tmp_path / "s.json").exists()


def test_the_driver_imports_neither_torch_nor_ray() -> None:
    code = "import sys, solver.run.cluster; sys.exit(bool({'torch', 'ray'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_settings_follow_from_the_devices_of_the_cluster() -> None:
    """A head without a GPU asks for as many views as the eight GPUs of its nodes are good for."""
    options = SolveOptions(budget_seconds=3600.0, workers=None)
    gpus, cpus = (Cluster(rooms={"auto": room}) for room in (Resources(1, 4, 8), Resources(0, 1, 8)))
    assert gpus.devices(options, 100) == Devices("cuda", 8)
    assert cpus.devices(options, 100) == Devices("cpu", 8)
    assert resolve(four_tasks()[:1], options, gpus.devices(options, 1)).options.tuned_views == 256
    assert resolve(four_tasks()[:1], options, cpus.devices(options, 1)).options.tuned_views == 64


def test_a_node_needs_none_of_the_supervisors_files(tmp_path: Path) -> None:
    """Its own weights, a set that knows a task and the replayed tasks are all copied to it."""
    tiny, task = tiny_weights(memory="cose"), tiny_task("known")
    vectors = {task_checksum(task): torch.zeros(32)}
    for name, known in (("own", {}), ("knowing", vectors)):
        save_weights(tmp_path / name, tiny.network, tiny.memory, {}, vectors=known)
    own, knowing, replay = str(tmp_path / "own"), str(tmp_path / "knowing"), tmp_path / "replay.json"
    replay.write_text(json.dumps(challenges([random_task("public", 3, 1)])))
    options = SolveOptions((NETWORK,), augmentations=2, tune="none")
    settings = Settings(options, weights=own, known={"known": knowing}, replay=str(replay), device="cpu")
    settings = replace(settings, entry=SOURCES["network"].entry)
    files = [read_files(path) for path in settings.paths]
    for name in ("own", "knowing"):
        shutil.rmtree(tmp_path / name)
    replay.unlink()
    seat = Seat(settings, "solver.run.worker", {}, 0, package_checksum(), *files)
    said = seat.hear()
    given = Given(1, cap=60.0)
    seat.give(Job(1, 0, (task,), "network", TUNE, given, start=Known(knowing, untuned=True)))
    start, two = Joint(str(tmp_path / "joint.npz")), tuple(four_tasks()[:2])
    seat.give(Job(2, 0, two, "network", JOINT, given, start=start))
    while sum(isinstance(message, Done) for message in said) < 2:
        said += seat.hear()
        assert not isinstance(said[-1], Ended | Failed), said[-1]
    answers = [message for message in said if isinstance(message, Answered)]
    assert (answers[0].task_id, answers[0].steps) == ("known", 0)
    assert not any(message.doubted for message in said if isinstance(message, Done))
    assert {answer.task_id for answer in answers[1:]} == {"one", "two"}
    seat.process.process.kill()
    while not isinstance(said[-1], Ended):
        said += seat.hear()
    assert not seat.folder.path.exists()


# On the cluster


def test_the_command_writes_what_it_writes_without_a_cluster(
    weights: str, tmp_path: Path, ray_nodes: "RayNodes", example_tasks: Path
) -> None:
    ray_nodes.fill(2)
    challenges = json.loads(example_tasks.read_text())
    few = tmp_path / "few.json"
    few.write_text(json.dumps(dict(list(challenges.items())[:3])))
    words = [
        str(few),
        "--sources",
        NETWORK,
        "--weights",
        weights,
        "--steps",
        "1",
        "--augmentations",
        "2",
        "--device",
        "cpu",
    ]
    told = CliRunner().invoke(main, [*words, "-o", str(tmp_path / "a.json"), "--cluster", "auto"])
    assert told.exit_code == 0, told.output
    assert "tiny on 2 x CPU" in told.output
    alone = CliRunner().invoke(main, [*words, "-o", str(tmp_path / "b.json"), "--workers", "0"])
    assert alone.exit_code == 0, alone.output
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_node_killed_in_the_middle_loses_no_task(
    weights: str, tmp_path: Path, ray_nodes: "RayNodes"
) -> None:
    import ray

    from benchmarks.ray_nodes import patiently

    ray_nodes.fill(2)
    told: list[TaskResult] = []
    said: list[str] = []

    def hear(result: TaskResult) -> None:
        if not told:
            ray_nodes.kill()
            while sum(node["Alive"] for node in ray.nodes()) > 2:  # the head and the other one
                time.sleep(0.1)
        told.append(result)

    path, chosen = tmp_path / "s.json", options(weights, workers=2)
    with ExitStack() as stack:
        cluster = patiently(lambda: stack.enter_context(connected(ray_nodes.client, workers=2)))
        solve(
            four_tasks(),
            output=path,
            options=chosen,
            listener=Listener(result=hear, say=said.append),
            journal=tmp_path / "journal",
            executor=cluster,
        )
    # A node that dies between an answer and the end of its job: the task is answered once more.
    assert {(result.task.id, result.note) for result in told} == {(name, "") for name in NAMES}
    assert any("its actor or node is gone" in text for text in said), said
    contents = read_journal(tmp_path / "journal")
    assert {name for name in contents.events if contents.finished(name)} == set(NAMES)
    solve(four_tasks(), output=tmp_path / "local.json", options=replace(chosen, workers=0))
    assert path.read_bytes() == (tmp_path / "local.json").read_bytes()
