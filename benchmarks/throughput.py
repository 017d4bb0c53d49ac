"""Two CPU workers against one, and what the supervisor itself costs: ``python -m benchmarks.throughput``.

The same tasks and steps in each run, so the same answers; alone on the machine, or the figures say nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

from solver.arc.task import load_tasks
from solver.choices import NETWORK
from solver.run.events import Listener
from solver.run.launch import PACKAGE_FOLDER
from solver.run.pipeline import solve
from solver.run.settings import SolveOptions

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Timing:
    """Seconds of one run: ``wall`` from its start to its end, ``working`` from the first worker's first
    word on; ``supervisor``: processor time of the supervising process in ``working``, no worker's."""

    wall: float
    working: float
    supervisor: float


def child(text: str) -> None:
    """One run, this process its supervisor. ``text``: its settings as JSON; prints a ``Timing``."""
    wanted = json.loads(text)
    tasks = load_tasks(wanted["tasks"])[: wanted["count"]]
    options = SolveOptions((NETWORK,), steps=wanted["steps"], device="cpu", workers=wanted["workers"])
    ready: list[tuple[float, float]] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        solve(
            tasks,
            output=Path(folder) / "submission.json",
            options=options,
            journal=Path(folder) / "submission.journal",
            listener=Listener(start=lambda text: ready.append((time.monotonic(), time.process_time()))),
        )
    ended, spent = time.monotonic(), time.process_time()
    (since, before), *_ = ready
    print(json.dumps({"wall": ended - began, "working": ended - since, "supervisor": spent - before}))


def measure(workers: int, threads: int | None, tasks: Path, count: int, steps: int) -> Timing:
    """A run in a process of its own. ``threads``: of each worker; None for its share of the processor's."""
    wanted = json.dumps({"workers": workers, "tasks": str(tasks), "count": count, "steps": steps})
    environment = {name: value for name, value in os.environ.items() if name not in THREADS}
    if threads is not None:
        environment |= dict.fromkeys(THREADS, str(threads))
    code = f"from benchmarks.throughput import child; child({wanted!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE_FOLDER,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


@click.command()
@click.option("--data", default="examples/arc1_eval_20.json", show_default=True, type=click.Path(exists=True))
@click.option("--tasks", "count", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--steps", default=30, show_default=True, type=click.IntRange(min=0), help="For each task.")
def main(data: str, count: int, steps: int) -> None:
    """Tasks a minute with one worker and with two, and the supervisor's share of a run."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    click.echo(f"{os.cpu_count()} cores, load before {load}; {count} tasks, {steps} steps each\n")
    click.echo("| workers | threads each | wall, s | tasks a minute | ratio | supervisor, s of CPU | share |")
    click.echo("|---|---|---|---|---|---|---|")
    first = None
    measure(1, 1, Path(data), 1, 1)  # compiles, and fills the disk's cache
    for workers, threads in ((1, 1), (1, None), (2, 1)):
        timing = measure(workers, threads, Path(data).resolve(), count, steps)
        first = first or timing
        rate, ratio = 60 * count / timing.working, first.working / timing.working
        share = timing.supervisor / timing.working
        click.echo(
            f"| {workers} | {threads or 'all'} | {timing.wall:.1f} | {rate:.1f} | {ratio:.2f} "
            f"| {timing.supervisor:.2f} | {share:.2%} |"
        )


if __name__ == "__main__":
    main()
