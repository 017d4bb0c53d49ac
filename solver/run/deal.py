"""Tasks dealt into groups, and what a run remembers of each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from solver.arc.seed import derive_generator
from solver.arc.task import Task
from solver.choices import QUICK, REFINE, TUNE
from solver.run.cost import Size, cells_of, size_of

PHASES = (QUICK, TUNE, REFINE)  # answers of a later one count more


def deal(tasks: Sequence[Task], count: int | None, seed: int, known: Mapping[str, str]) -> list["Group"]:
    """The groups of a run: tasks that some weights know (``known``: their folder by task id) are each alone,
    behind the others, which are dealt into ``count`` groups, or None for each alone."""
    new = [task for task in tasks if task.id not in known]
    dealt = [tuple(new[n] for n in group) for group in deal_groups(new, count, seed)]
    found = [task for task in tasks if task.id in known]
    groups = [Group(group, tuple(map(size_of, group))) for group in dealt]
    return groups + [Group((task,), (size_of(task),), known[task.id]) for task in found]


def deal_groups(tasks: Sequence[Task], count: int | None, seed: int) -> list[tuple[int, ...]]:
    """Indices of the tasks of each group, from the file, the seed and the count alone.

    Shuffled by the seed, then each group's turn in order: sizes differ by one at most.
    """
    if count is None or count >= len(tasks):
        return [(number,) for number in range(len(tasks))]
    order = derive_generator(seed, "groups", *(task.id for task in tasks)).permutation(len(tasks))
    return [tuple(sorted(int(n) for n in order[start::count])) for start in range(count)]


def filled(groups: Sequence["Group"], augmentations: int, tokens: int) -> list["Group"]:
    """Groups of one task each put together, tasks of similar canvas side by side, until the views of a
    group's demonstrations, ``augmentations`` of each, fill a batch of ``tokens`` cells.

    A batch of one small task alone would hold the same views several times. What all tasks of a group have
    done the group has done; tasks that some weights know stay alone, behind the others.
    """
    alone = sorted((group for group in groups if not group.known), key=lambda group: group.sizes[0].tune)
    parts: list[list[Group]] = []
    room = 0  # cells that the last part still lacks
    for group in alone:
        cells = sum(augmentations * cells_of(task) for task in group.tasks)
        if room <= 0 or cells >= tokens:  # what fills a batch by itself fills none up
            parts.append([])
            room = tokens
        parts[-1].append(group)
        room -= cells
    return [_as_one(part) for part in parts] + [group for group in groups if group.known]


def _as_one(parts: Sequence["Group"]) -> "Group":
    tasks = tuple(task for part in parts for task in part.tasks)
    sizes = tuple(size for part in parts for size in part.sizes)
    return Group(tasks, sizes, done=set.intersection(*(part.done for part in parts)))


@dataclass
class Group:
    """``sizes`` of its tasks; ``failures`` in the phase at hand. ``phases``: those that it goes through.
    ``after``: number of the joint group that it finishes from, None for none. ``known``: the folder of the
    weights that know its one task, or empty; ``doubted``: what they know was not enough."""

    tasks: tuple[Task, ...]
    sizes: tuple[Size, ...]
    known: str = ""
    doubted: bool = False
    failures: int = 0
    done: set[str] = field(default_factory=set)
    phases: tuple[str, ...] = PHASES
    after: int | None = None

    @property
    def at_once(self) -> bool:
        """Whether its task is to be answered from what weights know of it, untuned."""
        return bool(self.known) and not self.doubted

    @property
    def weight(self) -> float:
        """Its share of a common time."""
        return sum(size.weight for size in self.sizes)
