"""Tasks and names for a terminal: grids as coloured blocks, hostile text made harmless."""

from collections.abc import Sequence

import numpy as np

from solver.arc.task import Task
from solver.report.palette import PALETTES

_RESET = "\x1b[0m"
_GAP = "   "


def printable(text: str) -> str:
    """The text with control characters, direction marks and the like written as escapes.

    An id from a file may hold terminal commands; printed raw they would be carried out.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def grid_lines(grid: np.ndarray, colour: bool = True, palette: str = "arc") -> list[str]:
    """A grid [height, width] as one line a row, two characters a cell; digits where not ``colour``."""
    rows = grid.tolist()
    if not colour:
        return ["".join(f"{cell} " for cell in row) for row in rows]
    blocks = []
    for name in PALETTES[palette]:
        red, green, blue = (int(name[place : place + 2], 16) for place in (1, 3, 5))
        blocks.append(f"\x1b[48;2;{red};{green};{blue}m  ")
    return ["".join(blocks[cell] for cell in row) + _RESET for row in rows]


def beside(grids: Sequence[np.ndarray], colour: bool = True, palette: str = "arc") -> list[str]:
    """Several grids in one block of lines, left to right, top-aligned."""
    columns = [grid_lines(grid, colour, palette) for grid in grids]
    height = max(map(len, columns))
    for column, grid in zip(columns, grids, strict=True):
        column.extend([" " * (2 * grid.shape[1])] * (height - len(column)))
    return [_GAP.join(parts).rstrip(" ") for parts in zip(*columns, strict=True)]


def task_lines(task: Task, colour: bool = True, palette: str = "arc") -> list[str]:
    """The whole task: each pair under a heading, input left, output (where known) right."""
    lines = [f"task {printable(task.id)}"]
    for name, pairs in (("demonstration", task.train), ("test", task.test)):
        for number, pair in enumerate(pairs):
            grids = [pair.input] if pair.output is None else [pair.input, pair.output]
            sizes = " -> ".join(f"{grid.shape[0]} x {grid.shape[1]}" for grid in grids)
            lines += ["", f"{name} {number}: {sizes}", *beside(grids, colour, palette)]
    return lines
