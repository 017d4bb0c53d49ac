"""Muon: momentum whose update is made orthogonal, for the hidden matrices; AdamW for the rest."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from solver.model.layers import Linear
from solver.model.stack import Network

# One (a, b, c) for each Newton-Schulz step: as released with URM, and the usual ones (K. Jordan, 2024).
RELEASED_COEFFICIENTS = (
    (7.2086, -15.5131, 9.0178),
    (3.9623, -2.5813, 0.4542),
    (3.9466, -2.5765, 0.4544),
    (3.8991, -2.5671, 0.4566),
    (3.7186, -2.5308, 0.4653),
)
USUAL_COEFFICIENTS = ((3.4445, -4.7750, 2.0315),) * 5
TINY = 1e-7
LINEAR = (Linear, nn.Linear)

Coefficients = tuple[tuple[float, float, float], ...]


def newton_schulz(matrices: Tensor, coefficients: Coefficients = RELEASED_COEFFICIENTS) -> Tensor:
    """U p(S) V^T of the singular value decomposition U S V^T of each matrix: the nearest orthogonal one,
    roughly. p(S) is between 0.4 and 1.9 with the released coefficients, 0.7 and 1.2 with the usual ones.

    ``matrices`` [n, rows, columns]; each is divided by its norm first; then, for each (a, b, c),
    X <- a X + (b A + c A A) X with A = X X^T, on the shorter side.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + TINY)
    for a, b, c in coefficients:
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal, its root mean square matched to AdamW's.

    m = momentum m + (1 - momentum) g; u = newton_schulz(g + momentum (m - g)); w *= 1 - lr wd;
    w -= lr 0.2 sqrt(max(rows, columns)) u (arXiv 2502.16982, equation 4). Matrices only. ``dtype`` of the
    iteration: float32 on a CPU, whatever its activations are, since there it costs a tenth of a step and
    many times a step where the processor does not multiply bfloat16.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-4,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        *,
        coefficients: Coefficients = RELEASED_COEFFICIENTS,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.coefficients, self.dtype = coefficients, dtype
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(
                        f"Muon: expected matrices only, got a parameter of shape {list(p.shape)}"
                    )

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
                        self.state[p]["momentum_buffer"] = torch.zeros_like(p)
            for shape, params in alike.items():
                self._step(params, group, 0.2 * max(shape) ** 0.5)

    def _step(self, params: list[nn.Parameter], group: dict, scale: float) -> None:
        lr, momentum = group["lr"], group["momentum"]
        grads, held = [p.grad for p in params], [self.state[p]["momentum_buffer"] for p in params]
        torch._foreach_lerp_(held, grads, 1 - momentum)
        ahead = torch._foreach_lerp(grads, held, momentum)
        updates = newton_schulz(torch.stack(ahead).to(self.dtype), self.coefficients).to(params[0].dtype)
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
) -> tuple[Muon, torch.optim.AdamW]:
    """Muon for the hidden matrices, AdamW with ``betas`` for the network's rest and for ``beside``. The usual
    coefficients, in bfloat16 on a GPU that has units for it; where ``released`` asks for it the released
    ones in float32."""
    matrices = hidden_matrices(network)
    taken = {id(p) for p in matrices}
    rest = [p for p in network.parameters() if id(p) not in taken] + list(beside)
    # One kernel; on a GPU no step count is read on the host.
    adamw = torch.optim.AdamW(rest, lr=lr, betas=betas, eps=1e-8, weight_decay=weight_decay, fused=True)
    half = rest[0].is_cuda and torch.cuda.get_device_capability(rest[0].device) >= (8, 0) and not released
    muon = Muon(
        matrices,
        lr,
        weight_decay=weight_decay,
        coefficients=RELEASED_COEFFICIENTS if released else USUAL_COEFFICIENTS,
        dtype=torch.bfloat16 if half else torch.float32,
    )
    return muon, adamw
