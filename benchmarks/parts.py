"""What benchmarks.card measures: each part yields the names of its measurements with the work of each."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.load import ROWS, blank_batch, cropped_batches, full_batches
from solver.model.attention import choice_for, measure
from solver.model.batch import Batch
from solver.model.config import HRMConfig, NetworkConfig, TRMConfig, URMConfig
from solver.model.device import Placement
from solver.model.embedding import TableMemory
from solver.model.flops import inference_flop, training_flop
from solver.model.learner import Learner, Rates, run_loops
from solver.model.registry import build_network

SIDES = (10, 15, 20, 25, 30)
SHARE = 0.8  # of the card's memory that a micro-batch may take
LONG = 8.0  # seconds after which two repeats of a measurement are enough

Measurements = Iterator[tuple[str, Callable[[], Any]]]


@dataclass(frozen=True)
class Sizes:
    """``network``: of every URM measured. ``batch``: sequences of a step. ``matrix``: side of the product.
    ``pairs``: demonstrations of the cropped step. ``tokens``: of a packed batch of the recipe, and
    ``max_cells``: of a canvas in it; 0 tokens for its own. ``repeats`` of each measurement."""

    network: dict[str, Any]
    batch: int
    matrix: int
    pairs: int
    tokens: int
    max_cells: int
    repeats: int


PUBLISHED = Sizes({}, batch=768, matrix=8192, pairs=1363, tokens=0, max_cells=900, repeats=5)
SMALL = Sizes(
    {"hidden_size": 128, "num_heads": 4, "num_layers": 2, "L_cycles": 2, "puzzle_emb_ndim": 128},
    batch=4,
    matrix=1024,
    pairs=32,
    tokens=1000,
    max_cells=100,
    repeats=3,
)


@dataclass
class Card:
    """A device, its sizes, and how to time work on it."""

    placement: Placement
    data: Path | None
    sizes: Sizes = SMALL
    fits: dict[NetworkConfig, int] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        return self.placement.device

    @property
    def dtype(self) -> torch.dtype:
        return self.placement.dtype

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    def seconds(self, work: Callable[[], object]) -> float:
        """Median seconds of ``work``, after one that is not counted. On a CPU of processor time, divided by
        the threads, so that other work on the machine hardly counts."""
        work()
        times: list[float] = []
        while len(times) < self.sizes.repeats and (len(times) < 2 or sum(times) < LONG):
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

    def cropped(self) -> URMConfig:
        """The same on cropped canvases."""
        return self.urm(canvas="cropped", pos_encodings="rope2d")


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
    if config not in card.fits:
        step, taken = Step(card, config, compiled=False), []
        for size in (2, 4):
            batch = blank_batch(size, config.seq_len).to(card.device)
            step.train([batch])
            torch.cuda.reset_peak_memory_stats(card.device)
            step.train([batch])
            taken.append(torch.cuda.max_memory_allocated(card.device))
        each = max(1, (taken[1] - taken[0]) // 2)
        room = SHARE * torch.cuda.get_device_properties(card.device).total_memory - taken[0]
        card.fits[config] = max(1, int(room / each))
    return below(card.fits[config], wanted)


def below(most: int, wanted: int) -> int:
    """The largest part of ``wanted`` that is at most ``most``."""
    return max(size for size in range(1, wanted + 1) if wanted % size == 0 and size <= max(1, most))


def measured(seconds: float, sequences: int, tokens: int, flop: float) -> dict[str, Any]:
    """What is told of one step."""
    return {
        "seconds": seconds,
        "samples_per_second": sequences / seconds,
        "tokens_per_second": tokens / seconds,
        "flop_per_second": flop / seconds,
    }


def measure_peak(card: Card) -> Measurements:
    """Matrix product of random numbers, operations a second."""

    def work() -> dict[str, float]:
        side = card.sizes.matrix
        made = torch.Generator(card.device).manual_seed(0)
        one, other = (
            torch.randn(side, side, device=card.device, generator=made).to(card.dtype) for _ in range(2)
        )
        rounds = 20 if card.cuda else 4
        seconds = card.seconds(lambda: [one @ other for _ in range(rounds)]) / rounds
        return {"flop_per_second": 2 * side**3 / seconds, "side": side}

    yield "peak", work


def measure_engines(card: Card) -> Measurements:
    """Which engine runs packed attention, and the times that decided."""

    def work() -> dict[str, str]:
        choice = choice_for(card.device.index or 0)
        return {"chosen": choice.engine, "reason": choice.reason}

    if card.cuda:
        yield "engines", work


def measure_flex(card: Card) -> Measurements:
    """FlexAttention, which is not timed where a variable-length kernel runs."""
    if card.cuda:
        yield "flex ms", lambda: round(1e3 * measure("flex", card.device), 3)


def _full_step(card: Card, config: NetworkConfig, *, compiled: bool) -> dict[str, Any]:
    count = card.sizes.batch
    each = largest(card, config, count)
    step = Step(card, config, compiled=compiled)
    while True:
        try:
            parts = full_batches(card.data, card.device, count, each)
            seconds = card.seconds(lambda parts=parts: step.train(parts))
            break
        except torch.OutOfMemoryError:
            if each == 1:
                raise
        each = below(each // 2, count)  # the estimate was too high
    tokens = count * (config.seq_len + config.prefix_len)
    flop = count * training_flop(config, config.seq_len)
    return {"micro_batch": each, **measured(seconds, count, tokens, flop)}


def measure_full(card: Card) -> Measurements:
    """URM on full canvases."""
    for name, compiled in (("compiled", True), ("eager", False)):
        if card.cuda or not compiled:
            yield f"full {name}", lambda compiled=compiled: _full_step(card, card.urm(), compiled=compiled)


def measure_cropped(card: Card) -> Measurements:
    """The same network on cropped canvases of all evaluation demonstrations."""

    def work() -> dict[str, Any]:
        config, count = card.cropped(), card.sizes.pairs
        budget = largest(card, config, card.sizes.batch) * config.seq_len
        step = Step(card, config, compiled=card.cuda, dynamic=True)
        parts = cropped_batches(card.data, card.device, count, budget, config.prefix_len)
        seconds = card.seconds(lambda: step.train(parts))
        cells = [n for part in parts for n in part.lengths.tolist()]
        flop = sum(training_flop(config, n) for n in cells)
        told = measured(seconds, count, sum(cells) + count * config.prefix_len, flop)
        return {"cells": sum(cells) / count, "micro_batches": len(parts), **told}

    yield "cropped", work


def measure_cost(card: Card) -> Measurements:
    """Seconds of a sequence, trained and only run, by its cells."""

    def work() -> list[dict[str, Any]]:
        config = card.cropped()
        budget = largest(card, config, card.sizes.batch // 2) * config.seq_len
        step = Step(card, config, compiled=card.cuda, dynamic=True)
        points = []
        for side in SIDES:
            cells = side * side
            batch = blank_batch(max(1, budget // cells), cells).to(card.device)
            train = card.seconds(lambda batch=batch: step.train([batch])) / len(batch)
            infer = card.seconds(lambda batch=batch: step.infer([batch])) / len(batch)
            points.append({"cells": cells, "batch": len(batch), "train": train, "infer": infer})
            points[-1]["train_flop"] = training_flop(config, cells)
            points[-1]["infer_flop"] = inference_flop(config, cells, 1)
        return points

    yield "cost", work


def measure_recipes(card: Card) -> Measurements:
    """TRM and HRM as published for ARC-AGI-1 (URM is ``full``)."""
    small = {k: v for k, v in card.sizes.network.items() if k not in ("num_layers", "L_cycles")}
    trm = TRMConfig.from_dict({**small, "L_cycles": 4})
    for config in (trm, HRMConfig.from_dict(small)):
        yield f"{config.arch} full", lambda config=config: _full_step(card, config, compiled=card.cuda)
