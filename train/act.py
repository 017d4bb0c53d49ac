"""One loop of adaptive computation time on a batch of slots, for our networks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from solver.model.batch import Batch
from solver.model.embedding import Memory, SparseRows
from solver.model.halting import Carry, HaltingRule, decide_halting, initial_carry, next_q_target, refill
from solver.model.stack import Output

STOPS = ("q_halt", "settled")


@dataclass(frozen=True, eq=False)
class Loop:
    """What one loop leaves. ``carry``: for the next one. ``labels`` [B, T], ``steps`` [B] and ``halted``
    [B] of the slots after it; ``tasks`` [B] the tasks in them. ``target_q`` [B], where q_continue is
    trained in this loop. ``sparse``: rows of the task memory that were looked up."""

    carry: Any
    logits: Tensor
    q_halt: Tensor
    q_continue: Tensor
    labels: Tensor
    steps: Tensor
    halted: Tensor
    tasks: Tensor
    target_q: Tensor | None
    sparse: tuple[SparseRows, ...]


class Model(nn.Module):
    """Network and task memory as one module: what a step trains, and what processes keep equal."""

    def __init__(self, network: nn.Module, memory: Memory) -> None:
        super().__init__()
        self.network, self.memory = network, memory

    def forward(
        self, states: tuple[Tensor, ...], batch: Batch, dtype: torch.dtype
    ) -> tuple[Output, Tensor, tuple[SparseRows, ...]]:
        """One loop: (its result, the puzzle embeddings, the rows behind them)."""
        lookup = self.memory(batch.keys)
        return self.network(states, batch, lookup.vectors, dtype), lookup.vectors, lookup.sparse


class Stored:
    """Slots that a checkpoint holds as the leaves of their carry."""

    def store(self, carry: Any) -> Any:
        """A carry as tensors and plain values."""
        return list(leaves(carry))

    def restore(self, stored: Any, batch: Batch) -> Any:
        """The inverse of ``store``; ``batch``: any of the run's, for its structure."""
        return rebuild(self.start(batch), iter(stored), batch.tokens.device)


class NativeAct(Stored):
    """Loops of a network of ours: ``initial_states(batch, dtype)`` and one loop a call.

    ``wrapped``: the model, or what keeps its gradients equal across processes. ``rule``: when slots
    halt. ``dtype``: of activations.
    """

    def __init__(self, model: Model, wrapped: nn.Module, rule: HaltingRule, dtype: torch.dtype) -> None:
        self.model, self.wrapped, self.rule, self.dtype = model, wrapped, rule, dtype

    def start(self, batch: Batch) -> Carry:
        """A carry of halted slots: the first loop fills them."""
        return initial_carry(self.model.network, batch, self.dtype)

    def refill(self, carry: Carry, incoming: Batch) -> Carry:
        """Halted slots take the sequence at their own place of ``incoming``."""
        return refill(self.model.network, carry, incoming)

    def size(self, carry: Carry) -> int:
        """Sequences in the slots."""
        return len(carry.batch)

    def loop(self, carry: Carry, draws: Tensor | None, *, with_target: bool) -> Loop:
        """Run one loop of refilled slots, decide who halts; ``draws`` as in ``decide_halting``."""
        prefix_len = self.model.network.config.prefix_len
        carry = without_padding(carry, prefix_len)
        batch = carry.batch
        output, vectors, sparse = self.wrapped(carry.states, batch, self.dtype)
        steps = carry.steps + 1
        q_halt, q_continue = output.q_halt.detach(), output.q_continue.detach()
        halted = decide_halting(self.rule, steps, q_halt, q_continue, draws)
        target = None
        if with_target and self.rule.use_continue:
            last = steps >= self.rule.loops
            network = self.model.network
            target = next_q_target(network, output.states, batch, vectors.detach(), self.dtype, last)
        return Loop(
            carry=with_padding(Carry(output.states, steps, halted, batch), prefix_len),
            logits=output.logits,
            q_halt=output.q_halt,
            q_continue=output.q_continue,
            labels=batch.labels,
            steps=steps,
            halted=halted,
            tasks=batch.keys.tasks,
            target_q=target,
            sparse=sparse,
        )

    def reset(self, carry: Carry) -> Carry:
        """Slots whose states are no numbers halt, so that the next loop fills them anew."""
        bad = torch.stack([~state.isfinite().flatten(1).all(1) for state in carry.states]).any(0)
        return Carry(carry.states, carry.steps, carry.halted | bad, carry.batch)

    def evaluate(
        self, batch: Batch, counts: Sequence[int], stops: Sequence[str] = ()
    ) -> dict[int | str, Loop]:
        """Loops from a fresh start: the result after each number of loops in ``counts``; and by each of
        STOPS, every sequence as it was when it stopped, or after the rule's loops. Without counts the loops
        end when all have stopped."""
        network = self.model.network
        carry = without_padding(initial_carry(network, batch, self.dtype), network.config.prefix_len)
        states, batch = carry.states, carry.batch
        vectors = self.model.memory(batch.keys).vectors
        found: dict[int | str, Loop] = {}
        before = None
        for steps in range(1, max((*counts, self.rule.loops if stops else 1)) + 1):
            output = network(states, batch, vectors, self.dtype)
            states = output.states
            now = _plain_loop(output, batch, steps)
            if steps in counts:
                found[steps] = now
            for stop in stops:
                found[stop] = self._stopped(stop, found.get(stop), now, before)
            before = now
            if not counts and all(bool(found[stop].halted.all()) for stop in stops):
                break
        return found

    def _stopped(self, stop: str, held: Loop | None, now: Loop, before: Loop | None) -> Loop:
        """``now``, but what had stopped in ``held`` as it is there. ``halted``: what has stopped by now."""
        done = now.steps >= self.rule.loops
        if stop == "q_halt":
            done = done | (now.q_halt > (now.q_continue if self.rule.use_continue else 0))
        elif before is not None:
            done = done | (now.logits.argmax(-1) == before.logits.argmax(-1)).all(1)
        if held is None:
            return replace(now, halted=done)
        old = held.halted

        def kept(name: str) -> Tensor:
            ours, theirs = getattr(now, name), getattr(held, name)
            return torch.where(old.view(-1, *[1] * (ours.dim() - 1)), theirs, ours)

        mixed = {name: kept(name) for name in ("logits", "q_halt", "q_continue", "steps")}
        return replace(now, halted=old | done, **mixed)


class KeptAct(NativeAct):
    """Loops of batches that are kept as a whole for as many loops as the trainer decides: nothing halts alone
    and nothing is refilled, so hidden states stay in the form in which the batch came."""

    def start(self, batch: Batch) -> Carry:
        """The carry before a batch's first loop."""
        return initial_carry(self.model.network, batch, self.dtype)

    def refill(self, carry: Carry, incoming: Batch) -> Carry:
        """The carry itself: ``incoming`` is what it holds."""
        return carry

    def loop(self, carry: Carry, draws: Tensor | None, *, with_target: bool) -> Loop:
        """Run one loop of every sequence."""
        batch, steps = carry.batch, carry.steps + 1
        output, _, sparse = self.wrapped(carry.states, batch, self.dtype)
        return Loop(
            carry=Carry(output.states, steps, carry.halted, batch),
            logits=output.logits,
            q_halt=output.q_halt,
            q_continue=output.q_continue,
            labels=batch.labels,
            steps=steps,
            halted=carry.halted,
            tasks=batch.keys.tasks,
            target_q=None,
            sparse=sparse,
        )


def without_padding(carry: Carry, prefix_len: int) -> Carry:
    """Slots of unlike canvases cut to the longest now in them, and packed for one loop.

    A long sequence that has left its slot leaves no trace in the cost of the loops that follow.
    """
    batch = carry.batch
    if batch.uniform:
        return carry
    cells = int(batch.lengths.max())
    batch = replace(batch, tokens=batch.tokens[:, :cells], labels=batch.labels[:, :cells]).packed(prefix_len)
    states = tuple(batch.packing.pack(state[:, : prefix_len + cells]) for state in carry.states)
    return replace(carry, states=states, batch=batch)


def with_padding(carry: Carry, prefix_len: int) -> Carry:
    """Back as slots [B, P + T, D], zero where nothing stands: what can be refilled, reset and stored."""
    packing = carry.batch.packing
    if packing is None:
        return carry
    length = prefix_len + carry.batch.tokens.shape[1]
    states = tuple(packing.unpack(state, length) for state in carry.states)
    return replace(carry, states=states, batch=replace(carry.batch, packing=None))


def _plain_loop(output: Output, batch: Batch, steps: int) -> Loop:
    size = len(batch)
    return Loop(
        carry=None,
        logits=output.logits,
        q_halt=output.q_halt,
        q_continue=output.q_continue,
        labels=batch.labels,
        steps=torch.full((size,), steps, device=batch.tokens.device),
        halted=torch.ones(size, dtype=torch.bool, device=batch.tokens.device),
        tasks=batch.keys.tasks,
        target_q=None,
        sparse=(),
    )


class ReleasedAct(Stored):
    """Loops of a module of one's own with the released contract.

    ``initial_carry(batch)`` and ``forward(carry=..., batch=...) -> (carry, outputs)`` do the refilling
    and halting themselves. ``batch`` has ``inputs``, ``labels`` (-100: not labelled) and
    ``puzzle_identifiers``; a carry has ``steps``, ``halted`` and ``current_data``; ``outputs`` has
    ``logits`` and ``q_halt_logits``, and may have ``q_continue_logits`` and ``target_q_continue``.
    """

    def __init__(self, module: nn.Module, wrapped: nn.Module, rule: HaltingRule) -> None:
        self.module, self.wrapped, self.rule = module, wrapped, rule

    @staticmethod
    def as_dict(batch: Batch) -> dict[str, Tensor]:
        """The batch as the released code names it."""
        return {"inputs": batch.tokens, "labels": batch.labels, "puzzle_identifiers": batch.keys.rows}

    def start(self, batch: Batch) -> Any:
        """The module's own carry."""
        return self.module.initial_carry(self.as_dict(batch))

    def refill(self, carry: Any, incoming: Batch) -> tuple[Any, Batch]:
        """Carry and batch for the module, which refills for itself."""
        return carry, incoming

    def size(self, carry: tuple[Any, Batch]) -> int:
        """Sequences in the slots."""
        return len(carry[1])

    def loop(self, carry: tuple[Any, Batch], draws: Tensor | None, *, with_target: bool) -> Loop:
        """One call of the module; it draws its own exploration."""
        before, incoming = carry
        return self._loop(*self.wrapped(carry=before, batch=self.as_dict(incoming)))

    def _loop(self, carry: Any, outputs: dict[str, Tensor]) -> Loop:
        data = carry.current_data
        q_halt = outputs["q_halt_logits"].float()
        return Loop(
            carry=carry,
            logits=outputs["logits"],
            q_halt=q_halt,
            q_continue=outputs.get("q_continue_logits", q_halt).float(),
            labels=data["labels"],
            steps=carry.steps,
            halted=carry.halted,
            tasks=data["puzzle_identifiers"],
            target_q=outputs.get("target_q_continue"),
            sparse=(),
        )

    def reset(self, carry: Any) -> Any:
        """The module's slots are its own: all start anew."""
        data = carry.current_data
        return self.module.initial_carry(data)

    def evaluate(
        self, batch: Batch, counts: Sequence[int], stops: Sequence[str] = ()
    ) -> dict[int | str, Loop]:
        """Calls in evaluation mode until every sequence has halted."""
        if list(counts) != [self.rule.loops] or stops:
            raise ValueError(
                "a module with its own carry decides on its loops: expected loop_deltas=[0], eval_stops=[]"
            )
        data = self.as_dict(batch)
        carry = self.module.initial_carry(data)
        for _ in range(self.rule.loops):
            carry, outputs = self.module(carry=carry, batch=data)
            if bool(carry.halted.all()):
                break
        return {self.rule.loops: self._loop(carry, outputs)}


def leaves(value: Any) -> Iterable[Any]:
    """Tensors and plain values inside a carry of records, tuples and dicts, in a fixed order."""
    if isinstance(value, Tensor) or value is None or isinstance(value, bool | int | float | str):
        yield value.detach().cpu() if isinstance(value, Tensor) else value
        return
    for part in _parts(value):
        yield from leaves(part)


def rebuild(template: Any, stored: Any, device: torch.device) -> Any:
    """A carry of the template's structure with the stored leaves; the inverse of ``leaves``."""
    if isinstance(template, Tensor) or template is None or isinstance(template, bool | int | float | str):
        leaf = next(stored)
        return leaf.to(device) if isinstance(leaf, Tensor) else leaf
    parts = [rebuild(part, stored, device) for part in _parts(template)]
    if isinstance(template, dict):
        return dict(zip(sorted(template), parts, strict=True))
    return type(template)(parts) if isinstance(template, list | tuple) else type(template)(*parts)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    if isinstance(value, list | tuple):
        return list(value)
    return [getattr(value, name) for name in type(value).__dataclass_fields__]
