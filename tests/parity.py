"""Recorded numbers of the released networks, and our networks with the recorded weights in them.

``PARITY_FIXTURES`` names a folder of recordings; the default is tests/fixtures. Each file's metadata
says architecture, sizes and optimiser settings, so recordings of any size are read.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from solver.model.batch import IGNORE, Batch, Keys
from solver.model.config import NetworkConfig
from solver.model.embedding import TableMemory
from solver.model.registry import build_network
from solver.model.upstream import config_from_upstream, rename_from_upstream

FOLDER = Path(os.environ.get("PARITY_FIXTURES", Path(__file__).parent / "fixtures"))


@dataclass(frozen=True, eq=False)
class Recording:
    arch: str
    settings: dict
    optimizer: dict
    tensors: dict[str, Tensor]
    config: NetworkConfig

    @property
    def dtype(self) -> torch.dtype:
        return getattr(torch, self.settings["forward_dtype"])

    def part(self, prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}

    def build(self) -> tuple[torch.nn.Module, TableMemory]:
        """Network and table with the recorded weights, every recorded tensor used."""
        network = build_network(self.config)
        state = rename_from_upstream(self.part("state."))
        rows = state.pop("puzzle_emb.weights")
        network.load_state_dict({k: v.float() for k, v in state.items()})
        memory = TableMemory(self.config, tasks=1, rows=len(rows))
        memory.rows.copy_(rows)
        return network, memory

    def batch(self) -> Batch:
        inputs = self.tensors["batch.inputs"].long()
        labels = self.tensors["batch.labels"].long()
        size = len(inputs)
        side = torch.full((size,), self.config.canvas_side)
        ids = self.tensors["batch.puzzle_identifiers"].long()
        plain = torch.arange(10).expand(size, 10)
        keys = Keys(ids, torch.zeros_like(ids), torch.zeros_like(ids), plain)
        return Batch(inputs, labels.masked_fill(labels == 0, IGNORE), side, side, keys, True)


def recordings(arch: str) -> list[Path]:
    """Files of one architecture in the folder."""
    return [path for path in sorted(FOLDER.glob("*.safetensors")) if _metadata(path)["arch"] == arch]


def _metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


def read(path: Path) -> Recording:
    with safe_open(path, "pt") as file:
        meta = file.metadata()
        names = file.keys()
        tensors = {name: file.get_tensor(name) for name in names}
    settings = json.loads(meta["config"])
    config = config_from_upstream(meta["arch"], settings)
    return Recording(meta["arch"], settings, json.loads(meta["optimizer"]), tensors, config)
