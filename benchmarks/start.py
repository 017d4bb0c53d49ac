"""Cold starts, each in a new process: ``python -m benchmarks.start``. Seconds of processor time and of wall.

"Compiled anew": numba's cache is empty, as in the kernel on Kaggle, which unpacks its source to a new folder.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from solver.bundle import write_bundle
from solver.kaggle.mounts import TASKS
from solver.run.launch import PACKAGE_FOLDER

EXAMPLES = Path(PACKAGE_FOLDER) / "examples" / "arc1_eval_20.json"
COUNT = 2  # of the examples in the bundle's run
_SEARCH = "from solver.search.prepare import prepare; prepare(print)"
_JOB = (
    "from solver import solve; from solver.run.settings import SolveOptions; "
    "from solver.arc.task import load_tasks; "
    f"solve(load_tasks({str(EXAMPLES)!r})[:1], options=SolveOptions(steps=1, device='cpu', workers=1))"
)
PARTS = {
    "import solver.cli": "import solver.cli",
    "solve --help": "from solver.cli import main; main(['--help'])",
    "the search made ready": _SEARCH,
    "one task, one step, one worker": _JOB,
}


def timed(command: list[str], folder: Path, **more: str) -> tuple[float, float, str]:
    """(seconds of processor time, children's included; wall seconds; what it said) of a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    said = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, wall, said


def bundle_start(scratch: Path) -> Iterator[str]:
    """The bundle over some examples as in the scored run, without tuning; when it said what."""
    bundle = write_bundle(scratch / "dist", user="somebody")
    competition, working = scratch / "input" / "competition", scratch / "working"
    for folder in (competition, working):
        folder.mkdir(parents=True)
    examples = json.loads(EXAMPLES.read_text())
    (competition / TASKS).write_text(json.dumps(dict(list(examples.items())[:COUNT])))
    shutil.copytree(bundle.weights, scratch / "input" / "weights")
    places = {"KAGGLE_INPUT": str(scratch / "input"), "KAGGLE_OUTPUT": str(working), "TMPDIR": str(scratch)}
    words = ["--full", "--steps", "0", "--augmentations", "1", "--workers", "1", "--doctor", "0"]
    kernel = str(bundle.kernel / "kaggle_kernel.py")
    spent, wall, _ = timed([sys.executable, "-I", kernel, *words], scratch, **places)
    yield f"| bundle, {COUNT} examples, no tuning | {spent:.2f} | {wall:.2f} |"
    log = (working / "run.log").read_text()
    for name, pattern in (
        ("first answers written", "fallback answers to"),
        ("doctor done", "weights: "),
        ("worker ready", " on CPU, .*float32$"),
    ):
        found = re.findall(rf"^ *([\d.]+) .*{pattern}", log, re.MULTILINE)
        if found:
            yield f"| ... {name}, since its start | | {found[-1]} |"


@click.command()
def main() -> None:
    """Cold starts of the commands, of a worker, and of the bundle."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    click.echo(
        f"{os.cpu_count()} cores, load before {load}\n\n| what | processor, s | wall, s |\n|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, code in PARTS.items():
            command = [sys.executable, "-c", code]
            for anew in ("", "compiled anew") if "one" in name else ("",):
                cache = tempfile.mkdtemp(dir=folder) if anew else str(Path(folder, "kept"))
                if not anew:
                    timed(command, Path(PACKAGE_FOLDER), NUMBA_CACHE_DIR=cache)
                spent, wall, _ = timed(command, Path(PACKAGE_FOLDER), NUMBA_CACHE_DIR=cache)
                click.echo(f"| {name}{', ' + anew if anew else ''} | {spent:.2f} | {wall:.2f} |")
        for line in bundle_start(Path(tempfile.mkdtemp(dir=folder))):
            click.echo(line)


if __name__ == "__main__":
    main()
