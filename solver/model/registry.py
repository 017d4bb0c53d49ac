"""Architectures by name: ours, or a custom one by ``module@Class``."""

import sys
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from solver.model.config import HRMConfig, NetworkConfig, TRMConfig, URMConfig
from solver.model.hrm import HRM
from solver.model.trm import TRM
from solver.model.urm import URM
from solver.words import closest

_ARCHITECTURES: dict[str, tuple[type[NetworkConfig], type[nn.Module]]] = {
    "urm": (URMConfig, URM),
    "trm": (TRMConfig, TRM),
    "hrm": (HRMConfig, HRM),
}


def architectures() -> frozenset[str]:
    """The names of ours."""
    return frozenset(_ARCHITECTURES)


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


def _classes(arch: str) -> tuple[type[NetworkConfig], type[nn.Module]]:
    if "@" in arch:
        network = find_class(arch)
        config = getattr(network, "config_class", None)
        if not (isinstance(config, type) and issubclass(config, NetworkConfig)):
            raise ValueError(f"arch {arch}: wanted a class attribute config_class, a NetworkConfig")
        return config, network
    if arch not in _ARCHITECTURES:
        known = sorted(_ARCHITECTURES)
        hint = closest(arch, known)
        raise ValueError(f"arch {arch}: unknown{hint}, wanted module@Class or one of {', '.join(known)}")
    return _ARCHITECTURES[arch]


def config_class(arch: str) -> type[NetworkConfig]:
    """The class of an architecture's configuration; ValueError for one that is not known."""
    return _classes(arch)[0]


def build_network(
    config: NetworkConfig, generator: torch.Generator | None = None, *, arch: str = ""
) -> nn.Module:
    """A fresh network, float32 on the CPU: of the architecture ``arch``, which a custom configuration does
    not tell by itself, or of the configuration's own."""
    return _classes(arch or config.arch)[1](config, generator)


def arch_of(network: nn.Module) -> str:
    """The name that ``build_network`` takes for such a network."""
    for name, (_, known) in _ARCHITECTURES.items():
        if type(network) is known:
            return name
    return f"{type(network).__module__}@{type(network).__qualname__}"
