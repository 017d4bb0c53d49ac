"""Settings of a run: released command lines as they stand, recipes, and what is refused."""

import json
import shlex

import pytest
from click.testing import CliRunner

from train.__main__ import main
from train.config import from_dict, recipe_names, resolve
from train.settings import TrainConfig

URM = (
    "torchrun --nproc-per-node 8 pretrain.py data_path=data/arc1concept-aug-1000 arch=urm arch.loops=16 "
    "arch.H_cycles=2 arch.L_cycles=6 arch.num_layers=4 epochs=200000 eval_interval=2000 puzzle_emb_lr=1e-2 "
    "weight_decay=0.1 +run_name=URM-arcagi1 +checkpoint_path=checkpoints/URM-arcagi1 +ema=True"
)
TRM = (
    'pretrain.py arch=trm data_paths="[data/arc1concept-aug-1000]" arch.L_layers=2 arch.H_cycles=3 '
    "arch.L_cycles=4 +run_name=x ema=True"
)
TRM_SUDOKU = (
    'pretrain.py arch=trm data_paths="[data/sudoku]" evaluators="[]" epochs=50000 eval_interval=5000 lr=1e-4 '
    "puzzle_emb_lr=1e-4 weight_decay=1.0 puzzle_emb_weight_decay=1.0 arch.L_layers=2 arch.H_cycles=3 "
    "arch.L_cycles=6 +run_name=x ema=True"
)


def released(line: str) -> TrainConfig:
    """The configuration of a released command line, word for word."""
    words = shlex.split(line)
    return resolve(words[words.index("pretrain.py") + 1 :])


def test_urm_on_arc_as_released_is_the_recipe() -> None:
    config = released(URM)
    assert config.run.data == "data/arc1concept-aug-1000" and config.run.ema
    assert (config.run.epochs, config.run.eval_interval, config.run.puzzle_emb_lr) == (200000, 2000, 1e-2)
    assert str(config.run.folder) == "checkpoints/URM-arcagi1"
    own = resolve(["urm_arcagi1", "data_path=data/arc1concept-aug-1000"])
    assert own.differences(config) == []
    second = released(URM + " use_muon=True")
    assert resolve(["urm_arcagi2", "data_path=x"]).differences(second) == []


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        ("trm_arcagi1", TRM),
        ("trm_sudoku", TRM_SUDOKU),
        ("trm_sudoku_mlp", TRM_SUDOKU + " arch.mlp_t=True arch.pos_encodings=none"),
        (
            "urm_sudoku",
            "pretrain.py data_path=d arch=urm arch.loops=16 arch.H_cycles=2 arch.L_cycles=6 "
            "arch.num_layers=4 epochs=50000 eval_interval=2000 lr=1e-4 puzzle_emb_lr=1e-4 weight_decay=1.0 "
            "puzzle_emb_weight_decay=1.0 global_batch_size=128 +ema=True",
        ),
        ("hrm_arcagi1", "pretrain.py arch=hrm data_path=d"),
        (
            "hrm_sudoku",
            "pretrain.py arch=hrm data_path=d epochs=20000 eval_interval=2000 global_batch_size=384 lr=7e-5 "
            "puzzle_emb_lr=7e-5 weight_decay=1.0 puzzle_emb_weight_decay=1.0",
        ),
    ],
)
def test_recipes_are_the_released_commands(recipe: str, line: str) -> None:
    config = released(line)
    assert resolve([recipe, "data_path=d"]).differences(config) == []


def test_loss_types_and_arch_in_any_order() -> None:
    config = resolve(["arch.loss.loss_type=softmax_cross_entropy", "arch.halt_max_steps=8", "arch=trm"])
    assert (config.arch.name, config.arch.loss_type, config.arch.network["loops"]) == (
        "trm",
        "softmax_cross_entropy",
        8,
    )


def test_the_width_of_puzzle_embeddings_follows_the_network() -> None:
    assert resolve(["arch.hidden_size=64"]).arch.network["puzzle_emb_ndim"] == 64
    assert resolve(["arch.hidden_size=64", "arch.puzzle_emb_ndim=32"]).arch.network["puzzle_emb_ndim"] == 32


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("epoch=3", "unknown key epoch (did you mean epochs?)"),
        ("arch.lops=3", "did you mean arch.loops?"),
        ("arch.loss.los_type=x", "did you mean arch.loss.loss_type?"),
        ("loops=3", "did you mean arch.loops?"),
        ("arch=urn", "did you mean urm?"),
        ("arch.loss.loss_type=mse", "wanted one of stablemax_cross_entropy, softmax_cross_entropy"),
        ("lr=fast", "lr: Value 'fast'"),
        ("ema=perhaps", "ema: Value 'perhaps'"),
        ("grad_accum_steps=7", "7 does not divide global_batch_size 768"),
        ("data_paths=[a,b]", "found several data sets"),
        ("data_paths=[a", "cannot be read"),
        ("on_nan=ignore", "wanted one of stop, skip"),
        ("eval_splits=[tests]", "eval_splits: found 'tests', wanted one of train, test"),
        ("trm_arcagi1", "a recipe's name can only come first"),
    ],
)
def test_what_is_wrong_is_said(word: str, says: str) -> None:
    with pytest.raises(ValueError) as error:
        resolve(["urm_arcagi1", word])
    assert says in str(error.value)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"did you mean trm_sudoku"):
        resolve(["trm_sudokus"])


@pytest.mark.parametrize("recipe", recipe_names())
def test_recipes_resolve_and_come_back_from_json(recipe: str) -> None:
    config = resolve([recipe, "data_path=x"])
    assert from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.run.run_name


def test_print_config_shows_everything_and_starts_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["urm_laptop", "lr=3e-4", "--print-config"])
    assert result.exit_code == 0 and list(tmp_path.iterdir()) == []
    lines = result.output.splitlines()
    assert "lr: 0.0003" in lines and "  canvas: cropped" in lines and "seed: 0" in lines


def test_the_command_refuses_with_exit_code_2() -> None:
    for words in (["lrr=1"], ["urm_laptop"], ["urm_laptop", "data_path=/nowhere"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2, (words, result.output)
        assert result.output.count("Error:") == 1
