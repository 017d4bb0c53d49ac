"""Sequences packed one behind another give what each gives alone: forward, gradients, carry."""

from dataclasses import replace

import pytest
import torch
from model_inputs import ARCHES, make_batch, small_config

from solver.model.batch import Batch
from solver.model.halting import initial_carry, refill
from solver.model.loss import act_loss
from solver.model.registry import build_network

SHAPES = [(3, 4), (6, 6), (1, 1), (2, 5)]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def build(arch: str, positions: str):
    prefix = {"puzzle_emb_len": 2} if arch == "trm" else {}
    config = small_config(arch, canvas="cropped", pos_encodings=positions, **prefix)
    network = build_network(config, torch.Generator().manual_seed(1))
    vectors = torch.randn(4, config.puzzle_emb_ndim, generator=torch.Generator().manual_seed(2))
    return config, network, vectors


def one_loop(network, batch: Batch, vectors: torch.Tensor):
    return network(network.initial_states(batch, vectors.dtype), batch, vectors, vectors.dtype)


def two_loops(network, batch: Batch, vectors: torch.Tensor):
    states = one_loop(network, batch, vectors).states
    return network(states, batch, vectors, vectors.dtype)


def alone(batch: Batch, n: int) -> Batch:
    cells = int(batch.lengths[n])
    one = batch.select(torch.tensor([n]))
    return replace(one, tokens=one.tokens[:, :cells], labels=one.labels[:, :cells], uniform=True)


@pytest.mark.parametrize("positions", ["rope", "rope2d", "learned", "none"])
@pytest.mark.parametrize("arch", ARCHES)
def test_packed_equals_each_alone(arch: str, positions: str) -> None:
    config, network, vectors = build(arch, positions)
    batch = make_batch(config, SHAPES)
    found = one_loop(network, batch.packed(config.prefix_len), vectors)
    tokens = int(batch.lengths.sum()) + len(SHAPES) * config.prefix_len
    assert all(state.shape == (1, tokens, config.hidden_size) for state in found.states)
    for n in range(len(SHAPES)):
        one = alone(batch, n)
        wanted = one_loop(network, one, vectors[n : n + 1])
        torch.testing.assert_close(found.logits[n, : one.tokens.shape[1]], wanted.logits[0], **CLOSE)
        torch.testing.assert_close(found.q_halt[n], wanted.q_halt[0], **CLOSE)


@pytest.mark.parametrize("arch", ARCHES)
def test_gradients_of_packed_sequences_are_the_sum_of_each_alone(arch: str) -> None:
    config, network, vectors = build(arch, "rope2d")
    network, vectors = network.double(), vectors.double()
    batch = make_batch(config, SHAPES)

    def gradients(part: Batch, its_vectors: torch.Tensor) -> list[torch.Tensor]:
        output = two_loops(network, part, its_vectors)
        terms = act_loss(output.logits, output.q_halt, output.q_continue, part.labels)
        return list(torch.autograd.grad(terms.total, list(network.parameters())))

    found = gradients(batch.packed(config.prefix_len), vectors)
    singles = [gradients(alone(batch, n), vectors[n : n + 1]) for n in range(len(SHAPES))]
    for grad, parts in zip(found, zip(*singles, strict=True), strict=True):
        torch.testing.assert_close(grad, sum(parts), rtol=1e-6, atol=1e-8)


def test_a_sequence_does_not_feel_its_neighbours() -> None:
    config, network, vectors = build("urm", "rope2d")
    batch = make_batch(config, SHAPES).packed(config.prefix_len)
    before = two_loops(network, batch, vectors).logits
    batch.tokens[0] = 11 - batch.tokens[0]
    batch.tokens[2] = 11 - batch.tokens[2]
    after = two_loops(network, batch, vectors).logits
    assert torch.equal(before[1], after[1]) and torch.equal(before[3], after[3])
    assert not torch.equal(before[0], after[0])


def test_equal_canvases_need_no_packing() -> None:
    config, _, _ = build("urm", "rope2d")
    batch = make_batch(config, [(3, 4), (3, 4)])
    assert batch.packed(config.prefix_len) is batch


@pytest.mark.parametrize("arch", ARCHES)
def test_a_packed_carry_is_refilled_as_a_padded_one(arch: str) -> None:
    config, network, vectors = build(arch, "rope2d")
    first, second = make_batch(config, SHAPES), make_batch(config, SHAPES[::-1], seed=7)
    halted = torch.tensor([True, False, False, True])

    def run(pack: bool):
        def form(batch: Batch) -> Batch:
            return batch.packed(config.prefix_len) if pack else batch

        carry = refill(network, initial_carry(network, form(first), torch.float32), form(first))
        output = network(carry.states, carry.batch, vectors, torch.float32)
        carry = replace(carry, states=output.states, steps=carry.steps + 1, halted=halted)
        carry = refill(network, carry, form(second))
        return carry, network(carry.states, carry.batch, vectors, torch.float32)

    (padded, wanted), (packed, found) = run(False), run(True)
    assert packed.batch.packing is not None and padded.batch.packing is None
    assert torch.equal(packed.batch.tokens, padded.batch.tokens)
    assert packed.steps.tolist() == [0, 1, 1, 0]
    for n, cells in enumerate(padded.batch.lengths.tolist()):
        torch.testing.assert_close(found.logits[n, :cells], wanted.logits[n, :cells], **CLOSE)
    torch.testing.assert_close(found.q_halt, wanted.q_halt, **CLOSE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_the_cards_kernel_equals_padded_attention() -> None:
    config = small_config("urm", canvas="cropped", hidden_size=128, num_heads=2, puzzle_emb_ndim=128)
    network = build_network(config, torch.Generator().manual_seed(1)).cuda()
    vectors = torch.randn(4, 128).cuda()
    batch = make_batch(config, SHAPES)
    packed, padded = batch.packed(config.prefix_len).to("cuda"), batch.to("cuda")
    states = [network.initial_states(b, torch.bfloat16) for b in (packed, padded)]
    found = network(states[0], packed, vectors, torch.bfloat16).logits.float()
    wanted = network(states[1], padded, vectors, torch.bfloat16).logits.float()
    inside = torch.arange(36, device="cuda") < padded.lengths[:, None]
    assert float((found - wanted)[inside].norm() / wanted[inside].norm()) < 3e-2
