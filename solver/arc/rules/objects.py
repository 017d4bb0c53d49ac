"""Objects: connected cells of a grid, and the holes that they enclose."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numba import njit

from solver.arc.rules.rule import background, colour_counts


@njit(cache=True)
def label_into(labels: np.ndarray, grid: np.ndarray, ignored: int, diagonal: bool, one_colour: bool) -> int:
    """Number the connected components of ``grid`` [h, w] from 1 in ``labels`` [h, w]; their count.

    Cells of colour ``ignored`` get 0 (-1 ignores none). ``diagonal``: cells that share a corner are
    connected. ``one_colour``: only cells of the same colour are. Numbered in reading order.
    """
    height, width = grid.shape
    labels[:, :] = 0
    stack = np.empty(height * width, np.int64)
    count = 0
    for start in range(height * width):
        if labels[start // width, start % width] or grid[start // width, start % width] == ignored:
            continue
        count += 1
        labels[start // width, start % width] = count
        stack[0] = start
        depth = 1
        while depth:
            depth -= 1
            r, c = stack[depth] // width, stack[depth] % width
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    y, x = r + dr, c + dc
                    if (dr and dc and not diagonal) or not (0 <= y < height and 0 <= x < width):
                        continue
                    if labels[y, x] or grid[y, x] == ignored:
                        continue
                    if one_colour and grid[y, x] != grid[r, c]:
                        continue
                    labels[y, x] = count
                    stack[depth] = y * width + x
                    depth += 1
    return count


@dataclass(frozen=True, eq=False)
class Thing:
    """One object. ``cells`` [h, w]: the grid in its bounding box at (top, left); ``mask``: its own."""

    top: int
    left: int
    cells: np.ndarray
    mask: np.ndarray
    background: int

    @cached_property
    def area(self) -> int:
        """Its own cells."""
        return int(self.mask.sum())

    @cached_property
    def colour(self) -> int:
        """Its most frequent colour."""
        return int(colour_counts(self.cells[self.mask]).argmax())

    @cached_property
    def alone(self) -> np.ndarray:
        """The bounding box with everything that is not the object taken out."""
        return np.where(self.mask, self.cells, np.uint8(self.background))

    @cached_property
    def holes(self) -> int:
        """Regions of other cells that do not reach the edge of its box."""
        inner = enclosed(self.mask.astype(np.uint8), 0)
        return labels_of(inner.astype(np.uint8), 0, False, True)[1]

    @property
    def outline(self) -> tuple[int, int, bytes]:
        """Equal for objects of equal form, whatever their colours and places."""
        return *self.mask.shape, self.mask.tobytes()


def labels_of(grid: np.ndarray, ignored: int, diagonal: bool, one_colour: bool) -> tuple[np.ndarray, int]:
    """``label_into`` with room made for it: labels int16 [h, w] and their count. Do not write on it."""
    cells = np.ascontiguousarray(grid, np.uint8)
    return _labels(cells.shape, cells.tobytes(), ignored, diagonal, one_colour)


@lru_cache(maxsize=512)
def _labels(
    shape: tuple[int, int], cells: bytes, ignored: int, diagonal: bool, one_colour: bool
) -> tuple[np.ndarray, int]:
    # Many rules ask for the objects of the same few grids: they are found once.
    labels = np.zeros(shape, np.int16)
    grid = np.frombuffer(cells, np.uint8).reshape(shape)
    return labels, label_into(labels, grid, ignored, diagonal, one_colour)


def find_things(grid: np.ndarray, diagonal: bool = True, one_colour: bool = True) -> tuple[Thing, ...]:
    """The objects on the grid's background, in reading order of their first cells."""
    cells = np.ascontiguousarray(grid, np.uint8)
    return _things(cells.shape, cells.tobytes(), diagonal, one_colour)


@lru_cache(maxsize=512)
def _things(shape: tuple[int, int], cells: bytes, diagonal: bool, one_colour: bool) -> tuple[Thing, ...]:
    grid = np.frombuffer(cells, np.uint8).reshape(shape)
    ground = background(grid)
    labels, count = _labels(shape, cells, ground, diagonal, one_colour)
    order = np.argsort(labels, axis=None, kind="stable")
    ends = np.searchsorted(labels.ravel()[order], np.arange(1, count + 2))
    things = []
    for number in range(1, count + 1):
        rows, columns = np.divmod(order[ends[number - 1] : ends[number]], shape[1])
        top, left = int(rows.min()), int(columns.min())
        box = (slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1))
        things.append(Thing(top, left, grid[box], labels[box] == number, ground))
    return tuple(things)


def enclosed(grid: np.ndarray, colour: int, diagonal: bool = False) -> np.ndarray:
    """True at cells of ``colour`` that no path of that colour connects with the grid's edge."""
    labels, count = labels_of((grid != colour).astype(np.uint8), 1, diagonal, True)
    inner = np.ones(count + 1, bool)
    inner[0] = False
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        inner[edge] = False
    return inner[labels]
