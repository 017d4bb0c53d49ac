"""What URM, TRM and HRM are made of: post-norm blocks, stacks of them, and one loop's result."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from solver.model.batch import Batch, Layout
from solver.model.config import NetworkConfig, swiglu_width
from solver.model.layers import (
    Attention,
    ConvSwiGLU,
    Heads,
    InputEmbedding,
    SwiGLU,
    rms_norm,
    rotary_layout,
    states_shape,
    truncated_normal,
)


@dataclass(frozen=True, eq=False)
class Output:
    """One loop's result. ``states``: hidden states [B, P + T, D] each, or packed [1, M, D], detached.
    ``logits`` [B, T, vocabulary]; ``q_halt``, ``q_continue`` [B] float32 logits."""

    states: tuple[Tensor, ...]
    logits: Tensor
    q_halt: Tensor
    q_continue: Tensor


class Block(nn.Module):
    """Post-norm: h = norm(h + attention(h)); h = norm(h + mlp(h)). ``mlp``: the class of the second
    half."""

    def __init__(
        self,
        config: NetworkConfig,
        mlp: type[SwiGLU] | type[ConvSwiGLU],
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.eps = config.rms_norm_eps
        self.self_attn = Attention(config, generator)
        self.mlp = mlp(config.hidden_size, config.intermediate_size, generator)

    def forward(self, hidden: Tensor, layout: Layout) -> Tensor:
        hidden = rms_norm(hidden + self.self_attn(hidden, layout), self.eps)
        return rms_norm(hidden + self.mlp(hidden, layout), self.eps)


class MixerBlock(nn.Module):
    """A SwiGLU over the sequence in the place of attention (TRM's ``mlp_t``, arXiv 2510.04871).

    Its residual and its norm are taken on the transposed tensor, so the norm runs over the
    sequence. The length is fixed: the prefix and every cell of the full canvas.
    """

    def __init__(self, config: NetworkConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        self.eps = config.rms_norm_eps
        self.length = config.prefix_len + config.seq_len
        self.mlp_t = SwiGLU(self.length, swiglu_width(self.length, config.expansion), generator)
        self.mlp = SwiGLU(config.hidden_size, config.intermediate_size, generator)

    def forward(self, hidden: Tensor, layout: Layout) -> Tensor:
        assert layout.mask is None and hidden.shape[1] == self.length, (hidden.shape, self.length)
        across = hidden.transpose(1, 2)  # [B, D, P + T]
        hidden = rms_norm(across + self.mlp_t(across), self.eps).transpose(1, 2)
        return rms_norm(hidden + self.mlp(hidden), self.eps)


class Network(nn.Module):
    """What every network shares: its blocks, and how it is compiled."""

    def blocks(self) -> list[nn.Module]:
        """The parts that are compiled one by one, and whose matrices Muon moves. A custom network made of
        other parts overrides this."""
        return [module for module in self.modules() if isinstance(module, Block | MixerBlock)]

    def compile(self, *args, **options) -> None:
        """As ``nn.Module.compile``, but block by block: one graph serves every layer and recurrence.

        A loop unrolls to dozens of equal blocks (URM: 48), minutes of compiling as one graph; between
        blocks there is nothing to fuse. Sizes are symbolic (``dynamic=True``) unless said otherwise, so a
        batch of another shape needs no other graph.
        """
        for block in self.blocks():
            block.compile(*args, **{"dynamic": True, **options})


class Stack(nn.Module):
    """h = layers(h + injection); h, injection [B, P + T, D]."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, hidden: Tensor, injection: Tensor, layout: Layout) -> Tensor:
        hidden = hidden + injection
        for layer in self.layers:
            hidden = layer(hidden, layout)
        return hidden


class TwoStateNetwork(Network, ABC):
    """What TRM and HRM share: the states (z_H, z_L), which start from one fixed vector each, the same
    at every position, and the heads, which read z_H. ``recur`` is where they differ."""

    def __init__(self, config: NetworkConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        self.config = config
        self.embed = InputEmbedding(config, generator)
        self.heads = Heads(config, generator)
        self.register_buffer("H_init", truncated_normal((config.hidden_size,), 1.0, generator))
        self.register_buffer("L_init", truncated_normal((config.hidden_size,), 1.0, generator))

    def initial_states(self, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """(z_H, z_L) before the first loop."""
        shape = states_shape(self.config, batch)
        return tuple(start.to(dtype).expand(shape) for start in (self.H_init, self.L_init))

    @abstractmethod
    def recur(self, high: Tensor, low: Tensor, given: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """(z_H, z_L) after one loop; ``given`` [B, P + T, D] is the embedded input."""

    def forward(
        self, states: tuple[Tensor, ...], batch: Batch, vectors: Tensor | None, dtype: torch.dtype
    ) -> Output:
        """One loop from ``states``; ``vectors`` [B, puzzle_emb_ndim] are the puzzle embeddings."""
        layout = rotary_layout(self.config, batch)
        given = self.embed(batch, vectors, dtype)
        high, low = self.recur(*states, given, layout)
        logits, q_logits = self.heads(high, layout)
        return Output((high.detach(), low.detach()), logits, q_logits[:, 0], q_logits[:, 1])
