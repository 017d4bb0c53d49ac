"""The steps of an answer that a program made: what the terminal, the pictures and the page show."""

from dataclasses import dataclass

from solver.arc.candidate import same_grid
from solver.arc.policy import Answer
from solver.arc.task import Grid, Task
from solver.search.program import AnswerProgram, parse
from solver.search.steps import Step, Walk, walk

OTHER_GRID = "its program makes another grid in this version, so its steps are not shown"
NO_PROGRAM = "it was made without a program, so there are no steps"


@dataclass(frozen=True, eq=False)
class Shown:
    """A program's steps on one pair. ``pair``: which, for people. ``wanted``: the demonstration's output, or
    None for a test input. ``grid``: what the program makes; None where a step does not apply, and then
    ``problem`` says why."""

    pair: str
    steps: tuple[Step, ...]
    grid: Grid | None
    problem: str
    wanted: Grid | None = None

    @property
    def differs(self) -> bool:
        """Whether the program makes another grid than the demonstration's output."""
        return self.wanted is not None and (self.grid is None or not same_grid(self.grid, self.wanted))

    @property
    def verdict(self) -> str:
        """One line on how it ends."""
        if self.grid is None:
            return self.problem
        if self.wanted is None:
            return "the answer"
        return "not the demonstration's output" if self.differs else "the demonstration's output"


@dataclass(frozen=True, eq=False)
class Explained:
    """An answer to one test input. ``number``: 1 or 2, its attempt. ``shown``: its steps on a demonstration
    and on the test input; where there are none, ``problem`` says why."""

    test: int
    number: int
    answer: Answer
    shown: tuple[Shown, ...] = ()
    problem: str = ""


def explain(task: Task, test: int, number: int, answer: Answer, demonstration: int = 0) -> Explained:
    """Run the answer's program again. One that no longer runs, or makes another grid, is not shown."""
    if answer.program is None or not answer.program.text:
        return Explained(test, number, answer, problem=NO_PROGRAM)
    try:
        program = parse(answer.program.text)
        made = walk(program, task, len(task.train) + test)
    except ValueError as error:
        return Explained(test, number, answer, problem=f"its program does not run again: {error}")
    if made.grid is None or not same_grid(made.grid, answer.grid):
        return Explained(test, number, answer, problem=OTHER_GRID)
    shown = (
        _on_demonstration(program, task, demonstration),
        Shown(f"test {test}", made.steps, made.grid, made.problem),
    )
    return Explained(test, number, answer, shown)


def _on_demonstration(program: AnswerProgram, task: Task, number: int) -> Shown:
    made: Walk = walk(program, task, number)
    return Shown(f"demonstration {number}", made.steps, made.grid, made.problem, task.train[number].output)


def numbered(steps: tuple[Step, ...]) -> list[tuple[str, Step]]:
    """Each step with its caption: its number, its picture's letter, what is done."""
    return [
        (f"{number}. {step.picture + ': ' if step.picture else ''}{step.text}", step)
        for number, step in enumerate(steps)
    ]
