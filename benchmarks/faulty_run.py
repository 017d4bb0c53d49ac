"""One run of the fault campaign: a whole run in a process of its own, struck by one kind of fault, then
checked against what every run promises (``benchmarks.promises``). One that was killed, or whose disk was
full, is gone on with, and checked again. With ``nodes`` it works on that Ray cluster, which stands before and
after it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.promises import (
    FULL,
    MARK,
    OUTER_FAULTS,
    TOLD,
    TOOK,
    Ended,
    Pace,
    Stage,
    broken_promise,
    finished,
    tiny_tasks,
)
from benchmarks.staging import set_stage
from benchmarks.strike import strike
from solver.choices import JOINT, NETWORK
from solver.run.launch import PACKAGE_FOLDER, Executor, Launcher

if TYPE_CHECKING:
    from benchmarks.ray_nodes import RayNodes

FAULTY = "benchmarks.faulty_worker"
NODES = 2


@dataclass(frozen=True)
class Outcome:
    """One run. ``problem``: which promise it broke, or an empty string. ``executor``: what it worked on."""

    scenario: str
    seconds: float
    problem: str
    executor: str = "processes"


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


# In the process of the run


def child(text: str) -> None:
    """The run. ``text``: its settings as JSON. It says what it tells its listener, a line each."""
    from solver.kaggle.lenient import solve_leniently
    from solver.run.events import Listener, TaskResult
    from solver.run.settings import SolveOptions

    wanted = json.loads(text)
    budget = {"budget_seconds": wanted["budget"]} if wanted["budget"] else {"steps": wanted["steps"]}
    options = SolveOptions(
        sources=(NETWORK,), weights=wanted["weights"], augmentations=2, device="cpu", tune=wanted["tune"],
        workers=wanted["workers"], patience=wanted["patience"],
        **budget,
    )  # fmt: skip
    results = 0

    def tell(result: TaskResult) -> None:
        nonlocal results
        results += 1
        if not result.note:
            print(TOLD, result.phase, result.task.id, flush=True)
        if results == wanted["full_after"]:
            size = Path(wanted["journal"]).stat().st_size + wanted["spare"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            print(FULL, flush=True)
        if results == wanted["killed_after"]:
            os.kill(os.getpid(), signal.SIGKILL)

    with _executor(wanted) as executor:
        began = time.monotonic()
        solve_leniently(
            tiny_tasks(),
            output=Path(wanted["output"]),
            options=options,
            listener=Listener(result=tell, say=lambda said: print(said, flush=True)),
            journal=Path(wanted["journal"]),
            resume=wanted["resume"],
            executor=executor,
        )
        print(TOOK, time.monotonic() - began, flush=True)


@contextmanager
def _executor(wanted: dict[str, object]) -> Iterator[Executor]:
    """Workers with faults, here or on the cluster that is wanted."""
    if not wanted["cluster"]:
        yield Launcher(FAULTY, PACKAGE_FOLDER)
        return
    from solver.run.cluster import connected

    environment = {name: os.environ[name] for name in (MARK, "FAULTS")}
    with connected(str(wanted["cluster"]), workers=wanted["workers"]) as cluster:
        yield replace(cluster, module=FAULTY, environment=environment)


# Around it


def one_run(
    scenario: str,
    generator: np.random.Generator,
    weights: Path,
    folder: Path,
    pace: Pace,
    nodes: "RayNodes | None" = None,
) -> Outcome:
    """Set the stage, run, check. An empty scenario: a run without a fault."""
    if nodes:
        nodes.fill(NODES)
    stage = set_stage(scenario, generator, weights, folder, pace, nodes)
    began = time.monotonic()
    problem = _play(stage, generator)
    return Outcome(scenario, time.monotonic() - began, problem, "ray" if nodes else "processes")


def _play(stage: Stage, generator: np.random.Generator) -> str:
    """The run, and those that go on with it; the first promise that is broken, or an empty string."""
    killed, gone_on = stage.scenario == "supervisor killed", stage.kind in ("supervisor killed", "disk full")
    times = [stage.pace.clean * float(share) for share in generator.uniform(0.0, 1.1, 3)]
    if stage.scenario in OUTER_FAULTS:
        strikes = 1 if stage.scenario == "node killed" else int(generator.integers(1, 4))
        return broken_promise(stage, _go(stage, strike_at=times[:strikes]))
    problem = broken_promise(stage, _go(stage, kill_at=times[0] if killed else None))
    again = int(generator.integers(0, 3)) if killed else 0
    for kill_at in times[1 : 1 + again]:  # the run that goes on is killed too
        problem = problem or _resume(stage, kill_at)
    return problem or (_resume(stage, None) if gone_on else "")


def _resume(stage: Stage, kill_at: float | None) -> str:
    """Go on with the run; what it had finished must still be there. A checkpoint's answers are replaced by
    those of the next, of which a clock may allow fewer."""
    before = finished(stage.journal)
    problem = broken_promise(stage, _go(stage, kill_at=kill_at, resume=True), resumed=True)
    after = finished(stage.journal)
    kept = {place for place, count in before.items() if after.get(place) == count}
    kept |= {place for place in after if place[0] == JOINT}
    lost = [" ".join(place) for place in before if place not in kept]
    return problem or (f"candidates of {', '.join(lost)} are lost" if lost else "")


def _go(
    stage: Stage, *, kill_at: float | None = None, strike_at: Sequence[float] = (), resume: bool = False
) -> Ended:
    """Run the child; kill it, or what it works with, so many seconds after its start."""
    settings = stage.settings | ({"resume": True, "full_after": 0, "killed_after": 0} if resume else {})
    meant = kill_at is not None or bool(settings["killed_after"])
    code = f"from benchmarks.faulty_run import child; child({json.dumps(settings)!r})"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PACKAGE_FOLDER,
        env=stage.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        times = enumerate(strike_at)
        strikers = [threading.Thread(target=strike, args=(stage, process, *at)) for at in times]
        for striker in strikers:
            striker.start()
        try:
            said, _ = process.communicate(timeout=stage.pace.limit if kill_at is None else kill_at)
            killed = meant and process.returncode == -signal.SIGKILL
            status = None if killed else process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            (said, _), status = process.communicate(), None
        finally:
            for striker in strikers:
                striker.join()  # a node takes a moment to be gone
    return Ended(status, meant, tuple(said.splitlines()))
