"""An answer's program as a record, and as one line of text that runs again.

The text is ``VERSION KIND [view] [SIZES] | STEPS | STEPS ; DETAIL``, for example

    1 program | keep_0_of_1 crop
    1 map varying @3x3,4x5 | embed ; 2>3 8>1
    1 table | keep_1 | parts_12 combine_0 ; 00>0 01>4
    1 cover | crop | . ; 1 3
    1 rules | . | fill_1 | turn_4 ; 3>5 4>p
    1 product | keep_2 crop | crop ; 0

A program's steps are names of transforms, ``.`` where there are none. ``SIZES`` are the wanted heights and
widths of the test outputs, where a step needs them.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from solver.search.assemble import CHOICE, COVER, MAP, PARTIAL, PRODUCT, PROGRAM, RULES, TABLE
from solver.search.decide import COLOURED
from solver.search.table import NUMBER, TRANSFORMS
from solver.search.views import GROUND, LATTICE, LINES, PLAIN, RANKED, VARYING, WALL

if TYPE_CHECKING:
    from solver.search.search import Candidate

VERSION = 1  # of the text; also changes when a transform's name comes to mean something else
MOST_PROGRAMS = 20  # of one answer
TURNED = {  # views that turn the pairs, and so that what
    WALL: "their wall is at the bottom",
    LINES: "their lines are rows",
}
_VIEWS = {  # and how the text names them
    PLAIN: "", VARYING: "varying", RANKED: "ranked",
    GROUND: "ground", WALL: "wall", LINES: "lines", LATTICE: "lattice",
}  # fmt: skip
_ENTRIES = {  # of each kind's detail
    PROGRAM: None,
    PARTIAL: None,
    MAP: re.compile(r"(?P<key>[0-9])>(?P<to>[0-9])"),
    TABLE: re.compile(r"(?P<key>[0-9]{2,3})>(?P<to>[0-9])"),
    COVER: re.compile(r"(?P<mode>[123])"),
    RULES: re.compile(r"(?P<key>[0-9c])>(?P<to>[0-9p])"),
    CHOICE: None,
    PRODUCT: re.compile(r"(?P<mode>[012])"),
}
_NAME = re.compile(r"[a-z0-9_-]+")
_SIZE = re.compile(r"([1-9]|[12][0-9]|30)x([1-9]|[12][0-9]|30)")
Steps = tuple[str, ...]  # names of transforms


@dataclass(frozen=True)
class AnswerProgram:
    """How an answer is made from an input.

    ``kind``: how it is assembled (``solver.search.assemble``). ``programs``: the transforms' names of each
    program. ``view``: how the task's pairs are renamed or turned first (``solver.search.views``).
    ``sizes``: height and width of every test output, where a transform needs them.
    ``detail``: for a map ``(colour, colour)`` of each that changes; for a table ``(colours of the programs,
    colour)``; for a cover 1, 2 or 3 of each layer: its coloured cells, its empty ones, all; for rules
    ``(colour of the condition, colour taken or None)``, where COLOURED stands for any colour but 0 and None
    takes the next of the programs that follow the base and the conditions; for a product 0, 1 or 2: the
    second picture stands on the coloured cells of the first, on these in their colour, or on its empty cells.
    """

    kind: str
    programs: tuple[Steps, ...]
    detail: tuple = ()
    view: str = PLAIN
    sizes: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in _ENTRIES:
            raise ValueError(f"kind: expected one of {', '.join(_ENTRIES)}, got {self.kind[:40]!r}")
        if not 1 <= len(self.programs) <= MOST_PROGRAMS:
            raise ValueError(f"expected 1 to {MOST_PROGRAMS} programs, got {len(self.programs)}")
        for name in (name for steps in self.programs for name in steps):
            if name not in NUMBER:
                raise ValueError(f"there is no transform {name[:40]!r} in this version")
        if self.kind == TABLE and len({len(key) for key, _ in self.detail}) != 1:
            raise ValueError(f"{self.kind}: expected keys of one length, got {len(self.detail)} entries")
        if len(self.programs) != self._wanted():
            raise ValueError(f"{self.kind}: expected {self._wanted()} programs, got {len(self.programs)}")
        if self.view not in _VIEWS:
            raise ValueError(f"there is no view {self.view[:40]!r} in this version")
        if self.needs_sizes and not self.sizes:
            raise ValueError("expected the sizes of the test outputs, got none")

    def _wanted(self) -> int:
        """How many programs the detail belongs to."""
        if self.kind == TABLE:
            return len(self.detail[0][0])
        if self.kind == COVER:
            return len(self.detail)
        if self.kind == PRODUCT:
            return 2 if len(self.detail) == 1 else 0
        if self.kind == RULES:
            return 1 + len(self.detail) + sum(taken is None for _, taken in self.detail)
        return 1

    @property
    def needs_sizes(self) -> bool:
        """Whether a transform needs the wanted output's size."""
        return any(TRANSFORMS[NUMBER[name]].sized for steps in self.programs for name in steps)


def program_of(candidate: "Candidate") -> AnswerProgram:
    """The program that makes a candidate's grids."""
    found = candidate.found
    detail: tuple = found.detail
    if found.kind == MAP:
        detail = tuple((code, colour) for code, colour in detail if code != colour)
    elif found.kind == TABLE:
        places = range(len(candidate.steps) - 1, -1, -1)
        detail = tuple((tuple(code >> 4 * place & 15 for place in places), c) for code, c in detail)
    sized = any(TRANSFORMS[NUMBER[name]].sized for steps in candidate.steps for name in steps)
    return AnswerProgram(
        found.kind, candidate.steps, detail, candidate.view, candidate.sizes if sized else ()
    )


def serialise(program: AnswerProgram) -> str:
    """The program as one line of text, which ``parse`` reads back."""
    head = [str(VERSION), program.kind]
    if program.view != PLAIN:
        head.append(_VIEWS[program.view])
    if program.sizes:
        head.append("@" + ",".join(f"{height}x{width}" for height, width in program.sizes))
    text = " | ".join([" ".join(head), *(" ".join(steps) or "." for steps in program.programs)])
    entries = [_entry(program.kind, item) for item in program.detail]
    return f"{text} ; {' '.join(entries)}" if entries else text


def _entry(kind: str, item: object) -> str:
    if kind in (COVER, PRODUCT):
        return str(item)
    key, colour = item
    left = "".join(map(str, key)) if kind == TABLE else "c" if key == COLOURED else str(key)
    return f"{left}>{'p' if colour is None else colour}"


def parse(text: str) -> AnswerProgram:
    """The program that ``serialise`` wrote; ValueError for anything else, another version's text included."""
    head, *parts = text.split(" | ")
    version, _, rest = head.partition(" ")
    if version != str(VERSION):
        raise ValueError(f"a program of version {VERSION} was expected, got {version[:20]!r}")
    if not parts:
        raise ValueError(f"expected a program's steps, got {text[:40]!r}")
    parts[-1], _, detail = parts[-1].partition(" ; ")
    kind, view, sizes = _head(rest)
    programs = tuple(tuple(steps.split(" ")) if steps != "." else () for steps in parts)
    made = AnswerProgram(kind, programs, _detail(kind, detail), view, sizes)
    if serialise(made) != text:
        raise ValueError(f"expected a program as it is written, got {text[:40]!r}")
    return made


def _head(text: str) -> tuple[str, str, tuple[tuple[int, int], ...]]:
    """Kind, view and sizes."""
    kind, *more = text.split(" ")
    if kind not in _ENTRIES:
        raise ValueError(f"kind: expected one of {', '.join(_ENTRIES)}, got {kind[:40]!r}")
    views = {short: view for view, short in _VIEWS.items() if short}
    view = views[more.pop(0)] if more and more[0] in views else PLAIN
    sizes: tuple[tuple[int, int], ...] = ()
    if more and more[0].startswith("@"):
        found = [_SIZE.fullmatch(size) for size in more.pop(0)[1:].split(",")]
        if not all(found):
            raise ValueError(f"expected sizes such as @3x4, got {text[:40]!r}")
        sizes = tuple((int(size[1]), int(size[2])) for size in found)
    if more:
        raise ValueError(f"expected a view or sizes, got {more[0][:40]!r}")
    return kind, view, sizes


def _detail(kind: str, text: str) -> tuple:
    entries = []
    for item in text.split(" ") if text else ():
        found = _ENTRIES[kind].fullmatch(item) if _ENTRIES[kind] else None
        if found is None:
            raise ValueError(f"{kind}: got an entry {item[:40]!r} that it does not have")
        if kind in (COVER, PRODUCT):
            entries.append(int(item))
            continue
        key, to = found["key"], found["to"]
        left = tuple(map(int, key)) if kind == TABLE else COLOURED if key == "c" else int(key)
        entries.append((left, None if to == "p" else int(to)))
    return tuple(entries)
