"""What a person sees while tasks are solved, and the summary.

The lines go to stdout and are as wide as the terminal, 80 columns elsewhere; the bar goes to stderr.
"""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from solver.arc.task import Task
from solver.choices import JOINT, NETWORK, NOT_REACHED, QUICK
from solver.cli.bar import Bar, duration
from solver.cli.output import columns, tell
from solver.cli.verdict import Verdict, describe, judge, score_lines, seen_lines, shorten, verdict_word
from solver.report.terminal import printable
from solver.words import counted

if TYPE_CHECKING:
    from solver.run.events import TaskResult

ID_WIDTH = 16  # a longer id is cut in the terminal, never in the file
COLOURS = {"right": "green", "wrong": "red"}  # anything else is right in part
WIDE, NARROW = 72, 56  # columns from which a line has the seconds too, and the demonstrations


class Progress:
    """The terminal of one run. Use it as a context: the bar is open inside."""

    def __init__(self, source: str, tasks: Sequence[Task], output: Path, *, quiet: bool) -> None:
        self.tasks, self.output, self.quiet = tasks, output, quiet
        self._known = {task.id: task for task in tasks}
        self._verdicts: dict[str, Verdict] = {}
        self._notes: dict[str, str] = {}
        self._interim: dict[str, set[str]] = {QUICK: set(), JOINT: set()}
        self._began = time.monotonic()
        self._bar = Bar("tasks", len(tasks), quiet=quiet)
        self._width = columns()
        self._id_width = min(ID_WIDTH, max(len("task"), *(len(printable(task.id)) for task in tasks)))
        outputs = sum(len(task.test) for task in tasks)
        found = f"{counted(len(tasks), 'task')} with {counted(outputs, 'test input')}"
        self.say(f"{source}: {found}")

    def __enter__(self) -> "Progress":
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def start(self, text: str) -> None:
        """One line on device, dtype and weights, then the head of the table."""
        self.say(text)
        head = ["", f"{'task':<{self._id_width}} ", f"{'answer from':<{self._answer_width}}"]
        head += ["demos"] if self._width >= NARROW else []
        head += [f"{'time':>9}"] if self._width >= WIDE else []
        head[0] = " " * (2 * len(str(len(self.tasks))) + 1)
        self.say("\n" + "  ".join(head).rstrip())

    def result(self, result: "TaskResult") -> None:
        """One line for a finished task. ``demos``: demonstrations that are reproduced; ``*``: seen in
        training."""
        task_id, verdict = result.task.id, judge(self._known[result.task.id], result.attempts)
        before = self._verdicts.get(task_id)
        if result.phase in self._interim:
            self._interim[result.phase].add(task_id)
            name = "quick pass" if result.phase == QUICK else "joint tuning"
            self._bar.note = f"{name} {len(self._interim[result.phase])}, "
            return
        self._verdicts[task_id] = verdict
        self._notes[task_id] = result.note
        self._bar.done, self._bar.note = len(self._verdicts), ""
        if before is None or describe(before.credited, 80) != describe(verdict.credited, 80):
            self._line(result, verdict, "+" if before else f"{len(self._verdicts)}/{len(self.tasks)}")

    def projected(self, seconds: float) -> None:
        """How long the rest will take, as the run sees it."""
        self._bar.left = seconds

    def warn(self, text: str) -> None:
        """One sentence on what went wrong, on stderr, also for those who asked for quiet."""
        with tqdm.external_write_mode():
            tell(printable(text), err=True)

    def _line(self, result: "TaskResult", verdict: Verdict, counter: str) -> None:
        tuned = result.source == NETWORK and not result.note
        demos = f"{result.reproduced}/{result.demonstrations}" if tuned else "-"
        task_id = shorten(printable(result.task.id), self._id_width)
        answer = printable(describe(verdict.credited, self._answer_width))
        word = verdict_word(verdict)
        parts = [
            f"{counter:>{2 * len(str(len(self.tasks))) + 1}}",
            f"{task_id:<{self._id_width}}{'*' if result.label else ' '}",
            f"{answer:<{self._answer_width}}",
        ]
        parts += [f"{demos:>5}"] if self._width >= NARROW else []
        parts += [f"{duration(result.seconds):>9}"] if self._width >= WIDE else []
        parts += [click.style(word, COLOURS.get(word, "yellow"))] if word else []
        self.say("  ".join(parts).rstrip())

    @property
    def _answer_width(self) -> int:
        taken = 2 * len(str(len(self.tasks))) + 1 + 2 + self._id_width + 1 + 2 + 2 + len("1 of 2")
        taken += (2 + 5 if self._width >= NARROW else 0) + (2 + 9 if self._width >= WIDE else 0)
        return max(8, self._width - taken)

    def summary(self, results: Sequence["TaskResult"]) -> None:
        """How far the run came, the score or why there is none, and where the answers are. ``results``: of
        every task."""
        for note, number in Counter(filter(None, self._notes.values())).items():
            self.say(f"\nLeft to the other sources, {counted(number, 'task')}: {note}.")
        if not results:
            return
        judged = [(judge(self._known[result.task.id], result.attempts), result) for result in results]
        lines = [*score_lines([verdict for verdict, _ in judged]), *seen_lines(judged)]
        missed = sum(result.note == NOT_REACHED for result in results)
        if missed:
            lines.append(
                f"{missed} of {counted(len(results), 'task')} not reached in time: first answers stand."
            )
        self.say("\n" + "\n".join(lines))
        elapsed = time.monotonic() - self._began
        pace = f", {60 * len(results) / elapsed:.1f} tasks a minute" if elapsed >= 1 else ""
        self.say(f"The submission is in {self.output} ({duration(elapsed)}{pace}).")

    def interrupted(self, *, written: bool) -> None:
        """How far it got and what is in the file; said even to those who asked for quiet."""
        done, total = len(self._verdicts), len(self.tasks)
        if written:
            text = (
                f"Stopped after {done} of {total} tasks; the others have the best answers so far.\n"
                f"The submission in {self.output} is valid; the same command with --resume goes on."
            )
        else:
            text = f"Stopped before anything was written: {self.output} was not changed."
        tell("\n" + text, err=True)

    def say(self, text: str) -> None:
        """One line or more, unless the run is to be quiet."""
        if not self.quiet:
            with tqdm.external_write_mode():
                tell(text)
