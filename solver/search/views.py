"""Views: a task with its colours renamed, its grids turned or its panels shrunk to cells.

A transform names colours by number and sides by their place. Where a task's colours change from pair to
pair, the number says nothing; renamed by how frequent they are, equal roles have equal numbers. In the same
way pairs are turned so that a wall or lines lie alike in all of them. Where all inputs are lattices of
one-coloured panels, a panel is one cell.
"""

from dataclasses import dataclass

import numpy as np

from solver.arc.task import Grid, Pair, Task, as_grid
from solver.search.lattice import Lattice, lattice_of

PLAIN, VARYING, RANKED = "plain", "varying colours by frequency", "all colours by frequency"
GROUND = "the most frequent colour as empty"
WALL, LINES = "wall below", "lines lie"
LATTICE = "a cell for each panel"
LEAST_GROUND = 0.4  # of the cells of every input
TO_BOTTOM = (0, 3, 2, 1)  # quarter turns counter-clockwise that bring bottom, right, top, left to the bottom
TRANSPOSED = 4


@dataclass(frozen=True, eq=False)
class View:
    """A renamed, turned or shrunk task. ``colours``: uint8 [tests, 10], the real colour of each number in a
    test input's answer. ``turns``: how each test input was turned, 0 to 3 quarter turns counter-clockwise or
    TRANSPOSED. ``lattices``: of each test input, whose panels are the cells of its answer."""

    name: str
    task: Task
    colours: np.ndarray
    turns: tuple[int, ...]
    lattices: tuple[Lattice, ...] = ()

    def real(self, grids: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Answers of this view as answers of the task itself."""
        if self.lattices:
            return tuple(
                lattice.large(grid) if grid.shape == (len(lattice.rows), len(lattice.columns)) else grid
                for lattice, grid in zip(self.lattices, grids, strict=True)
            )
        back = (
            turned(grid, -turn % 4 if turn != TRANSPOSED else turn)
            for grid, turn in zip(grids, self.turns, strict=True)
        )
        return tuple(colours[grid] for colours, grid in zip(self.colours, back, strict=True))


def turned(grid: np.ndarray, turn: int) -> np.ndarray:
    """The grid after quarter turns counter-clockwise, or transposed."""
    return np.ascontiguousarray(grid.T if turn == TRANSPOSED else np.rot90(grid, turn))


def views_of(task: Task) -> list[View]:
    """The task itself, then the first renaming of its colours and the first turning that differ from pair to
    pair, with another colour than 0 as empty, and as lattices: as far as there are such views of it."""
    made = [View(PLAIN, task, _same_colours(task), (0,) * len(task.test))]
    for name, renamings in ((VARYING, _varying(task)), (RANKED, _ranked(task))):
        if renamings is not None and not all((renaming == renamings[0]).all() for renaming in renamings):
            made.append(_renamed(task, name, renamings))
            break
    for name, turn_of in ((WALL, _wall), (LINES, _lines)):
        turns = [turn_of(grid) for grid in _inputs(task)]
        if None not in turns and len(set(turns)) > 1:
            made.append(_turned(task, name, turns))
            break
    grounds = _grounds(task)
    if grounds is not None:
        made.append(_renamed(task, GROUND, grounds))
    lattices = [lattice_of(grid) for grid in _inputs(task)]
    if None not in lattices:
        made.append(_shrunk(task, lattices))
    return made


def _grounds(task: Task) -> list[np.ndarray] | None:
    """The most frequent colour of each input and 0 exchanged; None where 0 is always the most frequent, or no
    colour is frequent enough."""
    counts = [np.bincount(grid.ravel(), minlength=10) for grid in _inputs(task)]
    grounds = [int(np.argmax(count)) for count in counts]
    if not any(grounds) or any(count.max() < LEAST_GROUND * count.sum() for count in counts):
        return None
    renamings = []
    for ground in grounds:
        renaming = np.arange(10, dtype=np.uint8)
        renaming[[0, ground]] = ground, 0
        renamings.append(renaming)
    return renamings


def _shrunk(task: Task, lattices: list[Lattice]) -> View:
    """A cell for each panel of the inputs, and of the outputs where all are the same lattices."""
    demos = len(task.train)
    inputs = [lattice.small(grid) for lattice, grid in zip(lattices, _inputs(task), strict=True)]
    outputs = [lattice.small(pair.output) for lattice, pair in zip(lattices, task.train, strict=False)]
    alike = all(made is not None for made in outputs)
    train = tuple(
        Pair(given, made if alike else pair.output)
        for given, made, pair in zip(inputs, outputs, task.train, strict=False)
    )
    test = tuple(Pair(given) for given in inputs[demos:])
    shrunk = Task(task.id, train, test)
    here = tuple(lattices[demos:]) if alike else ()
    return View(LATTICE, shrunk, _same_colours(task), (0,) * len(task.test), here)


def _same_colours(task: Task) -> np.ndarray:
    return np.tile(np.arange(10, dtype=np.uint8), (len(task.test), 1))


def _turned(task: Task, name: str, turns: list[int]) -> View:
    demos = len(task.train)
    train = tuple(
        Pair(as_grid(turned(pair.input, turn)), as_grid(turned(pair.output, turn)))
        for pair, turn in zip(task.train, turns[:demos], strict=True)
    )
    test = tuple(
        Pair(as_grid(turned(pair.input, turn))) for pair, turn in zip(task.test, turns[demos:], strict=True)
    )
    return View(name, Task(task.id, train, test), _same_colours(task), tuple(turns[demos:]))


def _turn_to_bottom(values: list[float]) -> int | None:
    """The turn that brings the greatest of four values (bottom, right, top, left) to the bottom; None where
    two are greatest."""
    best = int(np.argmax(values))
    return None if values.count(values[best]) > 1 else TO_BOTTOM[best]


def _wall(grid: Grid) -> int | None:
    """The only side that is a line of one colour comes to the bottom."""
    sides = (grid[-1], grid[:, -1], grid[0], grid[:, 0])
    return _turn_to_bottom([float(side[0] != 0 and (side == side[0]).all()) for side in sides])


def _lines(grid: Grid) -> int | None:
    """Lines of one colour from edge to edge, which are all rows or all columns, become rows."""
    rows = (grid[:, :1] != 0) & (grid == grid[:, :1])
    columns = (grid[:1] != 0) & (grid == grid[:1])
    lying, standing = bool(rows.all(1).any()), bool(columns.all(0).any())
    return None if lying == standing else 0 if lying else TRANSPOSED


def _renamed(task: Task, name: str, renamings: list[np.ndarray]) -> View:
    demos = len(task.train)
    train = tuple(
        Pair(as_grid(renaming[pair.input]), as_grid(renaming[pair.output]))
        for pair, renaming in zip(task.train, renamings[:demos], strict=True)
    )
    test = tuple(
        Pair(as_grid(renaming[pair.input]))
        for pair, renaming in zip(task.test, renamings[demos:], strict=True)
    )
    undo = np.stack([np.argsort(renaming) for renaming in renamings[demos:]]).astype(np.uint8)
    return View(name, Task(task.id, train, test), undo, (0,) * len(task.test))


def _inputs(task: Task) -> list[Grid]:
    return [pair.input for pair in (*task.train, *task.test)]


def _by_frequency(grid: Grid, colours: list[int]) -> list[int]:
    cells = np.bincount(grid.ravel(), minlength=10)
    return sorted(colours, key=lambda colour: (-cells[colour], colour))


def _varying(task: Task) -> list[np.ndarray] | None:
    """Colours that some inputs lack are renamed by frequency; those of all inputs, and new ones, stay."""
    inputs = _inputs(task)
    palettes = [set(np.unique(grid).tolist()) for grid in inputs]
    new = {
        c
        for pair, seen in zip(task.train, palettes, strict=False)
        for c in np.unique(pair.output).tolist()
        if c not in seen
    }
    fixed = set.intersection(*palettes) | new
    varying = set.union(*palettes) - fixed
    if len(varying) < 2:
        return None
    slots = [colour for colour in range(10) if colour not in fixed]
    renamings = []
    for grid, palette in zip(inputs, palettes, strict=True):
        present = _by_frequency(grid, sorted(palette - fixed))
        others = [colour for colour in slots if colour not in present]
        renaming = np.arange(10, dtype=np.uint8)
        for slot, colour in zip(slots, present + others, strict=True):
            renaming[colour] = slot
        renamings.append(renaming)
    return renamings


def _ranked(task: Task) -> list[np.ndarray]:
    """All colours of an input by frequency, the most frequent as 0; a colour that it lacks keeps its number
    where that is free."""
    renamings = []
    for grid in _inputs(task):
        present = _by_frequency(grid, np.unique(grid).tolist())
        renaming = np.full(10, 255, np.uint8)
        for place, colour in enumerate(present):
            renaming[colour] = place
        free = [number for number in range(len(present), 10)]
        absent = [colour for colour in range(10) if colour not in present]
        for colour in [c for c in absent if c in free]:
            renaming[colour] = colour
            free.remove(colour)
        for colour, number in zip([c for c in absent if renaming[c] == 255], free, strict=True):
            renaming[colour] = number
        renamings.append(renaming)
    return renamings
