"""Short runs that are ended, resumed, extended, or begun from another's weights."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from short_runs import CPU, EXAMPLES, RECIPE, Steps, trainer_of

from solver.model.checkpoint import load_weights
from solver.model.urm import URM
from train.log import FILE, read_log
from train.short.__main__ import RECIPES, main
from train.short.recipe import read_run
from train.short.run import Call, train
from train.short.state import PART, read_state, small, write_state
from train.short.trainer import REWARM, ShortTrainer


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(RECIPE))
    return path


@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_a_run_in_three_calls_is_the_undisturbed_run(recipe: Path, tmp_path: Path, layout: str) -> None:
    run = read_run(recipe, [f"layout={layout}", "rates.matrices=0.01", "mixture.tokens=600"])
    assert train(run, EXAMPLES, tmp_path / "whole", CPU, Call(quiet=True))
    assert not train(run, EXAMPLES, tmp_path / "parts", CPU, Steps(2))
    assert not train(run, EXAMPLES, tmp_path / "parts", CPU, Steps(2))
    assert not (tmp_path / "parts" / "weights").exists()
    assert train(run, EXAMPLES, tmp_path / "parts", CPU, Call(quiet=True))
    whole, parts = (read_state(tmp_path / name / "state", CPU.device) for name in ("whole", "parts"))
    assert whole["position"]["step"] == parts["position"]["step"] > 5
    for part in ("network", "memory"):
        assert all(torch.equal(whole[part][key], value) for key, value in parts[part].items())
    assert all(torch.equal(a, b) for a, b in zip(whole["average"][1], parts["average"][1], strict=True))


def test_a_finished_run_may_be_extended(recipe: Path, tmp_path: Path) -> None:
    for flop in (5e8, 1e9):
        assert train(read_run(recipe, flop=flop), EXAMPLES, tmp_path / "run", CPU, Call(quiet=True))
        assert load_weights(str(tmp_path / "run" / "weights")).provenance["flop"] >= flop


def test_a_state_comes_in_parts_and_is_checked(tmp_path: Path) -> None:
    state = {"position": {"step": 3}, "network": {"w": torch.randn(50, 100)}, "optimizers": [1]}
    files = write_state(tmp_path, state, part=4096)
    assert len(files) == len(list(tmp_path.iterdir())) > 4
    assert all(file.stat().st_size <= 4096 for file in files)
    assert torch.equal(read_state(tmp_path, CPU.device)["network"]["w"], state["network"]["w"])
    shorter = write_state(tmp_path, small(state), part=4096)
    assert len(shorter) < len(files) and set(tmp_path.iterdir()) == set(shorter), "old parts are removed"
    back = read_state(tmp_path, CPU.device)
    assert back["optimizers"] is None
    torch.testing.assert_close(back["network"]["w"].float(), state["network"]["w"], rtol=2**-11, atol=1e-7)
    shorter[1].write_bytes(shorter[1].read_bytes()[:-1])
    with pytest.raises(ValueError, match="checksum differs"):
        read_state(tmp_path, CPU.device)
    shorter[2].unlink()
    with pytest.raises(ValueError, match=r"\.1\.part: cannot be read"):
        read_state(tmp_path, CPU.device)


def test_the_small_state_of_the_full_recipes_fits_a_few_files() -> None:
    """Seven parts and the manifest at most, 64 MiB in all, with 1,500 tasks."""
    for name in ("urm_arc_short", "urm_kaggle"):
        config = read_run(RECIPES / f"{name}.json").config
        with torch.device("meta"):
            network = URM(config)
            vectors = torch.empty(1500, config.puzzle_emb_ndim)
        state = {"network": network.state_dict(), "average": [0, list(network.parameters())]}
        halves = small({**state, "memory": {"task_vectors": vectors}})
        tensors = [*halves["network"].values(), *halves["average"][1], *halves["memory"].values()]
        total = sum(tensor.nbytes for tensor in tensors)
        assert 2**20 < total < 62 * 2**20 and total / PART < 6.5
        int8 = sum(p.numel() for p in network.parameters()) / 1e6
        assert int8 < 14, "with task vectors and scales beside them, 15 MB hold the network in 8 bits"


def test_a_small_state_goes_on_with_rising_rates(recipe: Path, tmp_path: Path) -> None:
    run = read_run(recipe)
    train(run, EXAMPLES, tmp_path, CPU, Steps(5, small=True))
    state = read_state(tmp_path / "state", CPU.device)
    trainer = trainer_of(recipe)
    trainer.load(state)
    assert trainer.at.step == state["position"]["step"] > 0 and trainer.rewarmed == 0
    block = trainer.maker(trainer.at.block)
    trainer.learn(block[trainer.at.within])
    lr = trainer.learner.optimizers[0][0].param_groups[0]["lr"]
    assert 0 < trainer.rewarmed < 3 and 0 < lr <= run.learning.weights * 2 / REWARM


def test_a_state_of_other_tasks_or_another_network_is_refused(recipe: Path) -> None:
    trainer = trainer_of(recipe)
    state = trainer.state()
    with pytest.raises(ValueError, match="num_layers is 1, wanted the recipe's 2"):
        trainer_of(recipe, "network.num_layers=2").load(state)
    with pytest.raises(ValueError, match='"start" in the recipe'):
        trainer_of(recipe, "max_cells=60").load(state)


def test_a_run_continues_from_weights_or_from_a_run(recipe: Path, tmp_path: Path) -> None:
    assert train(read_run(recipe, ["max_cells=60"]), EXAMPLES, tmp_path / "first", CPU, Call(quiet=True))
    first = read_state(tmp_path / "first" / "state", CPU.device)
    weights = trainer_of(recipe, f"start={tmp_path}/first/weights")
    for value, kept in zip(weights.network.parameters(), first["average"][1], strict=True):
        assert torch.equal(value, kept)
    assert weights.at.before == first["position"]["flop"] > 0 == weights.at.flop
    mean = first["memory"]["task_vectors"][1:].mean(0)
    for entry, vector in zip(weights.pool, weights.memory.task_vectors[1:], strict=True):
        known = entry.checksums[0] in first["tasks"]
        number = first["tasks"].index(entry.checksums[0]) + 1 if known else 0
        wanted = first["memory"]["task_vectors"][number] if known else mean
        torch.testing.assert_close(vector, wanted, rtol=0, atol=float(wanted.abs().max()) / 250)
    going_on = trainer_of(recipe, f"start={tmp_path}/first", "max_cells=200")
    assert len(going_on.pool) > len(first["tasks"])
    assert going_on.at.before == first["position"]["flop"]
    for entry, vector in zip(going_on.pool, going_on.memory.task_vectors[1:], strict=True):
        known = entry.checksums[0] in first["tasks"]
        number = first["tasks"].index(entry.checksums[0]) + 1 if known else 0
        torch.testing.assert_close(vector, first["memory"]["task_vectors"][number] if known else mean)
    with pytest.raises(ValueError, match="hidden_size"):
        trainer_of(recipe, f"start={tmp_path}/first", "network.hidden_size=32")


def test_sigterm_ends_a_call_with_its_state(recipe: Path, tmp_path: Path, monkeypatch) -> None:
    def learn(self: ShortTrainer, item):
        if self.at.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return whole(self, item)

    whole = ShortTrainer.learn
    monkeypatch.setattr(ShortTrainer, "learn", learn)
    before = signal.getsignal(signal.SIGTERM)
    words = [str(recipe), "--data", str(EXAMPLES), "--output", str(tmp_path / "run"), "--device", "cpu"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0 and "to be continued" in result.output
    assert signal.getsignal(signal.SIGTERM) is before
    assert read_state(tmp_path / "run" / "state", CPU.device)["position"]["step"] == 4
    result = CliRunner().invoke(main, [*words, "--seconds-now", "0.001"])
    assert result.exit_code == 0 and "to be continued" in result.output


def test_a_table_and_fixed_views_start_a_run_and_are_watched(recipe: Path, tmp_path: Path) -> None:
    """A table has no vectors of tasks, and a factored memory of rank 0 no rows."""
    table = ["network.memory=table", "mixture.augmentations=4", "max_cells=60", "flop=1e8"]
    assert train(read_run(recipe, table), EXAMPLES, tmp_path / "first", CPU, Call(quiet=True))
    rows = read_state(tmp_path / "first" / "state", CPU.device)["memory"]["rows"]
    going_on = trainer_of(recipe, *table, f"start={tmp_path}/first")
    torch.testing.assert_close(going_on.memory.rows[1:], rows[1:].mean(0).expand(len(rows) - 1, -1))
    watch = 'watch={"file":"arc1_eval_20.json","modulus":9,"votes":1,"at":[1.0]}'
    watched = read_run(recipe, ["mixture.augmentations=2", "flop=1e8", "max_cells=60", watch])
    assert train(watched, EXAMPLES, tmp_path / "watched", CPU, Call(quiet=True))
    assert any(r["event"] == "eval" and "pass@2" in r for r in read_log(tmp_path / "watched" / FILE))


def test_a_recipe_may_name_another_network(recipe: Path, tmp_path: Path) -> None:
    network = (
        '{"hidden_size":16,"num_heads":2,"puzzle_emb_ndim":16,"loops":2,"canvas":"cropped","memory":"cose"}'
    )
    words = [f"network={network}", "stages=[[0.0,1]]", "flop=1e8", "max_cells=60"]
    for arch in ("trm", "hrm", "foreign@Plain"):
        cycles = [] if "@" in arch else ["network.H_cycles=1", "network.L_cycles=1", "network.L_layers=1"]
        cycles += ["network.H_cycles=1", "network.L_cycles=1"] if "@" in arch else []
        run = read_run(recipe, [*words, *cycles, f"arch={arch}"])
        assert train(run, EXAMPLES, tmp_path / arch, CPU, Call(quiet=True)), arch
        assert load_weights(str(tmp_path / arch / "weights")).provenance["flop"] >= 1e8
