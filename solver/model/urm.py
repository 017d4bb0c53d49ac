"""Universal Reasoning Model (arXiv 2512.14693): one stack of layers, applied again and again."""

import torch
from torch import Tensor, nn

from solver.model.batch import Batch, Layout
from solver.model.config import URMConfig
from solver.model.layers import (
    ConvSwiGLU,
    Heads,
    InputEmbedding,
    rotary_layout,
    states_shape,
    truncated_normal,
)
from solver.model.stack import Block, Network, Output


class URM(Network):
    """The backbone: everything but the puzzle embeddings, which come in as vectors.

    One call is one loop: H_cycles x L_cycles recurrences h = layers(h + input), all but the last
    L_cycles without gradient (truncated backpropagation).
    """

    def __init__(self, config: URMConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embed = InputEmbedding(config, generator)
        self.layers = nn.ModuleList(Block(config, ConvSwiGLU, generator) for _ in range(config.num_layers))
        self.heads = Heads(config, generator)
        self.register_buffer("init_hidden", truncated_normal((config.hidden_size,), 1.0, generator))

    def initial_states(self, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """The hidden state before the first loop: the same vector at every position."""
        return (self.init_hidden.to(dtype).expand(states_shape(self.config, batch)),)

    def recur(self, hidden: Tensor, given: Tensor, layout: Layout, cycles: int) -> Tensor:
        """``cycles`` recurrences of h = layers(h + given); h, given [B, P + T, D]."""
        for _ in range(cycles):
            hidden = hidden + given
            for layer in self.layers:
                hidden = layer(hidden, layout)
        return hidden

    def forward(
        self, states: tuple[Tensor, ...], batch: Batch, vectors: Tensor | None, dtype: torch.dtype
    ) -> Output:
        """One loop from ``states``; ``vectors`` [B, puzzle_emb_ndim] are the puzzle embeddings."""
        config = self.config
        layout = rotary_layout(config, batch)
        given = self.embed(batch, vectors, dtype)
        (hidden,) = states
        with torch.no_grad():
            hidden = self.recur(hidden, given, layout, (config.H_cycles - 1) * config.L_cycles)
        hidden = self.recur(hidden, given, layout, config.L_cycles)
        logits, q_logits = self.heads(hidden, layout)
        return Output((hidden.detach(),), logits, q_logits[:, 0], q_logits[:, 1])
