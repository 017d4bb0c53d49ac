"""Adaptive computation time: halting rules, the carry, refilling, and the target of q_continue."""

import itertools
from dataclasses import replace

import pytest
import torch
from model_inputs import ARCHES, make_batch, small_config

from solver.model.batch import IGNORE
from solver.model.halting import (
    HaltingRule,
    decide_halting,
    initial_carry,
    next_q_target,
    refill,
)
from solver.model.registry import build_network


def plain_decision(rule: HaltingRule, step: int, halt: float, follow: float, draws: tuple) -> bool:
    if step >= rule.loops:
        return True
    if rule.loops == 1:
        return False
    wants = halt > follow if rule.use_continue else halt > 0
    minimum = 0
    if draws[0] < rule.exploration:
        minimum = 2 + int(draws[1] * (rule.loops - 1))
    return wants and step >= minimum


@pytest.mark.parametrize("use_continue", [False, True])
def test_halting_in_training(use_continue: bool) -> None:
    rule = HaltingRule(loops=4, exploration=0.5, use_continue=use_continue)
    values = itertools.product(range(1, 5), (-1.0, 0.5), (-2.0, 0.7), (0.2, 0.6), (0.0, 0.4, 0.99))
    cases = list(values)
    steps, halt, follow, one, two = (torch.tensor(column) for column in zip(*cases, strict=True))
    found = decide_halting(rule, steps, halt, follow, torch.stack((one, two)))
    wanted = [plain_decision(rule, s, h, f, (a, b)) for s, h, f, a, b in cases]
    assert found.tolist() == wanted
    assert {True, False} <= set(wanted)


def test_the_random_minimum_covers_2_to_loops() -> None:
    rule = HaltingRule(loops=4, exploration=1.0)
    eager = torch.full((300,), 9.0)
    draws = torch.rand(2, 300, generator=torch.Generator().manual_seed(1))
    halted = [
        int(decide_halting(rule, torch.full((300,), step), eager, eager, draws).sum())
        for step in (1, 2, 3, 4)
    ]
    assert halted[0] == 0 and halted[3] == 300
    assert 70 < halted[1] < 130 and 170 < halted[2] < 230


def test_evaluation_runs_every_loop() -> None:
    steps = torch.tensor([1, 2, 3])
    eager = torch.full((3,), 9.0)
    found = decide_halting(HaltingRule(loops=3), steps, eager, -eager, None)
    assert found.tolist() == [False, False, True]


@pytest.mark.parametrize("arch", ARCHES)
def test_refill_takes_the_sequence_at_its_own_place(arch: str) -> None:
    config = small_config(arch)
    network = build_network(config, torch.Generator().manual_seed(1))
    first, second = make_batch(config, [(2, 3)] * 3), make_batch(config, [(2, 3)] * 3, seed=9)
    carry = refill(network, initial_carry(network, first, torch.float32), first)
    assert torch.equal(carry.batch.tokens, first.tokens) and carry.batch.uniform
    marked = tuple(torch.full_like(state, 7.0) for state in carry.states)
    halted = torch.tensor([False, True, False])
    carry = replace(carry, states=marked, steps=torch.tensor([1, 3, 2]), halted=halted)
    found = refill(network, carry, second)
    assert found.steps.tolist() == [1, 0, 2] and not found.halted.any()
    fresh = network.initial_states(second, torch.float32)
    for n, source in enumerate((first, second, first)):
        assert torch.equal(found.batch.tokens[n], source.tokens[n])
        assert torch.equal(found.batch.labels[n], source.labels[n])
        for state, old, new in zip(found.states, marked, fresh, strict=True):
            assert torch.equal(state[n], new[n] if n == 1 else old[n])


@pytest.mark.parametrize("shapes", [[(5, 5), (1, 1)], [(1, 2), (1, 1)]])
def test_refill_with_another_length(shapes: list) -> None:
    """A running slot computes on as if nothing had come in beside it, whichever is longer."""
    config = small_config("trm", canvas="cropped")
    network = build_network(config, torch.Generator().manual_seed(1))
    vectors = torch.randn(2, config.puzzle_emb_ndim, generator=torch.Generator().manual_seed(2))
    running = make_batch(config, [(2, 3), (2, 3)])
    carry = refill(network, initial_carry(network, running, torch.float32), running)
    output = network(carry.states, carry.batch, vectors, torch.float32)
    undisturbed = network(output.states, carry.batch, vectors, torch.float32)
    carry = replace(carry, states=output.states, steps=carry.steps + 1, halted=torch.tensor([True, False]))
    found = refill(network, carry, make_batch(config, shapes, seed=4))
    length = found.batch.tokens.shape[1]
    assert length == max(6, shapes[0][0] * shapes[0][1])
    assert not found.batch.uniform
    assert found.batch.heights.tolist() == [shapes[0][0], 2]
    assert bool((found.batch.labels[0, shapes[0][0] * shapes[0][1] :] == IGNORE).all())
    after = network(found.states, found.batch, vectors, torch.float32)
    torch.testing.assert_close(after.logits[1, :6], undisturbed.logits[1], rtol=1e-4, atol=1e-5)


def test_target_of_q_continue() -> None:
    config = small_config("hrm")
    assert config.use_continue
    network = build_network(config, torch.Generator().manual_seed(1))
    with torch.no_grad():
        network.heads.q_head.weight.normal_(generator=torch.Generator().manual_seed(2))
        network.heads.q_head.bias.zero_()
    batch = make_batch(config, [(2, 3)] * 6)
    vectors = torch.randn(6, config.puzzle_emb_ndim, generator=torch.Generator().manual_seed(3))
    states = network(network.initial_states(batch, torch.float32), batch, vectors, torch.float32).states
    after = network(states, batch, vectors, torch.float32)
    last = torch.tensor([True, False] * 3)
    found = next_q_target(network, states, batch, vectors, torch.float32, last)
    assert not found.requires_grad
    for n in range(6):
        halt, follow = after.q_halt[n], after.q_continue[n]
        best = halt if last[n] else max(halt, follow)
        torch.testing.assert_close(found[n], best.detach().sigmoid())
    assert bool((after.q_continue > after.q_halt)[~last].any()), "the inputs must tell the two apart"


def test_who_weighs_going_on() -> None:
    assert not small_config("urm").use_continue
    assert not small_config("trm").use_continue
    assert small_config("trm", no_ACT_continue=False).use_continue
