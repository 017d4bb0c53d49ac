"""Tiny Recursive Model (arXiv 2510.04871): one small stack of layers that updates two states."""

import torch
from torch import Tensor

from solver.model.batch import Layout
from solver.model.config import TRMConfig
from solver.model.layers import SwiGLU
from solver.model.stack import Block, MixerBlock, Stack, TwoStateNetwork


class TRM(TwoStateNetwork):
    """One loop: H_cycles times [L_cycles times z_L = f(z_L, z_H + x), then z_H = f(z_H, z_L)], all but
    the last H cycle without gradient. f is the same stack throughout."""

    def __init__(self, config: TRMConfig, generator: torch.Generator | None = None) -> None:
        super().__init__(config, generator)
        self.L_level = Stack([_layer(config, generator) for _ in range(config.L_layers)])

    def recur(self, high: Tensor, low: Tensor, given: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """(z_H, z_L) after one loop."""
        with torch.no_grad():
            for _ in range(self.config.H_cycles - 1):
                high, low = self.cycle(high, low, given, layout)
        return self.cycle(high, low, given, layout)

    def cycle(self, high: Tensor, low: Tensor, given: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """One H cycle."""
        for _ in range(self.config.L_cycles):
            low = self.L_level(low, high + given, layout)
        return self.L_level(high, low, layout), low


def _layer(config: TRMConfig, generator: torch.Generator | None) -> Block | MixerBlock:
    return MixerBlock(config, generator) if config.mlp_t else Block(config, SwiGLU, generator)
