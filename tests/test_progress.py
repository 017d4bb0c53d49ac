"""What the terminal says of answers: who is credited, scores, and texts cut to the line."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.arc.policy import Answer
from solver.arc.task import load_tasks
from solver.choices import NETWORK, SEARCH
from solver.cli.bar import Bar, duration
from solver.cli.verdict import describe, judge, score_lines, shorten, verdict_word


def answer(rows: list[list[int]], source: str = NETWORK, votes: int = 3) -> Answer:
    """An answer with these cells."""
    cells = np.array(rows, np.uint8)
    if source == NETWORK:
        return Answer(cells, (source,), votes, confidence=0.5)
    return Answer(cells, (source,), programs=1, explanation="mirror left to right")


def test_judge_credits_the_attempt_that_is_right(example_tasks: Path) -> None:
    task = load_tasks(example_tasks.with_name("one_task"))[0]
    truth = task.test[0].output
    assert truth is not None
    right, wrong = answer(truth.tolist(), SEARCH), answer((9 - truth).tolist())
    first, second, neither = (
        judge(task, [pair]) for pair in [(right, wrong), (wrong, right), (wrong, wrong)]
    )
    assert first.right_by == {"search": 1} and verdict_word(first) == "right"
    assert describe(first.credited, 40) == "search: mirror left to right"
    assert describe(second.credited, 50) == "2nd attempt: search: mirror left to right"
    assert [neither.right, verdict_word(neither)] == [0, "wrong"]
    assert describe(neither.credited, 40) == "network, 3 votes"
    both = Answer(truth, (NETWORK, SEARCH), 2, 1, explanation="mirror left to right")
    assert describe(judge(task, [(both, wrong)]).credited, 40) == "network + search, 2 votes"
    unknown = judge(task.without_test_outputs(), [(right, wrong)])
    assert [unknown.known, verdict_word(unknown), unknown.right] == [False, "", 0]


def test_the_score_counts_half_a_task_by_half(example_tasks: Path) -> None:
    tasks = {task.id: task for task in load_tasks(example_tasks)}
    double, single = tasks["e345f17b"], tasks["be03b35f"]
    wrong = answer([[5]])
    outputs = [answer(pair.output.tolist()) for pair in double.test if pair.output is not None]
    half = judge(double, [(outputs[0], wrong), (wrong, answer([[6]]))])
    assert verdict_word(half) == "1 of 2"
    right = judge(single, [(answer(single.test[0].output.tolist(), SEARCH), wrong)])
    lines = score_lines([half, right])
    assert lines[1:] == [
        "  per task     75.00%   1.5 of 2",
        "  per output   66.67%   2 of 3",
        "  right from  network 1, search 1",
    ]
    unknown = judge(single.without_test_outputs(), [(wrong, wrong)])
    assert score_lines([half, unknown]) == [
        "No score: the solutions of 1 of 2 tasks are not known.",
        "First attempts: 3 from network.",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 m 00 s"), (185, "3 m 05 s"), (7620, "2 h 07 m")],
)
def test_seconds_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.text("abc .é", max_size=40), st.integers(4, 30))
def test_shortened_text_fits(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) <= width
    assert short == text or short.endswith("...")


BAR = """
import time
from solver.cli.bar import Bar
with Bar("tasks", 20) as bar:
    bar.done, bar.left, bar.note = 3, 7.0, "quick pass 3, "
    time.sleep(0.8)
"""


@pytest.mark.parametrize("width", [40, 80, 0])
def test_the_bar_is_well_formed_in_a_terminal_of_any_width(width: int) -> None:
    """Each time it is drawn it fills one line, with the numbers in it; a terminal may not know its width."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(sys.executable, [sys.executable, "-c", "import time; time.sleep(0.3)" + BAR])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:  # the child is gone
        pass
    os.waitpid(child, 0)
    drawn = [line for line in said.decode().split("\r") if "3/20" in line]
    assert drawn, said
    for line in drawn:
        assert re.fullmatch(r"(quick pass 3, )?3/20 \|.*\| 00:0\d( elapsed)?, 7\.0 s left", line), line
        assert len(line) <= (width or 80), line


def test_without_a_terminal_there_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    bar = Bar("tasks", 20, clock=lambda: now[0])
    for seconds in (0.0, 59.0, 61.0, 90.0, 125.0):
        now[0], bar.done = seconds, int(seconds) // 10
        bar.show()
    assert capsys.readouterr().err == "6 of 20 tasks, 1 m 01 s elapsed\n12 of 20 tasks, 2 m 05 s elapsed\n"
