"""The benchmark of a card: operations counted as the networks run them, and the command itself."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from model_inputs import ARCHES, make_batch, small_config

from benchmarks import card, parts, short
from solver.model.registry import build_network
from solver.model.stack import Block


@pytest.mark.parametrize("arch", ARCHES)
def test_blocks_are_counted_as_they_run(arch: str) -> None:
    config = small_config(arch, H_cycles=3, L_cycles=2, hidden_size=16, puzzle_emb_ndim=16)
    network, seen = build_network(config), []
    for module in network.modules():
        if isinstance(module, Block):
            module.register_forward_pre_hook(lambda *_: seen.append(torch.is_grad_enabled()))
    batch = make_batch(config, [(6, 6)])
    network(network.initial_states(batch, torch.float32), batch, torch.zeros(1, 16), torch.float32)
    assert config.layers_per_loop() == (len(seen), sum(seen))


NETWORK = {"hidden_size": 16, "num_heads": 2, "num_layers": 1, "L_cycles": 1, "H_cycles": 1}
TINY = parts.Sizes(
    {**NETWORK, "puzzle_emb_ndim": 16}, batch=2, matrix=64, pairs=3, tokens=240, max_cells=40, repeats=1
)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The command at toy size: (result, card.json)."""
    monkeypatch.setattr(parts, "SMALL", TINY)
    monkeypatch.setattr(parts, "SIDES", (4, 6))
    monkeypatch.setattr(short, "BATCHES", 1)

    def run(*words: str):
        result = CliRunner().invoke(card.main, ["--output", str(tmp_path), "--device", "cpu", *words])
        return result, json.loads((tmp_path / "card.json").read_text())

    return run


def test_the_command_on_a_cpu(command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result, known = command()
    assert result.exit_code == 0, result.output
    assert {"peak", "recipe eager", "full eager", "cropped", "cost", "trm full", "hrm full"} <= set(known)
    assert known["full eager"]["seconds"] > 0 and known["cropped"]["samples_per_second"] > 0
    assert [point["cells"] for point in known["cost"]] == [16, 36]
    assert (tmp_path / "cost.png").stat().st_size > 1000
    recipe = known["recipe eager"]
    assert recipe["first"]["flop_per_second"] > 0 and recipe["update_seconds"] > 0 and not known["failed"]
    again, known = command("--part", "peak")
    assert again.exit_code == 0 and "cost" in known


def test_a_part_that_fails_is_named_and_the_rest_goes_on(command, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    whole = parts.full_batches
    monkeypatch.setattr(parts, "full_batches", breaks)
    result, known = command("--part", "full", "--part", "peak")
    assert (
        result.exit_code == 1 and "full eager: FAILED, OutOfMemoryError: CUDA out of memory." in result.output
    )
    assert known["failed"] == {"full eager": "OutOfMemoryError: CUDA out of memory."}
    assert known["peak"]["flop_per_second"] > 0 and "full eager" not in known
    monkeypatch.setattr(parts, "full_batches", whole)
    result, known = command("--part", "full")
    assert result.exit_code == 0 and not known["failed"] and known["full eager"]["seconds"] > 0


def test_a_micro_batch_that_does_not_fit_is_halved(command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fits_one(data, device, count: int, each: int):
        if each > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(data, device, count, each)

    whole = parts.full_batches
    monkeypatch.setattr(parts, "full_batches", fits_one)
    result, known = command("--part", "full")
    assert result.exit_code == 0 and known["full eager"]["micro_batch"] == 1


def test_no_part_is_begun_when_the_time_is_over(command) -> None:
    result, known = command("--within", "-1", "--part", "peak", "--part", "cost")
    assert result.exit_code == 0 and "not begun: --part peak --part cost" in result.output
    assert "peak" not in known
