"""Which weights a run takes: by device, and by who knows a task."""

import json
import shutil
from pathlib import Path

import pytest
from known_tasks import CHECKSUM, KNOWN, NEW, run, save

from solver import weights_card as weights_folder
from solver.arc.journal import SEEN_LABEL, TESTS_SEEN_LABEL
from solver.processors import expected_kind
from solver.run import launch
from solver.run.schedule import STEP_VIEWS
from solver.run.settings import SolveOptions, with_views
from solver.weights_card import VECTORS_FILE, default_weights, read_card


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set for CPUs, a set for GPUs, and one that knows a task; none is urm-nano."""
    root = tmp_path / "weights"
    monkeypatch.setattr(weights_folder, "WEIGHTS_FOLDER", root)
    save(root / "small", {}, vectors={}, devices=["cpu"])
    save(root / "large", {}, vectors={}, devices=["cuda", "mps"])
    save(root / "public", {"tasks": [CHECKSUM]})
    return root


def test_the_default_is_chosen_by_device_and_said(shipped: Path) -> None:
    assert [default_weights(kind) for kind in ("cpu", "cuda", "mps")] == ["small", "large", "large"]
    assert default_weights("kaggle", "cuda") == "large", "without a set for Kaggle that for GPUs"
    found, said = run(None, [NEW])
    assert found["new"].steps == 2
    assert said.startswith("small (the default for cpu) on CPU")


def test_views_follow_from_the_device_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of a CPU's views with more seconds; what was asked for stays, and steps read no clock."""
    monkeypatch.setattr(launch, "cpu_workers", lambda tasks: min(2, tasks))
    monkeypatch.setattr(launch, "expected_gpus", lambda: 4)

    def views(tasks: int = 20, **options: object) -> tuple[int, int]:
        said = SolveOptions(**{"device": "cpu", "workers": None, **options})
        found = with_views(said, launch.devices_here(said, tasks), tasks)
        return found.tuned_views, found.predicted_views

    assert views() == (16, 16)
    assert views(seconds_per_task=130.0) == (32, 32)
    assert views(budget_seconds=1300.0) == (32, 32), "two workers have 130 s for each of 20 tasks"
    assert views(budget_seconds=1300.0, workers=0) == views(budget_seconds=1300.0, workers=1) == (16, 16)
    assert views(augmentations=3, seconds_per_task=120.0) == (3, 3)
    assert views(votes=5) == (16, 5)
    assert views(steps=9) == (STEP_VIEWS, STEP_VIEWS)
    assert views(device="tpu") == (STEP_VIEWS, STEP_VIEWS), "what it is, its worker says"
    assert views(device="cuda") == (128, 128)
    assert views(device="cuda", budget_seconds=1280.0) == (256, 256)
    assert views(device="cuda", budget_seconds=1280.0, votes=7) == (256, 7)


def test_without_a_set_for_the_device_there_is_urm_nano(shipped: Path) -> None:
    for name in ("small", "large"):
        path = shipped / name / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "devices": []}))
    assert default_weights("cuda") == "urm-nano"


def test_no_set_is_the_default_for_a_kind_of_device_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"default for 'gpu': wanted one of cpu, cuda, mps, kaggle"):
        save(tmp_path, {}, devices=["gpu"])


def test_a_task_goes_to_the_shipped_set_that_knows_it(shipped: Path) -> None:
    found, said = run(None, [KNOWN, NEW], workers=1)
    assert found["known"].at_once and found["known"].label == SEEN_LABEL
    assert found["new"].steps == 2 and found["new"].label == ""
    assert "public answers 1 without tuning" in said
    found, said = run("small", [KNOWN])
    assert not found["known"].at_once and "public" not in said, "weights that were named answer alone"


def test_a_set_meant_for_kaggle_alone_answers_nothing_unasked(shipped: Path) -> None:
    """It has seen the test pairs of all public tasks."""
    shutil.rmtree(shipped / "public")
    save(shipped / "every", {"tasks": [CHECKSUM], "test_pairs_seen": True}, devices=["kaggle"])
    found, said = run(None, [KNOWN])
    assert not found["known"].at_once and found["known"].label == "" and "Known" not in said
    found, said = run("every", [KNOWN])
    assert found["known"].at_once and found["known"].label == TESTS_SEEN_LABEL, "named, it answers"
    assert default_weights("kaggle", "cuda") == "every"


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
