"""Loops of a module of one's own, by the released contract."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from solver.model.batch import Batch
from solver.model.halting import HaltingRule
from train.act import Loop, Stored


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
