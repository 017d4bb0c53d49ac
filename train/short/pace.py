"""How fast a run goes, and what share of the fastest matrix product here that is."""

import time
from dataclasses import dataclass, field

import torch

from solver.model.device import Placement
from train.short.trainer import Position

SIDES = {"cuda": 8192, "mps": 2048, "cpu": 512}  # of the square matrices


def matmul_peak(placement: Placement, dtype: torch.dtype, rounds: int = 5) -> float:
    """FLOP a second of a large product of random matrices in ``dtype``: the median of ``rounds``."""
    device, side = placement.device, SIDES[placement.device.type]
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(side, side, generator=generator).to(device, dtype)
    b = torch.randn(side, side, generator=generator).to(device, dtype)
    seconds = []
    for n in range(rounds + 2):  # the first two warm up
        began = _now(device)
        torch.mm(a, b)
        if n > 1:
            seconds.append(_now(device) - began)
    return 2 * side**3 / sorted(seconds)[len(seconds) // 2]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@dataclass
class Pace:
    """Rates between two looks. ``peak``: FLOP a second of a large matrix product."""

    peak: float
    last: tuple[float, int, float] = field(default=(0.0, 0, 0.0))

    def look(self, at: Position) -> dict[str, float]:
        """Tokens and TFLOP a second since the last look, and the share of the peak."""
        seconds, tokens, flop = at.seconds - self.last[0], at.tokens - self.last[1], at.flop - self.last[2]
        self.last = (at.seconds, at.tokens, at.flop)
        rate = flop / max(seconds, 1e-9)
        return {
            "tokens_per_second": round(tokens / max(seconds, 1e-9)),
            "tflop_per_second": rate / 1e12,
            "share_of_peak": rate / self.peak,
        }
