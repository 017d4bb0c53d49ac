"""The optimisers of a run, and the one step that they take together."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from solver.model.embedding import CoseMemory, SparseRows
from solver.model.muon import build_muon
from solver.model.optim import AdamAtan2, Average, cosine_with_floor, sign_sgd_rows
from train.act import Model
from train.config import RunConfig


@dataclass(frozen=True, eq=False)
class Dense:
    """An optimiser of parameters and the rate it has when the schedule stands at 1."""

    optimizer: torch.optim.Optimizer
    rate: float


def build_dense(config: RunConfig, model: nn.Module) -> list[Dense]:
    """Optimisers for everything but the rows of the task memory, which ``sign_sgd_rows`` updates.

    Task vectors of a factored memory learn with AdamW at ``task_lr`` even with ``freeze_weights``.
    """
    network, memory = (model.network, model.memory) if isinstance(model, Model) else (model, None)
    betas = (config.beta1, config.beta2)
    found, beside = [], []
    if isinstance(memory, CoseMemory):
        vectors = torch.optim.AdamW(
            [memory.task_vectors], config.task_lr, betas, weight_decay=config.task_weight_decay
        )
        found.append(Dense(vectors, config.task_lr))
        beside = [p for name, p in memory.named_parameters() if name != "task_vectors"]
    if config.freeze_weights:
        for parameter in [*network.parameters(), *beside]:
            parameter.requires_grad_(False)
        return found
    if config.use_muon:
        released = config.muon_variant == "released"
        pair = build_muon(
            network, lr=config.lr, weight_decay=config.weight_decay, beside=beside, released=released
        )
        return found + [Dense(optimizer, config.lr) for optimizer in pair]
    shared = [*network.parameters(), *beside]
    return [*found, Dense(AdamAtan2(shared, config.lr, betas, config.weight_decay), config.lr)]


def rate_factor(config: RunConfig, step: int, total: int) -> float:
    """Warm-up, then a cosine to ``lr_min_ratio`` at ``total`` steps. ``step`` counts from 0."""
    return cosine_with_floor(step, config.lr_warmup_steps, total, config.lr_min_ratio)


def take_step(
    config: RunConfig,
    dense: Sequence[Dense],
    rows: Sequence[SparseRows],
    factor: float,
    average: Average | None,
) -> None:
    """One update of everything from the gradients that have been collected, which are then cleared.

    ``factor`` multiplies every rate; ``rows`` are those of all micro-batches of all processes.
    """
    for part in dense:
        for group in part.optimizer.param_groups:
            group["lr"] = part.rate * factor
        part.optimizer.step()
    lr, decay = config.puzzle_emb_lr * factor, config.puzzle_emb_weight_decay
    sign_sgd_rows(rows, lr=lr, weight_decay=decay)
    clear(dense)
    if average is not None:
        average.update()


def clear(dense: Sequence[Dense]) -> None:
    """Forget collected gradients."""
    for part in dense:
        part.optimizer.zero_grad(set_to_none=True)
