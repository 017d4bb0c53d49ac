"""Optimisers of the recipe, exponential moving averages and learning-rate schedules."""

import inspect
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from solver.model.embedding import SparseRows


class Plain(torch.optim.Optimizer):
    """An optimiser that leaves torch's compiler alone: torch's own load it when they are made and when
    they step, two seconds of every process's start."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class AdamW(Plain):
    """Adam with decoupled weight decay (arXiv 1711.05101), to the bit torch.optim.AdamW on a CPU.

    m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w *= 1 - lr wd;
    w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.01,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every parameter that has a gradient."""
        assert closure is None, "this optimiser evaluates no closure"
        for group in self.param_groups:
            (b1, b2), lr = group["betas"], group["lr"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["step"] += 1
                p.mul_(1 - lr * group["weight_decay"])
                state["m"].lerp_(p.grad, 1 - b1)
                state["v"].mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
                root = (state["v"].sqrt() / (1 - b2 ** state["step"]) ** 0.5).add_(group["eps"])
                p.addcdiv_(state["m"], root, value=-lr / (1 - b1 ** state["step"]))


class AdamAtan2(Plain):
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
    for p, m, root, state in zip(params, first, roots, states, strict=True):
        p.add_(torch.atan2(m, root), alpha=-lr / (1 - b1 ** state["step"]))


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
        for p, value in zip(self.params, self.values, strict=True):
            kept = p.detach().clone()
            p.copy_(value)
            value.copy_(kept)


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
