"""Checkpoints under the released names become weights that compute the recorded numbers."""

import json
import os
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from parity import FOLDER, Recording, read

from solver.arc.submission import read_submission
from solver.arc.task import load_tasks
from solver.choices import NETWORK
from solver.cli.import_checkpoint import import_checkpoint
from solver.model import importer
from solver.model.checkpoint import load_weights
from solver.run.pipeline import solve
from solver.run.settings import SolveOptions

NAMES = ["urm_arc", "trm_arc", "trm_mlp_sudoku", "hrm_arc"]
HEADS = "num_heads=2"
EXAMPLE = "0692e18c"  # three demonstrations of 3x3 cells


def recording(name: str) -> Recording:
    return read(FOLDER / f"{name}.safetensors")


def write_checkpoint(path: Path, source: Recording, *, prefix: str = "_orig_mod.model.", wrap: str = ""):
    state = {prefix + name: tensor for name, tensor in source.part("state.").items()}
    other = {"model": {name: tensor + 1 for name, tensor in state.items()}} if wrap == "ema" else {}
    torch.save({**other, wrap: state, "step": 7} if wrap else {**state, "step": 7}, path)


def run(*words: object) -> Result:
    return CliRunner().invoke(import_checkpoint, [str(word) for word in words])


def cycles(source: Recording) -> list[str]:
    config = source.config
    settings = {"H_cycles": config.H_cycles, "L_cycles": config.L_cycles, "loops": config.loops}
    words = [HEADS, *(f"arch.{key}={value}" for key, value in settings.items())]
    return [part for word in words for part in ("--arch-config", word)]


@pytest.mark.parametrize("name", NAMES)
def test_imported_weights_compute_the_recorded_logits(name: str, tmp_path: Path) -> None:
    source = recording(name)
    write_checkpoint(tmp_path / "step_7", source)
    result = run(tmp_path / "step_7", "-o", tmp_path / "w", *cycles(source))
    assert result.exit_code == 0, result.output
    weights = load_weights(str(tmp_path / "w"))
    assert weights.config == source.config
    batch = source.batch()
    vectors = source.part("state.")["inner.puzzle_emb.weights"][batch.keys.rows]
    with torch.no_grad():
        states = weights.network.initial_states(batch, torch.float32)
        logits = weights.network(states, batch, vectors, torch.float32).logits
    torch.testing.assert_close(logits, source.tensors["eval.step1.logits"], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_memory_is_the_mean_of_the_trained_rows(name: str, tmp_path: Path) -> None:
    source = recording(name)
    write_checkpoint(tmp_path / "c", source)
    assert run(tmp_path / "c", "-o", tmp_path / "w", "--arch-config", HEADS).exit_code == 0
    weights = load_weights(str(tmp_path / "w"))
    rows = source.part("state.")["inner.puzzle_emb.weights"]
    torch.testing.assert_close(weights.memory["mean"], rows[1:].mean(0))
    assert weights.provenance["identifiers"] == len(rows)
    assert not (tmp_path / "w" / "table.safetensors").exists()


@pytest.mark.parametrize(
    ("prefix", "wrap"),
    [
        ("", ""),
        ("model.", ""),
        ("_orig_mod.", "model_state_dict"),
        ("_orig_mod.model.", "state_dict"),
        ("module.", "model"),
        ("model.model.", "ema"),
        ("module.model._orig_mod.", "ema"),
    ],
)
def test_prefixes_and_wrappings(prefix: str, wrap: str, tmp_path: Path) -> None:
    source = recording("hrm_arc")
    write_checkpoint(tmp_path / "c.pt", source, prefix=prefix, wrap=wrap)
    found = importer.import_checkpoint(tmp_path / "c.pt", {"num_heads": 2})
    wanted, _ = source.build()
    for key, value in wanted.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[key], value, rtol=0, atol=0)


def test_a_tensor_that_is_no_number_is_refused(tmp_path: Path) -> None:
    state = dict(recording("urm_arc").part("state."))
    state["inner.lm_head.weight"] = state["inner.lm_head.weight"].clone().fill_(float("nan"))
    torch.save(state, tmp_path / "c.pt")
    with pytest.raises(ValueError, match=r"lm_head\.weight: expected numbers, got one that is NaN"):
        importer.import_checkpoint(tmp_path / "c.pt", {"num_heads": 2})


def test_old_pickle_format_and_half_precision(tmp_path: Path) -> None:
    state = {k: v.bfloat16() for k, v in recording("urm_arc").part("state.").items()}
    torch.save(state, tmp_path / "c.pt", _use_new_zipfile_serialization=False)
    found = importer.import_checkpoint(tmp_path / "c.pt", {"num_heads": 2})
    assert {p.dtype for p in found.network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("urm_arc", {"H_cycles": 2, "L_cycles": 6, "loops": 16, "num_heads": 8, "pos_encodings": "rope"}),
        ("trm_arc", {"H_cycles": 3, "L_cycles": 4, "loops": 16, "num_heads": 8, "puzzle_emb_len": 16}),
        ("hrm_arc", {"H_cycles": 2, "L_cycles": 2, "loops": 16, "num_heads": 8, "canvas_side": 30}),
    ],
)
def test_what_nothing_tells_is_as_published(name: str, published: dict, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", recording(name))
    found = importer.import_checkpoint(tmp_path / "c", {})
    assert published.items() <= found.assumed.items()
    result = run(tmp_path / "c", "-o", tmp_path / "w")
    assert "taken from the published runs: num_heads=8" in result.output


def test_sudoku_is_told_by_its_vocabulary(tmp_path: Path) -> None:
    state = dict(recording("trm_arc").part("state."))
    state["inner.embed_tokens.embedding_weight"] = state["inner.embed_tokens.embedding_weight"][:11].clone()
    state["inner.lm_head.weight"] = state["inner.lm_head.weight"][:11].clone()
    state["inner.puzzle_emb.weights"] = state["inner.puzzle_emb.weights"][:1] + 0.5
    torch.save(state, tmp_path / "c")
    result = run(tmp_path / "c", "-o", tmp_path / "w")
    assert "not weights for ARC tasks" in result.output
    weights = load_weights(str(tmp_path / "w"))
    assert (weights.config.canvas_side, weights.config.L_cycles) == (9, 6)
    # One identifier, the blank one: its row is all that there is to start from.
    torch.testing.assert_close(weights.memory["mean"], state["inner.puzzle_emb.weights"][0])


def test_learned_positions_tell_the_canvas(tmp_path: Path) -> None:
    state = dict(recording("hrm_arc").part("state."))
    state["inner.embed_pos.embedding_weight"] = torch.randn(1 + 25, 32)
    torch.save(state, tmp_path / "c")
    config = importer.import_checkpoint(tmp_path / "c", {}).network.config
    assert (config.canvas_side, config.pos_encodings) == (5, "learned")


def test_an_expansion_that_the_shapes_tell(tmp_path: Path) -> None:
    source = recording("hrm_arc")
    state = dict(source.part("state."))
    for name, tensor in state.items():
        if name.endswith("down_proj.weight"):
            state[name] = torch.cat((tensor, tensor), 1)
        elif name.endswith("gate_up_proj.weight"):
            state[name] = torch.cat((tensor, tensor))
    torch.save(state, tmp_path / "c")
    config = importer.import_checkpoint(tmp_path / "c", {}).network.config
    assert config.intermediate_size == 2 * source.config.intermediate_size


def test_settings_from_the_runs_configuration(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", recording("trm_arc"))
    (tmp_path / "all_config.yaml").write_text(
        "arch:\n  name: recursive_reasoning.trm@TRM\n  loss:\n    name: losses@ACTLossHead\n"
        "  hidden_size: 32\n  puzzle_emb_ndim: ${.hidden_size}\n  expansion: 4\n  num_heads: 2\n"
        "  halt_max_steps: 5\n  H_layers: 0\n  mlp_t: false\n  no_ACT_continue: true\n  puzzle_emb_len: 16\n"
        "lr: 0.0001\n"
    )
    (tmp_path / "more.json").write_text(json.dumps({"H_cycles": 4, "L_cycles": 1}))
    words = ("--arch-config", tmp_path / "all_config.yaml", "--arch-config", tmp_path / "more.json")
    result = run(tmp_path / "c", "-o", tmp_path / "w", *words, "--arch-config", "L_cycles=3")
    assert result.exit_code == 0, result.output
    config = load_weights(str(tmp_path / "w")).config
    assert (config.loops, config.num_heads, config.H_cycles, config.L_cycles) == (5, 2, 4, 3)


def test_the_table_is_kept_on_demand(tmp_path: Path) -> None:
    source = recording("urm_arc")
    write_checkpoint(tmp_path / "c", source)
    rows = source.part("state.")["inner.puzzle_emb.weights"]
    names = ["<blank>", *(f"task{n}|||t0|||0123456789" for n in range(1, len(rows)))]
    (tmp_path / "ids.json").write_text(json.dumps(names))
    words = ("--arch-config", HEADS, "--keep-table", "--identifiers", tmp_path / "ids.json")
    result = run(tmp_path / "c", "-o", tmp_path / "w", *words, "--dtype", "bfloat16")
    assert result.exit_code == 0, result.output
    kept, identifiers = importer.read_table(tmp_path / "w")
    torch.testing.assert_close(kept, rows, rtol=0, atol=0)
    assert identifiers == names
    load_weights(str(tmp_path / "w"))
    (tmp_path / "ids.json").write_text(json.dumps(names[:-1]))
    result = run(tmp_path / "c", "-o", tmp_path / "v", *words)
    assert result.exit_code == 2 and "15 identifiers, wanted 16" in result.output
    assert not (tmp_path / "v").exists()


def _drop(state: dict, word: str) -> dict:
    return {name: tensor for name, tensor in state.items() if word not in name}


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (lambda s: _drop(s, "lm_head"), (), "missing heads.lm_head.weight"),
        (lambda s: {**s, "inner.other.weight": torch.zeros(2, 2)}, (), "unexpected other.weight"),
        (lambda s: _drop(s, "layers"), (), "not a checkpoint of the released URM, TRM or HRM"),
        (lambda s: _drop(s, "puzzle_emb"), (), "no table puzzle_emb.weights"),
        (lambda s: {**s, "inner.q_head.bias": torch.zeros(3)}, (), "tensor heads.q_head.bias: shape [3]"),
        (lambda s: {**s, "inner.lm_head.weight": torch.zeros(3)}, (), "wanted two axes"),
        (lambda s: {"a": "one"}, (), "entry 'a': found str, wanted a tensor"),
        (lambda s: [1, 2], (), "found list, wanted a dictionary"),
        (lambda s: s, ("loop=3",), "unknown key loop (did you mean loops?)"),
        (lambda s: s, ("hidden_size=64",), "hidden_size is 32 by the tensors' shapes, but 64 was given"),
        (lambda s: s, ("loops=many",), "loops is 'many', wanted int"),
        (lambda s: s, ("missing.yaml",), "missing.yaml: cannot be read"),
        (lambda s: s, ("seq_len=80",), "seq_len 80: wanted the square"),
        (lambda s: s, ("seq_len=all",), "seq_len all: wanted the square"),
        (lambda s: s, ("canvas_side=big",), "canvas_side is 'big', wanted int"),
        (lambda s: s, ("expansion=wide",), "expansion is 'wide', wanted float"),
        (lambda s: s, ("num_heads=7",), "hidden_size 32, wanted a multiple of 4 x 7 heads"),
    ],
)
def test_one_sentence_for_what_does_not_fit(change, words, said: str, tmp_path: Path) -> None:
    torch.save(change(recording("urm_arc").part("state.")), tmp_path / "c")
    options = [part for word in words for part in ("--arch-config", word)]
    result = run(tmp_path / "c", "-o", tmp_path / "w", *options)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("size", [0, 1, 100, 5000, 100000])
def test_a_file_cut_short(size: int, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", recording("urm_arc"))
    whole = (tmp_path / "c").read_bytes()
    assert size < len(whole)
    (tmp_path / "c").write_bytes(whole[:size])
    with pytest.raises(ValueError, match="not a whole checkpoint of tensors only"):
        importer.import_checkpoint(tmp_path / "c", {})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        importer.import_checkpoint(tmp_path / "none", {})


class Bomb:
    """Unpickled carelessly, it makes a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.path,)


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    torch.save({"model_state_dict": Bomb(str(tmp_path / "made"))}, tmp_path / "c")
    with pytest.raises(ValueError, match="tensors only"):
        importer.import_checkpoint(tmp_path / "c", {})
    assert not (tmp_path / "made").exists()


def test_weights_are_not_overwritten_and_options_go_together(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c", recording("urm_arc"))
    words = (tmp_path / "c", "-o", tmp_path / "w", "--arch-config", HEADS)
    assert "go together" in run(*words, "--keep-table").output
    assert run(*words).exit_code == 0
    again = run(*words)
    assert again.exit_code == 2 and "holds a set of weights already" in again.output


@pytest.mark.parametrize("name", ["trm_arc", "hrm_arc"])
def test_imported_weights_solve_a_task(name: str, tmp_path: Path, example_tasks: Path) -> None:
    """Tuning, prediction and submission run through, on the full canvas that the networks know."""
    source = recording(name)
    write_checkpoint(tmp_path / "c", source)
    assert run(tmp_path / "c", "-o", tmp_path / "w", *cycles(source)).exit_code == 0
    tasks = [task for task in load_tasks(example_tasks) if task.id == EXAMPLE]
    before = load_weights(str(tmp_path / "w")).network.state_dict()
    options = SolveOptions((NETWORK,), weights=str(tmp_path / "w"), steps=2, augmentations=2, device="cpu")
    (result,) = solve(tasks, output=tmp_path / "submission.json", options=options)
    assert (result.steps, result.note) == (2, "")
    answers = read_submission(tmp_path / "submission.json")[EXAMPLE]
    assert len(answers) == len(tasks[0].test)
    after = load_weights(str(tmp_path / "w")).network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_a_refusal_names_the_code_and_never_says_how_to_run_it(tmp_path):
    torch.save({"settings": Path("x")}, tmp_path / "code.pt")
    (tmp_path / "text.pt").write_text("{}")
    for name, reason in (("code.pt", "it names pathlib."), ("text.pt", "Weights only load failed)")):
        with pytest.raises(ValueError, match="not a whole checkpoint of tensors only") as caught:
            importer.read_state(tmp_path / name)
        assert reason in str(caught.value) and "weights_only" not in str(caught.value)
