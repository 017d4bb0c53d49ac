"""A custom network that draws its start from torch's global generator and has a parameter that is frozen."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from solver.model.config import NetworkConfig
from solver.model.layers import Heads, InputEmbedding, rms_norm, rotary_layout, states_shape
from solver.model.stack import Network, Output


@dataclass(frozen=True)
class PlainConfig(NetworkConfig):
    """One layer of width d a loop: a matrix d x d."""

    def layers_per_loop(self) -> tuple[int, int]:
        return 1, 1

    def layer_flop(self, length):
        return length * 2 * self.hidden_size**2


class Plain(Network):
    """Embedded tokens, the task's vector in front, and one mixing matrix; nothing looks at a neighbour."""

    config_class = PlainConfig

    def __init__(self, config: PlainConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embed = InputEmbedding(config, None)
        self.mix = nn.Linear(config.hidden_size, config.hidden_size)
        self.heads = Heads(config, None)
        self.scale = nn.Parameter(torch.full((1,), 0.5), requires_grad=False)

    def blocks(self) -> list[nn.Module]:
        return [self.mix]

    def initial_states(self, batch, dtype):
        return (torch.zeros(states_shape(self.config, batch), dtype=dtype, device=batch.tokens.device),)

    def forward(self, states, batch, vectors, dtype):
        given = states[0] + self.embed(batch, vectors, dtype)
        mixed = F.linear(given, self.mix.weight.to(dtype), self.mix.bias.to(dtype))
        hidden = rms_norm(torch.tanh(mixed) * self.scale.to(dtype) + given, 1e-5)
        logits, q_logits = self.heads(hidden, rotary_layout(self.config, batch))
        return Output((hidden.detach(),), logits, q_logits[:, 0], q_logits[:, 1])


class Released(nn.Module):
    """A module without blocks."""

    config_class = PlainConfig

    def __init__(self, config: PlainConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config, self.head = config, nn.Linear(2, config.vocab_size)
