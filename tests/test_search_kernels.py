"""Every transform of the search against a slow twin, on random grids; what it may draw; and the table
itself."""

import os

import numpy as np
import pytest

from solver.search.arena import (
    COUNT,
    FAILED,
    FIRST,
    FULL,
    HEIGHT,
    IS_LIST,
    MOST_TRANSFORMS,
    OFFSET,
    PARENT,
    PROGRAMS,
    ROW,
    WIDTH,
    X,
    Y,
    add_inputs,
    make_arena,
)
from solver.search.kernels.families import FAMILIES
from solver.search.run import make_scratch, run_jobs
from solver.search.table import (
    COLOUR,
    DRAW,
    FILL,
    IMAGE_TO_LIST,
    LIST,
    LIST_TO_IMAGE,
    LIST_TO_LIST,
    MATCH,
    OBJECT,
    PATTERN,
    RELATION,
    RUN,
    SHAPE,
    TRANSFORMS,
)
from tests import naive_search
from tests.naive_search_draw import draw_twin
from tests.naive_search_fill import fill_twin
from tests.naive_search_lists import list_twin
from tests.naive_search_match import match_twin
from tests.naive_search_objects import object_twin, relation_twin
from tests.naive_search_pattern import pattern_twin
from tests.naive_search_runs import run_twin

TWINS = {
    SHAPE: naive_search.shape_twin,
    COLOUR: naive_search.colour_twin,
    FILL: fill_twin,
    OBJECT: object_twin,
    RELATION: relation_twin,
    DRAW: draw_twin,
    PATTERN: pattern_twin,
    RUN: run_twin,
    MATCH: match_twin,
}
COMPILED = os.environ.get("NUMBA_DISABLE_JIT") != "1"


def noise(rng, most: int) -> np.ndarray:
    """A random grid of at most ``most`` cells a side with few colours, sparse or dense."""
    h, w = rng.integers(1, most + 1, 2)
    density = rng.choice([0.1, 0.3, 0.6, 1.0])
    return np.where(rng.random((h, w)) < density, rng.integers(1, rng.integers(1, 5) + 1, (h, w)), 0).astype(
        np.uint8
    )


def planted(rng, most: int) -> np.ndarray:
    """An empty grid on which one small pattern lies several times, turned, mirrored, or in parts."""
    made = np.zeros(rng.integers(4, most + 1, 2), np.uint8)
    pattern = noise(rng, 4)
    for _ in range(rng.integers(1, 5)):
        tile = np.rot90(pattern, rng.integers(4))[:: rng.choice([-1, 1])]
        tile = np.where(rng.random(tile.shape) < rng.choice([0.7, 1.0]), tile, 0)
        r, c = rng.integers(0, made.shape[0] - 1), rng.integers(0, made.shape[1] - 1)
        target = made[r : r + tile.shape[0], c : c + tile.shape[1]]
        target[...] = np.maximum(target, tile[: target.shape[0], : target.shape[1]])
    return made


def ruled(rng, most: int) -> np.ndarray:
    """Equal panels between lines of one colour, or one tile again and again with some cells missing."""
    panel = noise(rng, 4)
    rows, columns = rng.integers(1, 4, 2)
    made = np.tile(np.pad(panel, ((0, 1), (0, 1)), constant_values=int(rng.integers(0, 6))), (rows, columns))
    made = made[:-1, :-1][:most, :most].copy()
    if rng.random() < 0.5:
        made[rng.random(made.shape) < 0.1] = 0
    return made


def latin(rng, most: int) -> np.ndarray:
    """A square in which each row and column holds every colour once, with some cells missing."""
    side = int(rng.integers(2, 6))
    made = (np.arange(side)[:, None] + rng.permutation(side)[None]) % side + 1
    return np.where(rng.random(made.shape) < 0.3, 0, made[rng.permutation(side)]).astype(np.uint8)


def fragments(rng, most: int) -> np.ndarray:
    """A small pattern and apart from it some of what it consists of: parts, one colour, enlarged too, its
    outline, and single cells."""
    made = np.zeros(rng.integers(most // 2, most + 1, 2), np.uint8)
    pattern = rng.integers(rng.integers(0, 2), 4, rng.integers(1, 4, 2)).astype(np.uint8)
    for n in range(rng.integers(2, 12)):
        tile = pattern if n == 0 else np.rot90(pattern, rng.choice([0, 0, 1, 2]))
        colour, kind = rng.integers(1, 4), rng.integers(0, 5) if n else -1
        if kind == 0:
            tile = np.where(rng.random(tile.shape) < 0.7, tile, 0)
        elif kind in (1, 2):
            tile = np.where(tile == colour, tile, 0).repeat(kind, 0).repeat(kind, 1)
        elif kind == 3:
            tile = np.where(tile > 0, colour, 0)
        elif kind == 4:
            tile = np.full((1, 1), colour)
        r, c = rng.integers(0, made.shape[0]), rng.integers(0, made.shape[1])
        target = made[r : r + tile.shape[0], c : c + tile.shape[1]]
        around = made[max(r - 1, 0) : r + tile.shape[0] + 1, max(c - 1, 0) : c + tile.shape[1] + 1]
        if not around.any():
            target[...] = tile[: target.shape[0], : target.shape[1]]
    return made


def ringed(rng, most: int) -> np.ndarray:
    """Areas of two colours, and a ring of a third one around a part of one of them."""
    made = np.kron(rng.integers(0, 3, (4, 4)), np.ones((3, 3))).astype(np.uint8)[:most, :most]
    tall, wide = rng.integers(3, 5, 2)
    r, c = rng.integers(0, len(made) - tall + 1), rng.integers(0, len(made) - wide + 1)
    ring = made[r : r + tall, c : c + wide]
    ring[...] = np.pad(np.full((tall - 2, wide - 2), ring[1, 1]), 1, constant_values=4)
    return made


def grids(count: int, most: int, kinds=(noise, planted, ruled, latin, ringed)) -> list[np.ndarray]:
    """The same random grids in every run."""
    rng = np.random.default_rng(26)
    return [np.ascontiguousarray(kinds[n % len(kinds)](rng, most)) for n in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_agree_with_their_twins(family):
    rng = np.random.default_rng(1)
    out, work = make_scratch()
    applied = set()
    numbers = {t.number for t in TRANSFORMS if t.family == family}
    made = grids(80, 12) if COMPILED else grids(6, 8)
    if family == MATCH:
        made += grids(120 if COMPILED else 4, 12, (fragments,))
    for n, grid in enumerate(made):
        for transform in (t for t in TRANSFORMS if t.family == family):
            y, x = (int(v) for v in rng.integers(-3, 4, 2))
            height, width = (int(v) for v in (rng.integers(1, 13, 2) if n % 2 else np.array(grid.shape) * 2))
            given = grid.copy()
            got = FAMILIES[family](transform.number, transform.argument, grid, y, x, height, width, out, work)
            want = TWINS[family](transform.number, transform.argument, grid, y, x, height, width)
            assert np.array_equal(given, grid), f"{transform.name} wrote on its input"
            if want is None:
                assert got[0] <= 0, f"{transform.name} applies to\n{grid}"
                continue
            assert got == (*want[0].shape, want[1], want[2]), f"{transform.name} of\n{grid}"
            drawn = out[: got[0], : got[1]]
            assert np.array_equal(drawn, want[0]), (
                f"{transform.name} of\n{grid}\ngives\n{drawn}, not\n{want[0]}"
            )
            applied.add(transform.number)
    assert not COMPILED or applied == numbers, f"never applied: {sorted(numbers - applied)}"


@pytest.mark.skipif(not COMPILED, reason="slow without compilation")
@pytest.mark.parametrize("family", FAMILIES)
def test_any_grid_gives_valid_grids(family):
    rng = np.random.default_rng(2)
    out, work = make_scratch()
    for n in range(60):
        shape = (30, 30) if n < 6 else rng.integers(1, 31, 2)
        grid = rng.integers(0, rng.integers(1, 11), shape).astype(np.uint8)
        if n % 2:
            grid[rng.random(grid.shape) < 0.7] = 0
        out[...] = 99
        for transform in (t for t in TRANSFORMS if t.family == family):
            got = FAMILIES[family](transform.number, transform.argument, grid, 5, -7, 3, 30, out, work)
            assert got[0] == 0 or (1 <= got[0] <= 30 and 1 <= got[1] <= 30), f"{transform.name}: {got}"
            assert out[: got[0], : got[1]].max(initial=0) <= 9, f"{transform.name} of {grid.shape}"


def images_of(arena, state: int) -> list:
    """The images (grid, y, x) of a state."""
    images = []
    for row in arena.images[arena.states[state, FIRST] :][: arena.states[state, COUNT]]:
        cells = arena.cells[row[OFFSET] :][: row[HEIGHT] * row[WIDTH]]
        images.append((cells.reshape(row[HEIGHT], row[WIDTH]).copy(), int(row[Y]), int(row[X])))
    return images


def run_lists(arena, sizes, kinds, share: int) -> None:
    """A fifth, ``share``, of the transforms of lists of these kinds on the input or every list of it."""
    out, work = make_scratch()
    jobs = []
    for program in range(arena.top[PROGRAMS]):
        is_list = arena.states[arena.programs[program, ROW], IS_LIST]
        for number, transform in enumerate(TRANSFORMS):
            fits = (transform.kind == IMAGE_TO_LIST) != bool(is_list)
            mine = (program + number) % 5 == share
            if (
                transform.family == LIST
                and fits
                and mine
                and transform.kind in kinds
                and arena.programs[program, PARENT] <= 0
            ):
                jobs.append((program, number, 1))
    run_jobs(LIST, arena, np.array(jobs, np.int32), sizes, out, work)


def test_list_kernels_agree_with_their_twins():
    applied = set()
    frame = np.pad(np.array([[0, 1], [2, 0]], np.uint8), 1, constant_values=3)
    framed = [np.pad(frame, n + 1) for n in range(5)]
    for n, grid in enumerate([*framed, *grids(40, 9)] if COMPILED else grids(3, 4)):
        arena = make_arena(1, 1 << 24)
        sizes = np.array([[1 + n % 3, 2 + n % 2]])
        with np.errstate(over="ignore"):
            shapes = np.array([grid.shape], np.int64)
            add_inputs(arena, grid.ravel(), shapes, make_scratch()[0])
            share = (n + n // 5) % 5  # the grids' kinds take turns by fives too
            run_lists(arena, sizes, (IMAGE_TO_LIST,), share)
            run_lists(arena, sizes, (LIST_TO_IMAGE, LIST_TO_LIST), share)
        entries = arena.memo[arena.memo[:, 0] > 0]
        assert len(entries) > 5, "the transforms did not run"
        for key, result in entries:
            state, transform = divmod(int(key) - 1, MOST_TRANSFORMS)
            transform = TRANSFORMS[transform]
            images = images_of(arena, state)
            want = list_twin(transform.number, transform.argument, images, *sizes[0])
            text = f"{transform.name} of {images}"
            if want is None:
                assert result == FAILED, text
                continue
            assert result != FAILED, text
            got = images_of(arena, result)
            assert len(got) == len(want), f"{text} gives {got}, not {want}"
            for one, two in zip(got, want, strict=True):
                assert one[1:] == two[1:] and np.array_equal(one[0], two[0]), (
                    f"{text} gives {got}, not {want}"
                )
            applied.add(transform.number)
        assert not arena.top[FULL]
    numbers = {t.number for t in TRANSFORMS if t.family == LIST}
    assert not COMPILED or applied == numbers, f"never applied: {sorted(numbers - applied)}"


def test_names_and_calls_are_unique():
    calls = {(t.family, t.number, t.argument) for t in TRANSFORMS}
    assert len(calls) == len(TRANSFORMS), "two transforms call the same kernel with the same argument"
    assert len(TRANSFORMS) < MOST_TRANSFORMS
