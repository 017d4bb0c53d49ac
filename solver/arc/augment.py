"""Augmentations of ARC tasks: a symmetry of the square, then a permutation of the colours 1..9.

Symmetry ids as in the released URM code: 0 identity; 1, 2, 3 counter-clockwise quarter turns;
4 flip left-right; 5 flip up-down; 6 transpose; 7 anti-transpose. Colour 0 always stays 0.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from math import perm

import numpy as np
from numba import njit

from solver.arc.task import COLOURS, Grid, Pair, Task

SYMMETRIES = 8
INVERSE_SYMMETRY = (0, 3, 2, 1, 4, 5, 6, 7)
IDENTITY_PALETTE = tuple(range(COLOURS))
_MOVED = COLOURS - 1  # the colours a palette may move


@njit(cache=True)
def transform_into(out: np.ndarray, grid: np.ndarray, symmetry: int, palette: np.ndarray) -> None:
    """Write the grid [h, w], moved by ``symmetry`` and recoloured by ``palette`` [10], into ``out``.

    ``out`` is [h, w], or [w, h] for the symmetries 1, 3, 6 and 7.
    """
    rows, columns = out.shape
    for r in range(rows):
        for c in range(columns):
            if symmetry == 0:
                cell = grid[r, c]
            elif symmetry == 1:
                cell = grid[c, rows - 1 - r]
            elif symmetry == 2:
                cell = grid[rows - 1 - r, columns - 1 - c]
            elif symmetry == 3:
                cell = grid[columns - 1 - c, r]
            elif symmetry == 4:
                cell = grid[r, columns - 1 - c]
            elif symmetry == 5:
                cell = grid[rows - 1 - r, c]
            elif symmetry == 6:
                cell = grid[c, r]
            else:
                cell = grid[columns - 1 - c, rows - 1 - r]
            out[r, c] = palette[cell]


def swaps_sides(symmetry: int) -> bool:
    """True for the symmetries that turn a grid of height x width into width x height."""
    return symmetry in (1, 3, 6, 7)


def transform(grid: np.ndarray, symmetry: int, palette: np.ndarray) -> Grid:
    """A new grid: ``transform_into`` with room made for it."""
    height, width = grid.shape
    out = np.empty((width, height) if swaps_sides(symmetry) else (height, width), np.uint8)
    transform_into(out, grid, symmetry, palette)
    out.flags.writeable = False
    return out


@dataclass(frozen=True)
class Augmentation:
    """``symmetry``: 0..7. ``palette[c]``: the colour that c becomes; palette[0] is 0."""

    symmetry: int = 0
    palette: tuple[int, ...] = IDENTITY_PALETTE

    def __post_init__(self) -> None:
        if not 0 <= self.symmetry < SYMMETRIES:
            raise ValueError(f"symmetry {self.symmetry}: wanted 0 to {SYMMETRIES - 1}")
        if sorted(self.palette) != list(IDENTITY_PALETTE) or self.palette[0] != 0:
            raise ValueError(f"palette {self.palette}: wanted a permutation of 0 to 9 that keeps 0")

    @cached_property
    def _forward(self) -> np.ndarray:
        return np.array(self.palette, np.uint8)

    @cached_property
    def _backward(self) -> np.ndarray:
        return np.argsort(self._forward).astype(np.uint8)

    def apply(self, grid: np.ndarray) -> Grid:
        """The augmented grid, uint8; sides swap where the symmetry swaps them."""
        return transform(grid, self.symmetry, self._forward)

    def undo(self, grid: np.ndarray) -> Grid:
        """The grid that ``apply`` turns into ``grid``."""
        return transform(grid, INVERSE_SYMMETRY[self.symmetry], self._backward)

    def inverse(self) -> "Augmentation":
        """The augmentation whose ``apply`` is this one's ``undo``."""
        return Augmentation(INVERSE_SYMMETRY[self.symmetry], tuple(int(c) for c in self._backward))

    def apply_task(self, task: Task) -> Task:
        """Every grid of the task augmented; its id is kept."""

        def pair(old: Pair) -> Pair:
            return Pair(self.apply(old.input), None if old.output is None else self.apply(old.output))

        return Task(task.id, tuple(map(pair, task.train)), tuple(map(pair, task.test)))


IDENTITY = Augmentation()


def colours_used(grids: list[Grid]) -> tuple[int, ...]:
    """The colours 1..9 that occur in the grids, ascending."""
    present = np.zeros(COLOURS, bool)
    for grid in grids:
        present[grid] = True
    return tuple(int(c) for c in np.flatnonzero(present) if c)


def self_symmetries(grids: list[Grid]) -> list[tuple[int, dict[int, int]]]:
    """All (symmetry, map of the used colours) that leave every one of the grids as it is.

    At most 8, the identity first. Their number divides the number of augmentations that differ in
    effect: symmetry and palette of two augmentations may differ and still give the same task.
    """
    found = []
    for symmetry in range(SYMMETRIES):
        mapping: dict[int, int] = {}
        if all(_same_up_to_colours(grid, symmetry, mapping) for grid in grids):
            found.append((symmetry, mapping))
    return found


def _same_up_to_colours(grid: Grid, symmetry: int, mapping: dict[int, int]) -> bool:
    """Extend ``mapping`` so that it turns the moved grid back into the grid; False if none does."""
    moved = transform(grid, symmetry, np.arange(COLOURS, dtype=np.uint8))
    if moved.shape != grid.shape:
        return False
    codes = np.unique(moved.astype(np.int64) * COLOURS + grid)
    for old, new in zip(codes // COLOURS, codes % COLOURS, strict=True):
        if mapping.setdefault(int(old), int(new)) != new:
            return False
    return mapping.get(0, 0) == 0 and len(set(mapping.values())) == len(mapping)


def count_augmentations(task: Task) -> int:
    """How many augmentations of the task differ in effect on its demonstrations and test inputs."""
    grids = task.demonstration_grids()
    return SYMMETRIES * perm(_MOVED, len(colours_used(grids))) // len(self_symmetries(grids))


def sample_augmentations(task: Task, count: int, generator: np.random.Generator) -> list[Augmentation]:
    """Up to ``count`` augmentations, distinct in effect on the task's grids, the identity first.

    Drawn uniformly without replacement; all of them (``count_augmentations``) when the task has no
    more. Test outputs play no part. Colours that the task does not use are placed at random.
    """
    grids = task.demonstration_grids()
    used = colours_used(grids)
    same = self_symmetries(grids)
    total = SYMMETRIES * perm(_MOVED, len(used))
    wanted = min(count, total // len(same))
    chosen: dict[tuple, None] = {_canonical(0, used, used, same): None}
    while len(chosen) < wanted:
        missing = wanted - len(chosen)
        if 4 * wanted * len(same) > total:
            draws = generator.permutation(total)  # nearly all of them: walk through a shuffle
        else:
            draws = generator.integers(0, total, 2 * missing + 8)
        for draw in draws:
            symmetry, rest = divmod(int(draw), total // SYMMETRIES)
            key = _canonical(symmetry, used, _injection(rest, len(used)), same)
            chosen.setdefault(key)
            if len(chosen) == wanted:
                break
    return [_complete(symmetry, used, images, generator) for symmetry, images in chosen][:count]


def _injection(index: int, size: int) -> tuple[int, ...]:
    """The ``index``-th way to give ``size`` colours distinct images among 1..9."""
    left = list(range(1, COLOURS))
    images = []
    for position in range(size):
        index, digit = divmod(index, _MOVED - position)
        images.append(left.pop(digit))
    return tuple(images)


def _canonical(
    symmetry: int, used: tuple[int, ...], images: tuple[int, ...], same: list[tuple[int, dict[int, int]]]
) -> tuple[int, tuple[int, ...]]:
    """The least (symmetry, images) among the augmentations with the same effect on the task."""
    if len(same) == 1:
        return symmetry, images
    image = dict(zip(used, images, strict=True))
    # First a self-symmetry (which changes nothing), then the augmentation itself.
    return min(
        (_compositions()[first][symmetry], tuple(image[mapping[c]] for c in used)) for first, mapping in same
    )


@cache
def _compositions() -> tuple[tuple[int, ...], ...]:
    """table[a][b]: the symmetry that does a, then b; found by moving a probe."""
    probe = np.arange(6, dtype=np.uint8).reshape(2, 3)
    plain = np.arange(COLOURS, dtype=np.uint8)

    def moved(*symmetries: int) -> tuple[tuple[int, ...], bytes]:
        grid = probe
        for symmetry in symmetries:
            grid = transform(grid, symmetry, plain)
        return grid.shape, grid.tobytes()

    known = {moved(symmetry): symmetry for symmetry in range(SYMMETRIES)}
    return tuple(tuple(known[moved(a, b)] for b in range(SYMMETRIES)) for a in range(SYMMETRIES))


def _complete(
    symmetry: int, used: tuple[int, ...], images: tuple[int, ...], generator: np.random.Generator
) -> Augmentation:
    """A whole palette: the used colours as given; the others at random, but the identity stays so."""
    if symmetry == 0 and images == used:
        return IDENTITY
    palette = list(IDENTITY_PALETTE)
    for colour, image in zip(used, images, strict=True):
        palette[colour] = image
    others = [c for c in range(1, COLOURS) if c not in used]
    free = [c for c in range(1, COLOURS) if c not in images]
    for colour, place in zip(others, generator.permutation(len(free)), strict=True):
        palette[colour] = free[place]
    return Augmentation(symmetry, tuple(palette))
