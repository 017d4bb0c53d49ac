"""Runs by cells: the recipe, the count of operations, growing recurrences, weights that solve reads."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cell_runs import EXAMPLES, FILE, trainer_of, write_recipe
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
from solver.model.embedding import build_memory
from solver.model.flops import inference_flop, training_flop
from solver.model.urm import URM
from solver.tune.views import View, build_batch
from train.__main__ import main
from train.checkpoint import checkpoints, read_state
from train.config import from_dict, resolve
from train.log import read_log
from train.trainer import MEASURES


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    return write_recipe(tmp_path)


def test_flop_are_counted_from_shapes() -> None:
    """URM at 900 cells: 7.5e11 a training loop, as the recipe's own arithmetic has it."""
    config = URMConfig()
    assert training_flop(config, 900) == pytest.approx(7.5e11, rel=0.01)
    assert training_flop(config, 900) == pytest.approx(config.layer_flop(901) * 4 * (12 + 2 * 6))
    assert inference_flop(config, 900, 16) == pytest.approx(config.layer_flop(901) * 4 * 12 * 16)


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


def test_a_run_ends_with_weights_that_know_what_they_saw(recipe: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [recipe, f"checkpoint_path={tmp_path / 'run'}"])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].endswith(f"steps: {tmp_path / 'run' / 'weights'}")
    assert " cells a micro-batch, about " in result.output and " GB free" in result.output
    weights = load_weights(str(tmp_path / "run" / "weights"))
    records = read_log(tmp_path / "run" / "log.jsonl")
    assert [record["event"] for record in records] == ["header", "train"]
    assert records[0]["config"]["run_name"] == "tiny" and records[0]["peak"] > 0
    assert 0 < records[1]["share_of_peak"] < 1.5 and records[1]["tokens_per_second"] > 0
    assert weights.provenance["flop"] >= 1e9 and weights.provenance["test_pairs_seen"] == []
    assert task_checksum(load_tasks(EXAMPLES / "one_task")[0]) in weights.provenance["tasks"]
    state = read_state(checkpoints(tmp_path / "run")[-1])
    assert weights.vectors.keys() == set(weights.provenance["tasks"])
    for checksum, row in zip(state["tasks"], state["memory"]["task_vectors"][1:], strict=True):
        torch.testing.assert_close(weights.vectors[checksum], row, rtol=0, atol=float(row.abs().max()) / 250)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own look at its inputs
def test_recurrences_grow_by_stage_and_compile_once(recipe: str) -> None:
    """One graph with gradient and one without, whatever the batch, the loops and the stage."""
    trainer = trainer_of(recipe, "layout=packed", "arch.num_layers=2")
    counter = CompileCounter()
    torch.compiler.reset()
    trainer.network.compile(backend=counter, dynamic=False)
    costs = []
    for done in (0.1, 0.2, 0.6, 0.7):
        trainer.at.flop = before = done * trainer.config.run.flop
        for item in trainer.feed.maker(int(10 * done))[:2]:
            cells = (item.sides[:, 0].astype(int) * item.sides[:, 1]).astype(float)
            trainer.learn(item)
        costs.append((trainer.at.flop - before) / training_flop(trainer.feed.network, cells).sum() / 2)
    assert counter.frame_count == 2
    torch.compiler.reset()
    # H x L = 1 x 1 with one loop costs 1 + 2; 2 x 1 with two loops 2 (2 + 2).
    assert costs[0] == pytest.approx(3 / 4, rel=0.1) and costs[3] == pytest.approx(2, rel=0.1)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_a_block_with_a_packed_kernel_is_one_graph(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that a GPU takes, with the kernel replaced by products that a CPU has."""

    def varlen(query, key, value, starts, *rest):
        return value + 0 * (query + key) + 0 * starts.sum()

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", varlen)
    trainer = trainer_of(recipe, "layout=packed", "arch.forward_dtype=bfloat16")
    counter = CompileCounter()
    torch.compiler.reset()
    trainer.network.compile(backend=counter, dynamic=False, fullgraph=True)
    with forced_engine("varlen"):
        for item in trainer.feed.maker(0)[:2]:
            trainer.learn(item)
    assert counter.frame_count == 1  # the first stage has no recurrence without gradient
    torch.compiler.reset()


def test_compiling_takes_the_name_of_a_mode(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
    for wrong in ("fast", "1"):
        with pytest.raises(
            ValueError, match=r"compile: found .*, wanted true, false or one of default, reduce"
        ):
            resolve([recipe, f"compile={wrong}"])


def test_nothing_waits_in_a_packed_batch(recipe: str) -> None:
    """From the parcel to the moving average, as on a GPU, but for AdamW: torch's counts steps on the host
    here, and in its fused form, which a GPU takes, it does not."""
    trainer = trainer_of(recipe, "layout=packed", "matrix_lr=1e-3")
    trainer.dense = trainer.dense[:1]
    parcels = trainer.feed.maker(0)
    trainer.at.flop = trainer.config.run.flop / 3
    with Waiting():
        for parcel in parcels[:2]:
            numbers = trainer.learn(parcel)
    assert numbers.shape == (MEASURES,)


def test_a_memory_of_rows_is_trained_on_fixed_augmentations(recipe: str) -> None:
    with pytest.raises(ValueError, match=r"a row for each of some mixture\.augmentations"):
        resolve([recipe, "arch.memory=table"])
    changes = ["arch.memory=table", "mixture.augmentations=4", "arch.canvas=full"]
    trainer = trainer_of(recipe, *changes, "layout=packed", "mixture.tokens=2000")
    trainer.at.flop = trainer.config.run.flop / 3  # behind the warm-up, where rates are 0
    trainer.learn(trainer.feed.maker(0)[0])
    moved = trainer.memory.rows.abs().sum(1).nonzero().flatten()
    assert 0 < len(moved) <= 2000 // 901 and moved.min() > 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["seconds=5"], "one budget"),
        (["flops=1"], "unknown key flops .did you mean flop"),
        (["stages=[[0.5, 1]]"], "the first must start at 0"),
        (["stages=[[0.0, 1, 1, 1]]"], "last stage has 1 x 1 recurrences, wanted the network's 2 x 1"),
        ([f"held_out=[{FILE}]", "sources.0.tests=true"], "held out, so its test pairs"),
        (["sources.0.test=true"], "Key 'test' not in 'Source'"),
        (["mixture.token=1"], "unknown key mixture.token .did you mean mixture.tokens"),
        (["watch.votes=many"], "watch.votes: Value 'many'"),
    ],
)
def test_wrong_settings_are_refused(recipe: str, tmp_path: Path, words: list[str], says: str) -> None:
    result = CliRunner().invoke(main, [recipe, *words, f"checkpoint_path={tmp_path / 'run'}"])
    assert result.exit_code == 2 and not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match=says):
        resolve([recipe, *words])


def test_a_recipe_is_changed_key_by_key(recipe: str) -> None:
    words = ["matrix_lr=0.02", "sources.0.weight=2.5", "run_name=other", "watch.votes=3"]
    config = resolve([recipe, *words])
    assert (config.run.matrix_lr, config.run.sources[0].weight, config.run.run_name) == (0.02, 2.5, "other")
    assert config.run.watch.votes == 3 and from_dict(json.loads(json.dumps(config.to_dict()))) == config
    for wrong in ("sources.7.weight=1", "run_name.x=1"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            resolve([recipe, wrong])


def test_a_recipe_may_be_based_on_another(recipe: str, tmp_path: Path) -> None:
    above = tmp_path / "above.yaml"
    own = "base: tiny\nrun_name: wide\narch.hidden_size: 64\ntask_lr: 0.5\nwatch: {votes: 3}\n"
    above.write_text(own)
    run, below = resolve([str(above), "seed=4"]), resolve([recipe])
    assert run.arch.network == {**below.arch.network, "hidden_size": 64, "puzzle_emb_ndim": 64}
    changed = {"run_name": "wide", "task_lr": 0.5, "watch": replace(below.run.watch, votes=3), "seed": 4}
    assert run.run == replace(below.run, **changed)
    for wrong, says in (
        ("base: gone", "gone.yaml: cannot be read"),
        ("base: above", "is based on above, which is based on it"),
        ("base: tiny\nrun_name.x: 1", "above.yaml, run_name.x: no such place"),
        ("[1]", "wanted keys with values, found a list"),
        ("a: [", "not a recipe"),
    ):
        above.write_text(wrong)
        with pytest.raises(ValueError, match=says):
            resolve([str(above)])


def test_arms_are_compared_at_equal_compute(recipe: str, tmp_path: Path) -> None:
    words = [recipe, f"checkpoint_path={tmp_path / 'trial'}", "flop=5e8", "--quiet", "--arm", "one"]
    words += ["--arm", "two: matrix_lr=0.01 stages=[[0,2]]"]
    words += ["watch={file: arc1_eval_20.json, modulus: 9, votes: 1, at: [1.0]}"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    arms = [lines[: lines.index("two:")], lines[lines.index("two:") :]]
    for arm in arms:
        assert [line.split(":")[0] for line in arm[1:3]] == ["trained", "loss"]
        assert any(line.startswith("pass@2: mean") for line in arm)
    assert arms[0][1:3] != arms[1][1:3]
    again = CliRunner().invoke(main, words)
    assert again.output == result.output, "arms that are done are not trained again"
    assert CliRunner().invoke(main, [*words, "--arm", "a b: x=1"]).exit_code == 2
