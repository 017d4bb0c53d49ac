"""How well tuning goes, told without test outputs: a demonstration held back, and answers that stay.

Held-out confidence of a task. One demonstration, drawn by the seed, is kept out of tuning under every
augmentation. At each look, a ``check_share`` of the budget apart, a task of which at least PROMISING of
the latest training sequences came out is asked for it, under the identity and ``check_views - 1`` more
tuned augmentations:

    held_out = views under which every cell of the held-back output is right / views asked

As soon as that is SOLVED or more, and at ``hold_share`` of the budget at the latest, the number stands
and the demonstration is tuned on like the others. The network has never been trained on the pair, so it
measures what a test input asks for; it is measured early in tuning and repeatedly, so it is low for
tasks that come late and slightly high for those that are near. Tasks with fewer than three
demonstrations hold none back: half of what shows the rule would be missing. Refinement has another seed
and mostly holds back another demonstration.

A task is settled when its held-out demonstration was solved, every demonstration comes out, and the best
answer to every test input is the one of the look before.
"""

from collections.abc import Sequence

from solver.arc.candidate import grid_key
from solver.arc.policy import rank_views
from solver.arc.seed import derive_generator
from solver.arc.task import Task
from solver.model.device import Placement
from solver.run.schedule import LEAST_DEMONSTRATIONS, PROMISING, SOLVED
from solver.tune.predict import Tuned, count_exact, predict_views
from solver.tune.sampler import DemonstrationSampler
from solver.tune.settings import PredictSettings, TuneSettings


class HeldOutCheck:
    """Looks at a group while it is tuned. It tells ``sampler`` what to hold back and who has settled.

    ``held_out[n]``: the confidence of task n so far, None where it is not known. ``known``: confidences
    from an earlier tuning, with which nothing is held back.
    """

    def __init__(
        self,
        group: Sequence[Task],
        sampler: DemonstrationSampler,
        settings: TuneSettings,
        seed: int,
        *,
        placement: Placement,
        known: Sequence[float | None] = (),
    ) -> None:
        self.group, self.sampler, self.settings, self.placement = group, sampler, settings, placement
        self.held_out: list[float | None] = list(known) or [None] * len(group)
        self._answers: list[tuple[bytes, ...] | None] = [None] * len(group)
        for n, task in enumerate(group):
            if settings.hold_share > 0 and not known and len(task.train) >= LEAST_DEMONSTRATIONS:
                drawn = derive_generator(seed, task.id, "held back").integers(len(task.train))
                sampler.held[n] = int(drawn)

    @property
    def over(self) -> bool:
        """Whether every task has settled."""
        return all(self.sampler.settled)

    def look(self, tuned: Tuned, recent: Sequence[float], done: float) -> None:
        """Look at each task once; ``recent[n]``: share of its latest training sequences that came out,
        ``done``: of the budget."""
        for n, held in enumerate(self.sampler.held):
            promising = recent[n] >= PROMISING
            if held is not None:
                if promising or done >= self.settings.hold_share:
                    self._try_held(tuned, n, held, done)
            elif promising and not self.sampler.settled[n] and (self.held_out[n] or 0.0) >= SOLVED:
                self.sampler.settled[n] = self._stays(tuned, n)

    def _try_held(self, tuned: Tuned, n: int, held: int, done: float) -> None:
        views = tuned.in_order(n)[: self.settings.check_views]
        pair = self.group[n].train[held]
        share = self._exact(tuned, n, [pair], views) / len(views)
        if share >= SOLVED or done >= self.settings.hold_share:
            self.held_out[n] = share
            self.sampler.held[n] = None
            self.sampler.forget()

    def _stays(self, tuned: Tuned, n: int) -> bool:
        """Whether every demonstration comes out and the answers are those of the look before."""
        task = self.group[n]
        if self._exact(tuned, n, task.train, tuned.in_order(n)[:1]) < len(task.train):
            self._answers[n] = None
            return False
        before, self._answers[n] = self._answers[n], self._best(tuned, n)
        return before is not None and before == self._answers[n]

    def _best(self, tuned: Tuned, n: int) -> tuple[bytes, ...] | None:
        """The best answer to each test input, None where any has none."""
        best = []
        config = tuned.network.config
        settings = PredictSettings(self.settings.tokens, config.loops)
        views = tuned.in_order(n)[: self.settings.check_views]
        for test in range(len(self.group[n].test)):
            made = predict_views(
                tuned, n, test, views, config=config, settings=settings, placement=self.placement
            )
            ranked = rank_views(made)
            if not ranked:
                return None
            best.append(grid_key(ranked[0].grid))
        return tuple(best)

    def _exact(self, tuned: Tuned, n: int, pairs: Sequence, augmentations: Sequence) -> int:
        tokens = self.settings.tokens
        return count_exact(tuned, n, pairs, augmentations, placement=self.placement, tokens=tokens)
