"""The Kaggle kernel: a valid, best-effort submission whatever happens.

Two processes: this one watches, keeps the log and the clock, and imports nothing that can fail; the
other works (``solver.kaggle.work``). One that dies is started again and resumes from its journal.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from solver.choices import TUNES
from solver.kaggle.mounts import find_mounts, input_root, output_folder, process_age

LIMIT_SECONDS = 12 * 3600.0
RESERVE_SECONDS = 45 * 60.0
STARTS = 4  # of the working process
_GRACE = 120.0  # seconds that the working process gets beyond its own deadline
_ACCOUNT_SECONDS = 120.0  # for saying why the score is what it is; reading a journal takes some
_ROOT = str(Path(__file__).resolve().parents[2])
_CODE = "import sys; sys.path.insert(0, {root!r}); from solver.kaggle.{name} import main; main({settings!r})"


class Log:
    """Every line to stdout and, with the seconds since the start, to a file."""

    def __init__(self, path: Path, began: float) -> None:
        self.path, self.began, self.failed = path, began, False

    def __call__(self, text: str) -> None:
        with suppress(OSError):  # nobody reads on, or the disk is full: the run goes on
            print(text, flush=True)
        line = f"{time.monotonic() - self.began:9.1f} {text}\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            if not self.failed:
                with suppress(OSError):
                    print(f"{self.path}: cannot be written ({error.strerror})", flush=True)
            self.failed = True


def scratch_folder() -> str:
    """A new folder outside of the output; Kaggle keeps all of that."""
    roomy = Path("/kaggle/temp")
    return tempfile.mkdtemp(prefix="arc-urm-solver-", dir=roomy if roomy.is_dir() else None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the kernel; its exit status: 0 with a submission in place, 1 without.

    ``arguments``: None takes the command line's, or none at all in a notebook.
    """
    if arguments is None:
        arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]
    try:
        return kernel.main(args=list(arguments), prog_name="kaggle_kernel.py", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2


@click.command()
@click.option("--full", is_flag=True, help="Solve the test file even where this is not the scored run.")
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    metavar="N",
    help="Tuning steps for each task, instead of the clock.",
)
@click.option(
    "--search-nodes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Transforms that the program search tries for each task, instead of the clock.",
)
@click.option(
    "--augmentations",
    type=click.IntRange(min=1),
    metavar="N",
    help="Views of a task; without it by the time.",
)
@click.option(
    "--tune", type=click.Choice(TUNES), default=TUNES[0], show_default=True, help="What moves at test time."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of all that is drawn; the same one gives the same answers where steps are counted.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes; 0 for none beside this run's own, without it one for each GPU or core.",
)
@click.option(
    "--hours",
    type=float,
    default=LIMIT_SECONDS / 3600,
    show_default=True,
    metavar="HOURS",
    help="Kaggle's limit, from the start of this process.",
)
@click.option(
    "--reserve",
    type=float,
    default=RESERVE_SECONDS / 60,
    show_default=True,
    metavar="MINUTES",
    help="Kept at the end of these hours.",
)
@click.option(
    "--doctor",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="For measuring the pace first; without it 15, or 60 before the dry run.",
)
@click.option("--weights", metavar="DIR", help="A folder of weights; without it those that are mounted.")
def kernel(full: bool, hours: float, reserve: float, weights: str | None, **options: object) -> int:
    """Solve the ARC Prize's test file under KAGGLE_INPUT; submission.json goes to KAGGLE_OUTPUT."""
    age = process_age()
    began = time.monotonic() - age
    output = output_folder()
    with suppress(OSError):  # the first file that cannot be written says so
        output.mkdir(parents=True, exist_ok=True)
    log = Log(output / "run.log", began)
    mounts = find_mounts(input_root())
    log(f"Started {age:.1f} s ago; Python {sys.version.split()[0]}; output in {output.resolve()}.")
    log(mounts.describe())
    if mounts.tasks is None:
        log(f"No arc-agi_test_challenges.json anywhere under {mounts.root}: there is nothing to answer.")
        return 1
    scored = bool(os.environ.get("KAGGLE_IS_COMPETITION_RERUN"))
    found = weights or (str(mounts.weights[0]) if mounts.weights else None)
    dry, scratch = not (full or scored), scratch_folder()
    settings = {
        "tasks": str(mounts.tasks),
        "evaluation": str(mounts.evaluation) if mounts.evaluation else None,
        "public": [str(path) for path in mounts.public],
        "weights": found,
        "output": str(output / "submission.json"),
        "dry": dry,
        "seconds": hours * 3600 - reserve * 60,
        "deadline": began + hours * 3600 - reserve * 60,
        "scratch": scratch,
        "journal": f"{scratch}/dry.journal" if dry else str(output / "submission.journal"),
        **options,
    }
    if found:
        log(f"Weights: {found}, {_sum_of(Path(found) / 'model.safetensors')}.")
    _work(settings, log)
    _account(settings, log)
    status = _finish(settings, log)
    shutil.rmtree(scratch, ignore_errors=True)
    return status


def _sum_of(path: Path) -> str:
    """As the description of the bundle's data set has it."""
    try:
        return f"CRC-32 of {path.name} {zlib.crc32(path.read_bytes()):08x}"
    except OSError as error:
        return f"{path.name} cannot be read ({error.strerror})"


def _work(settings: dict[str, object], log: Log) -> None:
    """The working process, again where it dies, until it is done or the time is up."""
    for start in range(STARTS):
        left = float(str(settings["deadline"])) + _GRACE - time.monotonic()
        if left <= 0:
            log("The time is up.")
            return
        code = _CODE.format(root=_ROOT, name="work", settings=json.dumps({**settings, "start": start}))
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "TMPDIR": str(settings["scratch"])},
        ) as process:
            timer = threading.Timer(left, process.kill)
            timer.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    log(line.rstrip())
            finally:
                timer.cancel()
                if sys.exc_info()[0] is not None:
                    process.kill()
        if process.returncode == 0:
            return
        log(f"The working process ended with status {process.returncode}.")


def _account(settings: dict[str, object], log: Log) -> None:
    """Why the score is what it is, from a process of its own: whatever becomes of that, the answers stand."""
    told = json.dumps({**settings, "ended": time.monotonic()})
    code = _CODE.format(root=_ROOT, name="account", settings=told)
    try:
        made = subprocess.run(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ACCOUNT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log(f"No account of the run: {error.__class__.__name__}.")
        return
    for line in made.stdout.splitlines():
        log(line)
    if made.returncode:
        log(f"The account ended with status {made.returncode}: {''.join(made.stderr.splitlines()[-1:])}")


def _finish(settings: dict[str, object], log: Log) -> int:
    """Validate the file that is in place; the report, where its library is there."""
    from solver.arc.submission import read_submission

    path = Path(str(settings["output"]))
    for torn in path.parent.glob(f".{path.name}.*.tmp"):  # of a working process that was killed as it wrote
        with suppress(OSError):
            torn.unlink()
    try:
        answers = read_submission(path)
    except ValueError as error:
        log(f"There is no valid submission: {error}")
        return 1
    outputs = sum(len(entries) for entries in answers.values())
    log(f"{path}: valid, {len(answers)} tasks, {outputs} outputs.")
    journal = Path(str(settings["journal"]))
    if not settings["dry"] and journal.exists() and importlib.util.find_spec("jinja2"):
        from solver.report.page import write_report

        try:
            write_report(path.with_name("report.html"), path, tasks=str(settings["tasks"]), journal=journal)
        except ValueError as error:  # a malformed task is one that the report does not read
            log(f"No report: {error}")
    return 0
