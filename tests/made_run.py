"""A made-up run: tasks, a submission and a journal that belong together, for the tests of the scorer."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solver.arc.belief import NONE
from solver.arc.candidate import Candidate, Program, View
from solver.arc.journal import Header, Journal, Proposed
from solver.arc.policy import Policy
from solver.arc.task import Grid, Pair, Task, as_grid
from solver.choices import DEFAULT_RULE, NETWORK, SEARCH, START


def grid(text: str) -> Grid:
    """A grid from rows of digits with "/" between them."""
    return as_grid(np.array([[int(cell) for cell in row] for row in text.split("/")], np.uint8))


def view(cells: Grid, confidence: float = 0.0, log_prob: float = 0.0, **more: object) -> Candidate:
    """A network's candidate. ``more``: ``symmetry``, ``palette``, ``pooled``."""
    return Candidate(cells, NETWORK, View(confidence, log_prob, **more))


def program(cells: Grid, explanation: str = "rule", cost: float = 0.0, reproduced: int = 2) -> Candidate:
    """A rule's candidate; it fits where it reproduces both demonstrations."""
    return Candidate(cells, SEARCH, Program(NONE + cost, reproduced, 2), explanation)


def random_grid(generator: np.random.Generator, most: int = 6) -> Grid:
    height, width = generator.integers(1, most + 1, 2)
    return as_grid(generator.integers(0, 10, (height, width)))


def random_task(task_id: str, generator: np.random.Generator, tests: int = 1) -> Task:
    def pair() -> Pair:
        return Pair(random_grid(generator), random_grid(generator))

    return Task(task_id, (pair(), pair()), tuple(pair() for _ in range(tests)))


def challenges(tasks: list[Task]) -> dict:
    """Kaggle's challenges object, without the test outputs."""
    return {
        task.id: {
            "train": [{"input": p.input.tolist(), "output": p.output.tolist()} for p in task.train],
            "test": [{"input": p.input.tolist()} for p in task.test],
        }
        for task in tasks
    }


def solutions(tasks: list[Task]) -> dict:
    return {task.id: [pair.output.tolist() for pair in task.test] for task in tasks}


def entry(first: object, second: object) -> dict:
    """One output's entry of a submission."""
    plain = [item.tolist() if isinstance(item, np.ndarray) else item for item in (first, second)]
    return {"attempt_1": plain[0], "attempt_2": plain[1]}


@dataclass(frozen=True)
class Run:
    """Where the files of a made-up run lie."""

    tasks: Path
    solutions: Path
    submission: Path
    journal: Path


def make_run(
    folder: Path, ids: list[str], *, rule: str = "mirror", seen: tuple[str, ...] = (), vote: str = ""
) -> Run:
    """Tasks of one and two outputs in turn; the third output is wrong, the second right by a rule.
    ``vote``: the rule that the header names, if any."""
    generator = np.random.default_rng(5)
    tasks = [random_task(task_id, generator, 1 + n % 2) for n, task_id in enumerate(ids)]
    run = Run(*(folder / name for name in ("tasks.json", "expected.json", "submission.json", "run.journal")))
    submission: dict[str, list] = {}
    options = {"steps": 3, "vote": vote} if vote else {"steps": 3}
    with Journal.create(run.journal, Header(options, "made-up", seen, 1)) as journal:
        place = 0
        for task in tasks:
            views, programs = [], []
            for pair in task.test:
                wrong, other = random_grid(generator, 5), random_grid(generator, 4)
                right = pair.output if place % 3 != 2 else random_grid(generator, 3)
                made = [view(wrong, 0.5, -2.0), view(other, 0.25, -3.0, symmetry=3)]
                programs.append((program(right, rule),) if place % 3 == 1 else ())
                if place % 3 != 1:
                    made = [view(right, 0.75, -1.0, symmetry=n) for n in range(2)] + made
                views.append(tuple(made))
                place += 1
            label = "demonstrations seen in training" if task.id == ids[-1] else ""
            known = {"reproduced": 1, "demonstrations": 2, "label": label}
            events = [Proposed(task.id, tuple(programs), SEARCH, START)]
            events.append(Proposed(task.id, tuple(views), seconds=1.5 * place, **known))
            for event in events:
                journal.append(event)
            policy = Policy(vote or DEFAULT_RULE)
            attempts = [policy.attempts(events, test) for test in range(len(task.test))]
            submission[task.id] = [entry(first.grid, second.grid) for first, second in attempts]
    run.tasks.write_text(json.dumps(challenges(tasks)))
    run.solutions.write_text(json.dumps(solutions(tasks)))
    run.submission.write_text(json.dumps(submission))
    return run
