"""An answer's program step by step on one pair of its task: what explanations show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Pair, Task
from solver.search.assemble import CHOICE, COVER, MAP, PRODUCT, RULES, TABLE
from solver.search.program import TURNED, AnswerProgram, Steps
from solver.search.replay import Image, replay
from solver.search.text import (
    CHOSEN,
    LAYER,
    Names,
    case_text,
    cases_of,
    map_text,
    pictures_of,
    product_text,
    step_text,
    taken_text,
)
from solver.search.views import GROUND, LATTICE, PLAIN, View, views_of
from solver.search.whole import product_of


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
    grid, names = view.task.test[pair].input, pictures_of(program)
    start = [_step("the input", (*task.train, *task.test)[pair].input)]
    if program.view != PLAIN:
        start.append(_step(_view_text(program.view, start[0].images[0][0], grid), grid))
    try:
        made, steps = _pictures(program, names, grid, _size(program, view.task, pair))
        steps = [*start, *steps, *_assembled(program, names, made, view.task)]
    except _DoesNotApply as error:
        return Walk((*start, *error.steps), None, str(error))
    answer = steps[-1].images[0][0]
    if program.view != PLAIN:
        answer = view.real((answer,) * len(view.task.test))[pair]
        steps.append(_step(_back_text(program.view), answer))
    return Walk(tuple(steps), answer)


class _DoesNotApply(Exception):
    """``steps``: those before the one that does not apply."""

    def __init__(self, text: str, steps: Sequence[Step]) -> None:
        super().__init__(text)
        self.steps = steps


def _view_text(view: str, real: np.ndarray, grid: np.ndarray) -> str:
    """What the view does with this input."""
    if view in TURNED:
        return f"turn it so that {TURNED[view]}"
    if view == LATTICE:
        return "take one cell for each panel between the lines"
    renamed = sorted({(int(old), int(new)) for old, new in zip(real.flat, grid.flat, strict=True)})
    pairs = ", ".join(f"{old}->{new}" for old, new in renamed if old != new) or "none here"
    if view == GROUND:
        return f"exchange the most frequent colour and colour 0: {pairs}"
    return f"rename colours by how frequent they are: {pairs}"


def _back_text(view: str) -> str:
    """What the view does with the answer."""
    if view in TURNED:
        return "turn it back"
    return "make each cell a panel" if view == LATTICE else "give the colours their own names back"


def _view(program: AnswerProgram, task: Task) -> View:
    """The program's view, in which the demonstrations' inputs are test inputs too. They are no new inputs, so
    the pairs are renamed or turned as they were."""
    inputs = tuple(Pair(pair.input) for pair in (*task.train, *task.test))
    for view in views_of(Task(task.id, task.train, inputs)):
        if view.name == program.view:
            return view
    raise ValueError(f"task {task.id}: this version does not see it with {program.view}")


def _size(program: AnswerProgram, task: Task, pair: int) -> tuple[int, int]:
    """The wanted size. ``task``: in the program's view, its test inputs the inputs of all pairs."""
    demos = len(task.train)
    if pair < demos:
        return task.train[pair].output.shape
    if not program.sizes:
        return 0, 0
    if len(program.sizes) != len(task.test) - demos:
        raise ValueError(f"task {task.id}: expected {len(task.test) - demos} sizes, got {len(program.sizes)}")
    return program.sizes[pair - demos]


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
    if program.kind != PRODUCT and any(picture.shape != used[0].shape for picture in used):
        raise _DoesNotApply("the pictures have different sizes", steps)
    return made, steps


def _assembled(
    program: AnswerProgram, names: Names, made: Mapping[Steps, np.ndarray], task: Task
) -> Iterator[Step]:
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
    elif program.kind == CHOICE:
        yield _chosen(program.programs[0], made[program.programs[0]], task)
    elif program.kind == PRODUCT:
        one, two = (made[steps] for steps in program.programs)
        product = product_of(one, two, program.detail[0])
        if product is None:
            raise _DoesNotApply("the product is larger than a grid may be", ())
        yield _step(product_text(program, names), product)


def _chosen(steps: Steps, picture: np.ndarray, task: Task) -> Step:
    """The output of the first demonstration that has the same picture."""
    for number, pair in enumerate(task.train):
        images = replay(steps, pair.input, pair.output.shape)[-1]
        if len(images) == 1 and np.array_equal(images[0][0], picture):
            return _step(f"{CHOSEN}: demonstration {number}", pair.output)
    raise _DoesNotApply("no demonstration has that picture", ())


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
