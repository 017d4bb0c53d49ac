"""The fault campaign, whole runs with random faults: ``python -m benchmarks.faults --runs 200``.

Every run whose output can be written must leave a valid submission, lose no candidate of a finished
task, end with exit status 0 (unless it was the one that was killed), and leave no process behind.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from solver.arc.journal import read_journal
from solver.arc.submission import validate_submission
from solver.arc.task import Pair, Task, as_grid, read_json
from solver.run.launch import PACKAGE_FOLDER, Launcher

WORKER_FAULTS = ("die", "hang", "memory", "nan", "error", "vanish")
RUN_FAULTS = ("supervisor killed", "truncated weights", "disk full", "read-only output", "clock near its end")
SCENARIOS = (*WORKER_FAULTS, *RUN_FAULTS)
MARK = "ARC_FAULT_RUN"  # in the environment of every process of a run: how orphans are found
_NAMES = ("a1", "b2", "c3")
_PATIENCE = 60.0
_LIMIT = 900.0  # seconds until a run is taken to hang


@dataclass(frozen=True)
class Outcome:
    """One run. ``problem``: which promise it broke, or an empty string."""

    scenario: str
    seconds: float
    problem: str


def tiny_tasks() -> list[Task]:
    """Three tasks of the smallest kind; what they ask is of no importance."""
    generator = np.random.default_rng(5)
    grids = [as_grid(generator.integers(0, 4, (3, 3))) for _ in range(3)]
    pairs = [Pair(grid, as_grid(grid[:, ::-1])) for grid in grids]
    return [Task(name, tuple(pairs[:2]), (Pair(grids[2]),)) for name in _NAMES]


def write_tiny_weights(folder: Path) -> None:
    """A random network of the smallest kind."""
    import torch

    from solver.model.checkpoint import save_weights
    from solver.model.config import URMConfig
    from solver.model.embedding import build_memory
    from solver.model.urm import URM

    config = URMConfig(
        hidden_size=32, num_heads=2, num_layers=1, H_cycles=1, L_cycles=1, loops=2, puzzle_emb_ndim=32,
        canvas="cropped", pos_encodings="rope2d", memory="cose",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(1)
    network = URM(config, generator).eval()
    save_weights(
        folder, network, build_memory(config, tasks=3, rows=3, generator=generator).shared_state(), {}
    )


def child(text: str) -> None:
    """One run in a process of its own. ``text``: its settings as JSON."""
    from solver.run.options import Listener, SolveOptions
    from solver.run.pipeline import solve

    wanted = json.loads(text)
    budget = {"budget_seconds": wanted["budget"]} if wanted["budget"] else {"steps": 1}
    options = SolveOptions(
        weights=wanted["weights"], augmentations=2, device="cpu", tune="embedding", workers=wanted["workers"],
        lenient=True, patience=_PATIENCE, **budget,
    )  # fmt: skip

    def fill(_: object) -> None:
        if wanted["full"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY))
        print("result", flush=True)

    solve(
        tiny_tasks(),
        output=Path(wanted["output"]),
        options=options,
        listener=Listener(result=fill, say=lambda said: print(said, flush=True)),
        journal=Path(wanted["journal"]),
        resume=wanted["resume"],
        executor=Launcher("benchmarks.faulty_worker", PACKAGE_FOLDER),
    )


def one_run(scenario: str, generator: np.random.Generator, weights: Path, folder: Path) -> Outcome:
    """Set the stage, run, check."""
    began = time.monotonic()
    hits = folder / "hits"
    hits.mkdir()
    settings = {
        "weights": str(
            _truncated(weights, folder, generator) if scenario == "truncated weights" else weights
        ),
        "output": "/proc/submission.json" if scenario == "read-only output" else str(folder / "s.json"),
        "journal": str(folder / "journal"),
        "workers": int(generator.integers(1, 3)),
        "budget": float(generator.uniform(0.1, 8)) if scenario == "clock near its end" else None,
        "full": scenario == "disk full",
        "resume": False,
    }
    faults = {"folder": str(hits), "faults": _faults(scenario, generator)}
    mark = folder.name
    environment = {**os.environ, "FAULTS": json.dumps(faults), MARK: mark, "TMPDIR": str(folder)}
    delay = float(generator.uniform(0.2, 12)) if scenario == "supervisor killed" else None
    problem = _go(settings, environment, delay)
    if not problem and delay is not None:
        problem = _orphans(mark) or _resume(settings, environment)
    problem = problem or _orphans(mark) or _check(settings, scenario)
    return Outcome(scenario, time.monotonic() - began, problem)


def _faults(scenario: str, generator: np.random.Generator) -> list[dict[str, object]]:
    if scenario not in WORKER_FAULTS:
        return []
    task, times = str(generator.choice(["", *_NAMES])), int(generator.integers(1, 4))
    if scenario == "vanish":
        return [{"kind": "die", "task": task, "times": times}, {"kind": "vanish"}]
    if scenario == "memory":
        return [{"kind": "memory", "task": task, "times": 0, "tokens": int(generator.integers(0, 768))}]
    return [{"kind": scenario, "task": task, "times": min(times, 2) if scenario == "hang" else times}]


def _truncated(weights: Path, folder: Path, generator: np.random.Generator) -> Path:
    broken = folder / "broken"
    broken.mkdir()
    for path in weights.iterdir():
        data = path.read_bytes()
        keep = int(generator.integers(0, len(data))) if path.suffix == ".safetensors" else len(data)
        (broken / path.name).write_bytes(data[:keep])
    return broken


def _go(settings: dict[str, object], environment: dict[str, str], delay: float | None) -> str:
    """Run the child; kill it after ``delay`` seconds if there is one."""
    code = f"from benchmarks.faults import child; child({json.dumps(settings)!r})"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PACKAGE_FOLDER,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=_LIMIT if delay is None else delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return "" if delay is not None else "it did not end"
    return "" if process.returncode == 0 else f"exit status {process.returncode}: {said.strip()[-300:]}"


def _resume(settings: dict[str, object], environment: dict[str, str]) -> str:
    """Go on with a run that was killed; what it had finished must still be there."""
    journal = Path(str(settings["journal"]))
    before = _finished(journal)
    problem = _go({**settings, "resume": True}, environment, None)
    if problem:
        return problem
    return "" if before.items() <= _finished(journal).items() else "a candidate is lost"


def _finished(journal: Path) -> dict[str, int]:
    """Finished tasks and the number of their candidates; empty where nothing whole was written."""
    if not journal.exists() or b"\n" not in journal.read_bytes():
        return {}
    contents = read_journal(journal)
    return {
        task_id: sum(len(views) for (name, _), views in contents.pool.items() if name == task_id)
        for task_id in contents.finished
    }


def _check(settings: dict[str, object], scenario: str) -> str:
    output = Path(str(settings["output"]))
    if scenario == "read-only output":
        return "it wrote where nothing can be" if output.exists() else ""
    try:
        validate_submission(read_json(output), tiny_tasks())
        _finished(Path(str(settings["journal"])))
    except ValueError as error:
        return str(error)
    return ""


def _orphans(mark: str) -> str:
    """Processes that carry the run's mark, after ten seconds in which they may end."""
    until = time.monotonic() + 10
    while left := list(_marked(mark)):
        if time.monotonic() > until:
            return f"{len(left)} processes are left"
        time.sleep(0.2)
    return ""


def _marked(mark: str) -> Iterator[int]:
    wanted = f"{MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
        except OSError:
            continue


def campaign(runs: int, seed: int, seconds: float = float("inf")) -> Iterator[Outcome]:
    """Runs with random faults, each kind in turn, until the seconds are over."""
    generator, began = np.random.default_rng(seed), time.monotonic()
    order = generator.permutation(len(SCENARIOS))
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        weights = Path(scratch) / "weights"
        write_tiny_weights(weights)
        for number in range(runs):
            if time.monotonic() - began > seconds:
                return
            folder = Path(scratch) / f"run-{os.getpid()}-{number}"
            folder.mkdir()
            yield one_run(SCENARIOS[order[number % len(SCENARIOS)]], generator, weights, folder)


@click.command()
@click.option("--runs", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True)
@click.option("--seconds", default=float("inf"), show_default=True, help="Stop after so long.")
def main(runs: int, seed: int, seconds: float) -> None:
    """Whole runs with random faults; exit status 1 where a promise was broken."""
    count, broken, spent = Counter(), Counter(), Counter()
    for number, outcome in enumerate(campaign(runs, seed, seconds), 1):
        count[outcome.scenario] += 1
        spent[outcome.scenario] += outcome.seconds
        broken[outcome.scenario] += bool(outcome.problem)
        click.echo(f"{number:4} {outcome.scenario:<20} {outcome.seconds:6.1f} s  {outcome.problem or 'held'}")
    click.echo("\n| fault | runs | promise broken | seconds a run |\n|---|---|---|---|")
    for name in SCENARIOS:
        if count[name]:
            click.echo(f"| {name} | {count[name]} | {broken[name]} | {spent[name] / count[name]:.0f} |")
    sys.exit(1 if broken.total() else 0)


if __name__ == "__main__":
    main()
