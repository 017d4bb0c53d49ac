"""The optimisers of everything but the rows of a task memory; pretraining and test time share them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from solver.model.embedding import CoseMemory
from solver.model.muon import build_muon
from solver.model.optim import AdamAtan2

Betas = tuple[float, float]


class Dense(NamedTuple):
    """An optimiser of parameters and the rate it has when the schedule stands at 1."""

    optimizer: torch.optim.Optimizer
    rate: float

    def step(self, factor: float) -> None:
        """One update at ``factor`` times the rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * factor
        self.optimizer.step()


def shared_parameters(memory: nn.Module | None) -> list[nn.Parameter]:
    """What a factored memory learns beside its task vectors; nothing for another memory."""
    if not isinstance(memory, CoseMemory):
        return []
    return [p for name, p in memory.named_parameters() if name != "task_vectors"]


def of_tasks(memory: nn.Module | None, rate: float, betas: Betas, weight_decay: float) -> list[Dense]:
    """AdamW for the task vectors of a factored memory; nothing for another memory."""
    if not isinstance(memory, CoseMemory):
        return []
    vectors = memory.task_vectors
    # One kernel, and no step count read on the host.
    fused = {"fused": True} if vectors.is_cuda else {}
    return [Dense(torch.optim.AdamW([vectors], rate, betas, weight_decay=weight_decay, **fused), rate)]


def of_weights(
    network: nn.Module,
    beside: Sequence[nn.Parameter],
    rate: float,
    betas: Betas,
    weight_decay: float,
    *,
    matrices: float = 0.0,
    released: bool = False,
) -> list[Dense]:
    """Adam-atan2 for the network and ``beside``; with a rate for ``matrices``, Muon for the hidden ones and
    AdamW at ``rate`` for the rest. ``released``: Muon as released with URM."""
    if not matrices:
        return [Dense(AdamAtan2([*network.parameters(), *beside], rate, betas, weight_decay), rate)]
    muon, adamw = build_muon(
        network, lr=matrices, betas=betas, weight_decay=weight_decay, beside=beside, released=released
    )
    return [Dense(muon, matrices), Dense(adamw, rate)]


def clear(dense: Sequence[Dense]) -> None:
    """Forget collected gradients."""
    for part in dense:
        part.optimizer.zero_grad(set_to_none=True)
