"""The kernel's working process: the whole test file, or the dry run on a few evaluation tasks."""

import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from solver.arc.candidate import same_grid
from solver.arc.submission import validate_submission
from solver.arc.task import Task, load_tasks, read_json
from solver.choices import SEARCH
from solver.file import keep_copy, move_aside
from solver.kaggle.account import Notes
from solver.kaggle.lenient import solve_leniently
from solver.kaggle.replay import FILE, gather_replay
from solver.kaggle.salvage import read_leniently
from solver.processors import expected_kind
from solver.run.doctor import diagnose
from solver.run.events import Listener, Lost, TaskResult
from solver.run.launch import devices_here
from solver.run.ledger import Ledger
from solver.run.settings import SolveOptions, with_views
from solver.weights_card import KAGGLE, default_weights
from solver.words import counted

PACE_SECONDS, DRY_PACE_SECONDS = 15.0, 60.0  # of the doctor's measuring, in the scored run and before it
START_SECONDS = 120.0  # after which the doctor's process must have torch and the network
LEAST_SECONDS = 10.0  # for what the doctor looks at beside that
DRY_TASKS, DRY_SECONDS = 8, 300.0
PLACEHOLDER_SECONDS = 60.0  # of the search for the placeholder's answers
HIDDEN_TASKS = 240
_SAID_EVERY = 60.0  # seconds between two projections in the log


def say(text: str) -> None:
    """One line for the watching process, which logs it."""
    print(text, flush=True)


def main(text: str) -> None:
    """``text``: the settings as JSON (``solver.kaggle.kernel``)."""
    settings = json.loads(text)
    output = Path(settings["output"])
    try:
        tasks = read_leniently(Path(settings["tasks"]), say)
        say(f"{settings['tasks']}: {len(tasks)} tasks, {sum(len(task.test) for task in tasks)} outputs.")
        if settings["start"] == 0:
            _answer_first(tasks, output)
            _prepare_replay(settings)
            _examine(settings, output)
        (_dry_run if settings["dry"] else _full_run)(settings, tasks, output)
        validate_submission(read_json(output), tasks)
    except ValueError as error:  # said, not raised: starting again would meet the same
        say(f"Error: {error}")
        sys.exit(0)


def _answer_first(tasks: list[Task], output: Path) -> None:
    """A valid submission at once, before anything that takes time. What an earlier kernel has left in the
    same folder is kept."""
    try:
        keep_copy(output)
        move_aside(output.with_suffix(".journal"))
    except ValueError as error:
        say(str(error))
    Ledger(tasks, output, say).write()
    say(f"{output}: fallback answers to {counted(len(tasks), 'task')}.")


def _examine(settings: dict, output: Path) -> None:
    """What the doctor finds, in a fixed time, on a thread: whatever becomes of it, the run goes on."""
    pace = settings["doctor"]
    if pace is None:
        pace = DRY_PACE_SECONDS if settings["dry"] else PACE_SECONDS
    left = max(0.0, settings["deadline"] - time.monotonic())
    start, pace = min(START_SECONDS, left / 20), min(pace, left / 100)

    def examine() -> None:
        weights = settings["weights"] or default_weights(KAGGLE, expected_kind("auto"))
        for line in diagnose(
            weights, seconds=pace, hours=left / 3600, output=output.parent, start_seconds=start
        ):
            say(line)

    doctor = threading.Thread(target=examine, daemon=True)
    doctor.start()
    doctor.join(start + 2 * pace + LEAST_SECONDS)
    if doctor.is_alive():
        say("The doctor is not done; the run goes on without what else it finds.")


def _prepare_replay(settings: dict) -> None:
    """The file of public tasks, where joint tuning may come: never on a CPU
    (``SolveOptions.tunes_jointly``)."""
    joint = settings["tune"] == "joint" or (settings["tune"] == "auto" and expected_kind("auto") != "cpu")
    if joint and settings["public"]:
        gather_replay([Path(name) for name in settings["public"]], Path(settings["scratch"]), say)


def _views(settings: dict, tasks: int) -> int:
    """Augmentations of each task: the requested number, or one by the whole run's time. It does not change
    between restarts, because a journal resumes only with the same settings."""
    given = {name: settings[name] for name in ("augmentations", "steps", "workers")}
    whole = None if settings["steps"] is not None else settings["seconds"]
    options = SolveOptions(**given, budget_seconds=whole)
    return with_views(options, devices_here(options, tasks), tasks).tuned_views


def _options(settings: dict, tasks: int, **budget: float) -> SolveOptions:
    chosen = {
        name: settings[name] for name in ("steps", "search_nodes", "seed", "workers", "weights", "tune")
    }
    chosen["augmentations"] = _views(settings, tasks)
    if chosen["steps"] is None:
        chosen |= budget
    replay = Path(settings["scratch"]) / FILE
    if replay.is_file():
        chosen["replay"] = str(replay)
    # The dry run shows what unseen tasks take, so it tunes those that the weights know as well.
    return SolveOptions(**chosen, tune_known=settings["dry"])


def _full_run(settings: dict, tasks: list[Task], output: Path) -> None:
    """Every task until the deadline; a process that is started again goes on with its journal."""
    left = max(1.0, settings["deadline"] - time.monotonic())
    teller = Teller(Notes(Path(settings["scratch"])))
    solve_leniently(
        tasks,
        output=output,
        options=_options(settings, len(tasks), budget_seconds=left),
        listener=Listener(say, teller.result, teller.projected, say, teller.lost),
        journal=Path(settings["journal"]),
        resume=settings["start"] > 0,
    )


class Teller:
    """Lines for the log: one for each result, and now and then how long the rest will take; notes for the
    account at its end."""

    def __init__(self, notes: Notes) -> None:
        self.notes, self.count, self.said = notes, 0, time.monotonic()

    def result(self, result: TaskResult) -> None:
        """Where the first attempt of each output came from."""
        self.count += 1
        self.notes.add(phase=result.phase, task=result.task.id, steps=result.steps)
        first = [pair[0] for pair in result.attempts]
        sources = ", ".join(f"{' + '.join(a.sources)} ({a.reason})" for a in first)
        text = f"{result.phase} {self.count}: {result.task.id}: {sources}; {result.reproduced} of "
        label = result.label and f"; {result.label}"
        text = f"{text}{result.demonstrations} demonstrations, {result.steps} steps, {result.seconds:.1f} s"
        say(f"{text}{label}")

    def projected(self, seconds: float) -> None:
        """At most once a minute."""
        now = time.monotonic()
        if now - self.said >= _SAID_EVERY:
            self.said = now
            say(f"Projected: {seconds / 60:.0f} minutes left.")

    def lost(self, event: Lost) -> None:
        """A worker that was lost is said, and counted for the account."""
        self.notes.add(lost="again" if event.again else "left")
        say(str(event))


def _dry_run(settings: dict, tasks: list[Task], output: Path) -> None:
    """The answers of the program search are the placeholder's. A few evaluation tasks with their score, and
    what as much work on 240 of them would take."""
    say("This is not the scored run: its answers are programs' alone. --full solves the test file here too.")
    nodes = settings["search_nodes"]
    given = {"budget_seconds": PLACEHOLDER_SECONDS} if nodes is None else {"search_nodes": nodes}
    quickly = SolveOptions((SEARCH,), workers=1, **given)
    solve_leniently(tasks, output=output, options=quickly, listener=Listener(say=say))
    known = load_tasks(settings["evaluation"]) if settings["evaluation"] else tasks
    few = known[:: max(1, len(known) // DRY_TASKS)][:DRY_TASKS]
    began, teller = time.monotonic(), Teller(Notes(Path(settings["scratch"])))
    results = solve_leniently(
        few,
        output=Path(settings["scratch"]) / "dry.json",
        options=_options(settings, len(tasks), budget_seconds=DRY_SECONDS),
        listener=Listener(say, teller.result, say=say, lost=teller.lost),
        journal=Path(settings["journal"]),
    )
    took = time.monotonic() - began
    solved = [_share(result) for result in results if result.task.solved_publicly]
    if solved:
        seen = Counter(result.label for result in results if result.label)
        labels = "".join(f"; {label}: {count}" for label, count in seen.items())
        say(f"Score of the dry run: {sum(solved):g} of {len(solved)} evaluation tasks{labels}.")
    say(projection(results, took, settings["deadline"] - time.monotonic()))


def projection(results: list[TaskResult], took: float, left: float) -> str:
    """What the ``took`` seconds for these tasks mean for 240 of them in ``left`` seconds, in one sentence."""
    steps, each = sum(result.steps for result in results) / len(results), took / len(results)
    allowed = steps * left / (HIDDEN_TASKS * each)
    return (
        f"Dry run: {len(results)} tasks in {took:.0f} s, {steps:.0f} tuning steps each. {HIDDEN_TASKS} such "
        f"tasks with as many steps take {HIDDEN_TASKS * each / 3600:.2f} h; a scored run has "
        f"{left / 3600:.2f} h, {left / HIDDEN_TASKS:.0f} s of the machine or {allowed:.0f} steps for each."
    )


def _share(result: TaskResult) -> float:
    """Share of the task's outputs that one of the two attempts gets right."""
    right = [
        any(same_grid(answer.grid, pair.output) for answer in answers)
        for pair, answers in zip(result.task.test, result.attempts, strict=True)
    ]
    return sum(right) / len(right)
