"""An answer's program step by step on one pair of its task: what explanations show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Pair, Task
from solver.search.assemble import COVER, MAP, RULES, TABLE
from solver.search.program import AnswerProgram, Steps
from solver.search.replay import Image, replay
from solver.search.text import (
    LAYER,
    Names,
    case_text,
    cases_of,
    map_text,
    pictures_of,
    step_text,
    taken_text,
)
from solver.search.views import PLAIN, View, views_of


@dataclass(frozen=True, eq=False)
class Step:
    """``text``: what is done. ``images``: what there is afterwards, a grid and its position each; several
    where it is a list. ``picture``: the letter of the picture that is being made, or ''."""

    text: str
    images: tuple[Image, ...]
    picture: str = ""


@dataclass(frozen=True, eq=False)
class Walk:
    """All steps on one pair, the first of them its input. ``grid``: the answer; None where a step does not
    apply, and then ``problem`` says which."""

    steps: tuple[Step, ...]
    grid: np.ndarray | None
    problem: str = ""


def walk(program: AnswerProgram, task: Task, pair: int) -> Walk:
    """The program on one pair of the task: its demonstrations count from 0, its test inputs follow."""
    view = _view(program, task)
    # In a view made by ``_view`` every pair's input is a test input.
    grid = view.task.test[pair].input
    names = pictures_of(program)
    start = [_step("the input", _input(task, pair))]
    if program.view != PLAIN:
        start.append(_step(_renamed_text(view.undo[pair], start[0].images[0][0]), grid))
    try:
        made, steps = _pictures(program, names, grid, _size(program, task, pair))
        steps = [*start, *steps, *_assembled(program, names, made)]
    except _DoesNotApply as error:
        return Walk((*start, *error.steps), None, str(error))
    answer = steps[-1].images[0][0]
    if program.view != PLAIN:
        answer = view.undo[pair][answer]
        steps.append(_step("give the colours their own names back", answer))
    return Walk(tuple(steps), answer)


class _DoesNotApply(Exception):
    """``steps``: those before the one that does not apply."""

    def __init__(self, text: str, steps: Sequence[Step]) -> None:
        super().__init__(text)
        self.steps = steps


def _renamed_text(undo: np.ndarray, grid: np.ndarray) -> str:
    """``undo``: uint8 [10], the real colour of each name."""
    renamed = [(int(real), name) for name, real in enumerate(undo) if real in grid and real != name]
    pairs = ", ".join(f"{real}->{name}" for real, name in sorted(renamed)) or "none here"
    return f"rename colours by how frequent they are: {pairs}"


def _input(task: Task, pair: int) -> np.ndarray:
    return (*task.train, *task.test)[pair].input


def _view(program: AnswerProgram, task: Task) -> View:
    """The program's view, in which the demonstrations' inputs are test inputs too. They are no new inputs, so
    the colours are renamed as they were."""
    inputs = tuple(Pair(_input(task, pair)) for pair in range(len(task.train) + len(task.test)))
    for view in views_of(Task(task.id, task.train, inputs)):
        if view.name == program.view:
            return view
    raise ValueError(f"task {task.id}: its colours are not renamed ({program.view}) in this version")


def _size(program: AnswerProgram, task: Task, pair: int) -> tuple[int, int]:
    if pair < len(task.train):
        return task.train[pair].output.shape
    if not program.sizes:
        return 0, 0
    if len(program.sizes) != len(task.test):
        raise ValueError(f"task {task.id}: expected {len(task.test)} sizes, got {len(program.sizes)}")
    return program.sizes[pair - len(task.train)]


def _pictures(
    program: AnswerProgram, names: Names, grid: np.ndarray, size: tuple[int, int]
) -> tuple[dict[Steps, np.ndarray], list[Step]]:
    """The pictures that the answer is assembled from, and the steps that make them."""
    made: dict[Steps, np.ndarray] = {(): grid}
    steps: list[Step] = []
    for wanted in names.letters or program.programs:
        states = replay(wanted, grid, size)
        for name, images in zip(wanted, states[1:], strict=False):
            steps.append(Step(step_text(name), tuple(images), names.letters.get(wanted, "")))
        if len(states) <= len(wanted):
            raise _DoesNotApply(f"it does not apply here: {step_text(wanted[len(states) - 1])}", steps)
        if len(states[-1]) != 1:
            raise _DoesNotApply("a list of images is left, not one", steps)
        made[wanted] = states[-1][0][0]
    used = [made[wanted] for wanted in program.programs if wanted in made]
    if any(picture.shape != used[0].shape for picture in used):
        raise _DoesNotApply("the pictures have different sizes", steps)
    return made, steps


def _assembled(program: AnswerProgram, names: Names, made: Mapping[Steps, np.ndarray]) -> Iterator[Step]:
    """The steps from the pictures to the answer; none where there is one picture, which is the answer."""
    if program.kind == MAP:
        table = np.arange(10, dtype=np.uint8)
        for code, colour in program.detail:
            table[code] = colour
        yield _step(map_text(program.detail), table[made[program.programs[0]]])
    elif program.kind == COVER:
        yield from _layers(program, names, made)
    elif program.kind in (TABLE, RULES):
        yield from _decided(program, names, made)


def _step(text: str, grid: np.ndarray) -> Step:
    return Step(text, ((grid.copy(), 0, 0),))


def _layers(program: AnswerProgram, names: Names, made: Mapping[Steps, np.ndarray]) -> Iterator[Step]:
    """Layer by layer, the top one first; what none has drawn is shown empty."""
    grid, drawn = np.zeros_like(made[program.programs[0]]), None
    for steps, mode in zip(program.programs, program.detail, strict=True):
        picture = made[steps]
        usable = ((picture != 0) & bool(mode & 1)) | ((picture == 0) & bool(mode & 2))
        usable &= True if drawn is None else ~drawn
        grid[usable] = picture[usable]
        text = ("take " if drawn is None else "below that, ") + LAYER[mode].format(names(steps))
        drawn = usable if drawn is None else drawn | usable
        yield _step(text, grid)


def _decided(program: AnswerProgram, names: Names, made: Mapping[Steps, np.ndarray]) -> Iterator[Step]:
    """What holds where no case applies, then what each case decides of the cells that are left."""
    cases, otherwise = cases_of(program)
    shape = made[next(iter(names.letters or program.programs))].shape

    def taken(then: Steps | int) -> np.ndarray:
        return np.full(shape, then, np.uint8) if isinstance(then, int) else made[then]

    grid, open_ = taken(otherwise).copy(), np.ones(shape, bool)
    if cases:
        yield _step(f"begin {taken_text(otherwise, names)}", grid)
    for case in cases:
        hit = open_.copy()
        for steps, colours, is_it in case.conditions:
            hit &= np.isin(made[steps], colours) == is_it
        grid[hit] = taken(case.then)[hit]
        open_ &= ~hit
        yield _step(case_text(case, names), grid)
