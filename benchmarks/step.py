"""What a training step and an inference pass cost: cropped canvases, full ones, and the released style.

The same network, the same demonstrations, the same thread count; samples a second, as ratios to the
released style. All are timed in turns; about four minutes on two idle cores, compiling included.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.measure import Measurement, Setting, interleaved_medians
from benchmarks.released_step import ReleasedStep
from solver.arc.canvas import pair_canvas
from solver.arc.task import MAX_SIDE, Pair, load_tasks
from solver.model.batch import Batch
from solver.model.config import URMConfig
from solver.model.device import use_threads
from solver.model.embedding import TableMemory
from solver.model.learner import Learner, Rates, run_loops
from solver.model.urm import URM
from solver.processors import available_cpus
from solver.tune.views import View, build_batch

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "arc1_eval_20.json"
_SAMPLES, _FULL_BATCH, _TOKENS, _LOOPS, _REPEATS = 32, 8, 2048, 2, 3
FULL = URMConfig(
    hidden_size=128,
    num_heads=4,
    num_layers=2,
    H_cycles=2,
    L_cycles=2,
    loops=_LOOPS,
    puzzle_emb_ndim=128,
)


def demonstrations(data: Path | None, count: int) -> list[Pair]:
    """``count`` demonstrations of the evaluation tasks under ``data``, or of the examples.

    Evenly spaced in the order of their canvases, so that few of them have the mean cells of all.
    """
    source = data / "arc-agi_evaluation_challenges.json" if data else EXAMPLES
    pairs = sorted((pair for task in load_tasks(source) for pair in task.train), key=_cells)
    return [pairs[n * len(pairs) // count + len(pairs) // (2 * count)] for n in range(count)]


def _cells(pair: Pair) -> int:
    height, width = pair_canvas(pair)
    return height * width


def full_batches(pairs: Sequence[Pair]) -> list[Batch]:
    """Every pair on the whole canvas."""
    views = [View(pair, (MAX_SIDE, MAX_SIDE), 1, n + 1) for n, pair in enumerate(pairs)]
    return [build_batch(views[n : n + _FULL_BATCH]) for n in range(0, len(views), _FULL_BATCH)]


def cropped_batches(pairs: Sequence[Pair]) -> list[Batch]:
    """Every pair on the box of its grids, alike ones together, by tokens."""
    views = [View(pair, pair_canvas(pair), 1, n + 1) for n, pair in enumerate(pairs)]
    views.sort(key=lambda view: view.canvas[0] * view.canvas[1])
    batches: list[list[View]] = [[]]
    for view in views:
        if batches[-1] and (len(batches[-1]) + 1) * view.canvas[0] * view.canvas[1] > _TOKENS:
            batches.append([])
        batches[-1].append(view)
    return [build_batch(part) for part in batches]


def _trainer(network: URM, dtype: torch.dtype) -> Callable[[Sequence[Batch]], None]:
    learner = Learner(
        network,
        TableMemory(network.config, tasks=1, rows=_SAMPLES + 1),
        Rates(),
        dtype=dtype,
    )

    def train(batches: Sequence[Batch]) -> None:
        for batch in batches:
            learner.step(network.initial_states(batch, dtype), batch)

    return train


def _inferrer(network: URM, dtype: torch.dtype) -> Callable[[Sequence[Batch]], None]:
    memory = TableMemory(network.config, tasks=1, rows=_SAMPLES + 1)

    def infer(batches: Sequence[Batch]) -> None:
        for batch in batches:
            run_loops(network, memory, batch, loops=_LOOPS, dtype=dtype)

    return infer


def _released(network: URM) -> tuple[Callable, Callable]:
    step = ReleasedStep(network, torch.zeros(_SAMPLES + 1, FULL.puzzle_emb_ndim))

    def train(batches: Sequence[Batch]) -> None:
        for batch in batches:
            step.train(batch)

    def infer(batches: Sequence[Batch]) -> None:
        for batch in batches:
            step.infer(batch, _LOOPS)

    return train, infer


def _own(network: URM, compiled: bool = False) -> URM:
    """A copy, so that what one work trains or compiles does not meet another."""
    network = copy.deepcopy(network)
    if compiled:
        network.compile()
    return network


def measure_step(setting: Setting) -> Iterator[Measurement]:
    """Medians of training and of inference: released, full, and cropped, eager and compiled."""
    use_threads(available_cpus())
    pairs = demonstrations(setting.data, _SAMPLES)
    network = URM(FULL, torch.Generator().manual_seed(0))
    cropped_network = URM(replace(FULL, canvas="cropped"))
    cropped_network.load_state_dict(network.state_dict())
    full, cropped = full_batches(pairs), cropped_batches(pairs)
    cells = float(sum(batch.lengths.sum() for batch in cropped)) / len(pairs)
    yield Measurement("cells a demonstration, border included", cells, "cells", "900 on a full canvas")
    released = dict(zip(("train", "infer"), _released(_own(network)), strict=True))
    for name, make in (("train", _trainer), ("infer", _inferrer)):
        torch.compiler.reset()  # graphs of one code object are few: those of the other work would count
        works = [
            ("released style, full canvas", released[name], full),
            ("ours, full canvas", make(_own(network), torch.float32), full),
            ("ours, cropped", make(_own(cropped_network), torch.float32), cropped),
            ("ours, cropped, compiled", make(_own(cropped_network, True), torch.float32), cropped),
            ("ours, cropped, compiled, bfloat16", make(_own(cropped_network, True), torch.bfloat16), cropped),
        ]
        timed = [lambda work=work, batches=batches: work(batches) for _, work, batches in works]
        for once in timed:
            once()  # not counted: kernels are compiled
        rates = [len(pairs) / seconds for seconds in interleaved_medians(timed, _REPEATS)]
        for (label, _, batches), rate in zip(works, rates, strict=True):
            target = "at least 4.5x released, 3.5x full" if batches is cropped else ""
            yield Measurement(f"{name}: {label}", rate, "samples/s", target, rate / rates[0])
        yield Measurement(f"{name}: cropped over full", rates[2] / rates[1], "times", "", rates[2] / rates[1])
