"""ARC tasks to tables: who is in which split, and with which augmentations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solver.arc.content import Barred, exact_keys, pack_pairs
from solver.arc.sampling import pack_grids, sample_table
from solver.arc.seed import derive_seed
from solver.arc.task import Grid, Pair, Task
from train.dataset.sources import Subset
from train.dataset.tables import ArcSplit, ArcTasks

_Groups = list[tuple[int, list[Pair]]]  # number of the task, pairs


@dataclass(frozen=True, eq=False)
class ArcBuild:
    """The tables of a data set, and what a summary says of how they came about.

    ``shared``: task ids in more than one subset. ``skipped``: pairs outside the test set without an
    output, which cannot be trained on. ``unused``: ids of additional pairs that no subset has.
    ``dropped``: training pairs left out because they are test pairs of the test set.
    """

    tasks: ArcTasks
    splits: dict[str, ArcSplit]
    shared: list[str]
    skipped: int
    unused: list[str]
    dropped: int


def build_arc(
    subsets: Sequence[Subset],
    test_sets: Sequence[str],
    extra: Mapping[str, Sequence[Pair]],
    num_aug: int,
    seed: int,
    drop_leaks: bool = False,
) -> ArcBuild:
    """Each task with itself and up to ``num_aug`` augmentations, all different in effect.

    Demonstrations are trained on, and the test pairs too outside ``test_sets``. A task that is in
    more than one subset counts once, with the pairs of all. ``drop_leaks``: leave out training pairs
    that are test pairs of the test sets, turned or recoloured ones too (``content.Barred``).
    """
    members = [(subset.name, task) for subset in subsets for task in subset.tasks]
    by_id: dict[str, list[Task]] = {}
    for _, task in members:
        by_id.setdefault(task.id, []).append(task)
    ids = list(by_id)
    owner = {task_id: number for number, task_id in enumerate(ids)}
    seeds = np.array([derive_seed(seed, task_id) for task_id in ids], np.int64)
    # Judged on every grid that is known, test outputs included, as in the released builder. What
    # is added by ``extra`` does not count: the same task gets the same augmentations without it.
    packed = pack_grids([_known_grids(tasks) for tasks in by_id.values()])
    table = sample_table(packed, num_aug + 1, seeds)

    train, test, skipped = [], [], 0
    left = dict(extra)
    for name, task in members:
        known = [pair for pair in task.test if pair.output is not None]
        trained = [*task.train, *left.pop(task.id, ())]
        if name in test_sets:
            test.append((owner[task.id], list(task.test)))
        else:
            trained[len(task.train) : len(task.train)] = known
            skipped += len(task.test) - len(known)
        train.append((owner[task.id], trained))
    train, test, dropped = _merged(train), _merged(test), 0
    if drop_leaks:
        tests = [(ids[owner], p) for owner, pairs in test for p in pairs if p.output is not None]
        train, dropped = _without(ids, train, Barred(tests))
    cells, rows = pack_pairs([pair for _, pairs in train + test for pair in pairs])
    tasks = ArcTasks(ids, seeds, cells, table)
    cut = sum(len(pairs) for _, pairs in train)
    splits = {"train": _split(tasks, train, rows[:cut], True)}
    if test:
        splits["test"] = _split(tasks, test, rows[cut:], False)
    shared = [task_id for task_id, tasks_of in by_id.items() if len(tasks_of) > 1]
    return ArcBuild(tasks, splits, shared, skipped, sorted(left), dropped)


def _known_grids(tasks: Iterable[Task]) -> list[Grid]:
    pairs = [pair for task in tasks for pair in (*task.train, *task.test)]
    return [grid for pair in pairs for grid in (pair.input, pair.output) if grid is not None]


def _merged(groups: _Groups) -> _Groups:
    """One group for each task, in the order of the first: its pairs, then what later groups add."""
    found: dict[int, list[Pair]] = {}
    for owner, pairs in groups:
        known = found.get(owner, [])
        seen = set(exact_keys(known))
        new = [pair for pair, key in zip(pairs, exact_keys(pairs), strict=True) if key not in seen]
        found[owner] = known + new
    return list(found.items())


def _without(ids: list[str], groups: _Groups, barred: Barred) -> tuple[_Groups, int]:
    """The groups less the barred pairs, and less those that this leaves empty; pairs left out."""
    kept = [(owner, barred.kept(ids[owner], pairs)) for owner, pairs in groups]
    before, after = (sum(len(pairs) for _, pairs in part) for part in (groups, kept))
    return [(owner, pairs) for owner, pairs in kept if pairs], before - after


def _split(tasks: ArcTasks, groups: _Groups, rows: np.ndarray, moved: bool) -> ArcSplit:
    owners = np.array([owner for owner, _ in groups], np.int64)
    starts = np.concatenate([[0], np.cumsum([len(pairs) for _, pairs in groups])]).astype(np.int64)
    return ArcSplit(tasks, owners, rows, starts, moved)
