"""Scaling the loss of float16 activations, so that small gradients do not vanish."""

import torch
from torch import Tensor


class LossScale:
    """The factor on the loss and how it moves: the rule of torch.amp.GradScaler (arXiv 1710.03740).

    Gradients are divided by the factor before anything reads them. Where one is not finite, the step is
    left out and the factor halved; after ``interval`` good steps it doubles. The decision costs one
    synchronisation with the host a step, so bfloat16 and float32 do without.
    """

    def __init__(self, device: torch.device, start: float = 2.0**16, interval: int = 2000) -> None:
        self.factor = torch.full((), start, device=device)
        self.interval, self.good, self.skipped = interval, 0, 0

    def scaled(self, loss: Tensor) -> Tensor:
        """The loss to go backward from."""
        return loss * self.factor.to(loss.dtype)

    def unscale(self, grads: list[Tensor]) -> bool:
        """Divide the gradients in place; False when the step is to be left out. Moves the factor."""
        torch._foreach_mul_(grads, 1 / self.factor)
        largest = torch.stack(torch._foreach_norm(grads, float("inf"))) if grads else self.factor
        if not bool(largest.isfinite().all()):
            self.factor *= 0.5
            self.good, self.skipped = 0, self.skipped + 1
            return False
        self.good += 1
        if self.good == self.interval:
            self.factor *= 2
            self.good = 0
        return True
