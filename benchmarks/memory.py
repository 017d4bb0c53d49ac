"""Bytes of a task memory: a row for each (task, augmentation), against the factored one."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.measure import Measurement, Setting
from solver.model.config import NetworkConfig, URMConfig
from solver.model.embedding import CoseMemory, build_memory

_TASKS, _AUGMENTATIONS, _RANK = 240, 1000, 32


def memory_bytes(config: NetworkConfig, *, tasks: int, augmentations: int) -> int:
    """Bytes of the memory that ``config`` names while it is tuned: float32 values, of a factored one's
    parameters also the two moments that their optimisers keep (the rows' SignSGD keeps none)."""
    memory = build_memory(config, tasks=tasks + 1, rows=tasks * augmentations + 1)
    values = sum(value.nbytes for value in memory.state_dict().values())
    moments = 2 * sum(value.nbytes for value in memory.parameters())
    return values + (moments if isinstance(memory, CoseMemory) else 0)


def measure_memory(setting: Setting) -> Iterator[Measurement]:
    """240 tasks under 1,000 augmentations each, 512 wide: counted, nothing is timed."""
    table = URMConfig(memory="table", memory_rank=0)
    sizes = {
        "table": table,
        "cose, rank 0": replace(table, memory="cose"),
        f"cose, rank {_RANK}": replace(table, memory="cose", memory_rank=_RANK),
    }
    counted = {
        name: memory_bytes(config, tasks=_TASKS, augmentations=_AUGMENTATIONS)
        for name, config in sizes.items()
    }
    for name, size in counted.items():
        label = f"memory of {_TASKS} tasks x {_AUGMENTATIONS:,}: {name}"
        yield Measurement(label, size, "bytes", ratio=counted["table"] / size)
