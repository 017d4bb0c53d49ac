"""The benchmark of a card: operations counted as the networks run them, and the command itself."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from model_inputs import ARCHES, make_batch, small_config

from benchmarks import card
from benchmarks.cost import blocks, step_flop
from solver.model.flops import inference_flop, training_flop
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
    assert blocks(config) == (len(seen), sum(seen))


def test_operations_agree_with_those_of_the_short_runs() -> None:
    config = small_config("urm", canvas="cropped", H_cycles=2)
    assert step_flop(config, 20) == pytest.approx(training_flop(config, 20))
    assert step_flop(config, 20, training=False) == pytest.approx(inference_flop(config, 20, 1))


def test_the_command_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    network = {"hidden_size": 16, "num_heads": 2, "num_layers": 1, "L_cycles": 1, "H_cycles": 1}
    sizes = card.Sizes({**network, "puzzle_emb_ndim": 16}, batch=2, matrix=64, pairs=3, repeats=1)
    monkeypatch.setattr(card, "SMALL", sizes)
    monkeypatch.setattr(card, "SIDES", (4, 6))
    result = CliRunner().invoke(card.main, ["--output", str(tmp_path), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    known = json.loads((tmp_path / "card.json").read_text())
    assert {"peak", "full eager", "cropped", "cost", "trm full", "hrm full"} <= set(known)
    assert known["full eager"]["seconds"] > 0 and known["cropped"]["samples_per_second"] > 0
    assert [point["cells"] for point in known["cost"]] == [16, 36]
    assert (tmp_path / "cost.png").stat().st_size > 1000
    again = CliRunner().invoke(card.main, ["--output", str(tmp_path), "--device", "cpu", "--part", "peak"])
    assert again.exit_code == 0 and "cost" in json.loads((tmp_path / "card.json").read_text())
