"""Exploration: programs in the order of their cost, each stretch of jobs one call of compiled code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.task import Task
from solver.search.arena import (
    COST,
    FULL,
    IS_LIST,
    PARENT,
    PROGRAMS,
    ROW,
    TRANSFORM,
    Arena,
    add_inputs,
    make_arena,
)
from solver.search.costs import Costs
from solver.search.kernels.families import FAMILIES
from solver.search.run import make_scratch, run_jobs
from solver.search.table import LIST, TRANSFORMS

BLOCK = 8192  # jobs whose order is changed so that each family runs in one call
_ORDER = (*FAMILIES, LIST)
_FAMILY = np.array([_ORDER.index(t.family) for t in TRANSFORMS], np.int8)
_SIZED = np.array([t.sized for t in TRANSFORMS])


@dataclass
class Exploration:
    """What is explored of one task. ``inputs``: the demonstrations' inputs, then the test inputs.

    ``sizes``: int64 [pairs, 2], the outputs' heights and widths as far as they are known or deduced, else 0.
    """

    arena: Arena
    inputs: Sequence[np.ndarray]
    costs: Costs
    sizes: np.ndarray
    level: int = 0
    jobs_done: int = 0

    def __post_init__(self) -> None:
        self.out, self.work = make_scratch()
        cells = np.concatenate([grid.ravel() for grid in self.inputs]).astype(np.uint8)
        shapes = np.array([grid.shape for grid in self.inputs], np.int64)
        add_inputs(self.arena, cells, shapes, self.out)

    def programs(self) -> int:
        """How many programs there are."""
        return int(self.arena.top[PROGRAMS])

    def steps(self, program: int) -> tuple[str, ...]:
        """The names of the transforms that lead to a program."""
        names = []
        while program > 0:
            names.append(TRANSFORMS[self.arena.programs[program, TRANSFORM]].name)
            program = int(self.arena.programs[program, PARENT])
        return tuple(reversed(names))

    def run(self) -> Iterator[int]:
        """Explore level by level; after each call of compiled code the number of jobs done so far."""
        allowed = np.ones(len(TRANSFORMS), bool) if self.sizes.all() else ~_SIZED
        self.level = 0
        while not self.arena.top[FULL] and self.level < self.costs.highest_level:
            self.level += 1
            for block in self._jobs(allowed):
                order = np.argsort(_FAMILY[block[:, 1]], kind="stable")
                block = block[order]
                ends = np.searchsorted(_FAMILY[block[:, 1]], np.arange(len(_ORDER) + 1))
                for place, family in enumerate(_ORDER):
                    jobs = block[ends[place] : ends[place + 1]]
                    if len(jobs) == 0:
                        continue
                    run_jobs(family, self.arena, jobs, self.sizes, self.out, self.work)
                    self.jobs_done += len(jobs)
                    yield self.jobs_done
                    if self.arena.top[FULL]:
                        return

    def _jobs(self, allowed: np.ndarray) -> Iterator[np.ndarray]:
        """Blocks of jobs, int32 [jobs, 3], that make the programs of this level's cost."""
        arena = self.arena
        known = self.programs()
        cost = arena.programs[:known, COST].copy()
        is_list = arena.states[arena.programs[:known, ROW], IS_LIST]
        context = np.where(cost == 0, 0, 1 + arena.programs[:known, TRANSFORM] * 2 + is_list)
        waiting: list[np.ndarray] = []
        count = 0
        for weight in range(1, self.level + 1):
            parents = np.flatnonzero(cost == self.level - weight).astype(np.int32)
            if len(parents) == 0:
                continue
            for piece in np.array_split(parents, max(1, len(parents) // 256)):
                jobs = self.costs.jobs_of(piece, context[piece], weight, self.level, allowed)
                waiting.append(jobs)
                count += len(jobs)
                while count >= BLOCK:
                    joined = np.concatenate(waiting)
                    yield joined[:BLOCK]
                    waiting, count = [joined[BLOCK:]], len(joined) - BLOCK
        if count:
            yield np.concatenate(waiting)


def explore(task: Task, sizes: np.ndarray, costs: Costs, memory: int) -> Exploration:
    """An exploration of the task's inputs in an arena of at most ``memory`` bytes."""
    inputs = [pair.input for pair in (*task.train, *task.test)]
    return Exploration(make_arena(len(inputs), memory), inputs, costs, sizes)
