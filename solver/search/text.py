"""What an answer's program does, in plain words."""

from collections.abc import Sequence
from string import ascii_uppercase

from solver.search.assemble import CHOICE, COVER, MAP, PRODUCT, RULES, TABLE
from solver.search.decide import COLOURED
from solver.search.decisions import Case, Condition, decisions
from solver.search.program import TURNED, AnswerProgram, Steps
from solver.search.table import NUMBER, TRANSFORMS
from solver.search.views import GROUND, LATTICE, PLAIN, VARYING

MOST_CASES = 4  # that one line names
INPUT = "the input"
CHOSEN = "take the output of the demonstration for which that is the same"
PRODUCTS = (
    "put a copy of {1} on each coloured cell of {0}",
    "put a copy of {1} on each coloured cell of {0}, in the cell's colour",
    "put a copy of {1} on each empty cell of {0}",
)
LAYER = {1: "the coloured cells of {}", 2: "the empty cells of {}", 3: "all of {}"}


class Names:
    """Letters for the different pictures of an answer, in the order in which the text names them; the input
    has none. A picture's program is said where it is named first."""

    def __init__(self) -> None:
        self.letters: dict[Steps, str] = {}

    def __call__(self, steps: Steps) -> str:
        """The picture's letter, the first time with what its program does."""
        if not steps or steps in self.letters:
            return self.letter(steps)
        return f"{self.letter(steps)} ({text_of(steps)})"

    def letter(self, steps: Steps) -> str:
        """The picture's letter, or INPUT."""
        if not steps:
            return INPUT
        return self.letters.setdefault(steps, ascii_uppercase[len(self.letters)])


def describe(program: AnswerProgram) -> str:
    """What the program does, in one line."""
    return renaming_text(program.view) + _whole_text(program, Names())


def pictures_of(program: AnswerProgram) -> Names:
    """The pictures that the answer needs, as ``describe`` names them."""
    names = Names()
    if program.kind in (TABLE, RULES):
        cases, otherwise = cases_of(program)
        _cases_text(cases, otherwise, names)
    elif program.kind == COVER:
        _layers_text(program, names)
    elif program.kind == PRODUCT:
        product_text(program, names)
    return names


def _whole_text(program: AnswerProgram, names: Names) -> str:
    steps = program.programs[0]
    if program.kind == MAP:
        return ", ".join([*([text_of(steps)] if steps else []), map_text(program.detail)])
    if program.kind in (TABLE, RULES):
        cases, otherwise = cases_of(program)
        if cases or isinstance(otherwise, int):
            return f"decide each cell: {_cases_text(cases, otherwise, names, MOST_CASES)}"
        steps = otherwise
    elif program.kind == COVER:
        return f"lay pictures over each other, top first: {_layers_text(program, names, MOST_CASES)}"
    elif program.kind == PRODUCT:
        return product_text(program, names)
    words = text_of(steps) or "keep the input as it is"
    return f"{words}; {CHOSEN}" if program.kind == CHOICE else words


def renaming_text(view: str) -> str:
    """What a view does with the pairs before anything else; empty where that is nothing."""
    if view == PLAIN:
        return ""
    if view in TURNED:
        return f"with all pairs turned so that {TURNED[view]}: "
    if view == GROUND:
        return "with the most frequent colour and colour 0 exchanged: "
    if view == LATTICE:
        return "with one cell for each panel between the lines: "
    which = "the colours that vary from grid to grid" if view == VARYING else "all colours"
    return f"with {which} renamed by how frequent they are: "


def text_of(steps: Sequence[str]) -> str:
    """A program's transforms, one after another; empty where there are none."""
    return ", ".join(step_text(name) for name in steps)


def step_text(name: str) -> str:
    """What one transform does."""
    return TRANSFORMS[NUMBER[name]].text


def map_text(detail: Sequence[tuple[int, int]]) -> str:
    """A map of colours."""
    return "recolour by the map " + ", ".join(f"{code}->{colour}" for code, colour in detail)


def cases_of(program: AnswerProgram) -> tuple[list[Case], Steps | int]:
    """The cases that decide a cell by a table or by rules, and what holds where none does. A picture is
    its program; neighbouring cases with one outcome are one case."""
    if program.kind == TABLE:
        cases, otherwise = decisions(dict(program.detail))
        parts = program.programs
        named = [
            Case(
                tuple((parts[place], colours, is_it) for place, colours, is_it in case.conditions),
                _named(case.then, parts),
            )
            for case in cases
        ]
        return _joined(named), _named(otherwise, parts)
    base, *others = program.programs
    taken = iter(others[len(program.detail) :])
    named = [
        Case((_condition(steps, colour),), next(taken) if then is None else then)
        for steps, (colour, then) in zip(others, program.detail, strict=False)
    ]
    return _joined(named), base


def _condition(steps: Steps, colour: int) -> Condition:
    """The condition of a rule."""
    return (steps, (0,), False) if colour == COLOURED else (steps, (colour,), True)


def _named(then: int | tuple[int], parts: Sequence[Steps]) -> Steps | int:
    return then if isinstance(then, int) else parts[then[0]]


def _joined(cases: Sequence[Case]) -> list[Case]:
    joined: list[Case] = []
    for case in cases:
        steps, colours, is_it = case.conditions[0]
        if len(case.conditions) == 1 and is_it and case.then == steps:
            case = Case(case.conditions, colours[0])
        if joined and len(case.conditions) == len(joined[-1].conditions) == 1 and is_it:
            before, known, was_it = joined[-1].conditions[0]
            if before == steps and was_it and joined[-1].then == case.then:
                joined[-1] = Case(((steps, known + colours, True),), case.then)
                continue
        joined.append(case)
    return joined


def _cases_text(cases: Sequence[Case], otherwise: Steps | int, names: Names, most: int = 99) -> str:
    parts = [case_text(case, names) for case in cases]
    parts.append(taken_text(otherwise, names))
    if len(cases) > most:
        parts[most:-1] = [f"({len(cases) - most} more cases)"]
    return "; else ".join(parts)


def case_text(case: Case, names: Names) -> str:
    """Where a case applies, and what the cell becomes there."""
    conditions = []
    for steps, colours, is_it in case.conditions:
        if colours == (0,):
            words = "empty" if is_it else "coloured"
        else:
            words = ("" if is_it else "not ") + " or ".join(str(c) if c else "empty" for c in colours)
        conditions.append(f"{names(steps)} is {words}")
    return f"where {' and '.join(conditions)}, {taken_text(case.then, names)}"


def taken_text(then: Steps | int, names: Names) -> str:
    """What a cell becomes."""
    if isinstance(then, int):
        return f"colour {then}" if then else "empty"
    return f"as in {names(then)}"


def product_text(program: AnswerProgram, names: Names) -> str:
    """A product of two pictures."""
    one, two = program.programs
    (mode,) = program.detail
    second = names(two)  # the text names it first
    return PRODUCTS[mode].format(names(one), second)


def _layers_text(program: AnswerProgram, names: Names, most: int = 99) -> str:
    parts = [
        LAYER[mode].format(names(steps)) for steps, mode in zip(program.programs, program.detail, strict=True)
    ]
    if len(parts) > most:
        more = len(parts) - most
        parts[most:] = [f"{more} more layer{'s' if more > 1 else ''}"]
    return "; then ".join(parts) + ("" if program.detail[-1] == 3 else "; the rest empty")
