"""Weights in fewer bytes: what 8-bit rows lose, what they refuse, and the command that makes them."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from test_run import tiny_task, tiny_weights

from solver.cli import main
from solver.model import checkpoint
from solver.model.checkpoint import Weights, load_weights, parse_safetensors, read_tensors, save_weights
from solver.model.quantise import SCALE, dequantise, pack_tensors, quantise, unpack_tensors
from solver.tune.repack import compare_outputs
from solver.weights_card import read_card

HERE = Path("here")


def save(folder: Path, weights: Weights, dtype: torch.dtype, **more: object) -> Weights:
    save_weights(folder, weights.network, weights.memory, {"tasks": ["ab"]}, dtype, **more)
    return load_weights(str(folder))


def test_no_weight_is_off_by_more_than_half_a_step_of_its_row() -> None:
    rows = (
        torch.randn(20, 64, generator=torch.Generator().manual_seed(0)) * torch.logspace(-6, 3, 20)[:, None]
    )
    rows[3] = 0
    values, scales = quantise(rows)
    assert values.dtype == torch.int8 and values.abs().amax(1).tolist() == [127] * 3 + [0] + [127] * 16
    error = (dequantise(values, scales) - rows).abs().amax(1)
    assert (error <= 0.5001 * rows.abs().amax(1) / 127).all()
    again, _ = quantise(dequantise(values, scales))
    assert torch.equal(again, values), "stored once more, nothing more is lost"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_stored(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        quantise(torch.full((2, 3), number))


def test_matrices_alone_are_stored_in_8_bits() -> None:
    tensors = {"wide": torch.randn(4, 32), "narrow": torch.randn(4, 2), "row": torch.randn(32)}
    packed = pack_tensors(tensors, torch.int8)
    assert {name: tensor.dtype for name, tensor in packed.items()} == {
        "wide": torch.int8,
        f"wide{SCALE}": torch.float32,
        "narrow": torch.float32,
        "row": torch.float32,
    }
    found = unpack_tensors(packed, HERE)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in ("narrow", "row"))


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"a": torch.zeros(2, 3, dtype=torch.int8)}, "here, tensor a: torch.int8 without scales"),
        ({"a": torch.zeros(2, 3), "a:scale": torch.zeros(2)}, "tensor a: torch.float32 with scales"),
        ({"a:scale": torch.zeros(2)}, "scales of a matrix that is not there"),
        (
            {"a": torch.zeros(2, 3, dtype=torch.int8), "a:scale": torch.zeros(3)},
            "wanted one scale for each row",
        ),
    ],
)
def test_rows_and_scales_that_do_not_match(tensors: dict[str, torch.Tensor], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        unpack_tensors(tensors, HERE)


def test_a_set_in_8_bits_is_a_quarter_as_large_and_answers_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tiny_weights(memory="cose", hidden_size=64, puzzle_emb_ndim=64)
    vectors = {f"{n:032x}": torch.randn(64, generator=torch.Generator().manual_seed(n)) for n in (2, 1)}
    whole = save(tmp_path / "whole", weights, torch.float32, vectors=vectors)
    small = save(tmp_path / "small", weights, torch.int8, vectors=vectors, devices=["cuda", "kaggle"])
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("small", "whole")]
    assert sizes[0] < 0.3 * sizes[1]
    assert read_card(tmp_path / "small").devices == ("cuda", "kaggle")
    assert small.provenance == {"tasks": ["ab"]}
    for key, vector in vectors.items():
        torch.testing.assert_close(small.vectors[key], vector, rtol=0, atol=float(vector.abs().max()) / 250)
    found = compare_outputs(whole, small, [tiny_task()])
    assert found.cells > 20 and found.demonstrations == 2
    assert 0 < found.shift < 0.01
    assert compare_outputs(whole, whole, [tiny_task()]).shift == 0
    monkeypatch.setattr(checkpoint, "find_spec", lambda name: None)
    again = load_weights(str(tmp_path / "small")).network.state_dict()
    assert all(torch.equal(again[key], value) for key, value in small.network.state_dict().items())


def test_the_fallback_reads_8_bits(tmp_path: Path) -> None:
    weights = tiny_weights(memory="cose")
    save(tmp_path, weights, torch.int8)
    path = tmp_path / "model.safetensors"
    read, parsed = read_tensors(path), parse_safetensors(path.read_bytes(), path)
    assert any(tensor.dtype == torch.int8 for tensor in parsed.values())
    assert all(torch.equal(parsed[name], tensor) for name, tensor in read.items())


def test_the_command_says_what_changes(tmp_path: Path) -> None:
    weights = tiny_weights(memory="cose")
    save(tmp_path / "whole", weights, torch.float32, vectors={"0" * 32: torch.ones(32)}, devices=["cpu"])
    command = ["pack", str(tmp_path / "whole"), "-o", str(tmp_path / "small")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "before: " in result.output and "after: " in result.output
    assert " cells change (" in result.output and "of the probability moves" in result.output
    small = load_weights(str(tmp_path / "small"))
    assert list(small.vectors) == ["0" * 32] and read_card(tmp_path / "small").devices == ("cpu",)
    tensors = read_tensors(tmp_path / "small" / "model.safetensors")
    assert sum(tensor.dtype == torch.int8 for tensor in tensors.values()) > 3
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2 and "holds a set of weights already" in result.output
