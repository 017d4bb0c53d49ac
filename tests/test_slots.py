"""Slots by tokens: nothing is lost, nothing runs twice, the budget holds, each runs as if alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from model_inputs import ARCHES, make_batch, make_keys, small_config

from solver.model.batch import Batch, join, split
from solver.model.embedding import build_memory
from solver.model.halting import HaltingRule
from solver.model.registry import build_network
from train.act import Loop, Model, PackedAct
from train.slots import PATIENCE, Queue, Slots

CLOSE = {"rtol": 1e-9, "atol": 1e-9}
CPU = torch.device("cpu")
COUNT = 23


def feed(config, count: int = COUNT) -> Iterator[Batch]:
    """Batches of three sequences with rows 1, 2, ..., of random sides up to six; then small ones."""
    generator = torch.Generator().manual_seed(3)
    made = 0
    while True:
        sides = torch.randint(1, 7, (3, 2), generator=generator).tolist() if made < count else [[1, 1]] * 3
        batch = make_batch(config, [tuple(side) for side in sides], seed=made)
        yield replace(batch, keys=make_keys([made + 1, made + 2, made + 3]))
        made += 3


def build(arch: str, budget: int):
    config = small_config(arch, canvas="cropped", pos_encodings="rope2d", memory="table", loops=3)
    network = build_network(config, torch.Generator().manual_seed(1))
    memory = build_memory(config, tasks=400, rows=400)
    memory.rows[1:] = torch.randn(399, config.puzzle_emb_ndim, generator=torch.Generator().manual_seed(2))
    model = Model(network, memory).double()
    # Some want to stop before the last loop.
    torch.nn.init.normal_(network.heads.q_head.weight, generator=torch.Generator().manual_seed(4))
    network.heads.q_head.bias.data.fill_(0.0)
    rule = HaltingRule(config.loops, 0.5, config.use_continue)
    queue = Queue(feed(config), budget, config.prefix_len)
    return config, PackedAct(model, model, rule, torch.float64, queue=queue, device=CPU)


def step(act: PackedAct, slots: Slots | None, generator: torch.Generator | None) -> Loop:
    """Refill and one loop, with exploration where a generator draws it."""
    slots = act.refill(slots)
    draws = None if generator is None else torch.rand(2, act.size(slots), generator=generator)
    return act.loop(slots, draws, with_target=False)


def test_join_and_split_are_inverse() -> None:
    config = small_config("urm", canvas="cropped")
    batch = make_batch(config, [(3, 4), (6, 6), (1, 1)])
    again = join(split(batch))
    assert torch.equal(again.tokens, batch.tokens) and torch.equal(again.labels, batch.labels)
    assert torch.equal(again.widths, batch.widths) and torch.equal(again.keys.rows, batch.keys.rows)
    assert not again.uniform and join(split(make_batch(config, [(2, 3)] * 2))).uniform
    assert not join(split(make_batch(config, [(2, 3), (3, 2)]))).uniform


@torch.no_grad()
@pytest.mark.parametrize("arch", ARCHES)
def test_every_sequence_runs_once_and_as_if_alone(arch: str) -> None:
    budget = 90
    config, act = build(arch, budget)
    generator = torch.Generator().manual_seed(5)
    slots, seen, running, left = None, {}, set(), []
    while len([row for row in left if row <= COUNT]) < COUNT:
        loop = step(act, slots, generator)
        slots = loop.carry
        batch = slots.carry.batch
        rows = batch.keys.rows.tolist()
        assert len(set(rows)) == len(rows), "a sequence stands in two slots"
        assert running <= set(rows), "a running sequence was lost"
        assert not set(left) & set(rows), "a sequence came back"
        tokens = int(batch.lengths.sum()) + len(rows) * config.prefix_len
        assert tokens <= budget and slots.carry.states[0].shape[:2].numel() == tokens
        for n, row in enumerate(rows):
            seen[row] = (
                split(join([slots.sequences[n]]))[0],
                int(loop.steps[n]),
                loop.logits[n],
                loop.q_halt[n],
            )
        stops = [row for row, halted in zip(rows, loop.halted.tolist(), strict=True) if halted]
        left += stops
        running = set(rows) - set(stops)
    assert len(set(left)) == len(left)
    assert {seen[row][1] for row in left} > {config.loops}, "all ran to the last loop: nothing is proved"
    for row in [row for row in left if row <= COUNT]:
        sequence, steps, logits, q_halt = seen[row]
        alone = act.evaluate(sequence, [steps])[steps]
        torch.testing.assert_close(logits[: sequence.tokens.shape[1]], alone.logits[0], **CLOSE)
        torch.testing.assert_close(q_halt, alone.q_halt[0], **CLOSE)


def test_gradients_of_a_loop_are_those_of_the_sequences_alone() -> None:
    _, act = build("urm", 60)
    loop = step(act, step(act, None, None).carry, None)
    slots = loop.carry
    parameter = act.model.network.layers[0].mlp.down_proj.weight
    (found,) = torch.autograd.grad((loop.logits * (loop.labels >= 0).unsqueeze(-1)).sum(), parameter)
    wanted = torch.zeros_like(found)
    assert 2 in loop.steps.tolist()
    for sequence, steps in zip(slots.sequences, loop.steps.tolist(), strict=True):
        last = act.evaluate(sequence, [steps])[steps]
        (part,) = torch.autograd.grad(last.logits.sum(), parameter)
        wanted += part
    torch.testing.assert_close(found, wanted, **CLOSE)


def test_a_large_sequence_is_passed_over_but_not_for_ever() -> None:
    config = small_config("urm", canvas="cropped")
    first = make_batch(config, [(6, 6)])
    small = (replace(make_batch(config, [(1, 1)]), keys=make_keys([n])) for n in range(2, 1000))

    def ordered() -> Iterator[Batch]:
        yield first
        yield from small

    queue = Queue(ordered(), 40, config.prefix_len)
    for _ in range(PATIENCE):
        assert queue.take(2), "a small one fits beside it"
    assert queue.take(2) == []
    assert len(queue.take(37)[0].tokens[0]) == 36


def test_what_never_fits_is_refused() -> None:
    config = small_config("urm", canvas="cropped")
    queue = Queue(iter([make_batch(config, [(6, 6)])]), 36, config.prefix_len)
    with pytest.raises(ValueError, match="37 tokens, wanted a budget of at least that, found 36"):
        queue.take(36)
