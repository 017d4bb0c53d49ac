"""Which network a run trains: one of ours by name, or one's own by ``module@Class``."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from solver.model.config import NetworkConfig
from solver.model.registry import architectures, build_network, config_class
from solver.words import closest

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
        return _config_class(self.name)

    def build(self, config: NetworkConfig, generator: torch.Generator) -> nn.Module:
        """A fresh network."""
        if "@" in self.name:
            return find_class(self.name)(config, generator)
        return build_network(config, generator)

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
        config = _config_class(values["name"]).from_dict(network, "arch")
        settings = {k: v for k, v in config.to_dict().items() if k not in FROM_DATA}
        for key, kind in (("halt_exploration_prob", (int, float)), ("profile", bool)):
            if not isinstance(values[key], kind):
                raise ValueError(
                    f"arch.{key}: found {values[key]!r}, wanted {'a number' if key[0] == 'h' else 'a bool'}"
                )
        kept = {k: v for k, v in values.items() if k in own}
        return cls(network=settings, loss_type=values["loss"]["loss_type"], **kept)


def arch_defaults(name: str) -> dict[str, Any]:
    """All settings of an architecture with their defaults, nested."""
    network = asdict(_config_class(name)())
    settings = {k: v for k, v in network.items() if k not in FROM_DATA}
    return ArchConfig(name, settings).to_dict()


def _config_class(name: str) -> type[NetworkConfig]:
    if "@" in name:
        found = getattr(find_class(name), "config_class", None)
        if not (isinstance(found, type) and issubclass(found, NetworkConfig)):
            raise ValueError(f"arch {name}: wanted a class attribute config_class, a NetworkConfig")
        return found
    if name not in architectures():
        known = sorted(architectures())
        hint = closest(name, known)
        raise ValueError(f"arch {name}: unknown{hint}, wanted module@Class or one of {', '.join(known)}")
    return config_class(name)


def find_class(name: str) -> type:
    """The class ``module@Class`` names; modules of the working directory are found too. ValueError."""
    module, _, title = name.partition("@")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found = getattr(import_module(module), title, None)
    except ModuleNotFoundError as error:
        raise ValueError(f"{name}: no module {error.name} (wanted module@Class)") from error
    if not isinstance(found, type):
        raise ValueError(f"{name}: the module has no class {title}")
    return found


def network_config(arch: ArchConfig, **from_data: int) -> NetworkConfig:
    """The network's closed configuration for a data set: ``arch.FROM_DATA``, where it has such a field."""
    cls = arch.config_class()
    known = {f.name for f in fields(cls)}
    values = {key: value for key, value in from_data.items() if key in known}
    return cls.from_dict({**arch.network, **values}, "arch")
