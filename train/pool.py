"""The tasks of a run by cells with all pairs that may be shown of them.

A pair that must not be seen is left out wherever it stands: ARC-AGI-1 has one of its evaluation test
pairs among its training demonstrations, and most of its tasks stand in ARC-AGI-2 again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

from solver.arc.augment import Augmentation, sample_augmentations
from solver.arc.candidate import grid_key
from solver.arc.canvas import Shape, pair_canvas
from solver.arc.checksum import task_checksum
from solver.arc.content import Barred, turned_keys
from solver.arc.extra import load_extra
from solver.arc.seed import derive_generator
from solver.arc.task import Pair, Task, load_tasks
from train.settings import RunConfig, Source


@dataclass(frozen=True, eq=False)
class PooledTask:
    """``pairs``: the task's own. ``extra``: generated ones. ``checksums``: of every version of the task
    that was found; the first is ``task``'s. ``tested``: of those versions of which a test pair is among
    the pairs. ``augmentations``: the only ones it is shown under, in the
    order of their rows in a memory; empty for fresh ones at every sample."""

    task: Task
    pairs: tuple[Pair, ...]
    extra: tuple[Pair, ...]
    checksums: tuple[str, ...]
    tested: tuple[str, ...] = ()
    weight: float = 1.0
    augmentations: tuple[Augmentation, ...] = ()


@dataclass(frozen=True)
class Unseen:
    """What must not be shown: the pairs of ``tests`` anywhere; tasks of these ``ids``, or with one of the
    pairs ``kin`` among their own, turned or recoloured (``content.turned_keys``), as a whole."""

    tests: Barred = field(default_factory=lambda: Barred(()))
    ids: frozenset[str] = frozenset()
    kin: frozenset[int] = frozenset()

    def bars(self, task: Task) -> bool:
        """Whether the task as a whole must not be shown."""
        return task.id in self.ids or not self.kin.isdisjoint(turned_keys(known_pairs(task)))


def pair_key(pair: Pair) -> bytes:
    """Bytes that are equal for equal pairs."""
    return grid_key(pair.input) + grid_key(pair.output)


def known_pairs(task: Task, tests: bool = True) -> tuple[Pair, ...]:
    """The demonstrations, and the test pairs whose outputs are known where ``tests`` asks for them."""
    return task.train + (tuple(p for p in task.test if p.output is not None) if tests else ())


def by_checksum(tasks: Iterable[Task], modulus: int) -> list[Task]:
    """The tasks whose crc32(id) is divisible by ``modulus``: the same sample everywhere."""
    return [task for task in tasks if crc32(task.id.encode()) % modulus == 0]


def unseen(
    held_out: Sequence[Path],
    excluded: Sequence[Path],
    sampled: Iterable[Task] = (),
    spared: Iterable[Task] = (),
) -> Unseen:
    """Test pairs of the tasks in ``held_out`` and of ``sampled``; the tasks of ``excluded`` and ``spared``
    as a whole."""
    tested = [task for path in held_out for task in load_tasks(path)] + list(sampled)
    barred = [task for path in excluded for task in load_tasks(path)] + list(spared)
    return Unseen(
        Barred([(task.id, p) for task in tested for p in task.test if p.output is not None]),
        frozenset(task.id for task in barred),
        frozenset(turned_keys([p for task in barred for p in known_pairs(task)])),
    )


def build_pool(
    data: Path,
    sources: Sequence[Source],
    *,
    extra: str = "",
    side: int = 0,
    max_cells: int = 900,
    never: Unseen | None = None,
    augmentations: int = 0,
    seed: int = 0,
) -> list[PooledTask]:
    """The sources' tasks, one entry for each id, with the pairs whose box has at most ``max_cells``.

    ``extra``: file of generated pairs. ``side``: of the full canvas, 0 for cropped ones; the same pairs
    with either, as far as they fit. Copies of a task in several sources become one, with the pairs of
    all; its weight is the largest. Tasks without a pair are left out. ``augmentations`` above 0: so many
    fixed ones for each task.
    """
    never = never or Unseen()
    versions: dict[str, list[tuple[Source, Task]]] = {}
    for source in sources:
        for task in load_tasks(data / source.file):
            if not never.bars(task):
                versions.setdefault(task.id, []).append((source, task))

    every = [task for found in versions.values() for _, task in found]
    generated = load_extra(data / extra, every) if extra else {}

    def usable(pair: Pair) -> bool:
        height, width = pair_canvas(pair)
        inside = not side or max(*pair.input.shape, *pair.output.shape) <= side
        return inside and height * width <= max_cells

    pool = []
    for name, found in versions.items():
        pairs = {pair_key(p): p for source, task in found for p in known_pairs(task, source.tests)}
        own = tuple(never.tests.kept(name, list(filter(usable, pairs.values()))))
        more = tuple(never.tests.kept(name, list(filter(usable, generated.get(name, ())))))
        if own or more:
            entry = _entry([task for _, task in found], own, more)
            weight = max(source.weight for source, _ in found)
            fixed = _fixed(entry.task, augmentations, seed)
            pool.append(replace(entry, weight=weight, augmentations=fixed))
    return pool


def _entry(versions: Sequence[Task], own: tuple[Pair, ...], more: tuple[Pair, ...]) -> PooledTask:
    """The entry of a task that was found in these versions."""
    shown = {pair_key(pair) for pair in own}
    checksums = {task_checksum(task): task for task in reversed(versions)}
    tests = {
        name: {pair_key(p) for p in task.test if p.output is not None} for name, task in checksums.items()
    }
    ordered = tuple(dict.fromkeys(task_checksum(task) for task in versions))
    tested = tuple(name for name in ordered if tests[name] & shown)
    return PooledTask(versions[0], own or more, more, ordered, tested)


def _fixed(task: Task, count: int, seed: int) -> tuple[Augmentation, ...]:
    """``count`` augmentations of the task, or all that differ in effect; the identity first."""
    if count == 0:
        return ()
    return tuple(sample_augmentations(task, count, derive_generator(seed, task.id, "fixed")))


def canvas_of(pair: Pair, side: int) -> Shape:
    """The full canvas of this side, or for 0 the box of the pair."""
    return (side, side) if side else pair_canvas(pair)


def kept_back(run: RunConfig) -> list[Task]:
    """The tasks that the run is watched on without tuning: no test pair of theirs may be trained on."""
    watch = run.watch
    return by_checksum(load_tasks(Path(run.data) / watch.file), watch.modulus) if watch.file else []


def to_tune(run: RunConfig) -> list[Task]:
    """The tasks that the run's evaluations tune on."""
    watch = run.watch
    if not watch.tuned_file:
        return []
    return by_checksum(load_tasks(Path(run.data) / watch.tuned_file), watch.tuned_modulus)


def pool_of(run: RunConfig, side: int) -> list[PooledTask]:
    """What the run trains on: never a test pair that is held out or that an evaluation asks. ``side`` as for
    ``build_pool``."""
    data = Path(run.data)
    held_out, exclude = [data / path for path in run.held_out], [data / path for path in run.exclude]
    spared = to_tune(run) if run.watch.tuned_unseen else []
    return build_pool(
        data,
        run.sources,
        extra=run.extra,
        side=side,
        max_cells=run.max_cells,
        never=unseen(held_out, exclude, kept_back(run), spared),
        augmentations=run.mixture.augmentations,
        seed=run.seed,
    )
