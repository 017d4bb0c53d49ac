"""Programs as text that runs again, their words, and their steps."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from solver.arc.task import Pair, Task, as_grid
from solver.search import search
from solver.search.assemble import CHOICE, COVER, MAP, PARTIAL, PRODUCT, PROGRAM, RULES, TABLE
from solver.search.decide import COLOURED
from solver.search.decisions import decisions, evaluate
from solver.search.program import TURNED, AnswerProgram, parse, program_of, serialise
from solver.search.steps import walk
from solver.search.table import NUMBER, TRANSFORMS
from solver.search.text import describe
from solver.search.views import GROUND, LATTICE, PLAIN, RANKED, VARYING, views_of

JOBS, KEPT = 3000, 4
COLOURS = st.integers(0, 9)
STEPS = st.lists(st.sampled_from(sorted(NUMBER)), max_size=4).map(tuple)
SIZES = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=3).map(tuple)
SIZED = next(t.name for t in TRANSFORMS if t.sized)


@st.composite
def programs(draw) -> AnswerProgram:
    """Any program that can be written."""
    kind = draw(st.sampled_from([PROGRAM, PARTIAL, MAP, TABLE, COVER, RULES, CHOICE, PRODUCT]))
    count, detail = 1, ()
    if kind == MAP:
        detail = tuple(draw(st.dictionaries(COLOURS, COLOURS)).items())
    elif kind == TABLE:
        count = draw(st.integers(2, 3))
        keys = st.tuples(*[COLOURS] * count)
        detail = tuple(draw(st.dictionaries(keys, COLOURS, min_size=1, max_size=12)).items())
    elif kind == COVER:
        detail = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=10)))
        count = len(detail)
    elif kind == PRODUCT:
        count, detail = 2, (draw(st.integers(0, 2)),)
    elif kind == RULES:
        detail = tuple(
            draw(st.lists(st.tuples(st.integers(0, COLOURED), st.none() | COLOURS), min_size=1, max_size=4))
        )
        count = 1 + len(detail) + sum(taken is None for _, taken in detail)
    made = tuple(draw(STEPS) for _ in range(count))
    view = draw(st.sampled_from([PLAIN, VARYING, RANKED, GROUND, LATTICE, *TURNED]))
    return AnswerProgram(kind, made, detail, view, draw(SIZES))


@hypothesis_settings(max_examples=60, deadline=None)
@given(programs())
def test_every_program_is_read_back(program):
    text = serialise(program)
    assert text.isprintable() and parse(text) == program
    assert describe(program).isprintable()


@hypothesis_settings(max_examples=60, deadline=None)
@given(programs(), st.data())
def test_a_changed_text_is_refused_or_another_program(program, data):
    text = serialise(program)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters()) + text[place + 1 :]
    try:
        made = parse(changed)
    except ValueError as error:
        assert str(error)
    else:
        assert serialise(made) == changed and (made != program or changed == text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2 program | crop", "version 1 was expected, got '2'"),
        ("", "version 1 was expected, got ''"),
        ("1 program", "expected a program's steps"),
        ("1 program | crop_all", "no transform 'crop_all' in this version"),
        ("1 poem | crop", "kind: expected one of"),
        ("1 program other | crop", "expected a view or sizes, got 'other'"),
        ("1 program @3x31 | crop", "expected sizes such as @3x4"),
        (f"1 program | {SIZED}", "expected the sizes of the test outputs, got none"),
        ("1 map | crop | crop ; 1>2", "expected 1 programs, got 2"),
        ("1 map | crop ; 1>12", "map: got an entry '1>12'"),
        ("1 program | crop ; 1>1", "program: got an entry"),
        ("1 table | crop | turn_1 ; 12>1 123>1", "keys"),
        ("1 rules | crop | turn_1 ; 1>p", "rules: expected 3 programs, got 2"),
        ("1 product | crop | turn_1", "product: expected 0 programs, got 2"),
        ("1 product | crop | turn_1 ; 3", "product: got an entry '3'"),
        ("1 choice | crop ; 3", "choice: got an entry '3'"),
        ("1  program | crop", "kind: expected one of"),
        ("1 program |  crop", "no transform ''"),
    ],
)
def test_what_is_no_program_is_refused(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text)


TABLES = st.integers(2, 3).flatmap(
    lambda width: st.dictionaries(st.tuples(*[st.integers(0, 3)] * width), COLOURS, min_size=1, max_size=12)
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(TABLES)
def test_cases_give_the_colours_of_the_table(table):
    cases, otherwise = decisions(table)
    assert {key: evaluate(cases, otherwise, key) for key in table} == table


def made_tasks() -> dict[str, Task]:
    """Tasks that are answered in all kinds of ways."""
    rng = np.random.default_rng(3)

    def task(name, program, *grids):
        pairs = [Pair(as_grid(grid), as_grid(program(grid))) for grid in grids]
        return Task(name, tuple(pairs[:-1]), (Pair(pairs[-1].input),))

    def drawn(height, width, colours=4):
        return [rng.integers(0, colours, (height, width)).astype(np.uint8) for _ in range(4)]

    varying = [np.where(g == 3, 3 + n, g).astype(np.uint8) for n, g in enumerate(drawn(6, 6))]
    walls = [np.vstack([g, np.full((1, 5), 5, np.uint8)]) for g in drawn(4, 5, 3)]
    ones = [np.where(g == 1, 1 + n % 2, 0).astype(np.uint8) for n, g in enumerate(drawn(4, 4, 2))]
    grounds = [np.where(rng.random((6, 6)) < 0.2, 8, n + 1).astype(np.uint8) for n in range(4)]
    made = (
        task("mirror", np.fliplr, *drawn(5, 4)),
        task("recolour", lambda g: np.array([0, 1, 7, 3], np.uint8)[g[::-1]], *drawn(5, 4)),
        task("either", lambda g: np.where(g[:, :4] != 0, g[:, :4], g[:, 4:]), *drawn(4, 8, 3)),
        task("both", lambda g: ((g[:, :4] != 0) & (g[:, 4:] == 2)).astype(np.uint8) * 6, *drawn(4, 8, 3)),
        task("varying", lambda g: np.where(g >= 3, 0, g)[::-1], *varying),
        task("size", lambda g: np.tile(g, (2, 2))[:5, :7], *drawn(3, 5)),
        task("product", lambda g: np.kron(g != 0, g[::-1]), *drawn(3, 3)),
        task("choice", lambda g: np.array([[5, 7], [7, 6]])[g.max() - 1 :: 1][:1], *ones),
        task("ground", lambda g: np.roll(g, 1, 0), *grounds),
        task("lattice", lambda g: panels(np.fliplr(g[::3, ::3]), 9), *(panels(g, 9) for g in drawn(3, 4))),
        task("turned", lambda g: g, *walls),
    )
    turned = made[-1]
    pairs = tuple(
        Pair(as_grid(np.rot90(pair.input, n)), as_grid(np.rot90(falling(pair.input), n)))
        for n, pair in enumerate(turned.train)
    )
    return {task.id: task for task in (*made[:-1], Task("turned", pairs, turned.test))}


def panels(cells: np.ndarray, lines: int) -> np.ndarray:
    """A lattice of panels of 2 x 2 cells in these colours, lines of a colour between them."""
    made = np.full((3 * cells.shape[0] - 1, 3 * cells.shape[1] - 1), lines, np.uint8)
    for r, c in np.ndindex(cells.shape):
        made[3 * r : 3 * r + 2, 3 * c : 3 * c + 2] = cells[r, c]
    return made


def falling(grid: np.ndarray) -> np.ndarray:
    """All coloured cells of each column at its bottom."""
    columns = [column[np.argsort(column != 0, kind="stable")] for column in grid.T]
    return np.stack(columns).T


@cache
def found() -> list[tuple[Task, AnswerProgram, tuple]]:
    """The first candidates of every kind and view of a search of each of them."""
    kept = []
    for task in made_tasks().values():
        seen: Counter = Counter()
        for candidate in search(task, jobs=JOBS):
            program = program_of(candidate)
            assert parse(serialise(program)) == program
            seen[program.kind, program.view] += 1
            if seen[program.kind, program.view] <= KEPT:
                kept.append((task, program, candidate.grids))
    return kept


def test_what_the_search_finds_runs_again_from_its_text():
    kinds = set()
    for task, program, grids in found():
        again = parse(serialise(program))
        assert again == program
        for test, grid in enumerate(grids):
            made = walk(again, task, len(task.train) + test)
            assert made.grid is not None, (task.id, serialise(program), made.problem)
            assert np.array_equal(made.grid, grid), (task.id, serialise(program))
        kinds |= {program.kind, program.view}
    assert kinds >= {PROGRAM, MAP, TABLE, COVER, RULES, CHOICE, PRODUCT, PLAIN}
    assert kinds & {VARYING, RANKED} and kinds & set(TURNED), kinds


def test_the_steps_reproduce_the_demonstrations():
    for place, (task, program, _) in enumerate(found()):
        number = place % len(task.train)
        made, pair = walk(program, task, number), task.train[number]
        if program.kind != PARTIAL:
            assert np.array_equal(made.grid, pair.output), (task.id, serialise(program), number)
        assert np.array_equal(made.steps[0].images[0][0], pair.input)
        assert np.array_equal(made.steps[-1].images[0][0], made.grid)


def test_every_answer_is_said_in_one_line():
    for task, program, _ in found():
        text = describe(program)
        assert text.isprintable() and len(text) > 5, (task.id, text)
        if program.kind in (TABLE, RULES, COVER):
            letters = re.findall(r"\b([A-Z]) \(", text)
            assert letters == sorted(set(letters)), text  # named in the order of the alphabet, once each


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 program | .", "keep the input as it is"),
        (
            "1 choice wall | crop",
            "with all pairs turned so that their wall is at the bottom: crop to the coloured cells; "
            "take the output of the demonstration for which that is the same",
        ),
        (
            "1 rules ground | . | crop ; c>5",
            "with the most frequent colour and colour 0 exchanged: decide each cell: "
            "where A (crop to the coloured cells) is coloured, colour 5; else as in the input",
        ),
        (
            "1 program lattice | crop",
            "with one cell for each panel between the lines: crop to the coloured cells",
        ),
        (
            "1 product | . | crop ; 1",
            "put a copy of A (crop to the coloured cells) on each coloured cell of the input, "
            "in the cell's colour",
        ),
        ("1 program | crop turn_4", "crop to the coloured cells, mirror left-right"),
        ("1 map | turn_4 ; 2>3 8>1", "mirror left-right, recolour by the map 2->3, 8->1"),
        ("1 map | . ; 2>3", "recolour by the map 2->3"),
        (
            "1 map ranked | . ; 2>3",
            "with all colours renamed by how frequent they are: recolour by the map 2->3",
        ),
        (
            "1 table | . | turn_4 ; 00>0 01>1 10>1 11>1",
            "decide each cell: where the input is empty, as in A (mirror left-right); else as in the input",
        ),
        ("1 table | . | turn_4 ; 00>0 10>1", "keep the input as it is"),
        (
            "1 table | turn_5 | turn_4 ; 00>4 01>4 10>4 11>3",
            "decide each cell: where A (mirror up-down) is 1 and B (mirror left-right) is 1, colour 3; "
            "else colour 4",
        ),
        (
            "1 cover | turn_4 | . ; 1 3",
            "lay pictures over each other, top first: the coloured cells of A (mirror left-right); "
            "then all of the input",
        ),
        (
            "1 cover | turn_4 | turn_5 ; 2 1",
            "lay pictures over each other, top first: the empty cells of A (mirror left-right); "
            "then the coloured cells of B (mirror up-down); the rest empty",
        ),
        (
            "1 rules | turn_5 | turn_4 | turn_4 | . | . | . ; 3>p 0>p 5>5",
            "decide each cell: where A (mirror left-right) is 3 or empty, as in the input; "
            "else where the input is 5, colour 5; else as in B (mirror up-down)",
        ),
    ],
)
def test_the_words(text, words):
    assert describe(parse(text)) == words


def test_long_answers_say_how_much_they_leave_out():
    layers = ["turn_4", "turn_5", "turn_1", "turn_2", "crop", "trim"]
    text = describe(parse(f"1 cover | {' | '.join(layers)} ; {' '.join('1' * 6)}"))
    assert text.endswith("; then 2 more layers; the rest empty")


def test_a_step_that_does_not_apply_is_named():
    task = made_tasks()["mirror"]
    made = walk(parse("1 program | keep_9 crop"), task, 0)
    assert made.grid is None and made.problem == "it does not apply here: keep only colour 9"
    assert [step.text for step in made.steps] == ["the input"]


def test_products_of_pictures():
    cells = np.array([[2, 0, 3]], np.uint8)
    task = Task("s", (Pair(as_grid(cells), as_grid(cells)),), (Pair(as_grid(cells)),))
    mirrored = cells[:, ::-1]
    for mode, wanted in enumerate(
        (np.kron(cells != 0, mirrored), np.kron(cells, mirrored != 0), np.kron(cells == 0, mirrored))
    ):
        made = walk(parse(f"1 product | . | turn_4 ; {mode}"), task, 1)
        assert np.array_equal(made.grid, wanted)
    large = Task("l", task.train, (Pair(as_grid(np.ones((6, 6)))),))
    assert "larger than a grid may be" in walk(parse("1 product | . | turn_4 ; 0"), large, 1).problem


def test_a_demonstration_is_chosen_by_a_picture():
    outputs = [as_grid(np.full((1, 2), colour)) for colour in (5, 6)]
    inputs = [as_grid(np.array(rows)) for rows in ([[0, 1]], [[2, 2]])]
    task = Task("c", tuple(map(Pair, inputs, outputs)), (Pair(inputs[1]), Pair(as_grid(np.array([[3, 3]])))))
    program = parse("1 choice | turn_4")
    made = walk(program, task, 2)
    assert np.array_equal(made.grid, outputs[1])
    assert made.steps[-1].text.endswith("that is the same: demonstration 1")
    assert walk(program, task, 3).problem == "no demonstration has that picture"


def test_a_list_is_no_answer():
    made = walk(parse("1 program | rows"), made_tasks()["mirror"], 0)
    assert made.grid is None and "list" in made.problem
    assert len(made.steps[-1].images) > 1


def test_a_program_of_other_tasks_is_refused():
    task = made_tasks()["mirror"]
    assert VARYING not in [view.name for view in views_of(task)]
    with pytest.raises(ValueError, match="task mirror: this version does not see it with varying colours"):
        walk(parse("1 program varying | crop"), task, 3)
    with pytest.raises(ValueError, match="expected 1 sizes, got 2"):
        walk(parse(f"1 program @3x3,3x3 | {SIZED}"), task, 3)


def test_pictures_keep_their_letters_in_the_steps():
    task = made_tasks()["mirror"]
    program = parse("1 rules | turn_5 | turn_4 turn_2 | . ; 3>p")
    steps = walk(program, task, 0).steps
    assert [(step.picture, step.text) for step in steps] == [
        ("", "the input"),
        ("A", "mirror left-right"),
        ("A", "turn by half"),
        ("B", "mirror up-down"),
        ("", "begin as in B"),
        ("", "where A is 3, as in the input"),
    ]
