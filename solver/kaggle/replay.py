"""Public tasks for joint tuning, from the challenges and solutions that are mounted beside the hidden ones.

The competition's own data holds them, so the data set of the weights need not. Which of them are hidden
tasks after all, or hold a hidden test input, is left out where they are read (``solver.tune.joint``).
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from solver.arc.task import Pair, Task, load_tasks
from solver.file import replace_file

FILE = "replay.json"


def gather_replay(sources: Sequence[Path], folder: Path, say: Callable[[str], None]) -> str | None:
    """One tasks file of all ``sources`` in ``folder``, each id once; None where there is nothing to replay.

    What cannot be read or written is said in one sentence: a run can do without.
    """
    tasks: dict[str, Task] = {}
    for source in sources:
        try:
            found = load_tasks(source)
        except ValueError as error:
            say(f"{error}; not replayed")
            continue
        tasks = {**{task.id: task for task in found}, **tasks}
    if not tasks:
        return None
    path = folder / FILE
    value = {task_id: _plain(task) for task_id, task in tasks.items()}
    try:
        replace_file(path, json.dumps(value, separators=(",", ":")).encode())
    except ValueError as error:
        say(f"{error}; nothing is replayed")
        return None
    say(f"Public tasks for joint tuning: {len(tasks)}, from {', '.join(source.name for source in sources)}.")
    return str(path)


def _plain(task: Task) -> dict[str, list[dict[str, object]]]:
    """As Kaggle's files have it, with the test outputs that are known."""
    return {"train": [_pair(pair) for pair in task.train], "test": [_pair(pair) for pair in task.test]}


def _pair(pair: Pair) -> dict[str, object]:
    shown = {"input": pair.input.tolist()}
    return shown if pair.output is None else {**shown, "output": pair.output.tolist()}
