"""A set of weights: a folder with ``model.safetensors`` and ``config.json``.

``config.json`` holds ``format``, ``arch``, ``model`` (the closed configuration) and ``provenance``:
commit, data, steps, compute, measured score, and a checksum of every task trained on.
Tensors are ``network.*`` and ``memory.*``; a memory holds no rows of tasks, only what new tasks
start from.
"""

import json
import struct
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from solver.file import replace_file
from solver.model.config import NetworkConfig
from solver.model.embedding import Memory, build_memory
from solver.model.folder import find_weights
from solver.model.registry import architectures, build_network, config_class

FORMAT = 1
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class Weights:
    """``network``: float32, on the CPU. ``memory``: shared state for new memories. ``trained_on``:
    checksums of the tasks (``provenance["tasks"]``)."""

    name: str
    config: NetworkConfig
    network: nn.Module
    memory: dict[str, Tensor]
    provenance: dict[str, Any] = field(default_factory=dict)

    def new_memory(self, *, tasks: int, rows: int) -> Memory:
        """A memory for ``tasks`` new tasks and ``rows`` (task, augmentation) pairs, blank ones not
        counted, all starting from the stored mean."""
        memory = build_memory(self.config, tasks=tasks + 1, rows=rows + 1)
        memory.start(self.memory)
        return memory


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; ValueError when it is no such file or cut short."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if find_spec("safetensors") is None:
        return parse_safetensors(data, path)
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError) as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from error


def parse_safetensors(data: bytes, path: Path) -> dict[str, Tensor]:
    """The same where the safetensors package is missing, as it may be on a competition machine:
    eight bytes of length, a JSON header, then the data."""
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        return {name: _tensor(entry, data, 8 + length) for name, entry in header.items()}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a whole safetensors file ({error})") from error


def _tensor(entry: dict[str, Any], data: bytes, start: int) -> Tensor:
    begin, end = entry["data_offsets"]
    if entry["dtype"] not in _DTYPES or start + end > len(data):
        raise ValueError(f"dtype {entry['dtype']}, bytes {begin} to {end} of {len(data) - start}")
    tensor = torch.empty(entry["shape"], dtype=_DTYPES[entry["dtype"]])
    if tensor.nbytes != end - begin:
        raise ValueError(f"shape {entry['shape']} of {entry['dtype']} in {end - begin} bytes")
    raw = np.frombuffer(data, np.uint8, end - begin, start + begin)
    tensor.view(-1).view(torch.uint8).numpy()[:] = raw
    return tensor


def load_weights(name: str) -> Weights:
    """Strictly: every tensor the configuration asks for, of its shape, and no other. ValueError."""
    folder = find_weights(name)
    config, provenance = _read_config(folder / "config.json")
    path = folder / "model.safetensors"
    tensors = {key: value.float() for key, value in read_tensors(path).items()}
    network = build_network(config)
    wanted = {f"network.{k}": v for k, v in network.state_dict().items()}
    shared = build_memory(config, tasks=2, rows=2).shared_state()
    wanted |= {f"memory.{k}": v for k, v in shared.items()}
    if wanted.keys() != tensors.keys():
        missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
        raise ValueError(
            f"{path}: not the weights that config.json describes "
            f"(missing {', '.join(missing[:3]) or 'none'}; unexpected {', '.join(extra[:3]) or 'none'})"
        )
    for key, value in wanted.items():
        if tensors[key].shape != value.shape:
            found, want = list(tensors[key].shape), list(value.shape)
            raise ValueError(f"{path}, tensor {key}: shape {found}, wanted {want}")
    network.load_state_dict({k: tensors[f"network.{k}"] for k in network.state_dict()})
    network.eval()
    return Weights(folder.name, config, network, {k: tensors[f"memory.{k}"] for k in shared}, provenance)


def _read_config(path: Path) -> tuple[NetworkConfig, dict[str, Any]]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"{path}: not a configuration of weights, wanted format {FORMAT}")
    arch = value.get("arch")
    if arch not in architectures():
        known = sorted(architectures())
        raise ValueError(f"{path}: architecture {arch!r}, wanted one of {', '.join(known)}")
    if not isinstance(value.get("model"), dict):
        raise ValueError(f'{path}: wanted an object under "model"')
    config = config_class(arch).from_dict(value["model"], str(path))
    return config, value.get("provenance") or {}


def save_weights(
    folder: Path,
    network: nn.Module,
    memory_state: dict[str, Tensor],
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a set of weights; each file is replaced whole."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"memory.{k}": v for k, v in memory_state.items()}
    packed = {k: v.detach().to("cpu", dtype).contiguous() for k, v in tensors.items()}
    config = network.config
    header = {"format": FORMAT, "arch": config.arch, "model": config.to_dict(), "provenance": provenance}
    replace_file(folder / "model.safetensors", save(packed))
    replace_file(folder / "config.json", (json.dumps(header, indent=1) + "\n").encode())
