"""Prediction: in order of expected value, every view, and all of them together."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_run import CPU, tiny_task, tiny_weights

from solver.arc.augment import IDENTITY, Augmentation, sample_augmentations
from solver.arc.candidate import same_grid
from solver.arc.consensus import Consensus
from solver.budget import Budget
from solver.model.device import Placement
from solver.tune.adapt import adapt
from solver.tune.predict import Tuned, predict_views
from solver.tune.settings import PredictSettings, TuneSettings


def tuned_task(steps: int = 0, placement: Placement = CPU, **changes: object) -> Tuned:
    settings = TuneSettings(
        **{"arm": "full" if steps else "none", "augmentations": 3, "tokens": 64, **changes}
    )
    return adapt(
        tiny_weights(memory="cose"),
        [tiny_task()],
        settings=settings,
        budget=Budget(steps=steps),
        placement=placement,
        seed=0,
    )


def ask(
    tuned: Tuned, views: int, placement: Placement = CPU, budget: Budget | None = None, **changes: object
) -> list:
    generator = np.random.default_rng(0)
    augmentations = sample_augmentations(tuned.tasks[0], views, generator)
    settings = PredictSettings(**{"tokens": 10**6, "loops": 2, "together": False, **changes})
    return list(
        predict_views(
            tuned,
            0,
            0,
            augmentations,
            config=tuned.network.config,
            settings=settings,
            placement=placement,
            budget=budget,
        )
    )


def test_the_identity_is_asked_first_then_what_came_out_in_tuning() -> None:
    tuned = replace(tuned_task(), rightness=((0.1, 0.2, 0.9),))
    known = tuned.augmentations[0]
    assert known[0] == IDENTITY
    assert tuned.in_order(0) == (known[0], known[2], known[1])


def test_packed_as_on_a_gpu_tuning_and_prediction_give_the_same() -> None:
    packs = replace(CPU, packs=True)
    plain, packed = (tuned_task(6, placement) for placement in (CPU, packs))
    for one, other in zip(plain.network.parameters(), packed.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    answers = [ask(plain, 8), ask(plain, 8, placement=packs)]
    assert len(answers[0]) == len(answers[1]) > 0
    for one, other in zip(*answers, strict=True):
        np.testing.assert_array_equal(one.grid, other.grid)
        assert one.known.log_prob == pytest.approx(other.known.log_prob, abs=1e-3)


def test_views_beyond_the_tuned_ones_are_asked_last_and_only_of_a_factored_memory() -> None:
    tuned = tuned_task(votes=5)
    asked = tuned.in_order(0)
    assert len(asked) == len(set(asked)) == 5 and set(asked[:3]) == set(tuned.augmentations[0])
    assert [tuned.row(0, a) for a in asked[3:]] == [0, 0]
    table = replace(tuned, memory=tiny_weights(memory="table").new_memory(tasks=1, rows=3))
    assert len(table.in_order(0)) == 3


def test_tuning_tells_how_often_each_view_came_out() -> None:
    tuned = tuned_task(steps=12)
    (shares,) = tuned.rightness
    assert len(shares) == 3 and all(0 < share < 1 for share in shares)


class Copycat:
    """A network that answers every view with its input, so that all votes agree."""

    def __init__(self, tuned: Tuned) -> None:
        self.inner, self.config, self.batches = tuned.network, tuned.network.config, []

    def initial_states(self, batch, dtype):
        return self.inner.initial_states(batch, dtype)

    def __call__(self, states, batch, vectors, dtype):
        output = self.inner(states, batch, vectors, dtype)
        logits = torch.nn.functional.one_hot(batch.tokens, output.logits.shape[-1]).float() * 9
        self.batches.append(len(batch))
        return replace(output, logits=logits)


def test_every_view_votes_whatever_the_others_say() -> None:
    """No view is left out while there is time: the mean of all, and the trust in it, depend on each."""
    tuned = tuned_task()
    network = Copycat(tuned)
    made = ask(replace(tuned, network=network), 64, budget=Budget(steps=1))
    # Sixteen at a time, each once more on a larger canvas, since the answer reaches the edge.
    assert len(made) == 64 and network.batches == [16, 16] * 4
    assert len({c.grid.tobytes() for c in made}) == 1


def test_what_all_views_give_together_stands_behind_them() -> None:
    tuned = tuned_task(12)
    views, together = ask(tuned, 4), ask(tuned, 4, together=True)
    assert [c.known.pooled for c in together] == [False] * len(views) + [True]
    found, asked = together[-1], [Augmentation(c.known.symmetry, c.known.palette) for c in views]
    assert asked[0] == IDENTITY == Augmentation(found.known.symmetry, found.known.palette)
    assert found.grid.shape == Counter(c.grid.shape for c in views).most_common(1)[0][0]
    alone, same = ask(tuned, 1, together=True)
    assert same_grid(alone.grid, same.grid), "of one view it is the view"
    consensus = Consensus()
    settings = PredictSettings(10**6, 2, together=False)
    made = predict_views(
        tuned, 0, 0, asked, config=tuned.network.config, settings=settings, placement=CPU,
        consensus=consensus,
    )  # fmt: skip
    assert len(list(made)) == len(views) and same_grid(consensus.candidate().grid, found.grid)
