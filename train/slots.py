"""Slots by tokens: sequences that halt make room, and of those that wait what fits moves in.

The released carry has so many slots, each as long as the longest sequence. Here the sequences in work
stand packed one behind another and hold at most ``budget`` tokens together, prefix included. The host
keeps the sequences and learns after each loop which have halted; that is the one time it waits for a GPU.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from solver.model.batch import Batch, Keys, join, split
from solver.model.halting import Carry
from train.checkpoint import leaves, rebuild
from train.feed import Feed

PATIENCE = 16  # refills that a sequence may be passed over before nothing younger goes first


@dataclass(frozen=True, eq=False)
class Slots:
    """``carry``: as of any batch, packed. ``sequences``: what stands in it, one each, on the CPU."""

    carry: Carry
    sequences: tuple[Batch, ...]


class Queue:
    """Sequences that wait, oldest first. ``feed``: endless batches on the CPU; ``budget``: tokens."""

    def __init__(self, feed: Feed | Iterator[Batch], budget: int, prefix_len: int) -> None:
        self.feed, self.budget, self.prefix_len = feed, budget, prefix_len
        self.waiting: list[tuple[Batch, int]] = []  # and how often it was passed over

    def tokens(self, sequence: Batch) -> int:
        """What one sequence takes of the budget."""
        return sequence.tokens.shape[1] + self.prefix_len

    def take(self, room: int) -> list[Batch]:
        """What fits into ``room`` tokens: the oldest first, younger ones where an older does not fit.

        Reads on until a whole budget waits. ValueError for a sequence that never fits.
        """
        self._read()
        taken, kept = [], []
        for number, (sequence, passed) in enumerate(self.waiting):
            size = self.tokens(sequence)
            if size <= room:
                room -= size
                taken.append(sequence)
                continue
            kept.append((sequence, passed + 1))
            if passed >= PATIENCE:
                # It has waited long enough: the room that comes free is kept for it.
                kept += self.waiting[number + 1 :]
                break
        self.waiting = kept
        return taken

    def store(self) -> dict[str, Any]:
        """What waits, and where the feed stands, as tensors and plain values."""
        return {
            "position": self.feed.position,
            "waiting": as_leaves([sequence for sequence, _ in self.waiting]),
            "passed": [passed for _, passed in self.waiting],
        }

    def restore(self, stored: Mapping[str, Any]) -> None:
        """The inverse of ``store``."""
        self.feed.go_to(*stored["position"])
        self.waiting = list(zip(from_leaves(stored["waiting"]), stored["passed"], strict=True))

    def _read(self) -> None:
        held = sum(self.tokens(sequence) for sequence, _ in self.waiting)
        while held < self.budget:
            for sequence in split(next(self.feed)):
                size = self.tokens(sequence)
                if size > self.budget:
                    raise ValueError(
                        f"a canvas of {size - self.prefix_len} cells and its prefix take {size} tokens, "
                        f"wanted a budget of at least that, found {self.budget}"
                    )
                self.waiting.append((sequence, 0))
                held += size


def as_leaves(sequences: Sequence[Batch]) -> list[Any]:
    """Sequences on the CPU as tensors and plain values; none as an empty list."""
    return list(leaves(join(sequences))) if sequences else []


def from_leaves(stored: Sequence[Any]) -> list[Batch]:
    """The inverse of ``as_leaves``."""
    if not stored:
        return []
    blank = torch.zeros(0)
    template = Batch(blank, blank, blank, blank, Keys(blank, blank, blank, blank), uniform=True)
    return split(rebuild(template, iter(stored), torch.device("cpu")))


def refill(
    network: nn.Module, slots: Slots | None, queue: Queue, *, dtype: torch.dtype, device: torch.device
) -> Slots:
    """The running sequences with their states, then what fits beside them, from scratch."""
    running, states, steps = _running(slots, queue.prefix_len)
    room = queue.budget - sum(queue.tokens(sequence) for sequence in running)
    fresh = queue.take(room)
    sequences = (*running, *fresh)
    batch = join(sequences).packed(queue.prefix_len).to(device)
    starts = network.initial_states(batch, dtype)
    if running:
        old = states[0].shape[1]
        starts = tuple(
            torch.cat((state, start.flatten(0, 1)[old:].unsqueeze(0)), 1).view(start.shape)
            for state, start in zip(states, starts, strict=True)
        )
    counts = torch.zeros(len(sequences), dtype=torch.int64)
    counts[: len(running)] = torch.tensor(steps, dtype=torch.int64)
    counts = counts.to(device, non_blocking=True)
    carry = Carry(starts, counts, torch.zeros(len(sequences), dtype=torch.bool, device=device), batch)
    return Slots(carry, sequences)


def _running(slots: Slots | None, prefix_len: int) -> tuple[list[Batch], tuple[Tensor, ...], list[int]]:
    """(sequences that go on, their states [1, tokens, D] each, their loops so far)."""
    if slots is None:
        return [], (), []
    carry = slots.carry
    halted, steps = torch.stack((carry.halted.long(), carry.steps)).tolist()
    goes_on = [n for n, stops in enumerate(halted) if not stops]
    lengths = [sequence.tokens.shape[1] + prefix_len for sequence in slots.sequences]
    index = _places(lengths, goes_on).to(carry.halted.device, non_blocking=True)
    states = tuple(state.flatten(0, 1).index_select(0, index).unsqueeze(0) for state in carry.states)
    return [slots.sequences[n] for n in goes_on], states, [steps[n] for n in goes_on]


def _places(lengths: Sequence[int], chosen: Sequence[int]) -> Tensor:
    """Places of the tokens of the ``chosen`` sequences, int64."""
    ends = torch.tensor(lengths).cumsum(0).tolist()
    parts = [torch.arange(ends[n] - lengths[n], ends[n]) for n in chosen]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)
