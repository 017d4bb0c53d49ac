"""Steps of the recipe ``urm_arc_short`` as its run takes them: batch, optimisers, averages and all.

Batches are drawn before the clock starts; putting one on the device is part of a step.
"""

from typing import Any

import torch

from benchmarks.parts import Card, Measurements
from benchmarks.step import EXAMPLES
from train.config import resolve
from train.distributed import World
from train.feed import CellFeed
from train.pool import PooledTask, build_pool
from train.settings import MODES, Source
from train.trainer import Trainer, take_step

RECIPE = "urm_arc_short"
BATCHES = 4  # of a measurement
STAGES = {"first": 0.0, "last": 0.99}  # shares of the budget where few and all recurrences run


def pool_of(card: Card) -> list[PooledTask]:
    """Evaluation tasks of the card's data, or the examples."""
    name = "arc-agi_evaluation_challenges.json" if card.data else EXAMPLES.name
    return build_pool(
        card.data or EXAMPLES.parent, [Source(name, tests=False)], max_cells=card.sizes.max_cells
    )


def trainer_of(card: Card, mode: str) -> Trainer:
    """A trainer of the recipe at the card's size; ``mode``: of compiling, empty for none."""
    changes = [f"arch.{key}={value}" for key, value in card.sizes.network.items()]
    if card.sizes.tokens:
        changes.append(f"mixture.tokens={card.sizes.tokens}")
    if "L_cycles" in card.sizes.network:
        changes.append("stages=[[0.0, 1]]")
    config = resolve([RECIPE, *changes, "layout=packed", f"compile={mode or 'false'}"])
    return Trainer(config, CellFeed(config, pool_of(card), card.placement), World(), card.placement)


def step_of(card: Card, mode: str) -> dict[str, Any]:
    """Rates of a step by stage, and what compiling left: graphs, and places where a graph was cut."""
    if mode:
        torch._dynamo.utils.counters.clear()
    trainer = trainer_of(card, mode)
    parcels = trainer.feed.maker(0)[:BATCHES]
    found: dict[str, Any] = {}
    for name, share in STAGES.items():
        began = card.clock()
        _learn(trainer, parcels[:1], share)
        card.wait()
        start = card.clock() - began
        seconds = card.seconds(lambda share=share: _learn(trainer, parcels, share))
        samples, cells, flop = _learn(trainer, parcels, share)
        loops = trainer.config.stage_at(share).loops * len(parcels)
        found[name] = {
            "seconds": seconds / loops,
            "first_seconds": start,
            "samples_per_second": samples / seconds,
            "tokens_per_second": cells / seconds,
            "flop_per_second": flop / seconds,
        }
    found["update_seconds"] = card.seconds(lambda: _update(trainer))
    if mode:
        counted = torch._dynamo.utils.counters
        found["graphs"] = counted["stats"]["unique_graphs"]
        found["cuts"] = sum(counted["graph_break"].values())
    return found


def _learn(trainer: Trainer, parcels: list, share: float) -> tuple[int, int, float]:
    """(samples, cells, FLOP) of learning from the parcels at this share of the budget."""
    at, flop = trainer.at, 0.0
    samples, cells = at.samples, at.tokens
    for parcel in parcels:
        at.flop = before = share * trainer.budget
        trainer.learn(parcel)
        flop += at.flop - before
    return at.samples - samples, at.tokens - cells, flop


def _update(trainer: Trainer) -> None:
    """What follows the gradients: optimisers and average, from gradients of zero."""
    for part in trainer.dense:
        for group in part.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.zeros_like(parameter)
    take_step(trainer.config.run, trainer.dense, [], 0.0, trainer.average)


def measure_recipe(card: Card) -> Measurements:
    """The recipe's step as its run compiles it; uncompiled on a CPU."""
    mode = "default" if card.cuda else ""
    yield f"recipe {mode or 'eager'}", lambda: step_of(card, mode)


def measure_modes(card: Card) -> Measurements:
    """The recipe's step uncompiled, with CUDA graphs, and with matrix products tried out."""
    if card.cuda:
        for mode in ("", *MODES[1:]):
            yield f"recipe {mode or 'eager'}", lambda mode=mode: step_of(card, mode)
