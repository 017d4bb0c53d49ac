"""Runs by cells that are ended, resumed, extended, or begun from another's weights."""

import os
import signal
from pathlib import Path

import pytest
import torch
from cell_runs import Steps, config_of, trainer_of, write_recipe
from click.testing import CliRunner

from solver.model.checkpoint import load_weights
from solver.model.urm import URM
from train.__main__ import main
from train.checkpoint import MANIFEST, PART, checkpoints, halved, read_state, write_state
from train.config import resolve
from train.distributed import World
from train.feed import Item
from train.log import FILE, read_log
from train.loop import Call, train
from train.resume import begin, load, narrowed
from train.trainer import REWARM, Trainer


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    return write_recipe(tmp_path)


def run(recipe: str, folder: Path, *words: str, call: Call | None = None) -> bool:
    """Whether the run is done after this call."""
    return train(config_of(recipe, folder, *words), World(), quiet=True, call=call) is not None


def state_of(folder: Path) -> dict:
    """The newest state of a run."""
    return read_state(checkpoints(folder)[-1])


@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_a_run_in_three_calls_is_the_undisturbed_run(recipe: str, tmp_path: Path, layout: str) -> None:
    words = [f"layout={layout}", "matrix_lr=0.01", "mixture.tokens=600"]
    assert run(recipe, tmp_path / "whole", *words)
    assert not run(recipe, tmp_path / "parts", *words, call=Steps(4))
    assert not run(recipe, tmp_path / "parts", *words, call=Steps(4))
    assert not (tmp_path / "parts" / "weights").exists()
    assert run(recipe, tmp_path / "parts", *words)
    whole, parts = (state_of(tmp_path / name) for name in ("whole", "parts"))
    assert whole["position"]["step"] == parts["position"]["step"] > 5
    for part in ("network", "memory"):
        assert all(torch.equal(whole[part][key], value) for key, value in parts[part].items())
    assert all(torch.equal(a, b) for a, b in zip(whole["average"][1], parts["average"][1], strict=True))


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, stop) -> None:
    """Call ``stop`` before the batch at a step is learnt."""
    whole = Trainer.learn

    def learn(self: Trainer, item: Item, *rest):
        if self.at.step == step:
            stop()
        return whole(self, item, *rest)

    monkeypatch.setattr(Trainer, "learn", learn)


def test_a_run_that_is_killed_goes_on_within_its_block(recipe: str, tmp_path: Path, monkeypatch) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    stop_at(monkeypatch, 3, killed)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "run", "checkpoint_seconds=1e-9")
    position = state_of(tmp_path / "run")["position"]
    assert (position["block"], position["within"], position["step"]) == (0, 3, 3)


def test_a_finished_run_may_be_extended(recipe: str, tmp_path: Path) -> None:
    for flop in (5e8, 1e9):
        assert run(recipe, tmp_path / "run", f"flop={flop}")
        assert load_weights(str(tmp_path / "run" / "weights")).provenance["flop"] >= flop


def test_a_state_comes_in_parts_and_is_checked(tmp_path: Path) -> None:
    state = {"network_config": {}, "network": {"w": torch.randn(50, 100)}, "optimizers": [1]}
    (whole, parts) = (tmp_path / name for name in ("whole", "parts"))
    whole.mkdir()
    parts.mkdir()
    assert [path.name for path in write_state(whole, state)] == [MANIFEST, "state.pt"]
    files = write_state(parts, halved(state), part=4096)
    assert len(files) == len(list(parts.iterdir())) > 3
    assert all(file.stat().st_size <= 4096 for file in files)
    assert torch.equal(read_state(whole)["network"]["w"], state["network"]["w"])
    back = read_state(parts)
    assert back["optimizers"] is None
    torch.testing.assert_close(back["network"]["w"].float(), state["network"]["w"], rtol=2**-11, atol=1e-7)
    files[1].write_bytes(files[1].read_bytes()[:-1])
    with pytest.raises(ValueError, match="not a whole checkpoint"):
        read_state(parts)
    files[2].unlink()
    with pytest.raises(ValueError, match=r"\.1\.part: cannot be read"):
        read_state(parts)


def test_the_small_state_of_the_full_recipes_fits_a_few_files() -> None:
    """Seven parts and the manifest at most, 64 MiB in all, with 1,500 tasks."""
    for name in ("urm_arc_short", "urm_kaggle"):
        config = resolve([name]).arch
        config = config.config_class().from_dict(config.network)
        with torch.device("meta"):
            network = URM(config)
            vectors = torch.empty(1500, config.puzzle_emb_ndim)
        state = {"network": network.state_dict(), "average": [0, list(network.parameters())]}
        halves = halved({**state, "memory": {"task_vectors": vectors}})
        tensors = [*halves["network"].values(), *halves["average"][1], *halves["memory"].values()]
        total = sum(tensor.nbytes for tensor in tensors)
        assert 2**20 < total < 62 * 2**20 and total / PART < 6.5
        int8 = sum(p.numel() for p in network.parameters()) / 1e6
        assert int8 < 14, "with task vectors and scales beside them, 15 MB hold the network in 8 bits"


def test_a_small_state_goes_on_with_rising_rates(recipe: str, tmp_path: Path) -> None:
    assert not run(recipe, tmp_path / "run", "small_state=true", call=Steps(4))
    folder = checkpoints(tmp_path / "run")[-1]
    assert not (folder / "state.pt").exists() and list(folder.glob("*.part"))
    trainer = trainer_of(recipe)
    assert load(trainer, folder) == ["the optimisers' moments start anew (a small state)"]
    assert trainer.at.step == state_of(tmp_path / "run")["position"]["step"] > 0 and trainer.rewarmed == 0
    trainer.learn(trainer.feed.maker(trainer.at.block)[trainer.at.within])
    lr = trainer.dense[0].optimizer.param_groups[0]["lr"]
    assert 0 < trainer.rewarmed < 3 and 0 < lr <= trainer.config.run.lr * 2 / REWARM


def test_a_state_of_other_tasks_or_another_network_is_refused(recipe: str, tmp_path: Path) -> None:
    assert not run(recipe, tmp_path / "run", "max_cells=60", call=Steps(2))
    for words, says in (
        (["max_cells=60", "arch.num_layers=2"], "arch.num_layers: 1 there, 2 here"),
        (["max_cells=200"], "max_cells: 60 there, 200 here"),
        (["max_cells=200", "load_optimizer_state=false"], "start=RUN to continue with new data"),
    ):
        with pytest.raises(ValueError, match=says):
            run(recipe, tmp_path / "run", *words)


def test_the_state_of_the_earlier_trainer_is_read(recipe: str, tmp_path: Path) -> None:
    """``RUN/state``: the network's configuration alone, parts, no random state; other names for nothing."""
    trainer = trainer_of(recipe)
    for item in trainer.feed.maker(0)[:3]:
        trainer.learn(item)
    trainer.at.within = 3
    own = trainer.state()
    names = ("tasks", "network", "memory", "average", "optimizers", "position")
    position = {k: v for k, v in own["position"].items() if k != "until"}
    earlier = {**{name: own[name] for name in names}, "config": own["network_config"], "position": position}
    (tmp_path / "run" / "state").mkdir(parents=True)
    write_state(tmp_path / "run" / "state", {**earlier, "format": 1}, part=4096)
    fresh = trainer_of(recipe)
    assert load(fresh, checkpoints(tmp_path / "run")[-1]) == []
    assert (fresh.at.step, fresh.at.within, fresh.at.flop) == (trainer.at.step, 3, trainer.at.flop)
    item = trainer.feed.maker(0)[3]
    assert torch.equal(trainer.learn(item), fresh.learn(item))
    assert all(map(torch.equal, trainer.network.parameters(), fresh.network.parameters()))
    assert run(recipe, tmp_path / "run") and (tmp_path / "run" / "weights").is_dir()


def test_a_task_that_must_not_be_seen_any_more_leaves_its_run(recipe: str, tmp_path: Path) -> None:
    """Vectors and moments of the others stay theirs, and the weights own to having seen it."""
    trainer = trainer_of(recipe)
    trainer.at.flop = trainer.budget / 3  # behind the warm-up, where rates are 0
    for item in trainer.feed.maker(0)[:3]:
        trainer.learn(item)
    state, own = trainer.state(), trainer.feed.identity
    narrow, gone = narrowed(state, [own[0], *own[2:]])
    assert gone == [own[1]] and narrow["tasks"] == [own[0], *own[2:]]
    moments = [s["optimizers"][-1]["state"][0]["exp_avg"] for s in (state, narrow)]
    vectors = [s["memory"]["task_vectors"] for s in (state, narrow)]
    for before, after in (moments, vectors):
        assert torch.equal(after[:2], before[:2]) and torch.equal(after[2:], before[3:]) and before.any()
    assert narrowed(state, own) == (state, []) and narrowed(state, ["other"]) == (state, [])
    others = (s["optimizers"][0]["state"] for s in (state, narrow))
    assert next(others) is next(others), "other parameters are untouched"


def begun(recipe: str, start: Path, *words: str) -> Trainer:
    """A trainer that continues from another run."""
    trainer = trainer_of(recipe, *words)
    begin(trainer, str(start))
    return trainer


def test_a_run_continues_from_weights_or_from_a_run(recipe: str, tmp_path: Path) -> None:
    assert run(recipe, tmp_path / "first", "max_cells=60")
    first = state_of(tmp_path / "first")
    weights = begun(recipe, tmp_path / "first" / "weights")
    for value, kept in zip(weights.network.parameters(), first["average"][1], strict=True):
        assert torch.equal(value, kept)
    assert weights.at.before == first["position"]["flop"] > 0 == weights.at.flop
    mean = first["memory"]["task_vectors"][1:].mean(0)
    for entry, vector in zip(weights.feed.pool, weights.memory.task_vectors[1:], strict=True):
        known = entry.checksums[0] in first["tasks"]
        number = first["tasks"].index(entry.checksums[0]) + 1 if known else 0
        wanted = first["memory"]["task_vectors"][number] if known else mean
        torch.testing.assert_close(vector, wanted, rtol=0, atol=float(wanted.abs().max()) / 250)
    going_on = begun(recipe, tmp_path / "first", "max_cells=200")
    assert len(going_on.feed.pool) > len(first["tasks"])
    assert going_on.at.before == first["position"]["flop"]
    for entry, vector in zip(going_on.feed.pool, going_on.memory.task_vectors[1:], strict=True):
        known = entry.checksums[0] in first["tasks"]
        number = first["tasks"].index(entry.checksums[0]) + 1 if known else 0
        torch.testing.assert_close(vector, first["memory"]["task_vectors"][number] if known else mean)
    with pytest.raises(ValueError, match="hidden_size"):
        begun(recipe, tmp_path / "first", "arch.hidden_size=32")


def test_sigterm_ends_a_call_with_its_state(recipe: str, tmp_path: Path, monkeypatch) -> None:
    stop_at(monkeypatch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    words = [recipe, f"checkpoint_path={tmp_path / 'run'}"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0 and "Stopped after 4 steps" in result.output, result.output
    assert signal.getsignal(signal.SIGTERM) is before
    assert state_of(tmp_path / "run")["position"]["step"] == 4
    result = CliRunner().invoke(main, [*words, "seconds_now=0.001"])
    assert result.exit_code == 0 and "Stopped after 4 steps" in result.output


def test_a_table_and_fixed_views_start_a_run_and_are_watched(recipe: str, tmp_path: Path) -> None:
    """A table has no vectors of tasks, and a factored memory of rank 0 no rows."""
    table = ["arch.memory=table", "mixture.augmentations=4", "max_cells=60", "flop=1e8"]
    assert run(recipe, tmp_path / "first", *table)
    rows = state_of(tmp_path / "first")["memory"]["rows"]
    going_on = begun(recipe, tmp_path / "first", *table)
    torch.testing.assert_close(going_on.memory.rows[1:], rows[1:].mean(0).expand(len(rows) - 1, -1))
    watch = "watch={file: arc1_eval_20.json, modulus: 9, votes: 1, at: [1.0]}"
    assert run(recipe, tmp_path / "watched", "mixture.augmentations=2", "flop=1e8", "max_cells=60", watch)
    assert any(r["event"] == "eval" and "pass@2" in r for r in read_log(tmp_path / "watched" / FILE))


def test_a_recipe_may_name_another_network(recipe: str, tmp_path: Path) -> None:
    network = ["hidden_size=16", "num_heads=2", "loops=2", "canvas=cropped", "memory=cose"]
    words = [f"arch.{word}" for word in network] + ["stages=[[0.0,1]]", "flop=1e8", "max_cells=60"]
    for arch in ("trm", "hrm", "foreign@Plain"):
        cycles = ["arch.H_cycles=1", "arch.L_cycles=1"] + ["arch.L_layers=1"] * ("@" not in arch)
        assert run(recipe, tmp_path / arch, f"arch={arch}", *words, *cycles), arch
        assert load_weights(str(tmp_path / arch / "weights")).provenance["flop"] >= 1e8


def test_one_process_trains_by_cells(recipe: str) -> None:
    with pytest.raises(ValueError, match="one process without grad_accum_steps"):
        trainer_of(recipe, "grad_accum_steps=2")
