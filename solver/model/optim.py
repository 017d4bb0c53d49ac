"""Optimisers of the recipe, exponential moving averages and learning-rate schedules."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from solver.model.embedding import SparseRows


class AdamAtan2(torch.optim.Optimizer):
    """Adam without an epsilon (arXiv 2407.05872), decoupled weight decay, as the recipe has it.

    m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w *= 1 - lr wd;
    w -= lr / (1 - b1^t) * atan2(m, sqrt(v / (1 - b2^t))). Invariant to the gradient's scale.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.95),
        weight_decay: float = 0.1,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every parameter that has a gradient."""
        assert closure is None, "this optimiser evaluates no closure"
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            for p in params:
                if not self.state[p]:
                    self.state[p].update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                self.state[p]["step"] += 1
            _adam_atan2_step(params, [self.state[p] for p in params], group)


def _adam_atan2_step(params: list[Tensor], states: list[dict], group: dict) -> None:
    b1, b2 = group["betas"]
    lr, decay = group["lr"], group["weight_decay"]
    grads = [p.grad for p in params]
    first, second = [s["m"] for s in states], [s["v"] for s in states]
    torch._foreach_lerp_(first, grads, 1 - b1)
    torch._foreach_mul_(second, b2)
    torch._foreach_addcmul_(second, grads, grads, 1 - b2)
    torch._foreach_mul_(params, 1 - lr * decay)
    scale = [1 / (1 - b2 ** s["step"]) for s in states]
    roots = torch._foreach_sqrt(torch._foreach_mul(second, scale))
    updates = _atan2(first, roots, together=params[0].is_cuda)
    torch._foreach_mul_(updates, [-lr / (1 - b1 ** s["step"]) for s in states])
    torch._foreach_add_(params, updates)


def _atan2(first: list[Tensor], second: list[Tensor], *, together: bool) -> list[Tensor]:
    """atan2 of each pair. ``together``: as one kernel over all of them, where launches cost more than
    copies (torch has no foreach form of it)."""
    if not together:
        return [torch.atan2(m, root) for m, root in zip(first, second, strict=True)]
    flat = torch.atan2(*(torch.cat([part.flatten() for part in parts]) for parts in (first, second)))
    parts = flat.split([m.numel() for m in first])
    return [part.view_as(m) for part, m in zip(parts, first, strict=True)]


@torch.no_grad()
def sign_sgd_rows(sparse: Sequence[SparseRows], *, lr: float, weight_decay: float) -> None:
    """SignSGD with decoupled weight decay on the rows that a batch looked up.

    Gradients of equal ids are summed before the sign: row = row (1 - lr wd) - lr sign(sum g). All
    entries must be of one table; rows outside the batch, and the blank row 0, are untouched.
    """
    if not sparse:
        return
    table = sparse[0].table
    assert all(part.table is table for part in sparse), "rows of different tables"
    index = torch.cat([part.index for part in sparse])
    grads = torch.cat([_row_gradient(part) for part in sparse])
    # Equal ids by comparison: no sort, no synchronisation with the host, and the same sum for each.
    equal = (index[:, None] == index[None, :]).to(grads.dtype)
    summed = equal @ grads
    rows = table[index] * (1 - lr * weight_decay) - lr * summed.sign()
    table[index] = torch.where((index == 0)[:, None], table[index], rows)


def _row_gradient(part: SparseRows) -> Tensor:
    return torch.zeros_like(part.values) if part.values.grad is None else part.values.grad


class Average:
    """Exponential moving average of parameters: a = decay a + (1 - decay) w after each step.

    The decay is warmed up, min(decay, (1 + t) / (10 + t)), when ``warm`` is set, so that short runs
    do not average their start.
    """

    def __init__(self, module: nn.Module, decay: float, *, warm: bool = False) -> None:
        self.decay, self.warm, self.steps = decay, warm, 0
        self.params = list(module.parameters())
        self.values = [p.detach().clone() for p in self.params]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        self.steps += 1
        decay = self.decay
        if self.warm:
            decay = min(decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.params], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange parameters and averages; twice is as before."""
        params = [p.detach() for p in self.params]
        kept = [p.clone() for p in params]
        torch._foreach_copy_(params, self.values)
        torch._foreach_copy_(self.values, kept)


def warm_constant(step: int, warm_up: int) -> float:
    """Factor of the learning rate: linear over ``warm_up`` steps, then 1. ``step`` counts from 0."""
    return min(1.0, (step + 1) / max(1, warm_up))


def cosine_with_floor(step: int, warm_up: int, total: int, floor: float) -> float:
    """Linear warm-up, then half a cosine from 1 to ``floor`` at ``total`` steps."""
    if step < warm_up:
        return (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, total - warm_up))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def warm_stable_decay(done: float, warm_up: float, decay_from: float) -> float:
    """Linear to 1 over the share ``warm_up`` of a run, 1 until ``decay_from``, linear to 0 at the end.

    ``done`` is the share of the run that is over, 0..1.
    """
    if done < warm_up:
        return done / warm_up
    if done < decay_from:
        return 1.0
    return max(0.0, (1 - done) / (1 - decay_from))
