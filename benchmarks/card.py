"""What a card makes of its arithmetic: steps against the matrix peak measured in the same run.

    python -m benchmarks.card --output FOLDER [--device cuda] [--data DIR] [--part NAME ...]

Parts: ``peak`` (a large matrix product), ``engines`` (packed attention), ``full`` (URM of width 512, full
canvases, batch 768: eager and compiled), ``cropped`` (the same network on packed cropped canvases),
``cost`` (100 to 900 cells, with the floor: operations over peak), ``graphs`` (small batches, CUDA graph),
``recipes`` (TRM and HRM as published). Results go to FOLDER/card.json, which a later run of other parts
completes, and FOLDER/cost.png. On a CPU sizes are small and ``engines`` and ``graphs`` have nothing to do.
Batches lie on the device before the clock starts; a step is one loop forward and backward of every
sequence, in micro-batches as memory allows, and one update of everything.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.cost import draw, step_flop
from benchmarks.load import ROWS, blank_batch, cropped_batches, full_batches
from solver.file import replace_file
from solver.model.attention import ENGINES, choice_for, measure
from solver.model.batch import Batch
from solver.model.config import HRMConfig, NetworkConfig, TRMConfig, URMConfig
from solver.model.device import Placement, place, use_threads
from solver.model.embedding import TableMemory
from solver.model.graph import LoopGraph
from solver.model.learner import Learner, Rates, run_loops
from solver.model.processors import available_cpus
from solver.model.registry import build_network

SIDES = (10, 15, 20, 25, 30)
SHARE = 0.8  # of the card's memory that a micro-batch may take


@dataclass(frozen=True)
class Sizes:
    """``network``: of every URM measured. ``batch``: sequences of a step. ``matrix``: side of the product.
    ``pairs``: demonstrations of the cropped step. ``repeats`` of each measurement."""

    network: dict[str, Any]
    batch: int
    matrix: int
    pairs: int
    repeats: int


PUBLISHED = Sizes({}, batch=768, matrix=8192, pairs=1363, repeats=5)
SMALL = Sizes(
    {"hidden_size": 128, "num_heads": 4, "num_layers": 2, "L_cycles": 2, "puzzle_emb_ndim": 128},
    batch=4,
    matrix=1024,
    pairs=32,
    repeats=3,
)


class Card:
    """A device, its sizes, and how to time work on it."""

    def __init__(self, placement: Placement, data: Path | None) -> None:
        self.device, self.dtype, self.data = placement.device, placement.dtype, data
        self.cuda = placement.device.type == "cuda"
        self.sizes = PUBLISHED if self.cuda else SMALL

    def seconds(self, work: Callable[[], object]) -> float:
        """Median seconds of ``work``, after one that is not counted. On a CPU of processor time, divided by
        the threads, so that other work on the machine hardly counts."""
        work()
        times = []
        for _ in range(self.sizes.repeats):
            self.wait()
            start = self.clock()
            work()
            self.wait()
            times.append(self.clock() - start)
        return statistics.median(times)

    def clock(self) -> float:
        """Seconds."""
        return time.perf_counter() if self.cuda else time.process_time() / torch.get_num_threads()

    def wait(self) -> None:
        """Until the device has done what it was given."""
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def urm(self, **changes: Any) -> URMConfig:
        """The URM that is measured."""
        return URMConfig.from_dict({**self.sizes.network, **changes})


class Step:
    """A training step of a network of this configuration."""

    def __init__(self, card: Card, config: NetworkConfig, *, compiled: bool, dynamic: bool = False) -> None:
        self.card, self.config = card, config
        self.network = build_network(config, torch.Generator().manual_seed(0)).to(card.device)
        if compiled:
            self.network.compile(dynamic=dynamic)
        self.memory = TableMemory(config, tasks=1, rows=ROWS).to(card.device)
        self.learner = Learner(self.network, self.memory, Rates(), dtype=card.dtype)

    def train(self, parts: Sequence[Batch]) -> None:
        """One loop of every micro-batch, one update."""
        count, rows = sum(len(part) for part in parts), ()
        for part in parts:
            states = self.network.initial_states(part, self.card.dtype)
            rows += self.learner.gradients(states, part, count=count)[2]
        self.learner.apply(rows, 1.0, True)

    def infer(self, parts: Sequence[Batch]) -> None:
        """One loop without gradient."""
        for part in parts:
            run_loops(self.network, self.memory, part, loops=1, dtype=self.card.dtype)


def largest(card: Card, config: NetworkConfig, wanted: int) -> int:
    """Sequences of a micro-batch of full canvases that fit the card, a part of ``wanted``: what 2 and 4 take
    uncompiled, extended."""
    if not card.cuda:
        return wanted
    step, taken = Step(card, config, compiled=False), []
    for size in (2, 4):
        batch = blank_batch(size, config.seq_len).to(card.device)
        step.train([batch])
        torch.cuda.reset_peak_memory_stats(card.device)
        step.train([batch])
        taken.append(torch.cuda.max_memory_allocated(card.device))
    each = max(1, (taken[1] - taken[0]) // 2)
    most = int((SHARE * torch.cuda.get_device_properties(card.device).total_memory - taken[0]) / each)
    return max(size for size in range(1, wanted + 1) if wanted % size == 0 and size <= max(1, most))


def measure_peak(card: Card) -> Iterator[tuple[str, Any]]:
    """Matrix product of random numbers, operations a second."""
    side = card.sizes.matrix
    made = torch.Generator(card.device).manual_seed(0)
    one, other = (
        torch.randn(side, side, device=card.device, generator=made).to(card.dtype) for _ in range(2)
    )
    rounds = 20 if card.cuda else 4
    seconds = card.seconds(lambda: [one @ other for _ in range(rounds)]) / rounds
    yield "peak", {"flop_per_second": 2 * side**3 / seconds, "side": side}


def measure_engines(card: Card) -> Iterator[tuple[str, Any]]:
    """Packed attention, forward and backward, by every engine; which one is chosen."""
    if card.cuda:
        choice = choice_for(card.device.index or 0)
        yield "engines", {"chosen": choice.engine, "reason": choice.reason}
        yield "engines ms", {name: round(1e3 * measure(name, card.device), 3) for name in ENGINES}


def measured(seconds: float, sequences: int, tokens: int, flop: float) -> dict[str, Any]:
    """What is told of one step."""
    return {
        "seconds": seconds,
        "samples_per_second": sequences / seconds,
        "tokens_per_second": tokens / seconds,
        "flop_per_second": flop / seconds,
    }


def _full_step(card: Card, config: NetworkConfig, *, compiled: bool) -> dict[str, Any]:
    count = card.sizes.batch
    each = largest(card, config, count)
    step, parts = Step(card, config, compiled=compiled), full_batches(card.data, card.device, count, each)
    seconds = card.seconds(lambda: step.train(parts))
    tokens = count * (config.seq_len + config.prefix_len)
    flop = count * step_flop(config, config.seq_len)
    return {"micro_batch": each, **measured(seconds, count, tokens, flop)}


def measure_full(card: Card) -> Iterator[tuple[str, Any]]:
    """URM on full canvases."""
    for name, compiled in (("eager", False), ("compiled", True)):
        if card.cuda or not compiled:
            yield f"full {name}", _full_step(card, card.urm(), compiled=compiled)


def measure_cropped(card: Card) -> Iterator[tuple[str, Any]]:
    """The same network on cropped canvases of all evaluation demonstrations."""
    config = card.urm(canvas="cropped", pos_encodings="rope2d")
    count, budget = card.sizes.pairs, largest(card, config, card.sizes.batch) * config.seq_len
    step = Step(card, config, compiled=card.cuda, dynamic=True)
    parts = cropped_batches(card.data, card.device, count, budget, config.prefix_len)
    seconds = card.seconds(lambda: step.train(parts))
    cells = [int(n) for part in parts for n in part.lengths]
    flop = sum(step_flop(config, n) for n in cells)
    told = measured(seconds, count, sum(cells) + count * config.prefix_len, flop)
    yield "cropped", {"cells": sum(cells) / count, "micro_batches": len(parts), **told}


def measure_cost(card: Card) -> Iterator[tuple[str, Any]]:
    """Seconds of a sequence, trained and only run, by its cells."""
    config = card.urm(canvas="cropped", pos_encodings="rope2d")
    budget = largest(card, config, card.sizes.batch // 2) * config.seq_len
    step = Step(card, config, compiled=card.cuda, dynamic=True)
    points = []
    for side in SIDES:
        cells = side * side
        batch = blank_batch(max(1, budget // cells), cells).to(card.device)
        train = card.seconds(lambda batch=batch: step.train([batch])) / len(batch)
        infer = card.seconds(lambda batch=batch: step.infer([batch])) / len(batch)
        points.append({"cells": cells, "batch": len(batch), "train": train, "infer": infer})
        points[-1]["train_flop"] = step_flop(config, cells)
        points[-1]["infer_flop"] = step_flop(config, cells, training=False)
    yield "cost", points


def measure_graphs(card: Card) -> Iterator[tuple[str, Any]]:
    """Sixteen loops of 8 canvases of 20 x 20: launched one by one, and replayed as a CUDA graph."""
    if not card.cuda:
        return
    config = card.urm(canvas="cropped", pos_encodings="rope2d")
    step, batch = Step(card, config, compiled=False), blank_batch(8, 400).to(card.device)
    vectors = step.memory(batch.keys).vectors.detach()
    graph = LoopGraph(step.network, batch, vectors, card.dtype)
    launched = card.seconds(lambda: run_loops(step.network, step.memory, batch, loops=16, dtype=card.dtype))
    yield "graphs", {"launched": launched, "replayed": card.seconds(lambda: graph.run(16))}


def measure_recipes(card: Card) -> Iterator[tuple[str, Any]]:
    """TRM and HRM as published for ARC-AGI-1 (URM is ``full``)."""
    small = {k: v for k, v in card.sizes.network.items() if k not in ("num_layers", "L_cycles")}
    trm = TRMConfig.from_dict({**small, "L_cycles": 4})
    hrm = HRMConfig.from_dict(small)
    for config in (trm, hrm):
        yield f"{config.arch} full", _full_step(card, config, compiled=card.cuda)


PARTS = {
    "peak": measure_peak,
    "engines": measure_engines,
    "full": measure_full,
    "cropped": measure_cropped,
    "cost": measure_cost,
    "graphs": measure_graphs,
    "recipes": measure_recipes,
}


def _told(name: str, value: Any, peak: float) -> str:
    if isinstance(value, dict) and "flop_per_second" in value and name != "peak":
        share = f", {value['flop_per_second'] / peak:.1%} of the peak" if peak else ""
        rates = f"{value['samples_per_second']:,.1f} samples/s, {value['tokens_per_second']:,.0f} tokens/s"
        speed = f"{value['flop_per_second'] / 1e12:,.3f} TFLOP/s{share}"
        return f"{name}: {value['seconds']:.3f} s a step, {rates}, {speed}"
    return f"{name}: {value}"


@click.command()
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--device", default="auto", show_default=True)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Else examples.")
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), help="All by default.")
def main(output: Path, device: str, data: Path | None, parts: tuple[str, ...]) -> None:
    """Measure the device."""
    try:
        placement = place(device)
        use_threads(available_cpus())
        output.mkdir(parents=True, exist_ok=True)
        target = output / "card.json"
        known = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
        known |= {"device": placement.reason, "torch": torch.__version__}
        click.echo(f"{placement.reason}, torch {torch.__version__}")
        for part in parts or PARTS:
            start = time.monotonic()
            for name, value in PARTS[part](Card(placement, data)):
                known[name] = value
                replace_file(target, json.dumps(known, indent=1).encode())
                click.echo(_told(name, value, known.get("peak", {}).get("flop_per_second", 0.0)))
            click.echo(f"  ({part} took {time.monotonic() - start:.0f} s)")
            torch.compiler.reset()  # graphs of other networks would count against torch's limit for this one
            if placement.device.type == "cuda":
                torch.cuda.empty_cache()
        if "cost" in known and "peak" in known:
            draw(known, output / "cost.png")
    except ValueError as error:
        raise click.UsageError(str(error)) from error


if __name__ == "__main__":
    main()
