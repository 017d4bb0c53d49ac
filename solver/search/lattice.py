"""Lattices: grids of equal, one-coloured panels between lines, seen with one cell for each panel."""

from dataclasses import dataclass

import numpy as np

from solver.arc.task import Grid, as_grid

LEAST_PANELS = 2  # a side


@dataclass(frozen=True)
class Lattice:
    """``colour``: that of the lines. ``shape``: height and width of the grid. ``rows``, ``columns``: where
    each panel begins and ends, ``((start, stop), ...)``."""

    colour: int
    shape: tuple[int, int]
    rows: tuple[tuple[int, int], ...]
    columns: tuple[tuple[int, int], ...]

    def small(self, grid: Grid) -> Grid | None:
        """The grid with one cell for each panel; None where it is another lattice."""
        if grid.shape != self.shape:
            return None
        made = grid[np.ix_([start for start, _ in self.rows], [start for start, _ in self.columns])]
        return as_grid(made) if np.array_equal(self.large(made), grid) else None

    def large(self, cells: Grid) -> Grid:
        """The lattice with its panels in the colours of ``cells``, uint8 [rows, columns]."""
        grid = np.full(self.shape, self.colour, np.uint8)
        for (top, bottom), row in zip(self.rows, cells, strict=True):
            for (left, right), colour in zip(self.columns, row, strict=True):
                grid[top:bottom, left:right] = colour
        return grid


def lattice_of(grid: Grid) -> Lattice | None:
    """The lattice that a grid is, with at least LEAST_PANELS panels of more than one cell a side; or None."""
    for colour in np.unique(grid).tolist():
        rows = _between(~(grid == colour).all(axis=1))
        columns = _between(~(grid == colour).all(axis=0))
        if rows and columns:
            lattice = Lattice(int(colour), grid.shape, rows, columns)
            if lattice.small(grid) is not None:
                return lattice
    return None


def _between(open_: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Where the stretches between lines begin and end; none unless all are equally long, and more than a
    cell. ``open_``: bool [side], False on the lines."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], open_, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if len(starts) < LEAST_PANELS or stops[0] - starts[0] < 2 or len(set((stops - starts).tolist())) > 1:
        return ()
    return tuple(zip(starts.tolist(), stops.tolist(), strict=True))
