"""The Kaggle bundle: what it holds, Kaggle's rules for names, and a run far from the repository."""

import ast
import json
import re
import shutil
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from kaggle_tree import QUICKLY, make_tree, own_network
from test_cli import first_tasks
from test_run import tiny_weights

from benchmarks.machines import MACHINES
from solver.arc.submission import read_submission
from solver.bundle import kernel_source, resource_id, write_bundle
from solver.cli import main
from solver.model.checkpoint import save_weights

TITLE = "ARC URM Solver"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = tiny_weights(memory="cose")
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    save_weights(folder, tiny.network, tiny.memory, {})
    return folder


def test_the_bundle_is_what_kaggles_command_reads(weights: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["bundle", "-o", str(tmp_path), "--user", "somebody", "--weights", str(weights)]
    )
    assert done.exit_code == 0, done.output
    assert f"kaggle kernels push -p {tmp_path / 'kernel'}" in done.output
    assert "submit arc-prize-2026-arc-agi-2 -k somebody/arc-urm-solver -v VERSION" in done.output
    kernel = json.loads((tmp_path / "kernel" / "kernel-metadata.json").read_text())
    dataset = json.loads((tmp_path / "weights" / "dataset-metadata.json").read_text())
    assert kernel["id"] == "somebody/arc-urm-solver" and kernel["title"] == TITLE
    assert kernel["dataset_sources"] == [dataset["id"]]
    assert (kernel["enable_internet"], kernel["machine_shape"]) == (False, "NvidiaL4")
    assert (tmp_path / "kernel" / kernel["code_file"]).is_file()
    checksum = zlib.crc32((weights / "model.safetensors").read_bytes())
    assert f"CRC-32 of model.safetensors {checksum:08x}. The kernel's plan for 240" in dataset["description"]
    assert f"in 11.25 h: {MACHINES[0].shares()}." in dataset["description"]
    assert 6 <= len(dataset["title"]) <= 50 and len(dataset["licenses"]) == 1
    assert {path.name for path in (tmp_path / "weights").iterdir()} == {
        "config.json",
        "model.safetensors",
        "dataset-metadata.json",
    }
    code = (tmp_path / "kernel" / "kaggle_kernel.py").read_text()
    ast.parse(code)
    assert len(code) < 1_000_000, "Kaggle takes no larger source"
    (cell,) = json.loads((tmp_path / "kernel" / "kaggle_kernel.ipynb").read_text())["cells"]
    assert "".join(cell["source"]) == code == kernel_source()


def test_the_kernel_holds_this_very_code() -> None:
    """Byte by byte, and nothing else: what it runs and how it divides its time is what is tested here."""
    namespace: dict[str, object] = {"__name__": "kernel"}
    exec(compile(kernel_source(), "kernel", "exec"), namespace)
    folder = Path(namespace["unpack"]())
    unpacked = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder)
    for path, data in unpacked.items():
        assert data == (ROOT / path).read_bytes(), path
    sources = {path.relative_to(ROOT) for path in (ROOT / "solver").rglob("*.py")}
    assert sources <= set(unpacked) and Path("solver/run/schedule.py") in sources


@pytest.mark.parametrize(
    ("user", "title", "said"),
    [
        ("some/body", TITLE, "wanted a Kaggle user name"),
        ("Somebody", TITLE, "wanted a Kaggle user name"),
        ("somebody", "short", "wanted 6 to 50 letters, found 5"),
        ("somebody", "x" * 51, "found 51"),
        ("somebody", "a------!", "letters and digits"),
    ],
)
def test_kaggles_rules_for_names(user: str, title: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        resource_id(user, title)


def test_a_competition_has_a_plain_name(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="competition"):
        write_bundle(tmp_path, user="somebody", competition="ARC Prize", weights=str(weights))
    assert not list(tmp_path.iterdir())


def test_the_bundle_alone_writes_what_solve_writes(
    weights: Path, tmp_path: Path, example_tasks: Path
) -> None:
    """As in the scored run: an empty folder, no network for it and its workers, no way to the repository."""
    bundle = write_bundle(tmp_path / "dist", user="somebody", weights=str(weights))
    few = first_tasks(example_tasks, tmp_path, 2, solutions=False)
    tree = make_tree(tmp_path / "kaggle", few, weights=bundle.weights)
    with tree.start(bundle.kernel / "kaggle_kernel.py", *QUICKLY, scored=True) as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert str(ROOT / "solver") not in said
    about = json.loads((bundle.weights / "dataset-metadata.json").read_text())["description"]
    (checksum,) = re.findall(r"CRC-32 of model.safetensors \w{8}", about)
    assert checksum in said, "the log names the weights as the data set does"
    written = {path.name for path in tree.working.iterdir()}
    assert {"submission.json", "run.log", "submission.journal"} <= written
    assert written <= {"submission.json", "run.log", "submission.journal", "report.html"}
    places = [
        said.index(part) for part in ("fallback answers to 2 tasks", "libraries: torch", "cpu: ", "tune 1: ")
    ]
    assert places == sorted(places), "valid answers, then the doctor, then the work"
    fast = [word for word in QUICKLY if word not in ("--doctor", "0")]
    ours = CliRunner().invoke(
        main, [str(few), "-o", str(tmp_path / "ours.json"), "--weights", str(weights), *fast]
    )
    assert ours.exit_code == 0, ours.output
    assert (tmp_path / "ours.json").read_bytes() == tree.submission.read_bytes()
    assert len(read_submission(tree.submission)) == 2


@pytest.mark.skipif(not own_network(), reason="needs a network namespace")
def test_in_the_tree_there_is_no_network(tmp_path: Path, example_tasks: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("import socket; socket.create_connection(('192.0.2.1', 9), timeout=5)")
    with make_tree(tmp_path / "kaggle", example_tasks).start(code) as process:
        said, _ = process.communicate()
    assert "Network is unreachable" in said


def test_the_notebooks_cells_run_in_order(tmp_path: Path, example_tasks: Path) -> None:
    """As a notebook does: no arguments of its own, no exit at the end. Without weights guesses remain."""
    bundle = write_bundle(tmp_path / "dist", user="somebody")
    few = first_tasks(example_tasks, tmp_path, 2, solutions=False)
    tree = make_tree(tmp_path / "kaggle", few)
    code = tmp_path / "notebook.py"
    code.write_text(
        "import json, sys, types\n"
        "notebook = json.load(open(sys.argv[1]))\n"
        "sys.modules['ipykernel'] = types.ModuleType('ipykernel')\n"
        "sys.argv = ['ipykernel_launcher.py', '-f', 'connection.json']\n"
        "names = {'__name__': '__main__'}\n"
        "for cell in notebook['cells']:\n"
        "    if cell['cell_type'] == 'code':\n"
        "        exec(compile(''.join(cell['source']), 'cell', 'exec'), names)\n"
        "print('the notebook goes on')\n"
    )
    with tree.start(code, str(bundle.kernel / "kaggle_kernel.ipynb"), scored=True) as process:
        said, _ = process.communicate()
    assert process.returncode == 0 and said.endswith("the notebook goes on\n"), said
    assert "every task is left to guesses" in said
    assert len(read_submission(tree.submission)) == 2
