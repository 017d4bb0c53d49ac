"""The processes of a run: who this one is, and what they tell each other.

``torchrun`` sets RANK, WORLD_SIZE and LOCAL_RANK; without them a run is one process and nothing here
communicates.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import pad

from solver.model.device import use_threads
from solver.model.embedding import SparseRows


@dataclass(frozen=True)
class World:
    """``rank`` of ``size`` processes; ``local_rank`` on its machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """True for the process that logs and writes."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the processes, in place; the same on each."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in order, on the first; an empty list on the others."""
        if self.size == 1:
            return [value]
        found = [None] * self.size if self.first else None
        dist.gather_object(value, found)
        return found or []

    def tell(self, value: Any) -> Any:
        """The first process's value, on each."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            dist.barrier()

    def all_rows(self, sparse: list[SparseRows], most: int) -> list[SparseRows]:
        """The rows that any process looked up, with their gradients: the same list on each.

        ``most``: of the process that looked up most; the others fill up with the blank row. Equal ids of
        different processes are summed by ``sign_sgd_rows``, before the sign.
        """
        if self.size == 1 or not sparse:
            return sparse
        index = torch.cat([part.index for part in sparse])
        grads = torch.cat([_gradient(part) for part in sparse])
        missing = most - len(index)
        index, grads = pad(index, (0, missing)), pad(grads, (0, 0, 0, missing))
        indices = [torch.empty_like(index) for _ in range(self.size)]
        gradients = [torch.empty_like(grads) for _ in range(self.size)]
        dist.all_gather(indices, index)
        dist.all_gather(gradients, grads)
        values = torch.zeros(len(index) * self.size, grads.shape[1], dtype=grads.dtype, device=grads.device)
        values.grad = torch.cat(gradients)
        return [SparseRows(sparse[0].table, torch.cat(indices), values)]


def _gradient(part: SparseRows) -> Tensor:
    return torch.zeros_like(part.values) if part.values.grad is None else part.values.grad


@contextmanager
def joined() -> Iterator[World]:
    """This process among those of ``torchrun``, or alone; the group is left at the end."""
    use_threads()
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    # Objects and checkpoints travel over gloo even where gradients travel over NCCL.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    world = World(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
    if torch.cuda.is_available():
        torch.cuda.set_device(world.local_rank)
    dist.init_process_group(backend)
    try:
        yield world
    finally:
        dist.destroy_process_group()
