"""Random batches of a group's demonstrations under their augmentations."""

from collections.abc import Sequence

from solver.arc.augment import Augmentation
from solver.arc.canvas import Shape
from solver.arc.seed import derive_generator
from solver.arc.task import MAX_SIDE, Pair, Task
from solver.model.batch import Batch
from solver.model.config import NetworkConfig
from solver.tune.settings import TuneSettings
from solver.tune.views import View, build_batch, canvas_of


class DemonstrationSampler:
    """The tasks take turns in random order, each as often as the others.

    ``group``: the tasks to be answered; ``replayed``: public ones beside them. ``held[n]``: index of the
    demonstration of task n that is held back, or None. ``settled[n]``: the task is drawn less often.
    """

    def __init__(
        self,
        config: NetworkConfig,
        group: Sequence[Task],
        augmentations: Sequence[Sequence[Augmentation]],
        settings: TuneSettings,
        seed: int,
        replayed: Sequence[Task] = (),
    ) -> None:
        self.config, self.settings, self.augmentations = config, settings, augmentations
        self.pairs = [task.train for task in group]
        self.pairs += [task.train for task in replayed]
        self.count = len(group)
        self.held: list[int | None] = [None] * self.count
        self.settled = [False] * self.count
        self.generator = derive_generator(seed, *(task.id for task in group), "batches")
        self._turns: list[int] = []
        self._batches: list[Batch] = []

    def _next_task(self) -> int:
        """The task whose turn it is."""
        replayed = len(self.pairs) - self.count
        if replayed and self.generator.random() < self.settings.replay_share:
            return self.count + int(self.generator.integers(replayed))
        while not self._turns:
            drawn = self.generator.random(self.count) < self.settings.settled_share
            everything = all(self.settled)
            order = self.generator.permutation(self.count)
            self._turns = [int(n) for n in order if everything or not self.settled[n] or drawn[n]]
        return self._turns.pop()

    def _canvas(self, pair: Pair) -> Shape:
        height, width = canvas_of(pair, self.config)
        if self.config.canvas == "cropped" and self.generator.random() < self.settings.larger_share:
            more = self.generator.integers(0, self.settings.larger_by + 1, 2)
            height, width = min(MAX_SIDE, height + int(more[0])), min(MAX_SIDE, width + int(more[1]))
        return height, width

    def _draw_view(self) -> View:
        number = self._next_task()
        known, pairs = self.augmentations[number], self.pairs[number]
        held = self.held[number] if number < self.count else None
        shown = [n for n in range(len(pairs)) if n != held]
        pair = pairs[shown[int(self.generator.integers(len(shown)))]]
        chosen = int(self.generator.integers(len(known)))
        row = number * self.settings.augmentations + chosen + 1
        return View(pair, self._canvas(pair), number + 1, row, known[chosen])

    def draw(self) -> Batch:
        """The next batch, on the CPU: views until the padded cells reach ``settings.tokens``."""
        if not self._batches:
            # Several batches' views, cut by size: like canvases stand together, so little is padding.
            views = self._fill(self.settings.tokens * self.settings.order)
            views.sort(key=_cells)
            parts = _cut(views, self.settings.tokens)
            order = self.generator.permutation(len(parts))
            self._batches = [build_batch(parts[n]) for n in order]
        return self._batches.pop()

    def forget(self) -> None:
        """Drop what was drawn ahead: which demonstrations may be shown has changed."""
        self._batches = []

    def _fill(self, tokens: int) -> list[View]:
        """Views until one more would make more than ``tokens`` padded cells; at least one."""
        views: list[View] = []
        largest = 0
        while True:
            view = self._draw_view()
            largest = max(largest, _cells(view))
            if views and (len(views) + 1) * largest > tokens:
                return views
            views.append(view)


def _cells(view: View) -> int:
    return view.canvas[0] * view.canvas[1]


def _cut(views: Sequence[View], tokens: int) -> list[list[View]]:
    """Views by ascending size, cut where a batch would hold more than ``tokens`` padded cells."""
    parts: list[list[View]] = [[]]
    for view in views:
        if parts[-1] and (len(parts[-1]) + 1) * _cells(view) > tokens:
            parts.append([])
        parts[-1].append(view)
    return parts
