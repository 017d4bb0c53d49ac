"""A short run as data, and what a short run says about itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from solver.arc.checksum import task_checksum
from solver.model.config import checked
from train.short.pool import PooledTask


@dataclass(frozen=True)
class ShortRun:
    """``sources``: challenges files under the data folder. ``extra``: file of generated pairs there, or
    empty. ``held_out``: files whose test pairs must not be seen, wherever they stand. ``tests``: test
    pairs with known outputs are trained on too. ``network``: the network's
    configuration. Exactly one of ``seconds`` (summed over resumptions) and ``flop`` is the budget.
    ``max_cells``: largest cropped canvas. ``stages``: [share of the budget, loops] pairs: from there
    on a batch is kept for so many loops. ``dtype``: of activations, or auto. ``workers``: processes
    that draw batches; 0 draws them in the trainer."""

    name: str
    network: dict[str, Any]
    sources: list[str]
    extra: str = ""
    held_out: list[str] = field(default_factory=list)
    tests: bool = True
    seconds: float = 0.0
    flop: float = 0.0
    max_cells: int = 900
    warm_up: float = 0.02
    decay_from: float = 0.5
    average_decay: float = 0.998
    seed: int = 0
    dtype: str = "auto"
    compile: bool = False
    workers: int = 0
    stages: list[Any] = field(default_factory=lambda: [[0.0, 1]])
    rates: dict[str, float] = field(default_factory=dict)
    mixture: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.seconds > 0) == (self.flop > 0):
            raise ValueError(
                f"recipe {self.name}: one budget wanted, found {self.seconds:g} seconds, {self.flop:g} flop"
            )
        if not self.stages or self.stages[0][0] != 0:
            raise ValueError(f"recipe {self.name}: the first stage must start at 0, found {self.stages}")

    def loops_at(self, done: float) -> int:
        """Loops a batch is kept for when the share ``done`` of the budget is used."""
        return [int(loops) for start, loops in self.stages if start <= done][-1]


def read_run(path: Path, **changes: Any) -> ShortRun:
    """A run from its JSON recipe, with ``changes``; ValueError naming the file and the key."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error
    return ShortRun(**checked(ShortRun, {**values, **changes}, str(path)))


def provenance(run: ShortRun, pool: Sequence[PooledTask]) -> dict[str, Any]:
    """What the weights of a run have seen."""
    return {
        "name": run.name,
        "data": [*run.sources, *([run.extra] if run.extra else [])],
        "test_pairs_seen": run.tests,
        "recipe": asdict(run),
        "tasks": sorted({task_checksum(entry.task) for entry in pool}),
    }
