"""A set of weights: a folder with ``model.safetensors`` and ``config.json``.

``config.json`` holds ``format``, ``arch`` (urm, trm, hrm, or ``module@Class`` of a custom network),
``model`` (the closed configuration), ``devices`` (kinds that
the set is the default for) and ``provenance``: commit, data, steps, compute, measured score, ``tasks``, a
checksum of every task trained on, and ``test_pairs_seen``: the checksums of those whose test pairs were
trained on too, or true for all. Tensors are ``network.*`` and ``memory.*``; a memory holds no rows of tasks,
only what new tasks start from.

A set with a factored memory may carry the vectors of tasks that it was trained on, so that they are
known again: ``tasks.safetensors`` holds them as 8-bit rows, and ``known`` in ``config.json`` names the
task of each row by its checksum (``solver.arc.checksum``).
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from solver.file import read_object, replace_file
from solver.model.config import NetworkConfig
from solver.model.embedding import CoseMemory, Memory, build_memory
from solver.model.quantise import pack_tensors, unpack_tensors
from solver.model.registry import arch_of, build_network, config_class
from solver.weights_card import VECTORS_FILE, check_devices, find_weights, read_card, shown_name

FORMAT = 1
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I8": torch.int8,
}


@dataclass(frozen=True, eq=False)
class Weights:
    """``network``: float32, on the CPU. ``memory``: shared state for new memories. ``vectors``: those of
    tasks that the set knows, float32 [puzzle_emb_ndim] by the tasks' checksums."""

    name: str
    config: NetworkConfig
    network: nn.Module
    memory: dict[str, Tensor]
    provenance: dict[str, Any] = field(default_factory=dict)
    vectors: Mapping[str, Tensor] = field(default_factory=dict)

    def new_memory(self, *, tasks: int, rows: int) -> Memory:
        """A memory for ``tasks`` new tasks and ``rows`` (task, augmentation) pairs, blank ones not
        counted, all starting from the stored mean."""
        memory = build_memory(self.config, tasks=tasks + 1, rows=rows + 1)
        memory.start(self.memory)
        return memory

    def starting_from(self, checksum: str) -> "Weights":
        """The same network and memory, but new tasks start from the vector of this known task."""
        return replace(self, memory={**self.memory, "mean": self.vectors[checksum]})


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
    arch, config, provenance = _read_config(folder / "config.json")
    path = folder / "model.safetensors"
    tensors = unpack_tensors(read_tensors(path), path)
    network = build_network(config, arch=arch)
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
    memory = {k: tensors[f"memory.{k}"] for k in shared}
    return Weights(shown_name(folder), config, network, memory, provenance, _read_vectors(folder, config))


def _read_vectors(folder: Path, config: NetworkConfig) -> dict[str, Tensor]:
    """The vectors of the tasks that config.json calls known; ValueError where they do not match."""
    known = read_card(folder).known
    if not known:
        return {}
    path = folder / VECTORS_FILE
    tensors = unpack_tensors(read_tensors(path), path)
    wanted = [len(known), config.puzzle_emb_ndim]
    rows = tensors.get("vectors")
    if rows is None or tensors.keys() != {"vectors"} or list(rows.shape) != wanted:
        found = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in sorted(tensors.items()))
        raise ValueError(f"{path}: wanted vectors {wanted}, found {found or 'nothing'}")
    return dict(zip(known, rows, strict=True))


def _read_config(path: Path) -> tuple[str, NetworkConfig, dict[str, Any]]:
    value = read_object(path)
    if value.get("format") != FORMAT:
        raise ValueError(f"{path}: not a configuration of weights, wanted format {FORMAT}")
    arch = value.get("arch")
    if not isinstance(arch, str):
        raise ValueError(f"{path}: architecture {arch!r}, wanted a name")
    if not isinstance(value.get("model"), dict):
        raise ValueError(f'{path}: wanted an object under "model"')
    try:
        kind = config_class(arch)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return arch, kind.from_dict(value["model"], str(path)), value.get("provenance") or {}


def task_vectors(memory: Memory, checksums: Sequence[Sequence[str]]) -> dict[str, Tensor]:
    """The trained vectors of a factored memory by the tasks' checksums: those of task n, one for each of
    its versions, stand at n - 1; where two tasks share one, the first counts. Nothing of a table, whose
    rows belong to single augmentations."""
    if not isinstance(memory, CoseMemory):
        return {}
    rows = memory.task_vectors.detach().to("cpu", torch.float32)
    assert len(rows) == len(checksums) + 1, (len(rows), len(checksums))
    found: dict[str, Tensor] = {}
    for names, row in zip(checksums, rows[1:], strict=True):
        found |= {name: row for name in names if name not in found}
    return found


def save_weights(
    folder: Path,
    network: nn.Module,
    memory_state: dict[str, Tensor],
    provenance: dict[str, Any],
    dtype: torch.dtype = torch.float32,
    *,
    vectors: Mapping[str, Tensor] | None = None,
    devices: Sequence[str] = (),
) -> None:
    """Write a set of weights; each file is replaced whole.

    ``dtype``: float32, bfloat16, or int8 for matrices in 8-bit rows with scales. ``vectors``: of the tasks
    that the set is to know (``task_vectors``). ``devices``: kinds that it is the default for.
    """
    from safetensors.torch import save

    config = network.config
    check_devices(devices)
    if vectors and config.memory != "cose":
        raise ValueError(f"{folder}: vectors of known tasks with a {config.memory} memory, wanted cose")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"memory.{k}": v for k, v in memory_state.items()}
    header = {"format": FORMAT, "arch": arch_of(network), "model": config.to_dict()}
    if devices:
        header["devices"] = list(devices)
    replace_file(folder / "model.safetensors", save(pack_tensors(tensors, dtype)))
    if vectors:
        header["known"] = sorted(vectors)
        rows = torch.stack([vectors[checksum] for checksum in header["known"]])
        replace_file(folder / VECTORS_FILE, save(pack_tensors({"vectors": rows}, torch.int8)))
    header["provenance"] = provenance
    replace_file(folder / "config.json", (json.dumps(header, indent=1) + "\n").encode())
    if not vectors:
        (folder / VECTORS_FILE).unlink(missing_ok=True)
