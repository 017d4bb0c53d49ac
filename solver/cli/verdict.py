"""What a run's answers are worth, in words: who is credited, the score, the tasks seen in training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from solver.arc.policy import Answer, Attempts
from solver.arc.pool import find_answer
from solver.arc.task import Task
from solver.words import counted

if TYPE_CHECKING:
    from solver.run.events import TaskResult


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
    """Where the answers came from: ``network, 14 votes`` or ``search: mirror``; a second attempt says so."""
    parts = []
    for number, answer in credited:
        names = " + ".join(answer.sources)
        text = f"{names}, {answer.reason}" if answer.votes or answer.pooled else f"{names}: {answer.reason}"
        parts.append(f"2nd attempt: {text}" if number == 2 else text)
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


def score_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """The score of the submission; without all solutions, how many first attempts each source gave."""
    outputs = sum(verdict.outputs for verdict in verdicts)
    unknown = sum(not verdict.known for verdict in verdicts)
    if unknown:
        credited = Counter(answer.source for verdict in verdicts for _, answer in verdict.credited)
        parts = ", ".join(f"{count} from {name}" for name, count in credited.most_common())
        return [
            f"No score: the solutions of {unknown} of {counted(len(verdicts), 'task')} are not known.",
            f"First attempts: {parts}.",
        ]
    tasks = sum(verdict.right / verdict.outputs for verdict in verdicts)
    right: Counter[str] = Counter()
    for verdict in verdicts:
        right.update(verdict.right_by)
    total, found = len(verdicts), sum(right.values())
    lines = [
        "Score of the submission (pass@2: one of two attempts is right)",
        f"  per task    {tasks / total:7.2%}   {count_text(tasks)} of {total}",
        f"  per output  {found / outputs:7.2%}   {found} of {outputs}",
    ]
    if right:
        lines.append("  right from  " + ", ".join(f"{name} {count}" for name, count in right.most_common()))
    return lines


def seen_lines(results: Sequence[tuple[Verdict, "TaskResult"]]) -> list[str]:
    """How many of the tasks have a label, and apart from each other the scores with and without it."""
    total, lines = len(results), []
    for label in sorted({result.label for _, result in results} - {""}):
        found = [(verdict, result) for verdict, result in results if result.label == label]
        lines.append(f"* {label}: {len(found)} of {total} tasks{_right_of([v for v, _ in found])}.")
        at_once = sum(result.at_once for _, result in found)
        lines += [f"  {at_once} of these answered without tuning."] if at_once else []
    others = [verdict for verdict, result in results if not result.label]
    if lines and others:
        lines.append(f"  All others: {len(others)} of {total} tasks{_right_of(others)}.")
    return lines


def _right_of(verdicts: Sequence[Verdict]) -> str:
    if not all(verdict.known for verdict in verdicts):
        return ""
    return f", {count_text(sum(verdict.right / verdict.outputs for verdict in verdicts))} right"


def count_text(number: float) -> str:
    """A count; a task with two test inputs, one of them right, counts half."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
