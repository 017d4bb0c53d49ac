"""A short run as data, and what a short run says about itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from solver.file import read_object
from solver.model.config import NetworkConfig, checked
from solver.model.learner import Rates
from solver.model.registry import config_class
from train.short.pool import PooledTask, Source
from train.short.sample import Mixture

# What torch.compile does beside fusing: nothing, CUDA graphs of the blocks, matrix products tried out.
MODES = ("default", "reduce-overhead", "max-autotune-no-cudagraphs")


@dataclass(frozen=True)
class Stage:
    """From the share ``start`` of the budget on, a batch is kept for ``loops`` loops of H_cycles x
    L_cycles recurrences."""

    start: float
    loops: int
    H_cycles: int
    L_cycles: int


@dataclass(frozen=True)
class Watch:
    """Evaluations on the way. ``file``: tasks that are trained on, whose test pairs are kept back: those
    with crc32(id) divisible by ``modulus`` are asked without tuning, by ``votes`` views, at the shares
    ``at`` of the budget. ``tuned_file``: tasks, trained on or not, that are tuned jointly for
    ``tuned_steps`` first, at the shares ``tuned_at``. An empty file asks nothing."""

    file: str = ""
    modulus: int = 20
    votes: int = 16
    at: list[float] = field(default_factory=lambda: [0.01, 0.03, 0.1, 0.3, 1.0])
    tuned_file: str = ""
    tuned_modulus: int = 40
    tuned_steps: int = 0
    tuned_at: list[float] = field(default_factory=lambda: [1.0])


@dataclass(frozen=True)
class ShortRun:
    """``sources``: the fields of ``Source`` each. ``extra``: file of generated pairs there, or empty.
    ``held_out``: files whose test pairs must not be seen, wherever they stand. ``exclude``: files whose
    tasks must not be seen at all, nor tasks that share a pair with them. ``arch``: urm, trm, hrm or
    module@Class; ``network``: its configuration. ``start``: weights, or the folder of a run, to continue
    from. Exactly one of ``seconds`` (summed over resumptions) and ``flop`` is the budget. ``max_cells``: of a
    pair's box, at most.
    ``stages``: [share of the budget, loops] or [share, loops, H_cycles, L_cycles]: from there on a batch
    is kept for so many loops, of so many recurrences. ``layout``: of batches; auto packs them on a GPU.
    ``dtype``: of activations, or auto. ``compile``: the network's blocks, with torch.compile; or
    the name of one of its MODES.
    ``workers``: processes that draw batches; 0 draws them in the trainer."""

    name: str
    network: dict[str, Any]
    sources: list[Any]
    arch: str = "urm"
    extra: str = ""
    held_out: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    start: str = ""
    seconds: float = 0.0
    flop: float = 0.0
    max_cells: int = 900
    warm_up: float = 0.02
    decay_from: float = 0.5
    average_decay: float = 0.998
    seed: int = 0
    layout: Literal["auto", "padded", "packed"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool | str = False
    workers: int = 0
    stages: list[Any] = field(default_factory=lambda: [[0.0, 1]])
    rates: dict[str, float] = field(default_factory=dict)
    mixture: dict[str, Any] = field(default_factory=dict)
    watch: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        if (self.seconds > 0) == (self.flop > 0):
            raise ValueError(
                f"{where}: one budget wanted, found {self.seconds:g} seconds, {self.flop:g} flop"
            )
        starts = [stage.start for stage in self.schedule]
        if not starts or starts[0] != 0 or starts != sorted(starts):
            raise ValueError(f"{where}: the first stage must start at 0, the others after it, found {starts}")
        last, config = self.schedule[-1], self.config
        # Several of the network's loops may be one of the last stage: the recurrences are the same ones.
        if last.H_cycles != config.H_cycles or last.L_cycles % config.L_cycles:
            raise ValueError(
                f"{where}: the last stage has {last.H_cycles} x {last.L_cycles} recurrences, wanted the "
                f"network's {config.H_cycles} x {config.L_cycles}"
            )
        for source in self.files:
            if source.tests and source.file in self.held_out:
                raise ValueError(
                    f"{where}: {source.file} is held out, so its test pairs cannot be trained on: "
                    'wanted "tests": false'
                )
        if isinstance(self.compile, str) and self.compile not in MODES:
            modes = ", ".join(MODES)
            raise ValueError(f"{where}: compile is {self.compile!r}, wanted true, false or one of {modes}")
        if config.memory == "table" and not self.drawn.augmentations:
            raise ValueError(f"{where}: a table has a row for each of some augmentations, found none")
        for name in ("watching", "learning"):
            getattr(self, name)  # read now, so that a wrong key is found before the run

    @cached_property
    def config(self) -> NetworkConfig:
        return config_class(self.arch).from_dict(self.network, f"recipe {self.name}, network")

    @cached_property
    def files(self) -> tuple[Source, ...]:
        where = f"recipe {self.name}, sources"
        return tuple(Source(**checked(Source, values, where)) for values in self.sources)

    @cached_property
    def drawn(self) -> Mixture:
        return Mixture(**checked(Mixture, self.mixture, f"recipe {self.name}, mixture"))

    @cached_property
    def learning(self) -> Rates:
        return Rates(**checked(Rates, self.rates, f"recipe {self.name}, rates"))

    @cached_property
    def watching(self) -> Watch:
        return Watch(**checked(Watch, self.watch, f"recipe {self.name}, watch"))

    @cached_property
    def schedule(self) -> tuple[Stage, ...]:
        cycles = [self.config.H_cycles, self.config.L_cycles]
        return tuple(Stage(*(s if len(s) == 4 else [*s, *cycles])) for s in self.stages)

    @property
    def side(self) -> int:
        """Of the full canvas; 0 where canvases are cropped."""
        return self.config.canvas_side if self.config.canvas == "full" else 0

    def stage_at(self, done: float) -> Stage:
        """The stage when the share ``done`` of the budget is used."""
        return [stage for stage in self.schedule if stage.start <= done][-1]


def read_run(path: Path, changes: Sequence[str] = (), **values: Any) -> ShortRun:
    """A run from its JSON recipe, with ``values`` and ``changes`` of the form KEY=VALUE, KEY dotted for
    what lies deeper and VALUE JSON or else a string; ValueError naming the file and the key.

    A recipe with ``base``, the name of another beside it, is that one but for its own keys, which may be
    dotted too.
    """
    found = _read(path) | values
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key:
            raise ValueError(f"{change}: wanted KEY=VALUE")
        _set(found, key, _value(text), change)
    return ShortRun(**checked(ShortRun, found, str(path)))


def _read(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a recipe and of those that it is based on; ``above``: those that are based on it."""
    own = read_object(path)
    base = own.pop("base", None)
    if base is None:
        return own
    below = path.parent / f"{base}.json"
    if below in (path, *above):
        raise ValueError(f"{path}: is based on {base}, which is based on it")
    found = _read(below, (path, *above))
    for key, value in own.items():
        _set(found, key, value, f"{path}, {key}")
    return found


def _set(values: dict[str, Any], key: str, value: Any, where: str) -> None:
    """One value into nested dictionaries and lists; ``key`` dotted."""
    *path, last = key.split(".")
    place: Any = values
    try:
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[int(last) if isinstance(place, list) else last] = value
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: no such place in the recipe ({error})") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def provenance(run: ShortRun, pool: Sequence[PooledTask]) -> dict[str, Any]:
    """What the weights of a run have seen."""
    return {
        "name": run.name,
        "data": [*(source.file for source in run.files), *([run.extra] if run.extra else [])],
        "test_pairs_seen": sorted({checksum for entry in pool for checksum in entry.tested}),
        "recipe": asdict(run),
        "tasks": sorted({checksum for entry in pool for checksum in entry.checksums}),
    }
