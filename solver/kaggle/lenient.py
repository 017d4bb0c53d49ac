"""A run that goes on with less where something is missing: on Kaggle any answer is better than none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from solver.arc.task import Task, load_tasks
from solver.run.events import Listener, TaskResult
from solver.run.launch import Executor, NoWorker, UnfinishedError
from solver.run.pipeline import JournalError, solve
from solver.run.settings import SolveOptions
from solver.run.sources import find_sources


def solve_leniently(
    tasks: Sequence[Task],
    *,
    output: Path,
    options: SolveOptions,
    listener: Listener,
    journal: Path | None = None,
    resume: bool = False,
    executor: Executor | None = None,
) -> list[TaskResult]:
    """As ``solve``. What is missing is said in one sentence: replayed tasks are left out, then the
    journal, then the sources that need torch; where no device works, the tasks keep the answers that they
    have."""
    if options.replay is not None:
        try:
            load_tasks(options.replay)
        except ValueError as error:
            listener.say(f"{error}; nothing is replayed")
            options = replace(options, replay=None)
    while True:
        common = {"output": output, "options": options, "listener": listener, "executor": executor}
        try:
            return solve(tasks, journal=journal, resume=resume, must_write=False, **common)
        except JournalError as error:
            listener.say(f"{error}; the run goes on without a journal")
            journal, resume = None, False
        except NoWorker as error:
            listener.say(f"{error}; the rest is left to guesses")
            return list(error.results)
        except UnfinishedError as error:  # a file that could not be replaced, as was said
            return list(error.results)
        except ValueError as error:
            plain = tuple(source.name for source in find_sources(options.sources) if not source.torch)
            if not plain or plain == options.sources:
                raise
            listener.say(f"{error}; every task is left to guesses")
            options = replace(options, sources=plain)
