"""Sources: a source from outside the package, followed through everything that a run leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from made_run import challenges
from made_tasks import random_task

from solver.arc.journal import read_journal
from solver.arc.submission import read_submission
from solver.arc.task import Task
from solver.choices import NETWORK
from solver.cli import main
from solver.run.events import Listener, TaskResult
from solver.run.pipeline import solve
from solver.run.settings import SolveOptions
from solver.run.sources import SOURCES, find_sources

# It counts its steps, looks at the budget between them, and draws with the seed.
TOY = '''
"""A source of one's own: it counts its steps and draws with its seed."""

import os
import time

import numpy as np

from solver.arc.task import as_grid
from solver.arc.candidate import Candidate, Program


def propose(task, budget, seed):
    """The wanted answer, all cells 7, then one grid of random cells in each step."""
    generator = np.random.default_rng(seed)
    step = 0
    while budget.done(step) < 1:
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
        for test, pair in enumerate(task.test):
            sevens = np.full(pair.input.shape, 7)
            grid = sevens if step == 0 else generator.integers(0, 10, pair.input.shape)
            shown = len(task.train)
            yield test, Candidate(as_grid(grid), "toy", Program(step, shown, shown), f"toy {step}")
        step += 1
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The entry of a source in a module of its own, where this process and its workers find it."""
    (tmp_path / "toy_source.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "toy_source:propose"


def tasks() -> list[Task]:
    return [random_task(f"t{n}", 3, n) for n in range(4)]


def has_sevens(answers: tuple) -> bool:
    return any((answer.grid == 7).all() for answer in answers)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_source_of_ones_own_answers_the_same_wherever_it_runs(
    toy: str, tmp_path: Path, workers: int
) -> None:
    started: list[str] = []
    results: list[TaskResult] = []
    options = SolveOptions(sources=("search", toy), steps=5, search_nodes=200, workers=workers)
    listener = Listener(started.append, results.append)
    journal = tmp_path / "run.journal"
    found = solve(tasks(), output=tmp_path / "s.json", options=options, listener=listener, journal=journal)
    assert all(has_sevens(result.attempts[0]) for result in found)
    told = sorted((r.source, r.task.id) for r in results)
    assert started == [f"search, {toy}"] and told == [(s, t.id) for s in ("search", toy) for t in tasks()]
    again = tmp_path / "again.json"
    solve(
        tasks(),
        output=again,
        options=SolveOptions(sources=("search", toy), steps=5, search_nodes=200, workers=1 - workers),
    )
    assert again.read_bytes() == (tmp_path / "s.json").read_bytes()


def test_a_run_without_torch_never_imports_it(toy: str, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(challenges(tasks())))
    code = (
        "import sys\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(tmp_path)!r}]\n"
        "from solver import SolveOptions, load_tasks, solve\n"
        f"options = SolveOptions(sources=('search', {toy!r}), steps=3, search_nodes=200)\n"
        f"solve(load_tasks({str(path)!r}), options=options)\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_a_killed_run_resumes_and_every_reader_knows_the_source(toy: str, tmp_path: Path) -> None:
    path, output, journal = (tmp_path / name for name in ("tasks.json", "s.json", "s.journal"))
    solved = []
    for task in tasks():
        sevens = [[7] * 3] * 3
        value = challenges([task])[task.id]
        value["test"] = [{**pair, "output": sevens} for pair in value["test"]]
        solved.append((task.id, value))
    path.write_text(json.dumps(dict(solved)))
    command = [sys.executable, "-c", "from solver.cli import main; main()", str(path)]
    more = ["--sources", f"search,{toy}", "--search-nodes", "200", "--steps", "5", "--workers", "1"]
    words = [*command, "-o", str(output), *more]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    slow = {**environment, "TOY_SECONDS": "0.3"}
    with subprocess.Popen(words, cwd=tmp_path, env=slow, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with suppress(ValueError):  # its first line may be half written
                if journal.exists() and any(record.source == toy for record in read_journal(journal).records):
                    break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert set(read_submission(output)) == {"t0", "t1", "t2", "t3"}, "valid whenever it is killed"
    subprocess.run([*words, "--resume"], cwd=tmp_path, env=environment, check=True)
    whole = tmp_path / "whole.json"
    subprocess.run([*command, "-o", str(whole), *more], cwd=tmp_path, env=environment, check=True)
    assert output.read_bytes() == whole.read_bytes()
    run = CliRunner().invoke
    scored = run(main, ["score", str(output), str(path), "--journal", str(journal)])
    assert scored.exit_code == 0, scored.output
    assert "100" in scored.output
    merged = tmp_path / "merged.json"
    made = run(main, ["merge", str(journal), str(whole), "-o", str(merged), "--tasks", str(path)])
    assert made.exit_code == 0, made.output
    assert all(
        any((np.asarray(grid) == 7).all() for grid in answers[0])
        for answers in read_submission(merged).values()
    )


def test_a_source_that_fails_leaves_its_tasks_their_answers(tmp_path: Path, toy: str) -> None:
    (tmp_path / "toy_source.py").write_text(TOY.replace("step = 0\n", 'raise RuntimeError("broken")\n', 1))
    said: list[str] = []
    options = SolveOptions(sources=("search", toy), steps=2, search_nodes=200, workers=1)
    with pytest.raises(ValueError, match="broken"):
        solve(tasks(), output=tmp_path / "s.json", options=options, listener=Listener(say=said.append))
    assert set(read_submission(tmp_path / "s.json")) == {"t0", "t1", "t2", "t3"}
    assert any("broken" in text for text in said)


def test_sources_are_named_by_the_table_or_by_their_entry() -> None:
    assert find_sources(("network", "a.b:c"))[1].entry == "a.b:c"
    for names, text in (
        ((), "found none"),
        (("serach",), "did you mean search"),
        (("search",) * 2, "each once"),
    ):
        with pytest.raises(ValueError, match=text):
            find_sources(names)
    assert [name for name, source in SOURCES.items() if source.torch] == ["network"]
    with pytest.raises(ValueError, match=r"nowhere:propose: cannot be imported"):
        solve(tasks()[:1], options=SolveOptions(sources=("nowhere:propose",)))


def test_a_task_that_is_almost_sure_is_spared_the_network(toy: str, tmp_path: Path) -> None:
    """A source on the CPU works before the network, which then leaves out what needs no more work."""
    from test_run import tiny_weights

    from solver.model.checkpoint import save_weights

    (tmp_path / "sure_source.py").write_text(
        TOY.replace(
            "Program(step, shown, shown)", 'Program(step, shown, shown, probability=0.97 * (task.id == "t1"))'
        )
    )
    weights = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", weights.network, weights.memory, {})
    results: list[TaskResult] = []
    options = SolveOptions(
        sources=("sure_source:propose", NETWORK),
        weights=str(tmp_path / "tiny"),
        steps=1,
        augmentations=1,
        device="cpu",
        workers=0,
    )
    found = solve(tasks(), options=options, listener=Listener(result=results.append))
    tuned = [result.task.id for result in results if result.source == NETWORK]
    assert sorted(tuned) == ["t0", "t2", "t3"] and results[0].source == "sure_source:propose"
    assert [r.source for r in results].index(NETWORK) == 4, "the network waits for what shares its processors"
    assert has_sevens(found[1].attempts[0])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_fault_in_a_source_costs_it_that_task_alone(toy: str, tmp_path: Path, workers: int) -> None:
    broken = TOY.replace("    step = 0\n", "    step = 0\n    assert task.id != 't1', 'broken at t1'\n")
    (tmp_path / "broken_source.py").write_text(broken)
    said: list[str] = []
    options = SolveOptions(sources=("broken_source:propose",), steps=2, workers=workers)
    found = solve(tasks(), options=options, listener=Listener(say=said.append))
    assert [has_sevens(result.attempts[0]) for result in found] == [True, False, True, True]
    assert any("t1: AssertionError: broken at t1; left to other answers" in text for text in said), said
