"""A made-up run: tasks, a submission and a journal that belong together, for the tests of the scorer."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solver.arc.journal import Journal
from solver.arc.record import Candidates, Chosen, Finished, Header, View
from solver.arc.task import Grid, Pair, Task, as_grid
from solver.arc.vote import GUESS, Candidate, rank, two_attempts


def grid(text: str) -> Grid:
    """A grid from rows of digits with "/" between them."""
    return as_grid(np.array([[int(cell) for cell in row] for row in text.split("/")], np.uint8))


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
    """Tasks of one and two outputs in turn; the third output is wrong, the second right by a guess.
    ``vote``: the rule that the header names, if any."""
    generator = np.random.default_rng(5)
    tasks = [random_task(task_id, generator, 1 + n % 2) for n, task_id in enumerate(ids)]
    run = Run(*(folder / name for name in ("tasks.json", "expected.json", "submission.json", "run.journal")))
    submission: dict[str, list] = {}
    options = {"steps": 3, "vote": vote} if vote else {"steps": 3}
    with Journal.create(run.journal, Header(options, "made-up", seen, 1)) as journal:
        place = 0
        for task in tasks:
            for test, pair in enumerate(task.test):
                wrong, other = random_grid(generator, 5), random_grid(generator, 4)
                right = pair.output if place % 3 != 2 else random_grid(generator, 3)
                views = [View(Candidate(wrong, 0.5, -2.0)), View(Candidate(other, 0.25, -3.0), 3)]
                guesses = []
                if place % 3 == 1:
                    guesses = rank([Candidate(right, 0.0, 0.0, GUESS, rule)])
                    journal.append(Chosen(task.id, test, guesses[0], guesses[0], "guess"))
                else:
                    views = [View(Candidate(right, 0.75, -1.0), n) for n in range(2)] + views
                first, second = two_attempts(rank(view.candidate for view in views), guesses)
                journal.append(Candidates(task.id, test, tuple(views), "first"))
                journal.append(Chosen(task.id, test, first, second, "first"))
                submission.setdefault(task.id, []).append(entry(first.grid, second.grid))
                place += 1
            label = "demonstrations seen in training" if task.id == ids[-1] else ""
            journal.append(Finished(task.id, 1.5 * place, 1, 2, label, "first"))
    run.tasks.write_text(json.dumps(challenges(tasks)))
    run.solutions.write_text(json.dumps(solutions(tasks)))
    run.submission.write_text(json.dumps(submission))
    return run
