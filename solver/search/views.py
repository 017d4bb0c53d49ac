"""Views: a task with its colours renamed by the role that they play in each pair.

A transform names colours by number. Where a task's colours change from pair to pair, the number says nothing;
renamed by how frequent they are, equal roles have equal numbers.
"""

from dataclasses import dataclass

import numpy as np

from solver.arc.task import Grid, Pair, Task, as_grid

PLAIN, VARYING, RANKED = "plain", "varying colours by frequency", "all colours by frequency"


@dataclass(frozen=True, eq=False)
class View:
    """A renamed task. ``undo``: uint8 [tests, 10], the real colour of each number in a test input's
    answer."""

    name: str
    task: Task
    undo: np.ndarray

    def real(self, grids: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Answers of this view in the task's own colours."""
        return tuple(self.undo[test][grid] for test, grid in enumerate(grids))


def views_of(task: Task) -> list[View]:
    """The task itself, then the ways to rename its colours that differ from pair to pair."""
    made = [View(PLAIN, task, np.tile(np.arange(10, dtype=np.uint8), (len(task.test), 1)))]
    for name, renamings in ((VARYING, _varying(task)), (RANKED, _ranked(task))):
        if renamings is None or all((renaming == renamings[0]).all() for renaming in renamings):
            continue
        made.append(_renamed(task, name, renamings))
        break
    return made


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
    return View(name, Task(task.id, train, test), undo)


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
