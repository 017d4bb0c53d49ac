"""Short runs: the pool, batches by tokens, resuming, and weights that solve reads."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from solver.arc.checksum import task_checksum
from solver.arc.task import load_tasks
from solver.model.checkpoint import load_weights
from solver.model.config import URMConfig
from solver.model.device import place
from solver.model.flops import forward_flop, inference_flop, training_flop
from train.short.__main__ import main
from train.short.feed import blocks
from train.short.pool import Mixture, block_batches, build_pool
from train.short.recipe import read_run
from train.short.trainer import ShortTrainer, train

EXAMPLES = Path(__file__).parents[1] / "examples"
RECIPE = {
    "name": "tiny",
    "network": {
        "hidden_size": 16,
        "num_heads": 2,
        "num_layers": 1,
        "H_cycles": 1,
        "L_cycles": 1,
        "loops": 2,
        "puzzle_emb_ndim": 16,
        "pos_encodings": "rope2d",
        "canvas": "cropped",
        "memory": "cose",
    },
    "sources": ["arc1_eval_20.json"],
    "flop": 3e9,
    "max_cells": 100,
    "stages": [[0.0, 1], [0.5, 2]],
    "mixture": {"tokens": 1200},
    "rates": {"weights": 1e-3},
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(RECIPE))
    return path


@pytest.fixture(scope="module")
def pool():
    return build_pool([EXAMPLES / "arc1_eval_20.json"], None, max_cells=60, tests=False)


def test_the_pool_leaves_out_what_is_too_large_and_test_pairs(pool) -> None:
    tasks = {task.id: task for task in load_tasks(EXAMPLES / "arc1_eval_20.json")}
    assert 0 < len(pool) < len(tasks)
    for entry in pool:
        known = tasks[entry.task.id].train
        assert all(any(np.array_equal(p.input, k.input) for k in known) for p in entry.pairs)
        assert all(max(p.input.size, p.output.size) <= 60 for p in entry.pairs)
    with_tests = build_pool([EXAMPLES / "arc1_eval_20.json"], None, max_cells=900, tests=True)
    pairs = sum(len(task.train) + len(task.test) for task in tasks.values())
    assert sum(len(entry.pairs) for entry in with_tests) == pairs


def test_generated_pairs_join_their_task(tmp_path: Path) -> None:
    pair = {"input": [[1, 2]], "output": [[2, 1]]}
    lines = [json.dumps({"id": "be03b35f", "pairs": [pair, pair]}), json.dumps({"id": "no", "pairs": [pair]})]
    (tmp_path / "extra.jsonl").write_text("\n".join(lines))
    pool = build_pool([EXAMPLES / "arc1_eval_20.json"], tmp_path / "extra.jsonl", max_cells=900, tests=False)
    assert {entry.task.id: len(entry.extra) for entry in pool if entry.extra} == {"be03b35f": 2}


def test_test_pairs_of_held_out_tasks_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    source = EXAMPLES / "arc1_eval_20.json"
    first, second = load_tasks(source)[:2]
    shown = {"input": second.test[0].input.tolist(), "output": second.test[0].output.tolist()}
    own = [{"input": p.input.tolist(), "output": p.output.tolist()} for p in first.train]
    leaky = {"leaky": {"train": [*own, shown], "test": [{"input": first.test[0].input.tolist()}]}}
    (tmp_path / "leaky.json").write_text(json.dumps(leaky))
    sizes = [
        len(build_pool([tmp_path / "leaky.json"], None, max_cells=900, tests=True, held_out=held)[0].pairs)
        for held in ([], [source])
    ]
    assert sizes == [len(own) + 1, len(own)]


def test_batches_are_set_by_tokens(pool) -> None:
    mixture = Mixture(tokens=800)
    made = block_batches(pool, mixture, seed=1, block=0)
    assert sum(map(len, made)) == 1024
    for batch in made:
        largest = max(view.canvas[0] * view.canvas[1] for view in batch)
        assert len(batch) * largest <= 800 or len(batch) == 1
    padding = [
        1 - np.mean([v.canvas[0] * v.canvas[1] for v in b]) / max(v.canvas[0] * v.canvas[1] for v in b)
        for b in made
    ]
    assert np.mean(padding) < 0.1, "canvases of one batch are alike"


def test_mixture_shares_are_kept(pool) -> None:
    made = block_batches(pool, Mixture(plain_share=0.5, larger_share=0.0), seed=1, block=0)
    views = [view for batch in made for view in batch]
    plain = np.mean([view.augmentation.palette == tuple(range(10)) for view in views])
    assert 0.4 < plain < 0.6
    symmetries = np.bincount([view.augmentation.symmetry for view in views], minlength=8)
    assert symmetries.min() > 80


def test_any_number_of_processes_gives_the_same_blocks(pool) -> None:
    feeds = [blocks(pool[:3], Mixture(), seed=3, start=5, workers=n, packed_prefix=1) for n in (0, 2)]
    for _ in range(3):
        here, there = (next(feed) for feed in feeds)
        assert len(here) == len(there)
        for one, other in zip(here, there, strict=True):
            assert torch.equal(one.tokens, other.tokens) and torch.equal(
                one.keys.palettes, other.keys.palettes
            )
            assert one.uniform or torch.equal(one.packing.index, other.packing.index)
    for feed in feeds:
        feed.close()


def test_flop_are_counted_from_shapes() -> None:
    """URM at 900 cells: 7.5e11 a training loop, as the recipe's own arithmetic has it."""
    config = URMConfig()
    assert training_flop(config, 900) == pytest.approx(7.5e11, rel=0.01)
    assert training_flop(config, 900) == pytest.approx(forward_flop(config, 900) * (12 + 2 * 6))
    assert inference_flop(config, 900, 16) == pytest.approx(forward_flop(config, 900) * 12 * 16)


def test_a_run_ends_with_weights_that_know_what_they_saw(recipe: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, [str(recipe), "--data", str(EXAMPLES), "--output", str(tmp_path / "run"), "--device", "cpu"]
    )
    assert result.exit_code == 0, result.output
    weights = load_weights(str(tmp_path / "run" / "weights"))
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert records[0]["run"]["name"] == "tiny"
    assert weights.provenance["flop"] >= 3e9
    task = load_tasks(EXAMPLES / "one_task")[0]
    assert task_checksum(task) in weights.provenance["tasks"]


def test_a_resumed_run_goes_on_and_may_be_extended(recipe: Path, tmp_path: Path) -> None:
    output, cpu = tmp_path / "run", place("cpu")
    train(read_run(recipe, flop=1e9), EXAMPLES, output, cpu, quiet=True)
    first = torch.load(output / "state.pt", weights_only=True)
    train(read_run(recipe, flop=2e9), EXAMPLES, output, cpu, quiet=True)
    second = torch.load(output / "state.pt", weights_only=True)
    assert first["position"][4] >= 1e9 and second["position"][4] >= 2e9
    assert second["position"][0] > first["position"][0]
    assert any(not torch.equal(first["network"][k], v) for k, v in second["network"].items())


def test_a_small_state_without_optimisers_goes_on(recipe: Path, pool) -> None:
    run = read_run(recipe)
    trainer = ShortTrainer(run, pool, place("cpu"))
    (block,) = [next(blocks(pool, Mixture(**run.mixture), seed=0, start=0))]
    trainer.train_batch(block[0])
    state = {**trainer.state(), "optimizers": None}
    other = ShortTrainer(run, pool, place("cpu"))
    other.load(state)
    assert other.step == trainer.step and other.flop == trainer.flop
    assert all(torch.equal(a, b) for a, b in zip(other.average.values, trainer.average.values, strict=True))
    other.train_batch(block[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": 5.0}, "one budget"),
        ({"flops": 1.0}, "unknown key flops .did you mean flop"),
        ({"stages": [[0.5, 1]]}, "first stage"),
    ],
)
def test_wrong_recipes_are_refused(recipe: Path, tmp_path: Path, change: dict, words: str) -> None:
    recipe.write_text(json.dumps({**RECIPE, **change}))
    arguments = [str(recipe), "--data", str(EXAMPLES), "--output", str(tmp_path / "run")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    with pytest.raises(ValueError, match=words):
        read_run(recipe)
