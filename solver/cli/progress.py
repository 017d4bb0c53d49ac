"""What a person sees while tasks are solved, and the summary: lines of at most 80 columns.

The lines go to stdout; the bar with the time left goes to stderr, and only to a terminal.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from solver.arc.policy import Answer, Attempts
from solver.arc.pool import find_answer
from solver.arc.task import Task
from solver.choices import JOINT, QUICK

if TYPE_CHECKING:
    from solver.run.settings import TaskResult

WIDTH = 80
BAR = "{desc}{n_fmt}/{total_fmt} |{bar}| {elapsed} gone, {postfix}"
ID_WIDTH = 16  # a longer id is cut in the terminal, never in the file


@dataclass(frozen=True)
class Verdict:
    """One task's answers, judged. Counts are of test outputs.

    ``known``: whether all solutions are.
    ``right``: by source, the outputs for which its attempt is the right one.
    ``credited``: for each test input the attempt that counts: the right one, else the first.
    """

    outputs: int
    known: bool
    right_by: Mapping[str, int]
    credited: tuple[tuple[int, Answer], ...]

    @property
    def right(self) -> int:
        """Right outputs, whoever gave them."""
        return sum(self.right_by.values())


def judge(task: Task, attempts: Sequence[Attempts]) -> Verdict:
    """``task``: with the test outputs that are known. ``attempts``: two for each test input, in order."""
    right: Counter[str] = Counter()
    credited = []
    for pair, both in zip(task.test, attempts, strict=True):
        found = None if pair.output is None else find_answer(pair.output, both)
        if found is not None:
            right[found.source] += 1
        answer = found or both[0]
        credited.append((1 if answer is both[0] else 2, answer))
    return Verdict(len(task.test), task.solved_publicly, right, tuple(credited))


def describe(credited: Sequence[tuple[int, Answer]], width: int) -> str:
    """Where the answers came from: ``network, 14 votes`` or ``rules: mirror``; a second attempt says so."""
    parts = []
    for number, answer in credited:
        names = " + ".join(answer.sources)
        text = f"{names}, {answer.reason}" if answer.votes or answer.pooled else f"{names}: {answer.reason}"
        parts.append(f"2nd: {text}" if number == 2 else text)
    return shorten("; ".join(dict.fromkeys(parts)), width)


def shorten(text: str, width: int) -> str:
    """The text, cut with ``...`` where it is longer than ``width``."""
    return text if len(text) <= width else text[: width - 3] + "..."


def verdict_word(verdict: Verdict) -> str:
    """``right``, ``wrong`` or ``1 of 2``; empty where the solutions are not known."""
    if not verdict.known:
        return ""
    if 0 < verdict.right < verdict.outputs:
        return f"{verdict.right} of {verdict.outputs}"
    return "right" if verdict.right else "wrong"


def duration(seconds: float) -> str:
    """``2.1 s``, ``3 m 05 s`` or ``2 h 07 m``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"


def score_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """The score as a table; without all solutions, how many answers each source gave."""
    outputs = sum(verdict.outputs for verdict in verdicts)
    unknown = sum(not verdict.known for verdict in verdicts)
    credited = Counter(answer.source for verdict in verdicts for _, answer in verdict.credited)
    names = [name for name, _ in credited.most_common()]
    if unknown:
        parts = ", ".join(f"{credited[name]} by {name}" for name in names)
        return [
            f"No score: the solutions of {unknown} of {len(verdicts)} tasks are not known.",
            f"Answers to {_plural(outputs, 'output')}: {parts}.",
        ]
    names = [name for name in names if any(verdict.right_by[name] for verdict in verdicts)]
    lines = [f"{'Score (pass@2)':<16}{'right':>14}{'score':>10}" + "".join(f"{name:>10}" for name in names)]
    for title, total in (("per task", len(verdicts)), ("per output", outputs)):
        weights = [1 / v.outputs if title == "per task" else 1.0 for v in verdicts]
        sums = [sum(w * v.right_by[name] for w, v in zip(weights, verdicts, strict=True)) for name in names]
        right = f"{_count(sum(sums))} of {total}"
        columns = "".join(f"{_count(number):>10}" for number in sums)
        lines.append(f"{title:<16}{right:>14}{sum(sums) / total:>10.1%}{columns}")
    return lines


def seen_lines(results: Sequence[tuple[Verdict, "TaskResult"]]) -> list[str]:
    """How many of the tasks have a label, and apart from each other the scores with and without it."""
    total, lines = len(results), []
    for label in sorted({result.label for _, result in results} - {""}):
        found = [(verdict, result) for verdict, result in results if result.label == label]
        lines.append(f"* {label}: {len(found)} of {total} tasks{_right_of([v for v, _ in found])}.")
        at_once = sum(result.at_once for _, result in found)
        lines += [f"  Of these {at_once} answered without tuning."] if at_once else []
    others = [verdict for verdict, result in results if not result.label]
    if lines and others:
        lines.append(f"  All others: {len(others)} of {total} tasks{_right_of(others)}.")
    return lines


def _right_of(verdicts: Sequence[Verdict]) -> str:
    if not all(verdict.known for verdict in verdicts):
        return ""
    return f", {_count(sum(verdict.right / verdict.outputs for verdict in verdicts))} right"


def _count(number: float) -> str:
    """A count; a task with two test inputs, one of them right, counts half."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Progress:
    """The terminal of one run. Use it as a context: the bar is open inside."""

    def __init__(self, source: str, tasks: Sequence[Task], output: Path, *, quiet: bool) -> None:
        self.tasks = tasks
        self.output = output
        self.quiet = quiet
        self._known = {task.id: task for task in tasks}
        self._verdicts: dict[str, Verdict] = {}
        self._results: dict[str, TaskResult] = {}
        self._interim: dict[str, dict[str, Verdict]] = {QUICK: {}, JOINT: {}}
        self._id_width = min(ID_WIDTH, max(len("task"), *(len(task.id) for task in tasks)))
        self._bar = tqdm(disable=True)
        outputs = sum(len(task.test) for task in tasks)
        self.say(f"{source}: {_plural(len(tasks), 'task')}, {_plural(outputs, 'test output')} to find")

    def __enter__(self) -> "Progress":
        # disable=None: no bar where stderr is not a terminal, so that a log has only whole lines.
        disable = True if self.quiet else None
        self._bar = tqdm(total=len(self.tasks), ncols=WIDTH, bar_format=BAR, disable=disable, leave=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def start(self, text: str) -> None:
        """One line on device, dtype and weights, then the head of the table."""
        self.say(text)
        counter = 2 * len(str(len(self.tasks))) + 1
        head = f"{'':>{counter}}  {'task':<{self._id_width}}  {'answer':<{self._answer_width}}"
        self.say(f"\n{head}  {'demos':>7}  {'time':>9}")

    def result(self, result: "TaskResult") -> None:
        """One line for a finished task. ``demos``: demonstrations it reproduces; ``*``: seen in training."""
        task_id, verdict = result.task.id, judge(self._known[result.task.id], result.attempts)
        before = self._verdicts.get(task_id)
        self._results[task_id] = result
        if result.phase in self._interim:
            interim = self._interim[result.phase]
            interim[task_id] = verdict
            name = "quick pass" if result.phase == QUICK else "joint tuning"
            self._bar.set_description_str(f"{name} {len(interim)}, ")
            return
        self._verdicts[task_id] = verdict
        self._bar.n = len(self._verdicts)
        self._bar.set_description_str("")
        if before is None or describe(before.credited, WIDTH) != describe(verdict.credited, WIDTH):
            self._line(result, verdict, "+" if before else f"{len(self._verdicts)}/{len(self.tasks)}")

    def projected(self, seconds: float) -> None:
        """How long the rest will take, as the run sees it."""
        self._bar.set_postfix_str(f"{duration(seconds)} left")

    def warn(self, text: str) -> None:
        """One sentence on what went wrong, on stderr, also for those who asked for quiet."""
        with tqdm.external_write_mode():
            click.echo(text, err=True)

    def _line(self, result: "TaskResult", verdict: Verdict, counter: str) -> None:
        demos = "-" if result.note else f"{result.reproduced} of {result.demonstrations}"
        width = 2 * len(str(len(self.tasks))) + 1
        task_id = shorten(result.task.id, self._id_width)
        answer = describe(verdict.credited, self._answer_width)
        line = "  ".join(
            [
                f"{counter:>{width}}",
                f"{task_id:<{self._id_width}}{'*' if result.label else ' '} {answer:<{self._answer_width}}",
                f"{demos:>7}",
                f"{duration(result.seconds):>9}",
                verdict_word(verdict),
            ]
        )
        self.say(line.rstrip())

    def summary(self) -> None:
        """What the network was not asked, the score or why there is none, and where the answers are."""
        notes = [result.note for result in self._results.values() if result.note]
        for note, number in Counter(notes).items():
            self.say(f"\nLeft to guesses, {_plural(number, 'task')}: {note}.")
        verdicts = {**self._interim[QUICK], **self._interim[JOINT], **self._verdicts}
        if verdicts:
            results = [(verdict, self._results[task_id]) for task_id, verdict in verdicts.items()]
            self.say("\n" + "\n".join([*score_lines(list(verdicts.values())), *seen_lines(results)]))
        self.say(f"The submission is in {self.output}.")

    def interrupted(self, *, written: bool) -> None:
        """How far it got and what is in the file; said even to those who asked for quiet."""
        done, total = len(self._verdicts), len(self.tasks)
        if written:
            text = (
                f"Stopped after {done} of {total} tasks; those that were not reached have guesses.\n"
                f"The latest valid submission stays in {self.output}."
            )
        else:
            text = f"Stopped before the first answers were written: {self.output} is as it was."
        click.echo("\n" + text, err=True)

    @property
    def _answer_width(self) -> int:
        counter = 2 * len(str(len(self.tasks))) + 1
        return WIDTH - counter - self._id_width - len("  " * 5) - 7 - 9 - len("1 of 2")

    def say(self, text: str) -> None:
        """One line or more, unless the run is to be quiet."""
        if not self.quiet:
            with tqdm.external_write_mode():
                click.echo(text)
