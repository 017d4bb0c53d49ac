"""The optimisers of a run, and the one step that they take together."""

from collections.abc import Sequence

from torch import nn

from solver.model.dense import Dense, clear, of_tasks, of_weights, shared_parameters
from solver.model.embedding import SparseRows
from solver.model.optim import Average, cosine_with_floor, sign_sgd_rows
from train.act import Model
from train.config import RunConfig


def build_dense(config: RunConfig, model: nn.Module) -> list[Dense]:
    """Optimisers for everything but the rows of the task memory, which ``sign_sgd_rows`` updates.

    Task vectors of a factored memory learn with AdamW at ``task_lr`` even with ``freeze_weights``.
    """
    network, memory = (model.network, model.memory) if isinstance(model, Model) else (model, None)
    betas = (config.beta1, config.beta2)
    tasks = of_tasks(memory, config.task_lr, betas, config.task_weight_decay)
    beside = shared_parameters(memory)
    if config.freeze_weights:
        for parameter in [*network.parameters(), *beside]:
            parameter.requires_grad_(False)
        return tasks
    matrices = config.lr if config.use_muon else 0.0
    released = config.muon_variant == "released"
    weights = of_weights(
        network, beside, config.lr, betas, config.weight_decay, matrices=matrices, released=released
    )
    return [*tasks, *weights]


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
        part.step(factor)
    lr, decay = config.puzzle_emb_lr * factor, config.puzzle_emb_weight_decay
    sign_sgd_rows(rows, lr=lr, weight_decay=decay)
    clear(dense)
    if average is not None:
        average.update()
