"""Short runs: the recipe, the count of operations, growing recurrences, weights that solve reads."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from short_runs import CPU, EXAMPLES, FILE, RECIPE, trainer_of
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
from train.short.__main__ import main
from train.short.recipe import ShortRun, read_run
from train.short.state import read_state
from train.short.trial import main as trial


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(RECIPE))
    return path


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


def test_a_memory_of_rows_is_trained_on_fixed_augmentations(recipe: Path) -> None:
    with pytest.raises(ValueError, match="a row for each of some augmentations"):
        read_run(recipe, ["network.memory=table"])
    changes = ["network.memory=table", "mixture.augmentations=4", "network.canvas=full"]
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


def test_a_recipe_may_be_based_on_another(recipe: Path, tmp_path: Path) -> None:
    own = {
        "name": "wide",
        "network.hidden_size": 64,
        "rates.tasks": 0.5,
        "watch": {"votes": 3},
    }
    above = tmp_path / "above.json"
    above.write_text(json.dumps({"base": recipe.stem, **own}))
    run, below = read_run(above, ["seed=4"]), read_run(recipe)
    network = {**below.network, "hidden_size": 64}
    rates = {**below.rates, "tasks": 0.5}
    assert run == replace(below, name="wide", network=network, rates=rates, watch={"votes": 3}, seed=4)
    for wrong, words in (
        ({"base": "gone"}, "gone.json: cannot be read"),
        ({"base": "above"}, "is based on above, which is based on it"),
        ({"base": recipe.stem, "name.x": 1}, "above.json, name.x: no such place"),
        ([1], "wanted an object, found list"),
    ):
        above.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=words):
            read_run(above)


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
