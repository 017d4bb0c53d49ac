"""Hierarchical Reasoning Model (arXiv 2506.21734): a slow and a fast stack, one state each."""

import torch
from torch import Tensor

from solver.model.batch import Layout
from solver.model.config import HRMConfig
from solver.model.layers import SwiGLU
from solver.model.stack import Block, Stack, TwoStateNetwork


class HRM(TwoStateNetwork):
    """One loop: H_cycles times [L_cycles times z_L = L(z_L, z_H + x), then z_H = H(z_H, z_L)], all but
    the very last update of each without gradient (the paper's one-step gradient)."""

    def __init__(self, config: HRMConfig, generator: torch.Generator | None = None) -> None:
        super().__init__(config, generator)
        self.H_level = Stack([Block(config, SwiGLU, generator) for _ in range(config.H_layers)])
        self.L_level = Stack([Block(config, SwiGLU, generator) for _ in range(config.L_layers)])

    def recur(self, high: Tensor, low: Tensor, given: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """(z_H, z_L) after one loop."""
        config = self.config
        with torch.no_grad():
            for _ in range(config.H_cycles - 1):
                for _ in range(config.L_cycles):
                    low = self.L_level(low, high + given, layout)
                high = self.H_level(high, low, layout)
            for _ in range(config.L_cycles - 1):
                low = self.L_level(low, high + given, layout)
        low = self.L_level(low, high + given, layout)
        return self.H_level(high, low, layout), low
