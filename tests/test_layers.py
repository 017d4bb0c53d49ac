"""Layers against their definitions, written out slowly, and the networks' promises about padding."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from model_inputs import ARCHES, make_batch, small_config

from solver.model.batch import Layout, cell_positions, padding_mask
from solver.model.config import HRMConfig, TRMConfig, URMConfig, swiglu_width
from solver.model.layers import (
    ConvSwiGLU,
    InputEmbedding,
    ShortConvolution,
    SwiGLU,
    rms_norm,
    rotary_layout,
    rotate,
    truncated_normal,
)
from solver.model.registry import build_network

OPEN = Layout(None, None, None, 0)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_truncated_normal_has_the_asked_deviation_and_no_tails() -> None:
    values = truncated_normal((200_000,), 0.5, seeded())
    assert float(values.std()) == pytest.approx(0.5, rel=0.01)
    density, mass = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(math.sqrt(2))
    assert float(values.abs().max()) <= 2 * 0.5 / math.sqrt(1 - 4 * density / mass) + 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_rms_norm(dtype: torch.dtype) -> None:
    x = torch.randn(3, 5, generator=seeded()).to(dtype)
    found = rms_norm(x, 1e-5)
    assert found.dtype == dtype
    for row, normed in zip(x.double(), found.double(), strict=True):
        wanted = row / math.sqrt(float((row * row).mean()) + 1e-5)
        limit = {torch.float32: 1e-6, torch.float64: 1e-14, torch.bfloat16: 1e-2}[dtype]
        torch.testing.assert_close(normed, wanted, rtol=limit, atol=limit)


def test_short_convolution_is_torchs_own() -> None:
    ours = ShortConvolution(6, seeded())
    x = torch.randn(2, 9, 6, generator=seeded(2))
    wanted = F.conv1d(x.transpose(1, 2), ours.weight, ours.bias, padding=1, groups=6)[..., :9].transpose(1, 2)
    torch.testing.assert_close(ours(x, OPEN), wanted)


def test_feed_forwards() -> None:
    x = torch.randn(2, 7, 4, generator=seeded(2))
    plain, conv = SwiGLU(4, 6, seeded()), ConvSwiGLU(4, 6, seeded())
    gate, up = x @ plain.gate_up_proj.weight[:6].T, x @ plain.gate_up_proj.weight[6:].T
    wanted = (gate * gate.sigmoid() * up) @ plain.down_proj.weight.T
    torch.testing.assert_close(plain(x), wanted)
    gate, up = x @ conv.gate_up_proj.weight[:6].T, x @ conv.gate_up_proj.weight[6:].T
    wanted = F.silu(conv.dwconv(gate * gate.sigmoid() * up, OPEN)) @ conv.down_proj.weight.T
    torch.testing.assert_close(conv(x, OPEN), wanted)


@pytest.mark.parametrize(
    ("width", "expansion", "wanted"), [(512, 4.0, 1536), (97, 4.0, 512), (32, 4.0, 256), (916, 4.0, 2560)]
)
def test_width_inside_a_swiglu(width: int, expansion: float, wanted: int) -> None:
    assert swiglu_width(width, expansion) == wanted


def test_rotary_turns_pairs_by_position_times_frequency() -> None:
    config = URMConfig(hidden_size=16, num_heads=2, puzzle_emb_ndim=32, canvas_side=2)
    layout = rotary_layout(config, make_batch(config, [(2, 2)]))
    x = torch.randn(1, 6, 2, 8, generator=seeded())
    found = rotate(x, layout.cos, layout.sin)
    for t in range(6):
        for i in range(4):
            angle = t / config.rope_theta ** (2 * i / 8)
            one, two = x[0, t, :, i], x[0, t, :, i + 4]
            wanted = one * math.cos(angle) - two * math.sin(angle)
            torch.testing.assert_close(found[0, t, :, i], wanted)
            wanted = two * math.cos(angle) + one * math.sin(angle)
            torch.testing.assert_close(found[0, t, :, i + 4], wanted)


def test_a_cropped_canvas_keeps_the_full_canvas_positions() -> None:
    config = URMConfig(hidden_size=16, num_heads=2, puzzle_emb_ndim=16, canvas="cropped", canvas_side=5)
    full = rotary_layout(config, make_batch(config, [(5, 5)]))
    part = rotary_layout(config, make_batch(config, [(3, 2)]))
    places = [0, *(1 + row * 5 + column for row in range(3) for column in range(2))]
    torch.testing.assert_close(part.cos, full.cos[:, places])


def test_two_dimensional_positions() -> None:
    config = replace(small_config("urm"), pos_encodings="rope2d", puzzle_emb_ndim=64)
    layout = rotary_layout(config, make_batch(config, [(3, 4)]))
    assert bool((layout.cos[0, :2] == 1).all()), "the prefix is not turned"
    quarter = config.head_dim // 4
    row, column = 2, 3
    cell = layout.sin[0, 2 + row * 4 + column, 0]
    turns = config.rope_theta ** -(torch.arange(quarter) * 2 / (config.head_dim // 2))
    torch.testing.assert_close(cell[:quarter], (row * turns).sin())
    torch.testing.assert_close(cell[quarter : 2 * quarter], (column * turns).sin())


def test_places_and_mask_of_mixed_canvases() -> None:
    config = small_config("urm")
    batch = make_batch(config, [(2, 3), (1, 2)])
    rows, columns = cell_positions(batch)
    assert rows.tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2]]
    assert columns.tolist() == [[0, 1, 2, 0, 1, 2], [0, 1, 0, 1, 0, 1]]
    assert padding_mask(batch, 1)[:, 0, 0].tolist() == [[True] * 7, [True] * 3 + [False] * 4]
    assert padding_mask(make_batch(config, [(2, 3), (2, 3)]), 1) is None


def test_input_embedding_with_learned_positions() -> None:
    config = TRMConfig(
        hidden_size=8,
        num_heads=2,
        puzzle_emb_ndim=12,
        puzzle_emb_len=3,
        pos_encodings="learned",
        canvas_side=2,
    )
    embed = InputEmbedding(config, seeded())
    batch = make_batch(config, [(2, 2)])
    vector = torch.randn(1, 12, generator=seeded(3))
    found = embed(batch, vector, torch.float32)
    prefix = torch.cat((vector, torch.zeros(1, 12)), 1).view(1, 3, 8)
    tokens = embed.embed_tokens.weight[batch.tokens]
    wanted = 8**0.5 * 0.5**0.5 * (torch.cat((prefix, tokens), 1) + embed.embed_pos.weight)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("arch", ARCHES)
def test_padding_changes_nothing(arch: str) -> None:
    config = replace(small_config(arch), canvas="cropped")
    network = build_network(config, seeded())
    both = make_batch(config, [(3, 4), (2, 2)])
    alone = make_batch(config, [(2, 2)])
    alone.tokens.copy_(both.tokens[1:, :4])
    vectors = torch.randn(2, config.puzzle_emb_ndim, generator=seeded(4))
    found, wanted = None, None
    states = network.initial_states(both, torch.float32), network.initial_states(alone, torch.float32)
    for _ in range(2):
        found = network(states[0], both, vectors, torch.float32)
        wanted = network(states[1], alone, vectors[1:], torch.float32)
        states = found.states, wanted.states
    torch.testing.assert_close(found.logits[1, :4], wanted.logits[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.q_halt[1], wanted.q_halt[0])


@pytest.mark.parametrize("arch", ARCHES)
def test_states_and_gradients_end_at_the_loop(arch: str) -> None:
    config = small_config(arch)
    network = build_network(config, seeded())
    batch = make_batch(config, [(2, 3)])
    vectors = torch.randn(1, config.puzzle_emb_ndim, generator=seeded(4))
    states = network.initial_states(batch, torch.float32)
    assert len(states) == (1 if arch == "urm" else 2)
    assert all(state.shape == (1, config.prefix_len + 6, config.hidden_size) for state in states)
    output = network(states, batch, vectors, torch.float32)
    assert not any(state.requires_grad for state in output.states)
    (output.logits.sum() + output.q_halt.sum() + output.q_continue.sum()).backward()
    assert all(p.grad is not None for p in network.parameters())


def test_mlp_t_refuses_a_cropped_canvas() -> None:
    with pytest.raises(ValueError, match="mlp_t mixes a sequence of one fixed length"):
        TRMConfig(mlp_t=True, canvas="cropped")
    config = TRMConfig(hidden_size=16, num_heads=2, puzzle_emb_ndim=16, mlp_t=True, canvas_side=4)
    network = build_network(config, seeded())
    batch = make_batch(config, [(2, 3)])
    with pytest.raises(AssertionError):
        network(network.initial_states(batch, torch.float32), batch, torch.zeros(1, 16), torch.float32)


@pytest.mark.parametrize("config", [TRMConfig, HRMConfig, URMConfig])
def test_sizes_that_make_no_network(config: type) -> None:
    with pytest.raises(ValueError, match="wanted at least 1"):
        config.from_dict({"num_layers" if config is URMConfig else "L_layers": 0})
    with pytest.raises(ValueError, match="unknown key hidden_sise"):
        config.from_dict({"hidden_sise": 32})


@pytest.mark.parametrize(("kind", "millions"), [(URMConfig, 13.6), (TRMConfig, 6.8), (HRMConfig, 27.3)])
def test_published_sizes(kind: type, millions: float) -> None:
    with torch.device("meta"):
        network = build_network(kind())
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)
