"""A custom network that draws its start from torch's global generator and has a parameter that is frozen."""

from dataclasses import dataclass

import torch
from torch import nn

from solver.model.config import NetworkConfig
from solver.model.layers import rms_norm
from solver.model.stack import Network, Output


@dataclass(frozen=True)
class PlainConfig(NetworkConfig):
    """One layer of width d a loop: a matrix d x d."""

    def layers_per_loop(self) -> tuple[int, int]:
        return 1, 1

    def layer_flop(self, length):
        return length * 2 * self.hidden_size**2


class Plain(Network):
    """A token, the task's vector and one mixing matrix; nothing looks at a neighbour."""

    config_class = PlainConfig

    def __init__(self, config: PlainConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.mix = nn.Linear(config.hidden_size, config.hidden_size)
        self.head = nn.Linear(config.hidden_size, config.vocab_size)
        self.scale = nn.Parameter(torch.full((1,), 0.5), requires_grad=False)

    def blocks(self) -> list[nn.Module]:
        return [self.mix]

    def initial_states(self, batch, dtype):
        shape = (*batch.tokens.shape, self.config.hidden_size)
        return (torch.zeros(shape, dtype=dtype, device=batch.tokens.device),)

    def forward(self, states, batch, vectors, dtype):
        given = self.tokens(batch.tokens).to(dtype) + vectors.to(dtype)[:, None]
        hidden = rms_norm(torch.tanh(self.mix(states[0] + given)) + self.scale.to(dtype), 1e-5)
        halting = hidden.float().mean((1, 2))
        return Output((hidden.detach(),), self.head(hidden), halting, -halting)


class Released(nn.Module):
    """A module without blocks."""

    config_class = PlainConfig

    def __init__(self, config: PlainConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config, self.head = config, nn.Linear(2, config.vocab_size)
