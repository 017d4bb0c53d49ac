"""Test-time training and prediction with a real, small network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from solver.arc.augment import IDENTITY, Augmentation
from solver.arc.submission import read_submission
from solver.arc.task import Pair, Task, as_grid
from solver.budget import Budget
from solver.choices import NETWORK
from solver.model.checkpoint import Weights, save_weights
from solver.model.config import URMConfig
from solver.model.device import place
from solver.model.embedding import build_memory
from solver.model.learner import Rates, run_loops
from solver.model.urm import URM
from solver.run.events import Listener
from solver.run.pipeline import solve
from solver.run.settings import SolveOptions
from solver.tune.adapt import adapt
from solver.tune.predict import predict_views
from solver.tune.sampler import DemonstrationSampler
from solver.tune.settings import PredictSettings, TuneSettings
from solver.tune.views import View, build_batch

CPU = place("cpu")


def tiny_config(**changes: object) -> URMConfig:
    values = dict(
        hidden_size=32, num_heads=2, num_layers=1, H_cycles=1, L_cycles=2, loops=2, puzzle_emb_ndim=32
    )
    return URMConfig(**{**values, "canvas": "cropped", "pos_encodings": "rope2d", **changes})


def tiny_weights(**changes: object) -> Weights:
    config = tiny_config(**changes)
    generator = torch.Generator().manual_seed(1)
    network = URM(config, generator).eval()
    memory = build_memory(config, tasks=3, rows=3, generator=generator)
    return Weights("tiny", config, network, memory.shared_state())


def tiny_task(name: str = "mirror") -> Task:
    """Mirror left-right; the demonstrations are 3 x 4 and 4 x 3."""
    generator = np.random.default_rng(5)
    grids = [as_grid(generator.integers(0, 4, shape)) for shape in ((3, 4), (4, 3), (3, 4))]
    pairs = [Pair(grid, as_grid(grid[:, ::-1])) for grid in grids]
    return Task(name, tuple(pairs[:2]), (pairs[2],))


def test_a_batch_holds_each_view_on_its_turned_canvas() -> None:
    task = tiny_task()
    quarter = Augmentation(1)
    batch = build_batch([View(task.train[0], (4, 5), 1), View(task.train[0], (4, 5), 1, 2, quarter)])
    assert batch.tokens.shape == (2, 20)
    assert batch.heights.tolist() == [4, 5] and batch.widths.tolist() == [5, 4]
    assert not batch.uniform and batch.keys.rows.tolist() == [0, 2]
    turned = batch.tokens[1].view(5, 4)[:4, :3].numpy() - 2
    np.testing.assert_array_equal(turned, np.rot90(task.train[0].input))
    labels = batch.labels[0].view(4, 5)
    np.testing.assert_array_equal(labels[:3, :4].numpy() - 2, task.train[0].output)
    assert (labels[3, :4] == 1).all() and (labels[:3, 4] == 1).all() and labels[3, 4] == -100


@pytest.mark.parametrize("positions", ["rope", "rope2d", "learned", "none"])
def test_padding_changes_nothing(positions: str) -> None:
    """A sequence among longer ones gives what it gives alone."""
    weights = tiny_weights(pos_encodings=positions)
    memory = weights.new_memory(tasks=1, rows=1)
    task = tiny_task()
    views = [View(pair, canvas, 1) for pair, canvas in zip(task.train, ((4, 5), (9, 7)), strict=True)]
    together, _ = run_loops(weights.network, memory, build_batch(views), loops=2, dtype=torch.float32)
    for n, view in enumerate(views):
        alone, _ = run_loops(weights.network, memory, build_batch([view]), loops=2, dtype=torch.float32)
        torch.testing.assert_close(together[n, : alone.shape[1]], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("memory", ["table", "cose"])
def test_full_tuning_learns_the_demonstrations(memory: str) -> None:
    weights = tiny_weights(memory=memory)
    before = {name: value.clone() for name, value in weights.network.state_dict().items()}
    settings = TuneSettings(arm="full", augmentations=1, tokens=128, rates=Rates(weights=3e-3))
    budget = Budget(steps=200)
    tuned = adapt(weights, [tiny_task()], settings=settings, budget=budget, placement=CPU, seed=0)
    assert tuned.steps == 200
    assert tuned.reproduced == (2,)
    after = weights.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items()), "base weights moved"


@pytest.mark.parametrize("memory", ["table", "cose"])
def test_embedding_tuning_moves_only_the_memory(memory: str) -> None:
    weights = tiny_weights(memory=memory)
    settings = TuneSettings(arm="embedding", augmentations=3, tokens=128)
    tuned = adapt(weights, [tiny_task()], settings=settings, budget=Budget(steps=4), placement=CPU, seed=0)
    assert tuned.network is weights.network
    fresh = weights.new_memory(tasks=1, rows=3).state_dict()
    moved = {name for name, value in tuned.memory.state_dict().items() if not torch.equal(value, fresh[name])}
    assert moved == {"rows" if memory == "table" else "task_vectors"}


def test_budgets_of_tokens_repeat_whatever_the_canvases() -> None:
    task = tiny_task()
    common = dict(settings=TuneSettings(arm="full", augmentations=2, tokens=64), placement=CPU, seed=3)
    runs = [adapt(tiny_weights(), [task], budget=Budget(tokens=500), **common) for _ in range(2)]
    # Canvases of 20 to 56 cells: no batch has more than 64, so no fewer than 8 are needed.
    assert runs[0].steps == runs[1].steps >= 8
    assert all(map(torch.equal, runs[0].network.parameters(), runs[1].network.parameters()))
    more = adapt(tiny_weights(), [task], budget=Budget(tokens=1000), **common)
    assert more.steps > 1.5 * runs[0].steps
    with pytest.raises(ValueError, match="wanted one of steps, seconds and tokens, found steps 1, seconds"):
        Budget(steps=1, tokens=1)
    parts = [Budget(tokens=10).fair(n, 3).tokens for n in range(3)]
    assert parts == [4, 3, 3] and Budget(tokens=10).part(0.5).tokens == 10


def test_batches_of_one_task_pad_little() -> None:
    """Demonstrations of 4 and 100 cells: drawn ahead and cut by size, hardly any batch has both."""
    small, large = (Pair(*[as_grid(np.ones((side, side)))] * 2) for side in (1, 9))
    settings = TuneSettings(augmentations=1, tokens=300, larger_share=0.0)
    sampler = DemonstrationSampler(tiny_config(), [Task("t", (small, large), ())], [[IDENTITY]], settings, 0)
    batches = [sampler.draw() for _ in range(40)]
    mixed = [batch for batch in batches if len({*batch.lengths.tolist()}) > 1]
    assert len(mixed) <= len(batches) / 2
    assert {4, 100} == {n for batch in batches for n in batch.lengths.tolist()}


@pytest.mark.parametrize("free", [True, False])
def test_full_tuning_gives_each_view_a_residual_of_its_own(free: bool) -> None:
    settings = TuneSettings(arm="full", augmentations=3, votes=5, tokens=128, free_rows=free)
    tuned = adapt(
        tiny_weights(memory="cose"),
        [tiny_task()],
        settings=settings,
        budget=Budget(steps=40),
        placement=CPU,
        seed=0,
    )
    assert bool(tuned.memory.task_vectors[1].any())
    if not free:
        assert tuned.memory.free is None
        return
    assert tuned.memory.free.any(1).tolist() == [False, True, True, True]
    # A view that it was not tuned on can be asked still: by the task's vector alone.
    assert [tuned.row(0, view) for view in tuned.in_order(0)][3:] == [0, 0]


def test_arms_after_one_another_leave_the_base_weights_usable() -> None:
    weights = tiny_weights(memory="cose")
    steps = []
    for arm in ("embedding", "full", "none", "full"):
        settings = TuneSettings(arm=arm, augmentations=1, tokens=128)
        tuned = adapt(
            weights, [tiny_task()], settings=settings, budget=Budget(steps=4), placement=CPU, seed=0
        )
        steps.append(tuned.steps)
    assert steps == [4, 4, 0, 4]


def test_without_tuning_nothing_moves_and_rows_start_at_the_mean() -> None:
    weights = tiny_weights()
    weights = replace(weights, memory={"mean": torch.arange(32.0)})
    settings = TuneSettings(arm="none", augmentations=2)
    tuned = adapt(weights, [tiny_task()], settings=settings, budget=Budget(steps=9), placement=CPU, seed=0)
    assert tuned.steps == 0
    assert torch.equal(tuned.memory.rows[1:], torch.arange(32.0).expand(2, -1))
    assert not tuned.memory.rows[0].any()


def predict_tiny(weights: Weights, augmentations: list[Augmentation], budget: Budget | None = None):
    settings = TuneSettings(arm="full", augmentations=1, tokens=128, rates=Rates(weights=3e-3))
    tuned = adapt(weights, [tiny_task()], settings=settings, budget=Budget(steps=80), placement=CPU, seed=0)
    return list(
        predict_views(
            tuned,
            0,
            0,
            augmentations,
            config=weights.config,
            settings=PredictSettings(tokens=20, loops=2),
            placement=CPU,
            budget=budget,
        )
    )


def test_candidates_are_valid_grids_in_the_original_frame() -> None:
    candidates = predict_tiny(tiny_weights(memory="cose"), [IDENTITY, Augmentation(1)])
    assert candidates
    for candidate in candidates:
        known = candidate.known
        assert candidate.source == NETWORK and 0 <= known.confidence <= 1 and known.log_prob <= 0
        assert candidate.grid.dtype == np.uint8 and candidate.grid.max() < 10
        assert min(candidate.grid.shape) >= 1 and max(candidate.grid.shape) <= 30


def test_a_used_up_clock_still_gives_the_first_batch() -> None:
    over = Budget(seconds=1.0, clock=lambda: 5.0, start=0.0)
    some = predict_tiny(tiny_weights(memory="cose"), [IDENTITY, *map(Augmentation, range(1, 8))], over)
    assert [candidate.known.pooled for candidate in some] == [False, True]


def test_a_budget_of_seconds_ends_tuning() -> None:
    ticks = iter(range(1000))
    budget = Budget(seconds=10.0, clock=lambda: float(next(ticks)), start=0.0)
    settings = TuneSettings(arm="full", augmentations=2, tokens=64)
    tuned = adapt(tiny_weights(), [tiny_task()], settings=settings, budget=budget, placement=CPU, seed=0)
    assert tuned.steps == 10


@pytest.fixture
def weights_folder(tmp_path: Path) -> Path:
    weights = tiny_weights(memory="cose")
    save_weights(tmp_path / "tiny", weights.network, weights.memory, {})
    return tmp_path / "tiny"


def test_same_steps_same_bytes_and_no_look_at_test_outputs(weights_folder: Path, tmp_path: Path) -> None:
    options = SolveOptions((NETWORK,), weights=str(weights_folder), steps=3, augmentations=3, device="cpu")
    known = tiny_task()
    other = replace(known, test=(Pair(known.test[0].input, as_grid(np.full((2, 2), 7))),))
    for name, task in (("a", known), ("b", known), ("c", other), ("d", known.without_test_outputs())):
        solve([task], output=tmp_path / f"{name}.json", options=options)
    written = {(tmp_path / f"{name}.json").read_bytes() for name in "abcd"}
    assert len(written) == 1


def test_the_submission_is_there_before_the_network_and_complete_after(
    weights_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "submission.json"
    tasks = [tiny_task("one"), tiny_task("two")]
    seen = []
    options = SolveOptions((NETWORK,), weights=str(weights_folder), steps=1, augmentations=1, device="cpu")
    results = solve(
        tasks,
        output=path,
        options=options,
        listener=Listener(
            lambda text: seen.append(read_submission(path)), lambda result: seen.append(read_submission(path))
        ),
    )
    assert [set(submission) for submission in seen] == [{"one", "two"}] * 3
    assert [result.task.id for result in results] == ["one", "two"]
    for submission, result in ((seen[-1], results[0]), (seen[-1], results[1])):
        (first, second) = submission[result.task.id][0]
        np.testing.assert_array_equal(first, result.attempts[0][0].grid)
        assert first.shape != second.shape or (first != second).any()


def test_a_task_larger_than_the_canvas_is_left_to_guesses(tmp_path: Path) -> None:
    weights = tiny_weights(canvas="full", canvas_side=3)
    save_weights(tmp_path / "small", weights.network, weights.memory, {})
    options = SolveOptions((NETWORK,), weights=str(tmp_path / "small"), steps=1, device="cpu")
    (result,) = solve([tiny_task()], options=options)
    assert "3 x 3" in result.note and result.steps == 0
    assert result.attempts[0][0].source == "fallback"


@pytest.mark.parametrize("bad", [{"steps": 1, "budget_seconds": 2.0}, {"augmentations": 0}, {"steps": -1}])
def test_impossible_options_are_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="wanted"):
        SolveOptions(**bad)
