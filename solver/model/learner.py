"""One optimiser step of a network and its task memory; pretraining and test time share it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from solver.model.batch import Batch
from solver.model.dense import clear, of_tasks, of_weights, shared_parameters
from solver.model.embedding import CoseMemory, Memory, SparseRows
from solver.model.loss import LossTerms, LossType, act_loss
from solver.model.optim import Average, sign_sgd_rows
from solver.model.scaling import LossScale


@dataclass(frozen=True)
class Rates:
    """Learning rates and decays. ``rows``: SignSGD on table and residual rows; ``tasks``: AdamW on
    factored task vectors; ``weights``: Adam-atan2 on the rest, unless ``matrices`` is above 0: then
    Muon on the hidden matrices at that rate and AdamW on the rest."""

    weights: float = 1e-4
    matrices: float = 0.0
    weight_decay: float = 0.1
    rows: float = 1e-2
    rows_decay: float = 0.1
    tasks: float = 1e-2
    tasks_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)


class Learner:
    """Holds the optimisers' state and takes one step a loop.

    ``average``: moving average of the network's parameters (not of the task memory), or None.
    ``scaling``: of the loss; by default where ``dtype`` is float16. A step whose gradients are not finite
    then changes nothing but the scale.
    """

    def __init__(
        self,
        network: nn.Module,
        memory: Memory,
        rates: Rates,
        *,
        dtype: torch.dtype,
        loss_type: LossType = "stablemax_cross_entropy",
        average: Average | None = None,
        scaling: LossScale | None = None,
    ) -> None:
        self.network, self.memory, self.rates = network, memory, rates
        self.dtype, self.loss_type, self.average = dtype, loss_type, average
        if scaling is None and dtype == torch.float16:
            scaling = LossScale(next(network.parameters()).device)
        self.scaling = scaling
        beside = shared_parameters(memory)
        self.shared = [*network.parameters(), *beside]
        self.optimizers = of_weights(
            network, beside, rates.weights, rates.betas, rates.weight_decay, matrices=rates.matrices
        )
        self.task_optimizers = of_tasks(memory, rates.tasks, rates.betas, rates.tasks_decay)

    def step(
        self, states: tuple[Tensor, ...], batch: Batch, *, scale: float = 1.0, tune_weights: bool = True
    ) -> tuple[tuple[Tensor, ...], LossTerms]:
        """One loop on ``batch`` from ``states`` and one update; ``scale`` multiplies every rate.

        Returns the states for the next loop, detached, and the loss summed over the batch.
        """
        states, terms, sparse = self.gradients(states, batch, count=len(batch), tune_weights=tune_weights)
        self.apply(sparse, scale, tune_weights)
        return states, terms

    def gradients(
        self, states: tuple[Tensor, ...], batch: Batch, *, count: int, tune_weights: bool = True
    ) -> tuple[tuple[Tensor, ...], LossTerms, tuple[SparseRows, ...]]:
        """One loop and its gradients, of the loss divided by ``count``, added to those that are there.

        Returns the states for the next loop, the loss summed over the batch, and the rows looked up.
        """
        for parameter in self.shared:
            parameter.requires_grad_(tune_weights)
        lookup = self.memory(batch.keys)
        output = self.network(states, batch, lookup.vectors, self.dtype)
        terms = act_loss(
            output.logits, output.q_halt, output.q_continue, batch.labels, loss_type=self.loss_type
        )
        loss = terms.total / count
        (loss if self.scaling is None else self.scaling.scaled(loss)).backward()
        return output.states, terms, lookup.sparse

    def apply(self, sparse: tuple[SparseRows, ...], scale: float, tune_weights: bool) -> None:
        """Take the gradients in and clear them."""
        rates = self.rates
        if self.scaling is not None and not self.scaling.unscale(self._gradients(sparse)):
            self._clear()
            return
        for part in self.task_optimizers:
            part.step(scale)
        for rows in sparse:  # each of a table of its own
            sign_sgd_rows((rows,), lr=rates.rows * scale, weight_decay=rates.rows_decay)
        if tune_weights:
            for part in self.optimizers:
                part.step(scale)
            if self.average is not None:
                self.average.update()
        self._clear()

    def _gradients(self, sparse: tuple[SparseRows, ...]) -> list[Tensor]:
        known = [*self.shared, *(rows.values for rows in sparse)]
        if isinstance(self.memory, CoseMemory):
            known.append(self.memory.task_vectors)
        return [part.grad for part in known if part.grad is not None]

    def _clear(self) -> None:
        clear([*self.task_optimizers, *self.optimizers])


@torch.inference_mode()
def run_loops(
    network: nn.Module, memory: Memory, batch: Batch, *, loops: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """All loops from a fresh start: (logits [B, T, vocabulary], q_halt [B] float32) of the last."""
    vectors = memory(batch.keys).vectors
    states = network.initial_states(batch, dtype)
    for _ in range(loops):
        output = network(states, batch, vectors, dtype)
        states = output.states
    return output.logits, output.q_halt
