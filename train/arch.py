"""Which network a run trains: one of ours by name, or one's own by ``module@Class``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import nn

from solver.model.config import NetworkConfig
from solver.model.registry import build_network, config_class

# Settings of a network that the data set decides.
FROM_DATA = ("vocab_size", "canvas_side", "num_puzzle_identifiers")


@dataclass(frozen=True)
class ArchConfig:
    """``network``: the network's own settings, all but those of the data set. ``profile``: log where
    the time of a step goes. ``forward_dtype``: of activations; ``auto`` is the device's."""

    name: str
    network: dict[str, Any]
    halt_exploration_prob: float = 0.1
    loss_type: str = "stablemax_cross_entropy"
    forward_dtype: str = "auto"
    profile: bool = False

    def config_class(self) -> type[NetworkConfig]:
        """The class of the network's configuration."""
        return config_class(self.name)

    def build(self, config: NetworkConfig, generator: torch.Generator) -> nn.Module:
        """A fresh network."""
        return build_network(config, generator, arch=self.name)

    def to_dict(self) -> dict[str, Any]:
        """Nested as the released configuration is."""
        values = asdict(self)
        loss = {"loss_type": values.pop("loss_type")}
        return {"name": values.pop("name"), **values.pop("network"), **values, "loss": loss}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ArchConfig":
        """The inverse of ``to_dict``; every key must be known already."""
        own = {f.name for f in fields(cls)} - {"network", "loss_type"}
        network = {k: v for k, v in values.items() if k not in own and k != "loss"}
        config = config_class(values["name"]).from_dict(network, "arch")
        settings = {k: v for k, v in config.to_dict().items() if k not in FROM_DATA}
        wanted = (("halt_exploration_prob", (int, float), "a number"), ("profile", bool, "a bool"))
        for key, kind, noun in wanted:
            if not isinstance(values[key], kind):
                raise ValueError(f"arch.{key}: found {values[key]!r}, wanted {noun}")
        kept = {k: v for k, v in values.items() if k in own}
        return cls(network=settings, loss_type=values["loss"]["loss_type"], **kept)


def arch_defaults(name: str) -> dict[str, Any]:
    """All settings of an architecture with their defaults, nested."""
    network = asdict(config_class(name)())
    settings = {k: v for k, v in network.items() if k not in FROM_DATA}
    return ArchConfig(name, settings).to_dict()


def network_config(arch: ArchConfig, **from_data: int) -> NetworkConfig:
    """The network's closed configuration for a data set: ``arch.FROM_DATA``, where it has such a field."""
    cls = arch.config_class()
    known = {f.name for f in fields(cls)}
    values = {key: value for key, value in from_data.items() if key in known}
    return cls.from_dict({**arch.network, **values}, "arch")
