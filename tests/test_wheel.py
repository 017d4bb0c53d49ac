"""The wheel, installed in an empty environment and run from another folder, solves the examples."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "solver", "train", "weights")


def clean_environment() -> dict[str, str]:
    """This environment without what would let the checkout be imported."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}


def check_run(command: list[str | Path], folder: Path, **more: str) -> str:
    """The command's stdout; the test fails with its stderr. ``more``: variables of its environment."""
    environment = {**clean_environment(), **more}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a clean copy of the sources: a build folder left in the checkout must not leak in."""
    copy = tmp_path_factory.mktemp("sources")
    for source in (root / name for name in SOURCES if (root / name).exists()):
        if source.is_dir():
            shutil.copytree(source, copy / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    check_run([*pip, "--wheel-dir", folder, copy], copy)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of an environment that holds the wheel, and borrows its libraries from ours."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    check_run([*pip, wheel], home)
    # Only after the install, so that pip does not find the project itself among the borrowed libraries.
    # A path that stands in a .pth file has its own .pth files left alone: an editable install stays out.
    site = check_run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home).strip()
    borrowed = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (Path(site) / "borrowed.pth").write_text("\n".join(borrowed) + "\n", "utf-8")
    return home / "bin"


def test_the_wheel_holds_the_program_and_the_weights(root: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    sources = [path for folder in ("solver", "train") for path in (root / folder).rglob("*.py")]
    weights = [
        path for path in (root / "weights").rglob("*") if path.suffix in (".safetensors", ".json", ".py")
    ]
    for path in sources + weights:
        name = path.relative_to(root).as_posix()
        assert packed.get(name) == path.read_bytes(), f"{name} is missing from the wheel, or differs"
    assert {name.split("/")[0].split("-")[0] for name in packed} == {
        "solver",
        "train",
        "weights",
        "arc_urm_solver",
    }
    assert "__pycache__" not in "".join(packed)


def test_the_wheel_asks_for_what_the_program_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        fields = Parser().parsestr(archive.read(metadata).decode("utf-8"))
        (licence,) = [name for name in archive.namelist() if name.endswith("LICENSE")]
        assert b"Apache License" in archive.read(licence)
    needed = [line for line in fields.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.split(">")[0] for line in needed} == {
        "torch",
        "numpy",
        "numba",
        "tqdm",
        "click",
        "orjson",
        "safetensors",
    }
    assert {"data", "report", "train", "test", "dev"} <= set(fields.get_all("Provides-Extra", []))
    assert fields["Requires-Python"] == ">=3.11"


def test_the_installed_program_is_not_the_checkout(root: Path, installed: Path, tmp_path: Path) -> None:
    code = (
        "import solver, train, weights; print(solver.__file__, train.__file__, weights.__file__, sep='\\n')"
    )
    places = check_run([installed / "python", "-c", code], tmp_path).split()
    assert len(places) == 3
    for place in places:
        assert Path(place).is_relative_to(installed.parent), place
    assert "Usage: solve [OPTIONS] TASKS" in check_run([installed / "solve", "--help"], tmp_path)


def test_the_installed_program_solves_with_the_weights_of_the_wheel(
    installed: Path, tmp_path: Path, example_tasks: Path
) -> None:
    tasks = json.loads(example_tasks.read_text("utf-8"))
    few = {key: tasks[key] for key in list(tasks)[:2]}
    (tmp_path / "few.json").write_text(json.dumps(few), "utf-8")
    options = ["--steps", "2", "--augmentations", "2", "--device", "cpu", "--search-nodes", "5"]
    command = [installed / "solve", "few.json", "-o", "answers.json", *options]
    said = check_run(
        command, tmp_path, NUMBA_DISABLE_JIT="1"
    )  # compiling takes minutes and is tested elsewhere
    assert "The submission is in answers.json (" in said
    names = "from importlib.resources import files; print(*(p.name for p in files('weights').iterdir()))"
    shipped = check_run([installed / "python", "-c", names], tmp_path).split()
    assert any(name in said for name in shipped if not name.startswith("_")), said

    submission = json.loads((tmp_path / "answers.json").read_text("utf-8"))
    assert list(submission) == list(few)
    for key, task in few.items():
        assert len(submission[key]) == len(task["test"])
        for entry in submission[key]:
            assert list(entry) == ["attempt_1", "attempt_2"]
            assert entry["attempt_1"] != entry["attempt_2"]
            for grid in entry.values():
                assert 1 <= len(grid) <= 30 and 1 <= len(grid[0]) <= 30
                assert {len(row) for row in grid} == {len(grid[0])}
                assert all(type(cell) is int and 0 <= cell <= 9 for row in grid for cell in row)
