"""What a Ray cluster costs beside local processes: ``python -m benchmarks.cluster``.

Both solve the example tasks with the same steps on this machine: two local workers, then a head and two
nodes. Printed: seconds, processor seconds and peak memory of all processes together, those of Ray
included, and whether both wrote the same bytes. On a busy machine only processor seconds and memory mean
anything.
"""

import os
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import click

from solver.arc.task import load_tasks
from solver.choices import NETWORK
from solver.run.cluster import connected
from solver.run.events import Listener
from solver.run.launch import Executor
from solver.run.pipeline import solve
from solver.run.settings import SolveOptions

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "arc1_eval_20.json"
WORKERS = 2
MARK = "ARC_CLUSTER_BENCHMARK"  # in the environment of every process that is measured
TICK = 1.0  # seconds between two looks at them
HERTZ = os.sysconf("SC_CLK_TCK")


class Watch:
    """Processor seconds and peak memory of this and all marked processes, from its beginning on."""

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        self.peak = 0.0
        self.processes = 0
        self.own = time.process_time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def __enter__(self) -> "Watch":
        self._look()
        self.before = dict(self.seconds)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    @property
    def cpu(self) -> float:
        """Processor seconds of all of them; of one that ended, those of the last look at it."""
        others = sum(self.seconds.values()) - sum(self.before.values())
        return others + time.process_time() - self.own

    def line(self) -> str:
        """The numbers for people."""
        memory = f"peak memory {self.peak:,.0f} MiB in {self.processes + 1} processes"
        return f"processors {self.cpu:.1f} s; {memory}"

    def _go(self) -> None:
        while not self._over.wait(TICK):
            self._look()

    def _look(self) -> None:
        total, count = _memory(os.getpid()), 0
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                if int(folder.name) != os.getpid() and MARK.encode() in (folder / "environ").read_bytes():
                    total += _memory(int(folder.name))
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    self.seconds[int(folder.name)] = (int(fields[11]) + int(fields[12])) / HERTZ
                    count += 1
        self.peak, self.processes = max(self.peak, total), max(self.processes, count)


def _memory(pid: int) -> float:
    """MiB, pages that several processes share divided among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def run(title: str, executor: Executor | None, options: SolveOptions, output: Path) -> None:
    """One run, and what it took from its first moment to the first worker's word and to the end."""
    began, ready = time.monotonic(), []
    tasks = [task.without_test_outputs() for task in load_tasks(str(EXAMPLES))]
    with Watch() as watch:
        heard = Listener(start=lambda _: ready.append(time.monotonic() - began))
        solve(tasks, output=output, options=options, listener=heard, executor=executor)
    click.echo(
        f"{title}: ready after {ready[0]:.1f} s, done after {time.monotonic() - began:.1f} s; {watch.line()}"
    )


@click.command()
@click.option("--steps", default=1, show_default=True, help="tuning steps of each task")
@click.option("--augmentations", default=1, show_default=True, help="views that vote")
def main(steps: int, augmentations: int) -> None:
    """Time and memory of a run on local processes and on a Ray cluster on this machine."""
    from benchmarks.ray_nodes import RayNodes

    os.environ[MARK] = "1"
    options = SolveOptions(
        (NETWORK,), steps=steps, augmentations=augmentations, device="cpu", workers=WORKERS
    )
    with tempfile.TemporaryDirectory() as folder:
        local, cluster = Path(folder, "local.json"), Path(folder, "cluster.json")
        run("local processes", None, options, local)
        began = time.monotonic()
        with Watch() as watch:
            nodes = RayNodes().fill(WORKERS)
        with closing(nodes):
            click.echo(
                f"starting a head and {WORKERS} nodes: {time.monotonic() - began:.1f} s; {watch.line()}"
            )
            for title in ("Ray, first run", "Ray, second run"):
                with connected(nodes.address, workers=WORKERS) as executor:
                    run(title, executor, options, cluster)
        same = local.read_bytes() == cluster.read_bytes()
        click.echo(f"submissions: {'the same bytes' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
