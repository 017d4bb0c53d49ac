"""Short runs: the recipe, resuming from small states, growing recurrences, weights that solve reads."""

import json
import os
import signal
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from test_precision import Waiting
from torch._dynamo.testing import CompileCounter
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from solver.arc.checksum import task_checksum
from solver.arc.task import load_tasks
from solver.model.attention import forced_engine
from solver.model.checkpoint import load_weights
from solver.model.config import URMConfig
from solver.model.device import place
from solver.model.embedding import build_memory
from solver.model.flops import forward_flop, inference_flop, training_flop
from solver.model.urm import URM
from solver.run.batch import View, build_batch
from train.short.__main__ import RECIPES, main
from train.short.recipe import ShortRun, read_run
from train.short.run import Call, pool_of, train
from train.short.state import PART, read_state, small, write_state
from train.short.trainer import REWARM, ShortTrainer
from train.short.trial import main as trial

EXAMPLES = Path(__file__).parents[1] / "examples"
FILE = "arc1_eval_20.json"
CPU = place("cpu")
RECIPE = {
    "name": "tiny",
    "network": {
        "hidden_size": 16,
        "num_heads": 2,
        "num_layers": 1,
        "H_cycles": 2,
        "L_cycles": 1,
        "loops": 2,
        "puzzle_emb_ndim": 16,
        "pos_encodings": "rope2d",
        "canvas": "cropped",
        "memory": "cose",
    },
    "sources": [{"file": FILE, "tests": False}],
    "flop": 1e9,
    "max_cells": 100,
    "stages": [[0.0, 1, 1, 1], [0.5, 2]],
    "mixture": {"tokens": 1200},
    "rates": {"weights": 1e-3},
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(RECIPE))
    return path


class Steps(Call):
    """A call that ends after so many looks at its clock."""

    def __init__(self, looks: int, **values) -> None:
        super().__init__(quiet=True, **values)
        self.looks = looks

    def left(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks < 0 else float("inf")


def trainer_of(recipe: Path, *changes: str) -> ShortTrainer:
    run = read_run(recipe, changes)
    return ShortTrainer(run, pool_of(run, EXAMPLES), CPU)


def test_flop_are_counted_from_shapes() -> None:
    """URM at 900 cells: 7.5e11 a training loop, as the recipe's own arithmetic has it."""
    config = URMConfig()
    assert training_flop(config, 900) == pytest.approx(7.5e11, rel=0.01)
    assert training_flop(config, 900) == pytest.approx(forward_flop(config, 900) * (12 + 2 * 6))
    assert inference_flop(config, 900, 16) == pytest.approx(forward_flop(config, 900) * 12 * 16)


def test_flop_are_those_that_torch_counts() -> None:
    """Forward, backward and both halves of attention, against torch's own count; heads and memory are
    what it has more."""
    shape = {"hidden_size": 64, "num_heads": 2, "num_layers": 2, "H_cycles": 3, "L_cycles": 2}
    config = URMConfig(**shape, puzzle_emb_ndim=64, canvas="cropped", memory="cose")
    network, memory = URM(config), build_memory(config, tasks=2, rows=1)
    pair = load_tasks(EXAMPLES / FILE)[0].train[0]
    batch = build_batch([View(pair, (12, 15), 1)] * 3)
    # Plain products: torch does not count its fused attention on the CPU.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        output = network(
            network.initial_states(batch, torch.float32), batch, memory(batch.keys).vectors, torch.float32
        )
        output.logits.sum().backward()
    assert counter.get_total_flops() == pytest.approx(3 * training_flop(config, 180), rel=0.02)


def test_a_run_ends_with_weights_that_know_what_they_saw(recipe: Path, tmp_path: Path) -> None:
    words = [str(recipe), "--data", str(EXAMPLES), "--output", str(tmp_path / "run"), "--device", "cpu"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "run" / "weights") in result.output
    weights = load_weights(str(tmp_path / "run" / "weights"))
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [record["event"] for record in records] == ["header", "train"]
    assert records[0]["run"]["name"] == "tiny" and records[0]["peak"] > 0
    assert 0 < records[1]["share_of_peak"] < 1.5 and records[1]["tokens_per_second"] > 0
    assert weights.provenance["flop"] >= 1e9 and weights.provenance["test_pairs_seen"] == []
    assert task_checksum(load_tasks(EXAMPLES / "one_task")[0]) in weights.provenance["tasks"]
    state = read_state(tmp_path / "run" / "state", CPU.device)
    assert weights.vectors.keys() == set(weights.provenance["tasks"])
    for checksum, row in zip(state["tasks"], state["memory"]["task_vectors"][1:], strict=True):
        torch.testing.assert_close(weights.vectors[checksum], row, rtol=0, atol=float(row.abs().max()) / 250)


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


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own look at its inputs
def test_recurrences_grow_by_stage_and_compile_once(recipe: Path) -> None:
    """One graph with gradient and one without, whatever the batch, the loops and the stage."""
    trainer = trainer_of(recipe, "layout=packed", "network.num_layers=2")
    counter = CompileCounter()
    torch.compiler.reset()
    trainer.network.compile(backend=counter, dynamic=False)
    costs = []
    for done in (0.1, 0.2, 0.6, 0.7):
        trainer.at.flop = before = done * trainer.run.flop
        for item in trainer.maker(int(10 * done))[:2]:
            cells = (item.sides[:, 0].astype(int) * item.sides[:, 1]).astype(float)
            trainer.learn(item)
        costs.append((trainer.at.flop - before) / training_flop(trainer.config, cells).sum() / 2)
    assert counter.frame_count == 2
    torch.compiler.reset()
    # H x L = 1 x 1 with one loop costs 1 + 2; 2 x 1 with two loops 2 (2 + 2).
    assert costs[0] == pytest.approx(3 / 4, rel=0.1) and costs[3] == pytest.approx(2, rel=0.1)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_a_block_with_a_packed_kernel_is_one_graph(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that a GPU takes, with the kernel replaced by products that a CPU has."""

    def varlen(query, key, value, starts, *rest):
        return value + 0 * (query + key) + 0 * starts.sum()

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", varlen)
    trainer = trainer_of(recipe, "layout=packed", "dtype=bfloat16")
    counter = CompileCounter()
    torch.compiler.reset()
    trainer.network.compile(backend=counter, dynamic=False, fullgraph=True)
    with forced_engine("varlen"):
        for item in trainer.maker(0)[:2]:
            trainer.learn(item)
    assert counter.frame_count == 1  # the first stage has no recurrence without gradient
    torch.compiler.reset()


def test_compiling_takes_the_name_of_a_mode(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(URM, "compile", lambda network, **options: asked.append(options))
    trainer_of(recipe)
    trainer_of(recipe, "compile=false")
    assert not asked
    trainer_of(recipe, "compile=true")
    trainer_of(recipe, "compile=reduce-overhead", "layout=packed")
    assert asked == [
        {"dynamic": True, "mode": "default"}, {"dynamic": False, "mode": "reduce-overhead"}
    ]  # fmt: skip
    with pytest.raises(ValueError, match="compile is 'fast', wanted true, false or one of default, reduce"):
        read_run(recipe, ["compile=fast"])
    with pytest.raises(ValueError, match=r"compile is 1, wanted bool \| str"):
        read_run(recipe, ["compile=1"])


def test_nothing_waits_in_a_packed_batch(recipe: Path) -> None:
    """From the parcel to the moving average, as on a GPU, but for AdamW: torch's counts steps on the host
    here, and in its fused form, which a GPU takes, it does not."""
    trainer = trainer_of(recipe, "layout=packed", "rates.matrices=1e-3")
    trainer.learner.task_optimizers = []
    trainer.learner.optimizers = trainer.learner.optimizers[:1]
    parcels = trainer.maker(0)
    trainer.at.flop = trainer.run.flop / 3
    with Waiting():
        for parcel in parcels[:2]:
            numbers = trainer.learn(parcel)
    assert numbers.shape == (3,)


def test_a_run_continues_from_weights_or_from_a_run(recipe: Path, tmp_path: Path) -> None:
    assert train(read_run(recipe, ["max_cells=60"]), EXAMPLES, tmp_path / "first", CPU, Call(quiet=True))
    first = read_state(tmp_path / "first" / "state", CPU.device)
    weights = trainer_of(recipe, f"start={tmp_path}/first/weights")
    for value, kept in zip(weights.network.parameters(), first["average"][1], strict=True):
        assert torch.equal(value, kept)
    mean = first["memory"]["task_vectors"][1:].mean(0)
    for entry, vector in zip(weights.pool, weights.memory.task_vectors[1:], strict=True):
        known = entry.checksums[0] in first["tasks"]
        number = first["tasks"].index(entry.checksums[0]) + 1 if known else 0
        wanted = first["memory"]["task_vectors"][number] if known else mean
        torch.testing.assert_close(vector, wanted, rtol=0, atol=float(wanted.abs().max()) / 250)
    going_on = trainer_of(recipe, f"start={tmp_path}/first", "max_cells=200")
    assert len(going_on.pool) > len(first["tasks"])
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


def test_a_memory_of_rows_is_trained_on_fixed_augmentations(recipe: Path) -> None:
    with pytest.raises(ValueError, match="a row for each of some augmentations"):
        read_run(recipe, ["network.memory=table"])
    changes = ["network.memory=table", "mixture.augmentations=4", "network.canvas=full", "max_cells=900"]
    trainer = trainer_of(recipe, *changes, "layout=packed", "mixture.tokens=2000", "network.canvas_side=12")
    trainer.at.flop = trainer.run.flop / 3  # behind the warm-up, where rates are 0
    trainer.learn(trainer.maker(0)[0])
    moved = trainer.memory.rows.abs().sum(1).nonzero().flatten()
    assert 0 < len(moved) <= 2000 // 145 and moved.min() > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": 5.0}, "one budget"),
        ({"flops": 1.0}, "unknown key flops .did you mean flop"),
        ({"stages": [[0.5, 1]]}, "first stage"),
        ({"stages": [[0.0, 1, 1, 1]]}, "last stage has 1 x 1 recurrences, wanted the network's 2 x 1"),
        ({"held_out": [FILE], "sources": [{"file": FILE}]}, "held out, so its test pairs"),
        ({"sources": [{"file": FILE, "test": True}]}, "unknown key test .did you mean tests"),
        ({"rates": {"matrix": 1.0}}, "unknown key matrix .did you mean matrices"),
        ({"watch": {"file": FILE, "votes": "many"}}, "votes is 'many', wanted int"),
    ],
)
def test_wrong_recipes_are_refused(recipe: Path, tmp_path: Path, change: dict, words: str) -> None:
    recipe.write_text(json.dumps({**RECIPE, **change}))
    arguments = [str(recipe), "--data", str(EXAMPLES), "--output", str(tmp_path / "run")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    with pytest.raises(ValueError, match=words):
        read_run(recipe)


def test_a_recipe_is_changed_key_by_key(recipe: Path) -> None:
    run = read_run(recipe, ["rates.matrices=0.02", "sources.0.weight=2.5", "name=other", "watch.votes=3"])
    assert (run.learning.matrices, run.files[0].weight, run.name) == (0.02, 2.5, "other")
    assert run.watching.votes == 3 and replace(run) == ShortRun(**asdict(run))
    for wrong in ("rates", "sources.7.weight=1", "name.x=1"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            read_run(recipe, [wrong])


def test_arms_of_a_trial_are_compared_at_equal_compute(recipe: Path, tmp_path: Path) -> None:
    words = [str(recipe), "--data", str(EXAMPLES), "--output", str(tmp_path / "trial"), "--flop", "5e8"]
    words += ["--device", "cpu", "--arm", "one", "--arm", "two: rates.matrices=0.01 stages=[[0,2]]"]
    watch = 'watch={"file":"arc1_eval_20.json","modulus":9,"votes":1,"at":[1.0]}'
    result = CliRunner().invoke(trial, [*words, "--set", watch])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert [line[0] for line in lines] == ["arm", "one", "two"]
    assert all(float(number) >= 0 for line in lines[1:] for number in line[1:])
    assert lines[1][3:5] != lines[2][3:5]
    again = CliRunner().invoke(trial, [*words, "--set", watch])
    assert again.output == result.output, "arms that are done are not trained again"
    assert CliRunner().invoke(trial, [*words, "--arm", "a b: x=1"]).exit_code == 2
