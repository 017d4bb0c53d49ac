"""Adaptive computation time: the carry between loops, refilling, and when a sequence halts."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from solver.model.batch import IGNORE, Batch, Keys


@dataclass(frozen=True, eq=False)
class Carry:
    """What a slot keeps from loop to loop. ``states``: hidden states [B, P + T, D] each. ``steps``
    [B] int64: loops since the slot was filled. ``halted`` [B] bool: to be refilled. ``batch``: the
    sequences in the slots."""

    states: tuple[Tensor, ...]
    steps: Tensor
    halted: Tensor
    batch: Batch


@dataclass(frozen=True)
class HaltingRule:
    """``loops``: at most so many. ``exploration``: probability of a random minimum, drawn anew each
    step from 2..loops. ``use_continue``: halt on q_halt > q_continue instead of q_halt > 0."""

    loops: int
    exploration: float = 0.1
    use_continue: bool = False


def initial_carry(network: torch.nn.Module, batch: Batch, dtype: torch.dtype) -> Carry:
    """A carry whose slots are all halted: the next ``refill`` takes the whole batch."""
    size, device = len(batch), batch.tokens.device
    return Carry(
        network.initial_states(batch, dtype),
        torch.zeros(size, dtype=torch.int64, device=device),
        torch.ones(size, dtype=torch.bool, device=device),
        batch,
    )


def refill(network: torch.nn.Module, carry: Carry, incoming: Batch) -> Carry:
    """Halted slots take the sequence at their own place of ``incoming`` and start from scratch.

    The others keep theirs; the incoming sequence there is dropped, as in the released recipe.
    """
    assert len(carry.batch) == len(incoming), (len(carry.batch), len(incoming))
    length = max(carry.batch.tokens.shape[1], incoming.tokens.shape[1])
    old, new = _padded(carry.batch, length), _padded(incoming, length)
    halted = carry.halted
    merged = _merge(halted, new, old)
    packed = incoming.packing is not None or carry.batch.packing is not None
    if packed:
        # The one place that waits for the GPU: where sequences stand follows from which have halted.
        merged = merged.packed(network.config.prefix_len)
    fresh = network.initial_states(replace(new, packing=None), carry.states[0].dtype)
    states = []
    for start, state in zip(fresh, carry.states, strict=True):
        kept = _spread(state, carry.batch, network.config.prefix_len)
        kept = F.pad(kept, (0, 0, 0, start.shape[1] - kept.shape[1]))
        mixed = torch.where(halted[:, None, None], start, kept)
        states.append(mixed if merged.packing is None else merged.packing.pack(mixed))
    steps = torch.where(halted, 0, carry.steps)
    return Carry(tuple(states), steps, torch.zeros_like(halted), merged)


def _spread(state: Tensor, batch: Batch, prefix_len: int) -> Tensor:
    """A hidden state as [B, P + T, D]."""
    if batch.packing is None:
        return state
    return batch.packing.unpack(state, prefix_len + batch.tokens.shape[1])


def _padded(batch: Batch, length: int) -> Batch:
    room = length - batch.tokens.shape[1]
    if room == 0:
        return batch
    tokens = F.pad(batch.tokens, (0, room))
    labels = F.pad(batch.labels, (0, room), value=IGNORE)
    return replace(batch, tokens=tokens, labels=labels, uniform=False, packing=None)


def _merge(take_new: Tensor, new: Batch, old: Batch) -> Batch:
    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(take_new.view(-1, *[1] * (a.dim() - 1)), a, b)

    names = ("rows", "tasks", "symmetries", "palettes")
    keys = Keys(*(pick(getattr(new.keys, name), getattr(old.keys, name)) for name in names))
    fields = ("tokens", "labels", "heights", "widths")
    picked = (pick(getattr(new, name), getattr(old, name)) for name in fields)
    # Both full canvases of one side: known on the host, without looking at the tensors.
    return Batch(*picked, keys, new.uniform and old.uniform)


def decide_halting(
    rule: HaltingRule, steps: Tensor, q_halt: Tensor, q_continue: Tensor, draws: Tensor | None
) -> Tensor:
    """[B] bool: which slots stop after this loop. ``steps`` counts it already.

    ``draws`` [2, B] uniform in [0, 1): whether a minimum is set, and which; None in evaluation,
    where every sequence runs all loops.
    """
    last = steps >= rule.loops
    if draws is None or rule.loops <= 1:
        return last
    wants = q_halt > q_continue if rule.use_continue else q_halt > 0
    minimum = torch.where(draws[0] < rule.exploration, 2 + (draws[1] * (rule.loops - 1)).long(), 0)
    return last | (wants & (steps >= minimum))


@torch.no_grad()
def next_q_target(
    network: torch.nn.Module,
    states: tuple[Tensor, ...],
    batch: Batch,
    vectors: Tensor | None,
    dtype: torch.dtype,
    last: Tensor,
) -> Tensor:
    """Target of q_continue, [B] float32 in 0..1, from one loop more (arXiv 2506.21734, section 3).

    ``states``: those that the loop just trained has left. ``last`` [B] bool: that loop was the
    sequence's last, so going on is worth what halting next is, sigmoid(q_halt); elsewhere it is worth
    the better of both, sigmoid(max(q_halt, q_continue)).
    """
    output = network(states, batch, vectors, dtype)
    best = torch.where(last, output.q_halt, torch.maximum(output.q_halt, output.q_continue))
    return best.sigmoid()
