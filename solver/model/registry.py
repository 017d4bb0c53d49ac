"""Architectures by name: the configuration's class and the network's."""

import torch
from torch import nn

from solver.model.config import HRMConfig, NetworkConfig, TRMConfig, URMConfig
from solver.model.hrm import HRM
from solver.model.trm import TRM
from solver.model.urm import URM

_ARCHITECTURES: dict[str, tuple[type[NetworkConfig], type[nn.Module]]] = {
    "urm": (URMConfig, URM),
    "trm": (TRMConfig, TRM),
    "hrm": (HRMConfig, HRM),
}


def architectures() -> frozenset[str]:
    """The known names."""
    return frozenset(_ARCHITECTURES)


def config_class(arch: str) -> type[NetworkConfig]:
    """The configuration's class of a known architecture."""
    return _ARCHITECTURES[arch][0]


def build_network(config: NetworkConfig, generator: torch.Generator | None = None) -> nn.Module:
    """A fresh network of the configuration's architecture, float32 on the CPU."""
    return _ARCHITECTURES[config.arch][1](config, generator)
