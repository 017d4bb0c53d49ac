"""Muon: momentum whose update is made orthogonal, for the hidden matrices; AdamW for the rest."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from solver.model.layers import Linear
from solver.model.stack import Network

# One (a, b, c) for each Newton-Schulz step, as released with URM.
RELEASED_COEFFICIENTS = (
    (7.2086, -15.5131, 9.0178),
    (3.9623, -2.5813, 0.4542),
    (3.9466, -2.5765, 0.4544),
    (3.8991, -2.5671, 0.4566),
    (3.7186, -2.5308, 0.4653),
)
TINY = 1e-7
LINEAR = (Linear, nn.Linear)


def newton_schulz(matrix: Tensor) -> Tensor:
    """U p(S) V^T of the singular value decomposition U S V^T, p(S) between 0.4 and 1.9: the nearest
    orthogonal matrix, roughly.

    ``matrix`` [rows, columns] float32, or several of one shape [n, rows, columns]; divided by its norm
    first; then, for each (a, b, c), X <- a X + (b A + c A A) X with A = X X^T, on the shorter side.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + TINY)
    for a, b, c in RELEASED_COEFFICIENTS:
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class ReleasedMuon(torch.optim.Optimizer):
    """Muon as released with URM: float32, its own coefficients, root mean square matched to AdamW's.

    m = momentum m + g; u = newton_schulz(g + momentum m); w *= 1 - lr wd;
    w -= lr 0.2 sqrt(max(rows, columns)) u (arXiv 2502.16982, equation 4). Matrices only.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-4,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(f"Muon: a parameter of shape {list(p.shape)}, wanted matrices only")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every matrix that has a gradient; matrices of one shape together."""
        assert closure is None, "this optimiser evaluates no closure"
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    alike.setdefault(p.shape, []).append(p)
                    if not self.state[p]:
                        self.state[p]["m"] = torch.zeros_like(p)
            for shape, params in alike.items():
                self._step(params, group, 0.2 * max(shape) ** 0.5)

    def _step(self, params: list[nn.Parameter], group: dict, scale: float) -> None:
        lr, momentum = group["lr"], group["momentum"]
        grads, held = [p.grad for p in params], [self.state[p]["m"] for p in params]
        torch._foreach_mul_(held, momentum)
        torch._foreach_add_(held, grads)
        ahead = torch._foreach_add(grads, held, alpha=momentum)
        updates = newton_schulz(torch.stack(ahead).float()).to(params[0].dtype)
        torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        torch._foreach_add_(params, list(updates.unbind()), alpha=-lr * scale)


def hidden_matrices(network: nn.Module) -> list[nn.Parameter]:
    """The matrices inside the network's blocks, by role: projections of attention and SwiGLU; never
    embeddings, heads, convolutions or biases, whatever their shape. ValueError where there are none."""
    blocks = network.blocks() if isinstance(network, Network) else []
    found = [part.weight for block in blocks for part in block.modules() if isinstance(part, LINEAR)]
    if not found:
        raise ValueError(
            f"Muon: {type(network).__name__} has no blocks with matrices, expected a Network whose blocks() "
            f"names them (or use_muon=False)"
        )
    return found


def build_muon(
    network: nn.Module,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.95),
    weight_decay: float,
    beside: Iterable[nn.Parameter] = (),
    released: bool = False,
) -> tuple[torch.optim.Optimizer, torch.optim.AdamW]:
    """Muon for the hidden matrices, AdamW with ``betas`` for the network's rest and for ``beside``.

    torch's own Muon with the same scale where the installed torch has it (2.9); the released
    variant elsewhere, or where ``released`` asks for it.
    """
    matrices = hidden_matrices(network)
    taken = {id(p) for p in matrices}
    rest = [p for p in network.parameters() if id(p) not in taken] + list(beside)
    fused = {"fused": True} if rest[0].is_cuda else {}  # one kernel, and no step count read on the host
    adamw = torch.optim.AdamW(rest, lr=lr, betas=betas, eps=1e-8, weight_decay=weight_decay, **fused)
    if released or not hasattr(torch.optim, "Muon"):
        return ReleasedMuon(matrices, lr=lr, weight_decay=weight_decay), adamw
    return torch.optim.Muon(
        matrices, lr=lr, momentum=0.95, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
    ), adamw
