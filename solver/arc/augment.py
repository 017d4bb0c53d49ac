"""Augmentations of ARC tasks: a symmetry of the square, then a permutation of the colours 1..9.

Symmetry ids as in the released URM code: 0 identity; 1, 2, 3 counter-clockwise quarter turns;
4 flip left-right; 5 flip up-down; 6 transpose; 7 anti-transpose. Colour 0 always stays 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from solver.arc.sampling import count_distinct, pack_grids, sample_table
from solver.arc.symmetry import INVERSE_SYMMETRY, SYMMETRIES, swaps_sides, transform_into
from solver.arc.task import COLOURS, Grid, Pair, Task

IDENTITY_PALETTE = tuple(range(COLOURS))


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


def count_augmentations(task: Task) -> int:
    """How many augmentations of the task differ in effect on its demonstrations and test inputs."""
    return int(count_distinct(pack_grids([task.demonstration_grids()]))[0])


def sample_augmentations(task: Task, count: int, generator: np.random.Generator) -> list[Augmentation]:
    """Up to ``count`` augmentations, distinct in effect on the task's grids, the identity first.

    Drawn uniformly without replacement; all of them (``count_augmentations``) when the task has no
    more. Test outputs play no part. Colours that the task does not use are placed at random.
    """
    packed = pack_grids([task.demonstration_grids()])
    seed = generator.integers(0, 2**63 - 1, 1)
    table = sample_table(packed, count, seed)
    rows = zip(table.symmetries.tolist(), table.palettes.tolist(), strict=True)
    return [Augmentation(symmetry, tuple(palette)) for symmetry, palette in rows][:count]
